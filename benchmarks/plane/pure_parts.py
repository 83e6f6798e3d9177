"""The parts of a request's way that wait for nothing, each done often between two marks that valgrind sees.

Usage: valgrind --tool=callgrind --dump-before=getpgid ... python -m plane.pure_parts N

Each part is done for N requests to warm up, then for N others between two calls of `getpgid`, which nothing else here
calls. The first part does nothing: what it takes is the loop's own, to be taken off the others.
"""

import gc
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from plane.answers import plain_answer, streamed_answer
from plane.bodies import Kind, bodies, make_varied
from plane.ours import ROUTE, UNCACHED
from suffice.assembly import build_memory, build_router
from suffice.config import build_yardstick, parse
from suffice.features import read
from suffice.judging.validators import judge
from suffice.pipeline.arrival import Arrival, ModeSwitch
from suffice.pipeline.attempting import candidates_of
from suffice.pipeline.routing import Router
from suffice.policy.decide import Situation, decide
from suffice.recording.rows import attempt_rows, request_row
from suffice.telemetry import Telemetry
from suffice.testing import SMALL_MODEL, write_settings
from suffice.testing.outcomes import LARGE, SMALL, TIERS, make_outcome
from suffice.vocabulary import Turn
from suffice.wire.answer import Assembly, parse_answer
from suffice.wire.edit import without_key
from suffice.wire.request import Endpoint
from suffice.wire.request import parse as parse_request
from suffice.wire.sse import Splitter

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Item:
    """A request in the forms that the parts take."""

    body: bytes
    arrival: Arrival
    turn: Turn


@dataclass(frozen=True, slots=True)
class Part:
    """Something done for each request."""

    name: str
    act: Callable[[Item], object]
    knows_all: bool = False
    """It has seen every request before it is measured, for what it caches."""


PLAIN_ANSWER = plain_answer()
EVENTS = streamed_answer(with_usage=True)
ANSWER = parse_answer(PLAIN_ANSWER)
CANDIDATES = candidates_of(ANSWER) if ANSWER else []
OUTCOME = make_outcome()
SITUATION = Situation(tiers=(SMALL, LARGE), complexity=3.5, own_complexity=2.5, thresholds={SMALL: 4.0})


def make_parts() -> list[Part]:
    """Every part, nothing first."""
    fresh, cached = make_router(cached=False), make_router(cached=True)
    scorer = fresh.scorer
    telemetry = Telemetry(TIERS, keys=["team-a"])
    return [
        Part(NOTHING, lambda _: None),
        Part("wire: read a request", lambda item: parse_request(Endpoint.CHAT, item.body)),
        Part("features: read a conversation", lambda item: read(item.arrival.request)),
        Part("scoring: score a turn", lambda item: scorer.score(item.turn)),
        Part("policy: decide", lambda _: decide(SITUATION)),
        Part("route, scored afresh", lambda item: fresh.route(item.arrival)),
        Part("route, score cached", lambda item: cached.route(item.arrival), knows_all=True),
        Part("wire: write the upstream's body", lambda item: item.arrival.request.encode(model=SMALL_MODEL)),
        Part("wire: read a plain answer", lambda _: parse_answer(PLAIN_ANSWER)),
        Part("judging: judge a plain answer", lambda _: judge(CANDIDATES, wants_json=False, max_tokens=512)),
        Part("wire: read 22 events", lambda _: _read_events()),
        Part("wire: take usage out of an event", lambda _: without_key(EVENTS[-2][6:-2], "usage")),
        Part("recording: make rows", lambda _: (request_row(OUTCOME), attempt_rows(OUTCOME))),
        Part("telemetry: observe", lambda _: telemetry.observe(OUTCOME)),
    ]


def make_router(*, cached: bool) -> Router:
    """A router by the shipped bundle."""
    sections = ROUTE if cached else {**ROUTE, **UNCACHED}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = write_settings(folder, small=["http://127.0.0.1:1"], large=["http://127.0.0.1:1"], sections=sections)
        loaded = parse(file.read_text(encoding="utf-8"), {}, folder=folder, allow_open=False)
    return build_router(loaded.config, build_yardstick(loaded), build_memory(loaded.config), ModeSwitch())


def make_items(n: int) -> list[Item]:
    """Requests of which no two are alike."""
    return [_item(body.encode()) for body in bodies(Kind.PLAIN, make_varied(n))]


def _item(body: bytes) -> Item:
    request = parse_request(Endpoint.CHAT, body)
    arrival = Arrival(request=request, request_id="0" * 32, received_at=1.0, started_at=0.0)
    return Item(body, arrival, read(request).turns[0])


def _read_events() -> Assembly:
    splitter, assembly = Splitter(), Assembly()
    for chunk in EVENTS:
        for event in splitter.feed(chunk):
            answer = None if event.is_done else parse_answer(event.data)
            if answer is not None:
                assembly.add(answer)
    return assembly


def _work(part: Part, items: Sequence[Item]) -> None:
    for item in items:
        part.act(item)


def main() -> None:
    """Do every part between its marks."""
    n = int(sys.argv[1])
    items = make_items(2 * n)
    gc.collect()
    gc.disable()
    for part in make_parts():
        _work(part, items if part.knows_all else items[:n])
        os.getpgid(0)
        _work(part, items[n:])
        os.getpgid(0)


if __name__ == "__main__":
    main()
