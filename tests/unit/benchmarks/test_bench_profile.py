from pathlib import Path

import pytest

from plane.counting import parse_total, per_request, read_dumps
from plane.installing import parse_pinned
from plane.stacks import (
    ANSWER,
    HTTP_IN,
    HTTP_OUT,
    LOOP,
    PARSE,
    RECORD,
    SCORE,
    Sample,
    busiest,
    parse_stacks,
    part_of,
    shares,
)

RUN = "Runner.run (/usr/lib/python3.11/asyncio/runners.py:118)"
APP = "App.__call__ (/src/suffice/server/app.py:60)"
READ = "parse (/src/suffice/wire/request.py:140)"
JSON = "JSONDecoder.decode (/usr/lib/python3.11/json/decoder.py:337)"
WAIT = "Condition.wait (/usr/lib/python3.11/threading.py:320)"


@pytest.mark.parametrize(
    ("frames", "part"),
    [
        ([RUN], LOOP),
        ([RUN, APP], HTTP_IN),
        ([RUN, APP, READ, JSON], PARSE),
        ([RUN, APP, "score (/src/suffice/scoring/learned.py)"], SCORE),
        ([RUN, APP, "post (/lib/aiohttp/client.py:1)"], HTTP_OUT),
        ([RUN, APP, "feed (/src/suffice/wire/sse.py:1)"], ANSWER),
        (["run (/src/suffice/recording/writer.py:1)"], RECORD),
        (["no frame at all"], LOOP),
    ],
)
def test_time_belongs_to_the_innermost_frame_that_has_a_part(frames: list[str], part: str) -> None:
    assert part_of(frames) == part


def test_stacks_are_read_with_their_counts_and_waiting_is_left_out() -> None:
    text = f"{RUN};{APP} 3\n{RUN};{READ} 1\n{RUN};{WAIT} 90\n"

    samples = list(parse_stacks(text))

    assert samples == [Sample([RUN, APP], 3), Sample([RUN, READ], 1)]
    assert shares(samples)[HTTP_IN] == 0.75
    assert sum(shares(samples).values()) == 1.0


def test_the_busiest_functions_are_those_in_which_samples_ended() -> None:
    samples = [Sample([RUN, APP], 1), Sample([RUN, APP, JSON], 3)]

    assert busiest(samples, 1) == [("JSONDecoder.decode (json/decoder.py)", 0.75)]


def test_no_samples_are_no_shares() -> None:
    assert set(shares([]).values()) == {0.0}


def test_dumps_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        (tmp_path / f"out.{number}").write_text(f"events: Ir\ntotals: {number}00\n", encoding="utf-8")

    assert read_dumps(tmp_path, "out") == [100, 200, 1_000]
    assert parse_total("summary: 7\ntotals: 9\n") == 9


def test_the_loops_own_instructions_are_taken_off() -> None:
    # Start, nothing, warming up, the first part, warming up, the second part.
    assert per_request([9_999, 100, 777, 1_100, 888, 300], n_requests=10) == [0.0, 100.0, 20.0]


def test_a_pinned_version_is_read_from_a_lock_file() -> None:
    text = "litellm-extras==9 \\\n    --hash=sha256:00\nlitellm==1.2.3 \\\n    --hash=sha256:00\n"

    assert parse_pinned(text, "litellm") == "1.2.3"
