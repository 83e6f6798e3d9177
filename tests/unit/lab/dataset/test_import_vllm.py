from pathlib import Path

import pytest
from log_imports import conversations, only_report, queries_of, read_log, write_text

from suffice.errors import DatasetError
from suffice.lab.dataset.sources import ImportOptions, LogFormat, detect_format

MODEL = ImportOptions(model="llama-8b")
START = "INFO 09-10 19:10:43 [logger.py:43] "
PARAMS = "params: SamplingParams(n=1, temperature=0.0, stop=['\\n, prompt: '])"
TAIL = f"{PARAMS}, prompt_token_ids: None, prompt_embeds shape: None, lora_request: None."
CHATML = (
    "<|im_start|>system\\nBe brief.<|im_end|>\\n"
    '<|im_start|>user\\nIt\\\'s \\"on\\"?<|im_end|>\\n'
    "<|im_start|>assistant\\n"
)


def received(name: str, prompt: str) -> str:
    return f"{START}Received request {name}: prompt: '{prompt}', {TAIL}\n"


def generated(name: str, text: str, info: str = "") -> str:
    return f"{START}Generated response {name}{info}: output: '{text}', output_token_ids: [1, 2], finish_reason: stop\n"


def test_a_request_and_its_answer_become_a_query_and_an_outcome(tmp_path: Path) -> None:
    log = write_text(tmp_path / "log", received("chatcmpl-1", CHATML) + generated("chatcmpl-1", "Yes, it is.\\n"))

    collection = read_log(LogFormat.VLLM, log, options=MODEL)

    assert conversations(queries_of(collection)) == [[("system", "Be brief."), ("user", 'It\'s "on"?')]]
    (outcome,) = collection.outcomes
    assert (outcome.query_id, outcome.model, outcome.response) == ("chatcmpl-1", "llama-8b", "Yes, it is.\n")
    assert detect_format(log) is LogFormat.VLLM


LLAMA = (
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\\n\\nWho?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\\n\\nMe.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\\n\\nWhy?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\\n\\n"
)
GEMMA = (
    "<bos><start_of_turn>user\\nWho?<end_of_turn>\\n<start_of_turn>model\\nMe.<end_of_turn>\\n"
    "<start_of_turn>user\\nWhy?<end_of_turn>\\n<start_of_turn>model\\n"
)
MISTRAL = "<s>[INST] Who? [/INST] Me.</s>[INST] Why? [/INST]"


@pytest.mark.parametrize("prompt", [LLAMA, GEMMA, MISTRAL])
def test_templates_of_llama_gemma_and_mistral_are_read_back(prompt: str, tmp_path: Path) -> None:
    log = write_text(tmp_path / "log", received("chatcmpl-1", prompt))

    collection = read_log(LogFormat.VLLM, log, options=MODEL)

    assert conversations(queries_of(collection)) == [[("user", "Who?"), ("assistant", "Me."), ("user", "Why?")]]
    assert collection.outcomes == []


def test_a_prompt_without_a_known_template_is_one_text(tmp_path: Path) -> None:
    log = write_text(tmp_path / "log", received("cmpl-7-0", "Once upon") + generated("cmpl-7", " a time"))

    collection = read_log(LogFormat.VLLM, log, options=MODEL)

    assert queries_of(collection)[0].prompt == "Once upon"
    assert collection.outcomes[0].response == " a time"


def test_of_a_stream_only_the_complete_line_counts(tmp_path: Path) -> None:
    log = write_text(
        tmp_path / "log",
        received("chatcmpl-1", "Hi")
        + generated("chatcmpl-1", "H", " (streaming delta)")
        + generated("chatcmpl-1", "Ho", " (streaming complete)"),
    )

    collection = read_log(LogFormat.VLLM, log, options=MODEL)

    assert [outcome.response for outcome in collection.outcomes] == ["Ho"]


def test_newer_servers_have_the_prompt_in_a_debug_line(tmp_path: Path) -> None:
    details = "prompt: 'Hi', prompt_token_ids: [1], prompt_embeds shape: None."
    log = write_text(
        tmp_path / "log",
        f"(APIServer pid=7) DEBUG 03-01 10:00:00 [logger.py:50] Request chatcmpl-1 details: {details}\n"
        f"(APIServer pid=7) {START}Received request chatcmpl-1: {PARAMS}, lora_request: None.\n"
        f"(APIServer pid=7) {START}Generated response chatcmpl-1: output: 'Ho', finish_reason: stop\n",
    )

    collection = read_log(LogFormat.VLLM, log, options=MODEL)

    assert [(outcome.query_id, outcome.response) for outcome in collection.outcomes] == [("chatcmpl-1", "Ho")]
    assert only_report(collection).n_rows == 1


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    log = write_text(
        tmp_path / "log",
        f"{START}Received request chatcmpl-1: {PARAMS}, lora_request: None.\n"
        f"{START}Received request cmpl-2-0: prompt: None, {TAIL}\n"
        + generated("chatcmpl-9", "From before the log began")
        + received("chatcmpl-3", "Hi"),
    )

    collection = read_log(LogFormat.VLLM, log, options=MODEL)

    report = only_report(collection)
    assert report.left_out == {"without its prompt: vLLM logs it with VLLM_LOGGING_LEVEL=DEBUG": 1}
    assert {bad.where: bad.reason for bad in report.first_bad} == {
        "line 2": "its prompt was sent as token ids",
        "line 3": "is an answer whose request was not logged",
    }
    assert list(collection.queries) == ["chatcmpl-3"]


def test_the_model_has_to_be_named(tmp_path: Path) -> None:
    log = write_text(tmp_path / "log", received("chatcmpl-1", "Hi"))

    with pytest.raises(DatasetError, match="--model"):
        read_log(LogFormat.VLLM, log)
