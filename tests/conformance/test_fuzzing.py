"""The fuzzer itself: a minute of it, and that it would notice."""

import asyncio
from pathlib import Path

import pytest
from fuzz_http import fuzz, shrink, without
from h11_judge import End, read_requests
from http_case import HELLO, whole
from mutated_streams import Stream, count_canonical, make_stream


@pytest.mark.load
@pytest.mark.timeout(300)
def test_a_minute_of_changed_requests_shows_no_crash_no_hang_and_no_mismatch(tmp_path: Path) -> None:
    report = asyncio.run(fuzz(60.0, 20261125, tmp_path, progress=lambda _: None))

    assert report.failures == []
    assert report.n_answered > 500


def test_a_seed_gives_the_same_stream_again() -> None:
    assert make_stream("7-1") == make_stream("7-1")
    assert make_stream("7-1") != make_stream("7-2")


def test_what_the_fuzzer_calls_beyond_doubt_is_what_h11_reads() -> None:
    n_beyond_doubt = 0
    for index in range(2000):
        raw = make_stream(f"doubt-{index}").raw
        n_canonical, is_all = count_canonical(raw)
        reading = read_requests(raw)

        assert n_canonical <= len(reading.requests)
        if is_all and n_canonical:
            n_beyond_doubt += 1
            assert (len(reading.requests), reading.end in {End.NOTHING, End.CLOSED}) == (n_canonical, True)
    assert n_beyond_doubt > 200


def test_a_proper_request_is_beyond_doubt_and_an_ambiguous_one_is_not() -> None:
    ambiguous = whole("hello", b"transfer-encoding: chunked")

    assert count_canonical(whole() + whole()) == (2, True)
    assert count_canonical(whole() + ambiguous) == (1, False)


def test_a_failing_stream_is_made_as_short_as_it_goes() -> None:
    async def fails(stream: Stream) -> list[str]:
        return ["it does"] if b"\x00" in stream.raw and b"POST" in stream.raw else []

    shortest = asyncio.run(shrink(Stream((whole(), b"\x00", HELLO)), fails))

    assert shortest.raw == b"POST\x00"


def test_a_stream_is_shortened_across_its_cuts() -> None:
    assert without(Stream((b"abc", b"def")), 2, 5).pieces == (b"ab", b"f")
    assert without(Stream((b"abc", b"def")), 0, 3).pieces == (b"def",)
