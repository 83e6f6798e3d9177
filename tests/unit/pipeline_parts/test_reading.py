import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from msgspec import structs

from suffice.caching.config import CacheConfig
from suffice.caching.decisions import turn_digest
from suffice.errors import RequestError
from suffice.features import read
from suffice.pipeline.arrival import Arrival
from suffice.pipeline.reading import MAX_BODY_BYTES, Readings
from suffice.pipeline.routing import Router
from suffice.testing.fakes import FixedScorer, make_arrival, make_router
from suffice.vocabulary import CacheUse
from suffice.wire.request import Endpoint, parse

MAX_TURNS = 12


def body_of(text: str = "hello") -> bytes:
    return json.dumps({"model": "auto", "messages": [{"role": "user", "content": text}]}).encode()


def make_readings(clock: Callable[[], float] = lambda: 0.0, **config: object) -> Readings:
    return Readings(structs_of(config), max_turns=MAX_TURNS, clock=clock)


def structs_of(config: dict[str, object]) -> CacheConfig:
    return replace(CacheConfig(), **config)  # pyright: ignore[reportArgumentType] - a test's builder


@dataclass
class Reader:
    """A router that remembers bodies."""

    router: Router

    def arrive(self, body: bytes, *, key_id: str | None = None, use_cache: bool = True) -> Arrival:
        reading = self.router.read(Endpoint.CHAT, body, use_cache=use_cache)
        arrival = structs.replace(make_arrival(), request=reading.request, reading=reading)
        return structs.replace(arrival, key_id=key_id, use_cache=use_cache)


def make_reader() -> Reader:
    return Reader(replace(make_router(), readings=make_readings()))


def test_a_reading_is_what_parsing_and_looking_through_give() -> None:
    body = body_of("one two")

    for _ in range(2):
        reading = make_readings().read(Endpoint.CHAT, body)

        assert reading.request == parse(Endpoint.CHAT, body)
        assert reading.features == read(parse(Endpoint.CHAT, body), max_turns=MAX_TURNS)
        assert list(reading.digested_turns) == [(turn, turn_digest(turn)) for turn in reading.features.turns]


def test_a_body_that_comes_again_is_not_read_again() -> None:
    readings = make_readings()

    first = readings.read(Endpoint.CHAT, body_of())

    assert readings.read(Endpoint.CHAT, bytes(bytearray(body_of()))) is first
    assert readings.read(Endpoint.CHAT, body_of("other")) is not first


def test_bodies_for_different_endpoints_are_different_requests() -> None:
    body = json.dumps({"model": "auto", "prompt": "a", "messages": [{"role": "user", "content": "b"}]}).encode()
    readings = make_readings()

    texts = [
        readings.read(endpoint, body).features.turns[0].text
        for endpoint in (Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.CHAT)
    ]

    assert texts == ["b", "a", "b"]


def test_what_the_client_does_not_want_remembered_is_neither_kept_nor_looked_up() -> None:
    readings = make_readings()

    first = readings.read(Endpoint.CHAT, body_of(), use_cache=False)
    kept = len(readings)
    second = readings.read(Endpoint.CHAT, body_of())
    third = readings.read(Endpoint.CHAT, body_of(), use_cache=False)

    assert kept == 0
    assert first is not second
    assert second is not third


def test_with_the_cache_off_nothing_is_remembered() -> None:
    readings = make_readings(enabled=False)

    readings.read(Endpoint.CHAT, body_of())

    assert len(readings) == 0


def test_long_bodies_are_not_kept() -> None:
    readings = make_readings()

    readings.read(Endpoint.CHAT, body_of("x" * MAX_BODY_BYTES))

    assert len(readings) == 0


def test_what_is_kept_is_bounded_by_bytes_and_entries() -> None:
    by_entries, by_bytes = make_readings(max_entries=3), make_readings(max_bytes=4 * 10_000)

    for index in range(20):
        by_entries.read(Endpoint.CHAT, body_of(f"{index}"))
        by_bytes.read(Endpoint.CHAT, body_of(f"{index}"))

    assert len(by_entries) == 3
    assert 3 < len(by_bytes) < 10


def test_a_reading_is_forgotten_after_an_hour() -> None:
    now = [0.0]
    readings = make_readings(lambda: now[0])
    first = readings.read(Endpoint.CHAT, body_of())

    now[0] = 3_601.0

    assert readings.read(Endpoint.CHAT, body_of()) is not first


def test_a_body_that_is_no_request_is_refused_each_time() -> None:
    readings = make_readings()

    for _ in range(2):
        with pytest.raises(RequestError, match="messages"):
            readings.read(Endpoint.CHAT, b'{"model": "auto"}')


def test_a_body_that_comes_again_hits_the_decision_cache_like_any_other() -> None:
    reader = make_reader()

    uses = [reader.router.route(reader.arrive(body_of())).cache for _ in range(2)]
    afresh = reader.router.route(reader.arrive(body_of(), use_cache=False)).cache

    assert uses == [CacheUse.MISS, CacheUse.HIT]
    assert afresh is CacheUse.OFF


def test_a_reading_of_before_a_new_scorer_is_scored_by_the_new_one() -> None:
    reader = make_reader()
    arrival = reader.arrive(body_of())
    reader.router.route(arrival)

    swapped = replace(reader.router, scorer=FixedScorer(9.0, version="newer"))
    route = swapped.route(arrival)

    assert route.cache is CacheUse.MISS
    assert route.decision.complexity == 9.0


def test_conversations_of_different_keys_stay_apart_though_their_bodies_are_the_same() -> None:
    reader = make_reader()

    recalls = [reader.router.route(reader.arrive(body_of(), key_id=key)).recall for key in ("a", "b", "a")]

    first, second, third = [recall.prefixes.whole for recall in recalls]
    assert first == third
    assert first != second
