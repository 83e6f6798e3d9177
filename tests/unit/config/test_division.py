from dataclasses import replace
from typing import Any, cast

import msgspec
import pytest
from config_texts import KEY_HASH, TWO_TIERS, load_text

from suffice.config import divide

TEXT = f"""
{TWO_TIERS}
server: {{max_concurrent_requests: 100, max_connections: 1000, workers: 3, max_body_bytes: 5000000}}
upstream: {{max_connections: 50, retry_budget: {{share: 0.1, min_per_s: 6}}}}
cache: {{max_entries: 1000}}
recording: {{queue_size: 500}}
passthrough: {{/v1/embeddings: {{base_url: "http://127.0.0.1:9000/v1"}}}}
auth: {{keys: [{{name: a, hash: "{KEY_HASH}", profile: bot}}]}}
profiles:
  bot: {{limits: {{max_concurrent_requests: 7, max_messages: 50}}, mode: observe}}
  free: {{mode: route}}
"""
CONFIG = load_text(TEXT).config
SLOTTED = replace(
    CONFIG,
    tiers=[
        replace(CONFIG.tiers[0], slots=8, queue=replace(CONFIG.tiers[0].queue, max_waiting=100)),
        replace(CONFIG.tiers[1], queue=replace(CONFIG.tiers[1].queue, max_waiting=0)),
    ],
)


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a document by its path."""
    if isinstance(value, list):
        value = dict(enumerate(cast("list[Any]", value)))
    if not isinstance(value, dict):
        return {path: value}
    inside = cast("dict[Any, Any]", value)
    return {key: leaf for name, each in inside.items() for key, leaf in flatten(each, f"{path}.{name}").items()}


def changed(n_workers: int) -> dict[str, Any]:
    """What a worker's part has in place of the whole's."""
    whole = flatten(msgspec.to_builtins(SLOTTED))
    part = flatten(msgspec.to_builtins(divide(SLOTTED, n_workers)))
    assert whole.keys() == part.keys()
    return {path: value for path, value in part.items() if value != whole[path]}


def test_every_limit_of_the_whole_gateway_is_divided_and_rounded_up_and_nothing_else_changes() -> None:
    assert changed(3) == {
        ".server.max_concurrent_requests": 34,
        ".server.max_connections": 334,
        ".upstream.max_connections": 17,
        ".upstream.retry_budget.min_per_s": 2.0,
        ".tiers.0.slots": 3,
        ".tiers.0.queue.max_waiting": 34,
        ".profiles.bot.limits.max_concurrent_requests": 3,
    }


def test_no_limit_becomes_nothing_however_many_workers_there_are() -> None:
    part = divide(SLOTTED, 256)

    assert part.server.max_concurrent_requests == 1
    assert part.server.max_connections == 4
    assert part.tiers[0].slots == 1
    assert part.profiles["bot"].limits.max_concurrent_requests == 1


def test_what_has_no_limit_or_no_queue_goes_on_without() -> None:
    part = divide(SLOTTED, 4)

    assert part.tiers[1].slots is None
    assert part.tiers[1].queue.max_waiting == 0
    assert part.profiles["free"].limits.max_concurrent_requests is None


def test_one_worker_has_it_all() -> None:
    assert divide(SLOTTED, 1) is SLOTTED


@pytest.mark.parametrize("n_workers", [2, 3, 5, 8])
def test_the_parts_together_are_never_less_than_the_whole(n_workers: int) -> None:
    part = divide(SLOTTED, n_workers)

    assert part.server.max_concurrent_requests * n_workers >= SLOTTED.server.max_concurrent_requests
    assert (part.tiers[0].slots or 0) * n_workers >= 8
