"""Requests of every kind, each to be sent both straight to an upstream and through the gateway."""

from typing import Any

Case = dict[str, Any]


def ask(text: str, **fields: Any) -> Case:
    return {"messages": [{"role": "user", "content": text}], **fields}


CITY_TOOL: Case = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
            "required": ["city"],
        },
    },
}
CLOCK_TOOL: Case = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object"}}}
PERSON_SCHEMA: Case = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer"},
        "home": {"$ref": "#/$defs/address"},
        "nick": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    },
    "required": ["name", "age", "home", "nick"],
    "additionalProperties": False,
    "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}},
}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
TOOL_TURNS: list[Case] = [
    {"role": "user", "content": "How warm is it in Oslo?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"celsius": -3}'},
]
OPENAI_SCHEMA_FORMAT: Case = {
    "type": "json_schema",
    "json_schema": {"name": "person", "strict": True, "schema": PERSON_SCHEMA},
}

CHAT: dict[str, Case] = {
    "hello": ask("Hello"),
    "system prompt": {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Name a river."}]
    },
    "developer prompt": {
        "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Name a lake."}]
    },
    "conversation": {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello! How can I help?"},
            {"role": "user", "content": "Tell me more", "name": "ada"},
        ]
    },
    "unicode": ask("Grüße aus 東京 🌊 \u2028 and a \u0000 null"),
    "empty text": ask(""),
    "text parts": ask("", messages=[{"role": "user", "content": [{"type": "text", "text": "one"}]}]),
    "image": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                ],
            }
        ]
    },
    "three choices": ask("Pick a word", n=3),
    "one stop string": ask("!say one two three END four", stop="END"),
    "stop list": ask("!say one two three END four", stop=["nothing", "three"]),
    "seed": ask("Hello", seed=42),
    "max_tokens": ask("Go on and on", max_tokens=3),
    "max_completion_tokens": ask("Go on and on", max_completion_tokens=4),
    "sampling": ask("Hello", temperature=0.7, top_p=0.9, presence_penalty=0.1, frequency_penalty=-0.1),
    "logit bias": ask("Hello", logit_bias={"50256": -100}),
    "logprobs": ask("Hello", logprobs=True),
    "top logprobs": ask("Hello", logprobs=True, top_logprobs=3),
    "one tool": ask("Weather in Rome?", tools=[CITY_TOOL]),
    "tool required": ask("Hello", tools=[CITY_TOOL, CLOCK_TOOL], tool_choice="required"),
    "tool named": ask(
        "Time?", tools=[CITY_TOOL, CLOCK_TOOL], tool_choice={"type": "function", "function": {"name": "get_time"}}
    ),
    "no tool": ask("Weather?", tools=[CITY_TOOL], tool_choice="none"),
    "parallel tools": ask("Both", tools=[CITY_TOOL, CLOCK_TOOL], parallel_tool_calls=True),
    "five calls": ask("Many\n!call 5", tools=[CITY_TOOL, CLOCK_TOOL]),
    "tool result": {"messages": TOOL_TURNS, "tools": [CITY_TOOL]},
    "tools and three choices": ask("Weather?", tools=[CITY_TOOL], n=2),
    "json object": ask("As JSON", response_format={"type": "json_object"}),
    "json schema": ask("A person", response_format=OPENAI_SCHEMA_FORMAT),
    "text format": ask("Plain", response_format={"type": "text"}),
    "bookkeeping fields": ask("Hello", user="u-1", metadata={"team": "a"}, store=False, service_tier="default"),
    "reasoning effort": ask("Think\n!think", reasoning_effort="low"),
    "thinking template": ask("Think", extra_body={"chat_template_kwargs": {"enable_thinking": True}}),
    "reasoning then tools": ask("Think\n!think", tools=[CITY_TOOL]),
    "guided json": ask("A person", extra_body={"guided_json": PERSON_SCHEMA}),
    "guided choice": ask("Yes or no", extra_body={"guided_choice": ["yes", "no"]}),
    "structured outputs": ask("A person", extra_body={"structured_outputs": {"json": PERSON_SCHEMA}}),
    "structured choice": ask("Yes or no", extra_body={"structured_outputs": {"choice": ["yes", "no"]}}),
    "vllm scheduling": ask("Hello", extra_body={"priority": -3, "cache_salt": "s3cret", "request_id": "r-1"}),
    "vllm sampling": ask(
        "Hello",
        extra_body={"top_k": 20, "min_p": 0.05, "repetition_penalty": 1.1, "stop_token_ids": [2], "ignore_eos": False},
    ),
    "unknown fields": ask("Hello", extra_body={"x_new": {"deep": [1, {"a": None}]}, "big": 2**70, "tiny": 1e-300}),
    "usage in the text": ask('!say {"usage":null,"choices":[]} and "usage":{"prompt_tokens":1}'),
    "done in the text": ask("!say data: [DONE]\\n\\ndata: {}\\n\\n"),
    "quotes and breaks": ask('!say "a" \\n\\n\\n\tb \\ "usage": null'),
    "empty answer": ask("!say "),
    "length": ask("!finish length"),
    "content filter": ask("!finish content_filter"),
    "blanks in JSON": ask("Hello\n!spaced"),
    "long answer": ask("!words 800"),
    "huge answer": ask("!huge 300000"),
    "no usage": ask("Hello\n!nousage"),
}

COMPLETIONS: dict[str, Case] = {
    "prompt": {"prompt": "Once upon a time"},
    "prompt list": {"prompt": ["Once", "Twice"]},
    "token ids": {"prompt": [1, 2, 3]},
    "token id lists": {"prompt": [[1, 2, 3], [4, 5]]},
    "two choices": {"prompt": "Once", "n": 2},
    "stop": {"prompt": "!say one two three", "stop": ["three"]},
    "max_tokens": {"prompt": "Once", "max_tokens": 2},
    "logprobs": {"prompt": "Once", "logprobs": 2},
    "echo": {"prompt": "Once", "echo": True},
    "suffix and seed": {"prompt": "Once", "suffix": "the end", "seed": 7},
    "guided choice": {"prompt": "Yes or no", "extra_body": {"guided_choice": ["yes", "no"]}},
    "usage in the text": {"prompt": '!say {"usage":null}'},
}

SHAPES: dict[str, Case] = {
    "events in one piece": ask("Hello\n!merge"),
    "events in pieces of one byte": ask("Hello\n!words 3\n!split 1"),
    "events in pieces of seven bytes": ask("Hello\n!split 7"),
    "events in pieces of 1000 bytes": ask("!words 100\n!split 1000"),
    "carriage returns": ask("Hello\n!crlf"),
    "carriage returns in pieces": ask("Hello\n!crlf\n!split 5"),
    "comments": ask("Hello\n!comments"),
    "usage on the last choice": ask("Hello\n!inline_usage"),
    "blanks and tools": ask("Hello\n!spaced", tools=[CITY_TOOL]),
    "continuous usage not asked for": ask("Hello", stream_options={"continuous_usage_stats": True}),
    "usage refused": ask("Hello", stream_options={"include_usage": False}),
    "no stream options": ask("Hello", stream_options=None),
    "slow tokens": ask("!words 4\n!slow 0.02"),
}
"""Streams whose bytes come in unusual ways."""
