"""What a client may get, seen and expected: an answer, an error, a stream that breaks off, or nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from suffice.testing import read_events

SAID = "The quick brown fox jumps over the lazy dog, and back again before anybody has seen it."
"""What the upstreams answer: about twenty tokens, each an event of a stream."""
ERROR_FORM = {"message", "type", "param", "code"}


class Form(StrEnum):
    """How an answer is asked for."""

    PLAIN = "plain"
    STREAMED = "streamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one client saw."""

    status: int | None = None
    """None: the connection ended without a byte."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    whole: bool = False
    """The response ended as its head promised."""
    took_s: float = 0.0

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def events(self) -> list[Any]:
        return read_events(self.body)

    @property
    def text(self) -> str:
        """The text of the answer, whole or as far as it came."""
        if not self.is_stream:
            return json.loads(self.body)["choices"][0]["message"]["content"]
        choices = [choice for event in self.events if event != "[DONE]" for choice in event.get("choices", ())]
        return "".join(choice["delta"].get("content") or "" for choice in choices)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a row in `requests` says of the ending."""

    status: int | None
    error: str | None = None
    cancelled: bool = False

    def __str__(self) -> str:
        said = "no status" if self.status is None else str(self.status)
        return said + (f", `{self.error}`" if self.error else "") + (", `cancelled`" if self.cancelled else "")


class Result(Protocol):
    """What a client is to get."""

    @property
    def recorded(self) -> Recorded | None:
        """The record that goes with it; None: there is none."""
        ...

    def check(self, seen: Seen) -> None:
        """Compare."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The right answer, whole, from a tier."""

    tier: str

    def __str__(self) -> str:
        return f"the answer of `{self.tier}`"

    @property
    def recorded(self) -> Recorded:
        return Recorded(200)

    def check(self, seen: Seen) -> None:
        assert (seen.status, seen.headers.get("x-suffice-tier")) == (200, self.tier), seen
        assert (seen.text, seen.whole) == (SAID, True), seen
        assert not seen.is_stream or seen.body.endswith(b"data: [DONE]\n\n"), seen


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error in OpenAI's form."""

    status: int
    code: str
    retry_after: bool = False
    """Clients are told when to come back."""
    is_recorded: bool = True

    def __str__(self) -> str:
        return f"{self.status} `{self.code}`" + (" with Retry-After" if self.retry_after else "")

    @property
    def recorded(self) -> Recorded | None:
        return Recorded(self.status, self.code) if self.is_recorded else None

    def check(self, seen: Seen) -> None:
        assert (seen.status, seen.whole) == (self.status, True), seen
        error = json.loads(seen.body)["error"]
        assert set(error) == ERROR_FORM, seen
        assert error["code"] == self.code, seen
        assert ("retry-after" in seen.headers) == self.retry_after, seen


@dataclass(frozen=True, slots=True)
class AsWritten:
    """The upstream's own error, which only the client can mend."""

    status: int
    words: str

    def __str__(self) -> str:
        return f"{self.status}, as the upstream wrote it"

    @property
    def recorded(self) -> Recorded:
        return Recorded(self.status)

    def check(self, seen: Seen) -> None:
        assert (seen.status, seen.whole) == (self.status, True), seen
        assert self.words in seen.body.decode(), seen


@dataclass(frozen=True, slots=True)
class Broken:
    """A stream that began well and ends with an error event; nothing follows it."""

    code: str

    def __str__(self) -> str:
        return f"the stream so far, then an error event `{self.code}` and no `[DONE]`"

    @property
    def recorded(self) -> Recorded:
        return Recorded(200, self.code)

    def check(self, seen: Seen) -> None:
        assert (seen.status, seen.is_stream, seen.whole) == (200, True, True), seen
        assert SAID.startswith(seen.text), seen
        assert seen.text, seen
        assert set(seen.events[-1]["error"]) == ERROR_FORM, seen
        assert seen.events[-1]["error"]["code"] == self.code, seen
        assert seen.body.count(b"event: error\n") == 1, seen
        assert b"[DONE]" not in seen.body, seen


@dataclass(frozen=True, slots=True)
class Closed:
    """Not a byte: the connection is closed, or was never taken."""

    recorded: Recorded | None = None

    def __str__(self) -> str:
        return "nothing; its connection is closed"

    def check(self, seen: Seen) -> None:
        assert seen.status is None, seen


@dataclass(frozen=True, slots=True)
class Left:
    """The client itself is gone."""

    recorded: Recorded | None = None

    def __str__(self) -> str:
        return "nothing more; it has left"

    def check(self, seen: Seen) -> None:
        assert not seen.whole, seen


@dataclass(frozen=True, slots=True)
class Told:
    """Something of its own, which the case itself has checked."""

    words: str
    recorded: Recorded | None = Recorded(200)

    def __str__(self) -> str:
        return self.words

    def check(self, seen: Seen) -> None:
        assert seen.whole, seen
