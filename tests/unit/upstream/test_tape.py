import pytest

from suffice.errors import TapeError
from suffice.upstream.tape import MODELS, load_tape, read_conversation, read_tape_file


@pytest.mark.parametrize("model", MODELS)
def test_every_model_answered_every_prompt(model: str) -> None:
    tape = load_tape(model)

    assert len(tape.recordings) == 499
    assert len(tape.by_conversation) == 499


@pytest.mark.parametrize("model", MODELS)
def test_the_tokens_of_a_recording_join_to_its_text(model: str) -> None:
    recordings = load_tape(model).recordings.values()

    torn = [item.prompt_id for item in recordings if "".join(token.text for token in item.tokens) != item.text]

    assert torn == []


@pytest.mark.parametrize(
    ("model", "right"), [("smollm2-135m", 0.271), ("qwen2.5-coder-0.5b", 0.605), ("qwen2.5-coder-1.5b", 0.768)]
)
def test_recorded_scores_are_those_of_the_tapes_readme(model: str, right: float) -> None:
    recordings = load_tape(model).recordings.values()

    mean = sum(item.score for item in recordings) / len(recordings)

    assert round(mean, 3) == right


def test_a_tape_is_read_once() -> None:
    assert load_tape("smollm2-135m") is load_tape("smollm2-135m")


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TapeError, match=r"no tape of model 'gpt-9'; recorded are qwen2\.5-coder-0\.5b"):
        load_tape("gpt-9")


def test_a_missing_file_is_a_broken_installation() -> None:
    with pytest.raises(TapeError, match=r"'nothing\.jsonl' is missing"):
        read_tape_file("nothing.jsonl")


def test_text_parts_equal_the_joined_string() -> None:
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]

    conversation = read_conversation([{"role": "user", "content": parts, "name": None}])

    assert conversation == (("user", "one\ntwo"),)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
        {"role": "user", "content": "hello", "name": "Ada"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"content": "hello"},
        {"role": "user", "content": 7},
    ],
)
def test_messages_beyond_a_role_and_text_are_on_no_tape(message: dict[str, object]) -> None:
    assert read_conversation([message]) is None


def test_a_tape_is_known_by_its_short_and_its_full_name() -> None:
    tape = load_tape("qwen2.5-coder-0.5b")

    assert tape.plays("qwen2.5-coder-0.5b")
    assert tape.plays("qwen2.5-coder-0.5b-instruct")
    assert not tape.plays("qwen2.5-coder-1.5b")
