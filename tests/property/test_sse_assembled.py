import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from json_documents import texts

from suffice.wire.answer import Assembly, parse_answer
from suffice.wire.request import ToolCall
from suffice.wire.sse import DONE, Splitter, write_event

pieces = st.lists(texts, max_size=5)


@dataclass(frozen=True)
class StreamedCall:
    """A tool call in the pieces it is streamed in; the first piece names it."""

    call_id: str
    name: str
    arguments: Sequence[str]

    @property
    def whole(self) -> dict[str, Any]:
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.call_id, "type": "function", "function": function}

    def deltas(self, index: int) -> Iterable[dict[str, Any]]:
        named = {"name": self.name, "arguments": ""}
        yield {"index": index, "id": self.call_id, "type": "function", "function": named}
        for piece in self.arguments:
            yield {"index": index, "function": {"arguments": piece}}


calls = st.lists(st.builds(StreamedCall, texts.filter(bool), texts.filter(bool), pieces), max_size=3)


def stream_of(content: Sequence[str], made: Sequence[StreamedCall], finish_reason: str) -> bytes:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in content]
    deltas += [{"tool_calls": [delta]} for index, call in enumerate(made) for delta in call.deltas(index)]
    choices: list[dict[str, Any]] = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": finish_reason})
    events = [write_event(json.dumps({"model": "m", "choices": [choice]}).encode()) for choice in choices]
    return b"".join(events) + DONE


def assembled_stream(stream: bytes, size: int) -> Assembly:
    """The stream put together as it comes in pieces of `size` bytes."""
    splitter, assembly = Splitter(), Assembly()
    for start in range(0, len(stream), size):
        for event in splitter.feed(stream[start : start + size]):
            answer = None if event.is_done else parse_answer(event.data)
            if answer is not None:
                assembly.add(answer)
    return assembly


def plain_calls(found: Iterable[ToolCall]) -> list[tuple[str | None, str | None, str]]:
    return [
        (call.id, call.function and call.function.name, (call.function and call.function.arguments) or "")
        for call in found
    ]


@given(content=pieces, made=calls, finish_reason=st.sampled_from(["stop", "length"]), size=st.integers(1, 200))
def test_a_stream_put_together_is_the_plain_answer(
    content: list[str], made: list[StreamedCall], finish_reason: str, size: int
) -> None:
    message = {"role": "assistant", "content": "".join(content), "tool_calls": [call.whole for call in made]}
    document = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}]}
    plain, answer = Assembly(), parse_answer(json.dumps(document).encode())
    assert answer is not None
    plain.add(answer)

    streamed = assembled_stream(stream_of(content, made, finish_reason), size)

    assert (streamed.text, streamed.finish_reason, streamed.model) == (plain.text, plain.finish_reason, plain.model)
    assert plain_calls(streamed.tool_calls) == plain_calls(plain.tool_calls)
    assert streamed.n_pieces == sum(map(bool, content)) + sum(1 + len(call.arguments) for call in made)
