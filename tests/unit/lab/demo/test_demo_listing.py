import shlex

import msgspec

from suffice.lab.demo.listing import pick_example, write_curl, write_json, write_line
from suffice.lab.workload import Prompt, PromptMessage, load_desk


def test_the_example_is_a_lookup_where_there_is_one() -> None:
    assert pick_example(load_desk()).kind == "lookup"
    assert pick_example(load_desk()[:1]) == load_desk()[0]


def test_the_curl_line_survives_a_shell() -> None:
    awkward = (PromptMessage("user", 'it\'s "5 $HOME" `x` \\ and\nmore'),)
    prompt = msgspec.structs.replace(load_desk()[0], messages=awkward)

    words = shlex.split(write_curl("http://127.0.0.1:1", prompt))

    body = msgspec.json.decode(words[-1])
    assert words[:3] == ["curl", "-si", "http://127.0.0.1:1/v1/chat/completions"]
    assert body["messages"] == [{"role": "user", "content": awkward[0].content}]
    assert (body["model"], body["max_tokens"]) == ("auto", prompt.max_tokens)


def test_a_line_is_cut_at_its_width() -> None:
    line = write_line(load_desk()[2], width=20)

    assert line.startswith("w0002  train  simple  lookup ")
    assert line.endswith("…")
    assert "\n" not in line


def test_a_prompt_as_json_reads_back_the_same() -> None:
    prompts = load_desk()

    assert [msgspec.json.decode(write_json(prompt), type=Prompt) for prompt in prompts] == list(prompts)
