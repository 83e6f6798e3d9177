import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from suffice.errors import UpstreamBusyError
from suffice.upstream.call import Call, Exchange
from suffice.upstream.config import TapeConfig
from suffice.upstream.recorded import RecordedUpstream
from suffice.upstream.tape import Recording, load_tape, read_tape_file
from suffice.vocabulary import TierName
from suffice.wire.sse import Splitter

MODEL = "qwen2.5-coder-0.5b"
PROMPTS: dict[str, dict[str, Any]] = {
    line["id"]: line for line in map(msgspec.json.decode, read_tape_file("prompts.jsonl").splitlines())
}


@dataclass
class FakeTime:
    """A clock that moves only when somebody sleeps."""

    now: float = 100.0
    naps: list[float] = field(default_factory=list[float])

    def clock(self) -> float:
        return self.now

    async def sleep(self, delay_s: float) -> None:
        self.naps.append(delay_s)
        self.now += delay_s


def make_upstream(time: FakeTime | None = None, **settings: Any) -> RecordedUpstream:
    time = time or FakeTime()
    config = TapeConfig(model=settings.pop("model", MODEL), **settings)
    return RecordedUpstream(TierName("small"), config, clock=time.clock, sleep=time.sleep, now=lambda: 1_700_000_000.0)


def make_call(prompt_id: str = "w0002", *, path: str = "/chat/completions", **fields: Any) -> Call:
    body = {"model": MODEL, "messages": PROMPTS[prompt_id]["messages"], **fields}
    return Call(path=path, body=msgspec.json.encode(body), stream=bool(fields.get("stream")))


def recording_of(prompt_id: str = "w0002") -> Recording:
    return load_tape(MODEL).recordings[prompt_id]


def longest_id(fits: Callable[[Recording], bool] = lambda _: True) -> str:
    recordings = [item for item in load_tape(MODEL).recordings.values() if fits(item)]
    return max(recordings, key=lambda item: item.completion_tokens).prompt_id


def ask(call: Call, upstream: RecordedUpstream | None = None) -> tuple[Exchange, bytes]:
    """Make a call; returns the exchange and all its bytes."""

    async def scenario() -> tuple[Exchange, bytes]:
        async with (upstream or make_upstream()).open(call) as exchange:
            if exchange.chunks is None:
                return exchange, exchange.body or b""
            return exchange, b"".join([chunk async for chunk in exchange.chunks])

    return asyncio.run(scenario())


def answer(call: Call) -> Any:
    exchange, body = ask(call)
    assert exchange.status == 200
    return msgspec.json.decode(body)


def events(call: Call) -> list[Any]:
    _, body = ask(call)
    found = list(Splitter().feed(body))
    assert found[-1].is_done
    return [msgspec.json.decode(event.data) for event in found[:-1]]


def refusal(call: Call) -> tuple[int, dict[str, Any]]:
    exchange, body = ask(call)
    return exchange.status, msgspec.json.decode(body)["error"]


def test_a_plain_answer_is_the_recorded_one_with_its_usage() -> None:
    recording = recording_of()

    document = answer(make_call())

    assert document["object"] == "chat.completion"
    assert document["model"] == MODEL
    assert document["created"] == 1_700_000_000
    assert document["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": recording.text},
            "logprobs": None,
            "finish_reason": recording.finish_reason,
        }
    ]
    assert document["usage"] == {
        "prompt_tokens": recording.prompt_tokens,
        "completion_tokens": recording.completion_tokens,
        "total_tokens": recording.prompt_tokens + recording.completion_tokens,
    }


def test_logprobs_are_those_of_the_recorded_tokens() -> None:
    recording = recording_of()

    document = answer(make_call(logprobs=True, top_logprobs=1))

    content = document["choices"][0]["logprobs"]["content"]
    assert [(item["token"], item["logprob"]) for item in content] == [(t.text, t.logprob) for t in recording.tokens]
    assert content[0]["top_logprobs"][0]["token"] == recording.tokens[0].text
    assert bytes(content[0]["bytes"]).decode() == recording.tokens[0].text


def test_content_in_text_parts_finds_the_same_recording() -> None:
    system, user = PROMPTS["w0002"]["messages"]
    parts = [system, {"role": "user", "content": [{"type": "text", "text": user["content"]}]}]

    document = answer(make_call(messages=parts))

    assert document["choices"][0]["message"]["content"] == recording_of().text


def test_sampling_parameters_are_ignored() -> None:
    document = answer(make_call(temperature=1.9, top_p=0.1, seed=7, presence_penalty=2, user="ada"))

    assert document["choices"][0]["message"]["content"] == recording_of().text


def test_a_stream_is_a_role_each_token_a_finish_and_the_end_mark() -> None:
    recording = recording_of()

    chunks = events(make_call(stream=True))

    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert [delta["content"] for delta in deltas[1:-1]] == [token.text for token in recording.tokens]
    assert deltas[-1] == {}
    assert chunks[-1]["choices"][0]["finish_reason"] == recording.finish_reason
    assert {chunk["id"] for chunk in chunks} == {"chatcmpl-tape-small-1"}
    assert all("usage" not in chunk for chunk in chunks)


def test_the_usage_chunk_comes_last_and_the_others_carry_null() -> None:
    *others, last = events(make_call(stream=True, stream_options={"include_usage": True}))

    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == recording_of().completion_tokens
    assert all(chunk["usage"] is None for chunk in others)


def test_a_streams_logprobs_come_with_their_tokens() -> None:
    chunks = events(make_call(stream=True, logprobs=True))

    content = [item for chunk in chunks[1:-1] for item in chunk["choices"][0]["logprobs"]["content"]]
    assert [item["logprob"] for item in content] == [token.logprob for token in recording_of().tokens]
    assert all(item["top_logprobs"] == [] for item in content)


def test_a_plain_answer_takes_the_recorded_time_divided_by_the_speedup() -> None:
    time = FakeTime()

    ask(make_call(), make_upstream(time, speedup=4.0))

    assert time.naps == pytest.approx([recording_of().duration_s / 4])


def test_a_stream_opens_at_the_first_token_and_ends_at_the_end() -> None:
    async def scenario() -> tuple[float, float]:
        time = FakeTime()
        async with make_upstream(time).open(make_call(stream=True)) as exchange:
            opened_s = time.now - 100.0
            assert exchange.chunks is not None
            async for _ in exchange.chunks:
                pass
            return opened_s, time.now - 100.0

    opened_s, ended_s = asyncio.run(scenario())

    assert opened_s == pytest.approx(recording_of().ttft_s)
    assert ended_s == pytest.approx(recording_of().duration_s)


def test_tokens_are_spread_evenly() -> None:
    time, prompt_id = FakeTime(), longest_id()
    recording = recording_of(prompt_id)

    ask(make_call(prompt_id, stream=True), make_upstream(time))

    gaps = time.naps[1:]
    assert len(gaps) >= recording.completion_tokens - 1
    assert max(gaps) == pytest.approx((recording.duration_s - recording.ttft_s) / (recording.completion_tokens - 1))


def test_tokens_due_within_a_tick_go_out_together() -> None:
    time, prompt_id = FakeTime(), longest_id()

    _, body = ask(make_call(prompt_id, stream=True), make_upstream(time, speedup=1e6))

    assert body.endswith(b"data: [DONE]\n\n")
    assert len(time.naps) == 1


def test_an_unknown_prompt_is_told_what_the_tape_is() -> None:
    status, error = refusal(make_call(messages=[{"role": "user", "content": "Hello!"}]))

    assert status == 404
    assert error["code"] == "prompt_not_recorded"
    assert "499 prompts of a support desk and a coding assistant" in error["message"]
    assert "suffice demo --list" in error["message"]


def test_the_same_words_with_another_system_prompt_are_another_conversation() -> None:
    _, user = PROMPTS["w0002"]["messages"]

    status, error = refusal(make_call(messages=[user]))

    assert (status, error["code"]) == (404, "prompt_not_recorded")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "tools"),
        ({"n": 2}, "n"),
        ({"logprobs": True, "top_logprobs": 5}, "top_logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"max_tokens": 1}, "max_tokens"),
        ({"max_completion_tokens": 1}, "max_tokens"),
    ],
)
def test_what_a_tape_cannot_know_is_refused(fields: dict[str, Any], param: str) -> None:
    status, error = refusal(make_call(**fields))

    assert (status, error["code"], error["param"]) == (400, "not_recorded", param)


def test_just_enough_tokens_are_enough() -> None:
    document = answer(make_call(max_tokens=recording_of().completion_tokens))

    assert document["choices"][0]["finish_reason"] == "stop"


def test_a_recording_cut_at_its_limit_says_so() -> None:
    document = answer(make_call(longest_id(lambda item: item.finish_reason == "length"), max_tokens=4000))

    assert document["choices"][0]["finish_reason"] == "length"


def test_a_stop_sequence_is_refused_only_where_it_would_have_cut() -> None:
    text = recording_of().text

    status, _ = refusal(make_call(stop=[text[2:5]]))
    document = answer(make_call(stop="\u2603"))

    assert status == 400
    assert document["choices"][0]["message"]["content"] == text


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (make_call(path="/completions"), "not_recorded"),
        (make_call(model="gpt-9"), "model_not_found"),
    ],
)
def test_other_paths_and_models_are_not_found(call: Call, code: str) -> None:
    status, error = refusal(call)

    assert (status, error["code"]) == (404, code)


def test_a_body_that_is_no_chat_request_is_refused() -> None:
    status, error = refusal(Call(path="/chat/completions", body=b'{"model": 3', stream=False))

    assert (status, error["code"]) == (400, "invalid_request")


class Gate:
    """A sleep that ends when it is told to."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def sleep(self, delay_s: float) -> None:
        await self.opened.wait()


def make_gated(gate: Gate, **settings: Any) -> RecordedUpstream:
    return RecordedUpstream(TierName("small"), TapeConfig(model=MODEL, **settings), clock=lambda: 0.0, sleep=gate.sleep)


async def call_once(upstream: RecordedUpstream) -> str:
    async with upstream.open(make_call()) as exchange:
        return exchange.replica


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_full_queue_is_busy_and_says_when_to_come_back() -> None:
    async def scenario() -> UpstreamBusyError:
        gate = Gate()
        upstream = make_gated(gate, slots=1, max_queue=1)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(call_once(upstream))
            await settle()
            try:
                with pytest.raises(UpstreamBusyError) as caught:
                    await call_once(upstream)
            finally:
                gate.opened.set()
        return caught.value

    error = asyncio.run(scenario())

    assert error.retry_after_s == pytest.approx(2 * load_tape(MODEL).mean_duration_s)
    assert len(error.tries) == 1


def test_the_least_busy_replica_answers() -> None:
    async def scenario() -> list[str]:
        gate = Gate()
        upstream = make_gated(gate, slots=4, replicas=3)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call_once(upstream)) for _ in range(4)]
            await settle()
            gate.opened.set()
        return [task.result() for task in tasks]

    replicas = asyncio.run(scenario())

    assert replicas == [f"tape://{MODEL}/{index}" for index in (0, 1, 2, 0)]


def test_a_client_that_hangs_up_frees_its_slot_at_once() -> None:
    async def scenario() -> int:
        upstream = make_gated(Gate(), slots=1)
        task = asyncio.create_task(call_once(upstream))
        await settle()
        task.cancel()
        await settle()
        return upstream.replicas[0].n_taken

    assert asyncio.run(scenario()) == 0


def test_leaving_a_stream_early_frees_its_slot() -> None:
    async def scenario() -> int:
        upstream = make_upstream(slots=1)
        async with upstream.open(make_call(stream=True)) as exchange:
            assert exchange.chunks is not None
            await anext(exchange.chunks)
        return upstream.replicas[0].n_taken

    assert asyncio.run(scenario()) == 0


def test_a_refusal_takes_no_slot() -> None:
    async def scenario() -> int:
        upstream = make_upstream(slots=1, max_queue=0)
        async with upstream.open(make_call(n=2)):
            return upstream.replicas[0].n_taken

    assert asyncio.run(scenario()) == 0
