"""The 20 calls that `suffice verify` makes: one of each kind that clients use."""

from dataclasses import dataclass
from typing import Any

CHAT = "/chat/completions"
COMPLETIONS = "/completions"

_TOKENS = 32
_STREAM: dict[str, Any] = {"stream": True}
_STREAM_USAGE: dict[str, Any] = {**_STREAM, "stream_options": {"include_usage": True}}
_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_TOOL_TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "Is it raining in Oslo?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"rain_mm": 3}'},
]
_SCHEMA: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "population": {"type": "integer"}},
            "required": ["name", "population"],
            "additionalProperties": False,
        },
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One call, to be made on both ways."""

    name: str
    path: str
    body: dict[str, Any]
    """Without `model`, which differs: the tier's name here, its model there."""


def make_trials() -> list[Trial]:
    """All calls; temperature 0 and a seed, so that servers which can will answer the same twice."""
    system = {"role": "system", "content": "Answer in one short sentence."}
    question = {"role": "user", "content": "Which river flows through Köln? 🌊"}
    weather = "What is the weather in Oslo? Use the tool."
    city = "Name a large city and its population, as JSON."
    return [
        _chat("plain", "Say hello."),
        _chat("system prompt", system, question),
        _chat("conversation", "Hi", {"role": "assistant", "content": "Hello! How can I help?"}, "Name a river."),
        _chat("parts of text", {"role": "user", "content": [{"type": "text", "text": "Name a lake."}]}),
        _chat("stop", "Count from 1 to 9.", stop=["5", "6"]),
        _chat("n=2", "Name a colour.", n=2),
        _chat("logprobs", "Name a bird.", logprobs=True, top_logprobs=2),
        _chat("tools", weather, tools=[_TOOL], tool_choice="auto"),
        _chat("tool result", *_TOOL_TURNS, tools=[_TOOL]),
        _chat("JSON schema", city, response_format=_SCHEMA),
        _chat("JSON object", city, response_format={"type": "json_object"}),
        _chat("unknown field", "Say hi.", suffice_verify={"kept": [1, 2.50, None]}),
        _chat("streamed", "Say hello.", **_STREAM),
        _chat("streamed, with usage", "Count from 1 to 5.", **_STREAM_USAGE),
        _chat("streamed, n=2, logprobs", "Name a tree.", n=2, logprobs=True, **_STREAM),
        _chat("streamed tools", weather, tools=[_TOOL], **_STREAM_USAGE),
        _chat("error", "Say hello.", temperature=-7),
        _chat("streamed error", "Say hello.", temperature=-7, **_STREAM),
        _completion("legacy completion", "The capital of Norway is"),
        _completion("legacy completion, streamed", "Once upon a time", **_STREAM_USAGE),
    ]


def _chat(name: str, *messages: str | dict[str, Any], **fields: Any) -> Trial:
    turns = [{"role": "user", "content": turn} if isinstance(turn, str) else turn for turn in messages]
    return Trial(name=name, path=CHAT, body={"messages": turns, **_common(), **fields})


def _completion(name: str, prompt: str, **fields: Any) -> Trial:
    return Trial(name=name, path=COMPLETIONS, body={"prompt": prompt, **_common(), **fields})


def _common() -> dict[str, Any]:
    return {"max_tokens": _TOKENS, "temperature": 0, "seed": 7}
