"""Models that answer from a function, as targets of calls."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from suffice.errors import UpstreamError
from suffice.lab.label import Target
from suffice.upstream.call import Call, Exchange
from suffice.vocabulary import Price

Reply = str | bytes | UpstreamError
Speak = Callable[[dict[str, Any]], Reply]


def say(text: str | None, **fields: Any) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"model": "m", "choices": [choice], "usage": usage, **fields}).encode()


@dataclass
class FakeModel:
    """An upstream whose answers a function makes of the request."""

    speak: Speak
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    n_at_once: int = 0
    most_at_once: int = 0

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Exchange]:
        request = json.loads(call.body)
        self.asked.append(request)
        self.n_at_once += 1
        self.most_at_once = max(self.most_at_once, self.n_at_once)
        try:
            reply = self.speak(request)
            if isinstance(reply, UpstreamError):
                raise reply
            body = reply if isinstance(reply, bytes) else say(reply)
            yield Exchange(status=self.status, content_type="application/json", replica="r", started_at=0.0, body=body)
        finally:
            self.n_at_once -= 1


def make_target(speak: Speak, *, name: str = "small", **fields: Any) -> Target:
    known: dict[str, Any] = {
        "name": name,
        "model": f"{name}-model",
        "upstream": FakeModel(speak),
        "price": Price(input=1.0, cached_input=0.5, output=2.0),
    }
    return Target(**{**known, **fields})
