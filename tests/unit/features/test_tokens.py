import json
from typing import Any

import pytest

from suffice.features.tokens import IMAGE_TOKENS, estimate_constant_tokens, estimate_prompt_tokens, estimate_tokens
from suffice.upstream.tape import load_tape, read_tape_file
from suffice.wire.request import Endpoint, GenerationRequest, parse


def make_chat(messages: list[dict[str, Any]], **fields: Any) -> GenerationRequest:
    return parse(Endpoint.CHAT, json.dumps({"model": "auto", "messages": messages, **fields}).encode())


def test_the_empty_text_has_no_tokens_and_any_other_has_one_at_least() -> None:
    texts = ["", "a", ".", "\n", "\ud800", "\x00"]

    estimates = [estimate_tokens(text) for text in texts]

    assert estimates[0] == 0
    assert min(estimates[1:]) >= 1


def test_prompts_of_the_test_split_are_estimated_within_five_per_cent_on_average() -> None:
    recordings = load_tape("qwen2.5-coder-1.5b").recordings
    prompts = [json.loads(line) for line in read_tape_file("prompts.jsonl").splitlines()]
    held_out = [prompt for prompt in prompts if prompt["split"] == "test"]

    estimates = {prompt["id"]: estimate_prompt_tokens(make_chat(prompt["messages"])) for prompt in held_out}

    errors = [abs(estimate / recordings[key].prompt_tokens - 1) for key, estimate in estimates.items()]
    assert len(errors) == 220
    assert sum(errors) / len(errors) < 0.05


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The committee concluded that the regulations were not comprehensive.", 9, 15),
        ("def total(xs: list[float]) -> float:\n    return sum(xs) * 1.19\n", 18, 34),
        ("包裹昨天到了但两盏灯中有一盏坏了能给我寄一盏新的吗", 12, 28),
        ("Посылка пришла вчера но одна из двух ламп разбита", 12, 40),
        ("🚀🎉😀", 3, 9),
        ("aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQg" * 20, 250, 960),
        ("q" * 4000, 500, 4000),
    ],
)  # fmt: skip
def test_other_kinds_of_text_stay_within_what_vocabularies_take(text: str, low: int, high: int) -> None:
    estimate = estimate_tokens(text)

    assert low <= estimate <= high


def test_estimates_grow_with_the_text_across_the_bound_of_a_chunk() -> None:
    line = "The quick brown fox, 42 times.\n"

    ten_thousand = estimate_tokens(line * 10_000)

    assert ten_thousand == pytest.approx(10_000 * estimate_tokens(line * 100) / 100, rel=0.01)


def test_each_message_costs_its_template() -> None:
    one = estimate_prompt_tokens(make_chat([{"role": "user", "content": "hi"}]))

    two = estimate_prompt_tokens(make_chat([{"role": "user", "content": "hi"}, {"role": "user", "content": ""}]))

    assert 3 <= two - one <= 6


def test_tools_tool_calls_and_images_count() -> None:
    plain = make_chat([{"role": "user", "content": "weather?"}, {"role": "assistant", "content": "wait"}])
    tool: dict[str, Any] = {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
    }
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Turin"}'}}
    image = {"type": "image_url", "image_url": {"url": "https://pictures.test/a.png"}}
    full = make_chat(
        [
            {"role": "user", "content": [{"type": "text", "text": "weather?"}, image]},
            {"role": "assistant", "content": "wait", "tool_calls": [call]},
        ],
        tools=[tool],
    )

    difference = estimate_prompt_tokens(full) - estimate_prompt_tokens(plain)

    assert IMAGE_TOKENS + 20 <= difference <= IMAGE_TOKENS + 80


def test_token_ids_of_a_completion_are_counted_exactly() -> None:
    request = parse(Endpoint.COMPLETIONS, json.dumps({"model": "auto", "prompt": [[1, 2, 3], [4, 5]]}).encode())

    estimate = estimate_prompt_tokens(request)

    assert estimate == 5


def test_constant_tokens_are_those_of_system_prompts_and_tools() -> None:
    messages = [{"role": "user", "content": "hello there " * 50}]
    system = {"role": "system", "content": "Answer briefly and politely."}

    bare = estimate_constant_tokens(make_chat(messages))
    with_system = estimate_constant_tokens(make_chat([system, *messages]))

    assert bare == 0
    assert with_system == estimate_tokens("Answer briefly and politely.")
