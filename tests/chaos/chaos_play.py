"""Plays one case: what its client saw, what was recorded, what the metrics say, and that nothing is left of it."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from chaos_case import Case
from chaos_clients import ask
from chaos_results import Answer, Form
from chaos_scene import Row, Scene

from suffice.testing import wait_until
from suffice.testing.footprint import Footprint
from suffice.testing.metrics import Metrics

MAX_DURATION_S = 30.0
_METRIC = re.compile(r"(?P<name>\w+)(?:\{(?P<label>\w+)=(?P<value>[^}]*)\})?")


@dataclass(frozen=True, slots=True)
class _Before:
    """How things were before the case."""

    record_ids: frozenset[str]
    metrics: Metrics
    footprint: Footprint


def play(case: Case, form: Form, scene: Scene) -> None:
    """Let it happen, and compare everything."""
    scene.settle()
    scene.reset()
    before = _Before(scene.record_ids(), scene.metrics(), scene.footprint_at_rest())

    seen = case.act(scene, form)

    scene.settle()
    case.client.check(seen)
    assert seen.took_s >= case.at_least_s
    rows = scene.records(but=before.record_ids)
    _check_records(case, rows)
    if not case.restarts:
        _check_upstreams(case, rows, scene)
        _check_metrics(case, rows, before.metrics, scene.metrics())
        _check_leaks(case, before.footprint, scene)
    be_well(scene)


def be_well(scene: Scene) -> None:
    """See that an ordinary request is served as if nothing had happened; a replica may take a moment to be trusted."""

    def is_well() -> bool:
        seen = ask()(scene, Form.STREAMED)
        return seen.headers.get("x-suffice-tier") == scene.tier and Answer(scene.tier).check(seen) is None

    wait_until(is_well, timeout_s=10)
    scene.settle()


def _check_records(case: Case, rows: list[Row]) -> None:
    expected = case.record
    if case.n_records is not None:
        assert len(rows) == (case.n_records if expected is not None else 0), rows
    for row in rows:
        assert expected is not None
        assert row.ending == (expected.status, expected.error, expected.cancelled), row
        assert 0 <= row.duration_s < MAX_DURATION_S, row
        assert row.refusals_usd == 0, row
        if case.tries is not None:
            tries = [(one.tier, one.error, one.status) for one in case.tries]
            assert _trail(row.attempts, case) == _trail(tries, case)


def _trail(attempts: Iterable[tuple[str, str | None, int | None]], case: Case) -> list[object]:
    """What is compared of the attempts."""
    if not case.loose:
        return list(attempts)
    return [tier for tier, _ in groupby((tier, error is None) for tier, error, _ in attempts)]


def _check_upstreams(case: Case, rows: list[Row], scene: Scene) -> None:
    """No upstream was asked more often than the records say."""
    n_unseen = case.n_lost * len(case.tries or ())
    assert scene.n_asked() <= sum(len(row.attempts) for row in rows) + n_unseen


def _check_metrics(case: Case, rows: list[Row], before: Metrics, after: Metrics) -> None:
    """The metrics say what the records say, and what the case says beside them."""

    def grown(name: str, **labels: str) -> float:
        return after.total(name, **labels) - before.total(name, **labels)

    assert grown("suffice_requests_total") == len(rows) + case.n_lost
    assert grown("suffice_requests_cancelled_total") == sum(row.ending[2] for row in rows)
    for code, n in Counter(row.ending[1] for row in rows if row.ending[1]).items():
        assert grown("suffice_request_errors_total", code=code) == n, code
    failures = Counter(one[:2] for row in rows for one in row.attempts if one[1])
    assert grown("suffice_attempt_errors_total") == failures.total()
    for (tier, code), n in failures.items():
        assert grown("suffice_attempt_errors_total", tier=tier, code=code or "") == n, (tier, code)
    expected = {"suffice_recorder_dropped_total": 0.0, **case.metrics}
    for text, n in expected.items():
        match = _METRIC.fullmatch(text)
        assert match is not None, text
        labels = {match["label"]: match["value"]} if match["label"] else {}
        assert grown(match["name"], **labels) == n, text


def _check_leaks(case: Case, before: Footprint, scene: Scene) -> None:
    """The gateway is back to what it held: no client's connection, no file, idle upstream connections at most."""
    n_idle = max(before.n_to_upstreams, 2 * case.n_parallel)

    def is_clean() -> bool:
        now = scene.footprint()
        return (
            now.n_from_clients == now.n_half_closed == 0
            and now.n_files <= before.n_files
            and now.n_other_sockets <= before.n_other_sockets
            and now.n_to_upstreams <= n_idle
        )

    try:
        wait_until(is_clean)
    except TimeoutError:
        raise AssertionError(f"leaked: {before} became {scene.footprint()}") from None
