"""What the soak asks for, and what it takes for an answer: right, an error that says so, or a violation."""

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from soak_client import Client, NoAnswerError, Reply
from suffice.testing import SMALL_MODEL, read_events

ERROR_FORM = {"message", "type", "param", "code"}
ALLOWED = frozenset({"upstream_failed", "upstream_timeout", "upstream_busy", "upstream_broken", "too_many_requests"})
"""Errors that a client may get while something fails, or there is more to do than the gateway takes."""
_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
}


class Ending(StrEnum):
    """What became of a request."""

    RIGHT = "right"
    ERROR = "error"
    """Before the first byte, in OpenAI's form."""
    ERROR_IN_STREAM = "error in stream"
    """After a part of the right answer; no end mark."""
    LEFT = "left"
    """The client hung up, as it was to."""
    VIOLATION = "violation"


@dataclass(frozen=True, slots=True)
class Fault:
    """An order to the upstreams."""

    order: str
    is_mended: bool
    """The client must not notice, unless it named the tier or something else fails as well."""


ON = f"on {SMALL_MODEL}"
FAULTS = (
    Fault(f"!status 503 {ON} first 1", is_mended=True),
    Fault(f"!status 500 {ON}", is_mended=True),
    Fault(f"!status 429 0.05 {ON} first 1", is_mended=True),
    Fault(f"!drop {ON}", is_mended=True),
    Fault(f"!garbage {ON}", is_mended=True),
    Fault(f"!length long {ON}", is_mended=True),
    Fault(f"!cut 0 {ON}", is_mended=True),
    Fault(f"!hang {ON} first 1", is_mended=True),
    Fault("!sleep 0.2", is_mended=True),
    Fault("!slow 0.02", is_mended=True),
    Fault("!split 3", is_mended=True),
    Fault("!cut 4", is_mended=False),
    Fault("!end 4", is_mended=False),
    Fault("!stall 4", is_mended=False),
    Fault("!error 4", is_mended=False),
    Fault("!status 500", is_mended=False),
    Fault("!drop", is_mended=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One request and what became of it."""

    kind: str
    ending: Ending
    name: str
    """Which request it was."""
    fault: str = ""
    code: str = ""
    """Of the error."""
    why: str = ""
    """Of a violation."""
    is_clean: bool = True
    """Nothing was ordered that a client may notice."""
    request_id: str | None = None


class Mix:
    """Draws requests: plain answers, streams, tools, conversations, clients that leave."""

    KINDS: Mapping[str, float] = {"plain": 0.35, "stream": 0.3, "tools": 0.1, "conversation": 0.1, "leaving": 0.15}

    def __init__(self, rng: random.Random, *, fault_share: float) -> None:
        self._rng = rng
        self._fault_share = fault_share
        self._n = 0

    def draw(self) -> "Request":
        """The next request."""
        rng = self._rng
        self._n += 1
        kind = rng.choices(list(self.KINDS), list(self.KINDS.values()))[0]
        fault = rng.choice(FAULTS) if rng.random() < self._fault_share else None
        model = rng.choices(["auto@10", "auto@0", "small", "large"], [0.6, 0.2, 0.1, 0.1])[0]
        said = f"Answer {self._n} is {' '.join(rng.choices(_WORDS, k=rng.randint(3, 20)))}."
        return Request(kind, self._n, said, model, fault, leave_after=rng.choice([0, 1, 500, 1500]))


_WORDS = ("amber", "basalt", "cedar", "delta", "ember", "fjord", "grove", "harbour", "iris", "juniper", "東京", "naïve")


@dataclass(frozen=True, slots=True)
class Request:
    """One client's doing: a request, or the turns of a conversation."""

    kind: str
    number: int
    said: str
    """The right answer."""
    model: str
    fault: Fault | None
    leave_after: int

    @property
    def is_clean(self) -> bool:
        """Nothing is ordered that the client may notice."""
        return self.fault is None or (self.fault.is_mended and self.model.startswith("auto"))

    async def play(self, client: Client) -> list[Told]:
        """Send it, check every answer."""
        told: list[Told] = []
        messages: list[dict[str, Any]] = []
        for turn in range(3 if self.kind == "conversation" else 1):
            lines = [f"request {self.number}.{turn}", *([self.fault.order] if self.fault else []), f"!say {self.said}"]
            messages.append({"role": "user", "content": "\n".join(lines)})
            told.append(await self._send(client, messages))
            if told[-1].ending is not Ending.RIGHT:
                break
            messages.append({"role": "assistant", "content": self.said})
        return told

    async def _send(self, client: Client, messages: Sequence[dict[str, Any]]) -> Told:
        leaves = self.kind == "leaving"
        streamed = self.kind in {"stream", "leaving"} or (self.kind == "conversation" and self.number % 2 == 0)
        document: dict[str, Any] = {"model": self.model, "messages": messages, "stream": streamed}
        if self.kind == "tools":
            named = {"type": "function", "function": {"name": "look_up"}}
            # An answer that is said would not call the tool.
            asked = {**messages[-1], "content": str(messages[-1]["content"]).partition("\n!say")[0]}
            document |= {"tools": [_TOOL], "tool_choice": named, "messages": [asked]}
        try:
            reply = await client.ask(document, leave_after=self.leave_after if leaves else None)
        except NoAnswerError as error:
            return self._tell(Ending.VIOLATION, why=f"no answer: {error}")
        if leaves:
            return self._tell(Ending.LEFT, reply)
        try:
            return self._check(reply)
        except (ValueError, KeyError, IndexError, TypeError, AssertionError) as error:
            return self._tell(Ending.VIOLATION, reply, why=f"{error!r}: {reply.status} {reply.body[-300:]!r}")

    def _tell(self, ending: Ending, reply: Reply | None = None, *, code: str = "", why: str = "") -> Told:
        return Told(
            kind=self.kind,
            ending=ending,
            name=f"{self.kind} {self.number} to {self.model} {self.fault.order if self.fault else ''}",
            fault=self.fault.order if self.fault else "",
            code=code,
            why=why,
            is_clean=self.is_clean,
            request_id=reply.request_id if reply else None,
        )

    def _check(self, reply: Reply) -> Told:
        if reply.status != 200:
            return self._tell(Ending.ERROR, reply, code=_error_code(json.loads(reply.body)))
        if not reply.headers["content-type"].startswith("text/event-stream"):
            return self._check_message(reply, json.loads(reply.body)["choices"][0])
        *events, last = read_events(reply.body)
        text = "".join(_pieces(events))
        if last == "[DONE]":
            assert text == self.said, f"a wrong answer, {text!r} for {self.said!r}"
            return self._tell(Ending.RIGHT, reply)
        assert self.said.startswith(text), f"a wrong beginning, {text!r} of {self.said!r}"
        return self._tell(Ending.ERROR_IN_STREAM, reply, code=_error_code(last))

    def _check_message(self, reply: Reply, choice: dict[str, Any]) -> Told:
        if self.kind == "tools":
            [call] = choice["message"]["tool_calls"]
            assert call["function"]["name"] == "look_up", "a wrong call"
            json.loads(call["function"]["arguments"])
        else:
            text = choice["message"]["content"]
            assert text == self.said, f"a wrong answer, {text!r} for {self.said!r}"
        return self._tell(Ending.RIGHT, reply)


def _pieces(events: Sequence[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        for choice in event.get("choices", ()):
            yield choice["delta"].get("content") or ""


def _error_code(document: dict[str, Any]) -> str:
    error = document["error"]
    assert set(error) == ERROR_FORM, "an error in another form"
    assert error["code"] in ALLOWED, "an error that no fault explains"
    return str(error["code"])
