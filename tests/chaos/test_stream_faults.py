"""Streams that break after their first byte: nobody else may answer any more, so the client is told."""

from collections.abc import Generator

import openai
import pytest
from chaos_case import Case, Form, Try, parametrize
from chaos_clients import ask, begin_stream, order
from chaos_play import be_well, play
from chaos_results import SAID, Answer, Broken, Seen, Told
from chaos_scene import Scene, run_scene

TITLE = "A stream fails after its first byte"
_STREAMED = (Form.STREAMED,)


def _broken(name: str, *orders: str, code: str = "upstream_broken") -> Case:
    # Slow enough that the gateway has passed the first events on when the rest fails.
    act = ask(*orders, "!slow 0.02")
    return Case(name=name, act=act, client=Broken(code), tries=(Try("small", code),), forms=_STREAMED)


def _leave_done_out(scene: Scene, form: Form) -> Seen:
    seen = ask("!nodone")(scene, form)
    assert (seen.text, seen.whole) == (SAID, True)
    assert b"[DONE]" not in seen.body
    return seen


def _tell_the_sdk(scene: Scene, _: Form) -> Seen:
    with openai.OpenAI(base_url=f"{scene.gateway.address}/v1", api_key="sk-any", max_retries=0) as client:
        stream = client.chat.completions.create(
            model=scene.model, stream=True, messages=[{"role": "user", "content": order("!cut 4", "!slow 0.02")}]
        )
        with pytest.raises(openai.APIError, match="broke off"):
            list(stream)
        return Seen(status=200, whole=stream.response.is_closed)


CASES = (
    _broken("The connection is closed in mid-stream", "!cut 4"),
    _broken("The stream ends without a finish reason", "!end 4"),
    _broken("The stream falls silent", "!stall 4", code="upstream_timeout"),
    _broken("An error event, in OpenAI's form", "!error 4 openai"),
    _broken("An error event, in vLLM's form", "!error 4 vllm"),
    Case(
        name="A whole stream without `[DONE]`",
        act=_leave_done_out,
        client=Told("the whole stream, and no `[DONE]` of the gateway's own"),
        forms=_STREAMED,
    ),
    Case(
        name="Events come slowly, but each in time",
        act=ask("!slow 0.1"),
        client=Answer("small"),
        at_least_s=1.0,
        forms=_STREAMED,
        note="there is no limit on a stream as a whole but `server.total_timeout_s`",
    ),
    Case(
        name="The stream comes in pieces of one byte",
        act=ask("!split 1"),
        client=Answer("small"),
        forms=_STREAMED,
    ),
    Case(
        name="A stream breaks that the OpenAI SDK reads",
        act=_tell_the_sdk,
        client=Told("an `openai.APIError`", Broken("upstream_broken").recorded),
        tries=(Try("small", "upstream_broken"),),
        forms=_STREAMED,
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    with run_scene(tmp_path_factory.mktemp("stream_faults")) as started:
        be_well(started)
        yield started


@parametrize(CASES)
def test_it_ends_as_the_table_says(case: Case, form: Form, scene: Scene) -> None:
    play(case, form, scene)


def test_streams_that_break_leave_those_beside_them_alone(scene: Scene) -> None:
    streams = [begin_stream(scene, *["!cut 4"] * (number % 2)) for number in range(20)]

    seen = [stream.finished() for stream in streams]

    for number, one in enumerate(seen):
        (Broken("upstream_broken") if number % 2 else Answer("small")).check(one)
