"""The two ways to an upstream: straight, and through the gateway."""

from dataclasses import dataclass
from typing import Any

import openai

from suffice.testing import Server, read_events


@dataclass(frozen=True, slots=True)
class Side:
    """One way."""

    address: str
    model: str
    """What the upstream is asked for by here."""
    client: openai.OpenAI

    def create(self, case: dict[str, Any], *, chat: bool = True) -> Any:
        """A plain answer, with its raw bytes and headers beside what the SDK reads in it."""
        return self._resource(chat=chat).with_raw_response.create(model=self.model, **case)

    def stream(self, case: dict[str, Any], *, chat: bool = True) -> list[dict[str, Any]]:
        """A stream's chunks, as the SDK reads them."""
        chunks = self._resource(chat=chat).create(model=self.model, stream=True, **case)
        return [chunk.model_dump() for chunk in chunks]

    def raw_stream(self, case: dict[str, Any], *, chat: bool = True) -> bytes:
        """A stream's bytes."""
        create = self._resource(chat=chat).with_streaming_response.create
        with create(model=self.model, stream=True, **case) as response:
            return b"".join(response.iter_bytes())

    def _resource(self, *, chat: bool) -> Any:
        return self.client.chat.completions if chat else self.client.completions


@dataclass(frozen=True, slots=True)
class Sides:
    """Both ways to one upstream."""

    direct: Side
    routed: Side
    upstream: Server


def without_suffice(chunks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Take out the one documented addition: the usage chunk's `suffice` object.

    Fails where any other chunk has one, or where more than one has.
    """
    for chunk in [chunk for chunk in chunks if "suffice" in chunk]:
        assert chunk["usage"], "only the usage chunk may carry a `suffice` object"
        del chunk["suffice"]
    return chunks


def json_events(body: bytes) -> list[dict[str, Any]]:
    """The stream's JSON documents; the stream must end with `[DONE]`."""
    events = read_events(body)
    assert events[-1] == "[DONE]"
    return [event for event in events[:-1] if event != ""]
