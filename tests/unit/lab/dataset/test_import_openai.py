import json
from pathlib import Path
from typing import Any

import pytest
from log_imports import conversations, only_report, queries_of, read_log, write_json, write_lines

from suffice.errors import DatasetError
from suffice.lab.dataset.sources import ImportOptions, LogFormat, detect_format
from suffice.vocabulary import Token

HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]


def response(model: str = "small-1", text: str = "Hi.", **fields: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **fields}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14},
    }


def batch_request(custom_id: str, text: str) -> dict[str, Any]:
    body = {"model": "small-1", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def batch_answer(custom_id: str, *, status_code: int = 200) -> dict[str, Any]:
    answered = {"status_code": status_code, "request_id": "req-1", "body": response()}
    return {"id": "batch_req_1", "custom_id": custom_id, "response": answered, "error": None}


def test_pairs_of_request_and_response_become_a_query_and_an_outcome(tmp_path: Path) -> None:
    pair = {"id": "call-1", "request": {"model": "asked", "messages": HELLO}, "response": response()}
    log = write_lines(tmp_path / "log.jsonl", pair)

    collection = read_log(LogFormat.OPENAI, log)

    (query,), (outcome,) = queries_of(collection), collection.outcomes
    assert query.query_id == outcome.query_id == "call-1"
    assert list(query.conversation) == HELLO
    assert (outcome.model, outcome.response, outcome.score) == ("small-1", "Hi.", None)
    assert (outcome.prompt_tokens, outcome.completion_tokens) == (11, 3)


def test_logprobs_are_kept_with_those_of_the_most_likely_other_token(tmp_path: Path) -> None:
    content: list[dict[str, Any]] = [
        {
            "token": "Hi",
            "logprob": -0.1,
            "top_logprobs": [
                {"token": "Hi", "logprob": -0.1},
                {"token": "Hey", "logprob": -2.5},
                {"token": "Yo", "logprob": -4.0},
            ],
        },
        {"token": ".", "logprob": -0.3, "top_logprobs": []},
    ]
    entry = {"request": {"messages": HELLO}, "response": response(logprobs={"content": content})}

    collection = read_log(LogFormat.OPENAI, write_lines(tmp_path / "log.jsonl", entry))

    tokens = (Token(text="Hi", logprob=-0.1, second_logprob=-2.5), Token(text=".", logprob=-0.3))
    assert collection.outcomes[0].logprobs == tokens


@pytest.mark.parametrize(
    "entry",
    [
        {"model": "small-1", "messages": HELLO, "response": "Hi."},
        {"model": "small-1", "messages": HELLO, "choices": [{"message": {"content": "Hi."}}]},
        {"model": "small-1", "messages": [*HELLO, {"role": "assistant", "content": "Hi."}]},
        {
            "request": {"model": "small-1", "messages": HELLO},
            "response": {"choices": [{"message": {"content": "Hi."}}]},
        },
        {"model": "small-1", "messages": HELLO, "response": {"role": "assistant", "content": "Hi."}},
        {"model": "small-1", "messages": HELLO, "output": [{"role": "assistant", "content": "Hi."}]},
        {
            "model": "small-1",
            "messages": json.dumps(HELLO),
            "completion": {"content": [{"type": "text", "text": "Hi."}]},
        },
    ],
)
def test_shortened_forms_are_understood(entry: dict[str, Any], tmp_path: Path) -> None:
    collection = read_log(LogFormat.OPENAI, write_lines(tmp_path / "log.jsonl", entry))

    assert [list(query.conversation) for query in queries_of(collection)] == [HELLO]
    assert [(outcome.model, outcome.response) for outcome in collection.outcomes] == [("small-1", "Hi.")]


def test_completions_have_a_prompt_and_a_text(tmp_path: Path) -> None:
    answer = {"model": "small-1", "choices": [{"text": " upon a time"}]}
    entry = {"request": {"model": "small-1", "prompt": "Once"}, "response": answer}

    collection = read_log(LogFormat.OPENAI, write_lines(tmp_path / "log.jsonl", entry))

    assert queries_of(collection)[0].prompt == "Once"
    assert collection.outcomes[0].response == " upon a time"


def test_the_prompts_of_one_completion_are_one_text(tmp_path: Path) -> None:
    entry = {"model": "m", "prompt": ["Once", "upon"], "response": "a time", "cost": "unknown"}

    collection = read_log(LogFormat.OPENAI, write_lines(tmp_path / "log.jsonl", entry))

    assert queries_of(collection)[0].prompt == "Once\nupon"
    assert collection.outcomes[0].cost_usd is None


def test_the_two_files_of_a_batch_meet_by_custom_id_in_any_order(tmp_path: Path) -> None:
    asked = write_lines(tmp_path / "input.jsonl", batch_request("a", "One?"), batch_request("b", "Two?"))
    answered = write_lines(tmp_path / "output.jsonl", batch_answer("b"))

    collection = read_log(LogFormat.OPENAI, answered, asked)

    assert conversations(queries_of(collection)) == [[("user", "Two?")], [("user", "One?")]]
    assert [outcome.query_id for outcome in collection.outcomes] == ["b"]


def test_batch_answers_without_their_requests_are_bad_and_failed_ones_are_left_out(tmp_path: Path) -> None:
    asked = write_lines(tmp_path / "input.jsonl", batch_request("a", "One?"), batch_request("a", "Twice?"))
    answered = write_lines(tmp_path / "output.jsonl", batch_answer("z"), batch_answer("a", status_code=500))
    more = write_lines(tmp_path / "more.jsonl", batch_answer("a"))

    collection = read_log(LogFormat.OPENAI, asked, answered, more)

    assert str(collection.reports["input.jsonl"].first_bad[0]).endswith("stands twice; import one batch at a time")
    report = collection.reports["output.jsonl"]
    assert [bad.where for bad in report.first_bad] == ["line 1"]
    assert "give the batch's input file too" in report.first_bad[0].reason
    assert report.left_out == {"the call failed": 1}
    assert len(collection.outcomes) == 1


def test_the_same_conversation_asked_of_two_models_is_one_query_and_repeats_meet_in_another(tmp_path: Path) -> None:
    entries = [
        {"id": f"{model}-{turn}", "model": model, "messages": HELLO, "response": f"Hi {turn}."}
        for model in ("small", "large")
        for turn in (1, 2)
    ]

    collection = read_log(LogFormat.OPENAI, write_lines(tmp_path / "log.jsonl", *entries))

    assert list(collection.queries) == ["small-1", "small-2"]
    assert [(outcome.query_id, outcome.model, outcome.response) for outcome in collection.outcomes] == [
        ("small-1", "small", "Hi 1."),
        ("small-2", "small", "Hi 2."),
        ("small-1", "large", "Hi 1."),
        ("small-2", "large", "Hi 2."),
    ]


def test_different_conversations_under_one_id_are_kept_apart(tmp_path: Path) -> None:
    entries = [{"id": "x", "model": "m", "prompt": text, "response": "ok"} for text in ("One?", "Two?")]

    collection = read_log(LogFormat.OPENAI, write_lines(tmp_path / "log.jsonl", *entries))

    assert list(collection.queries) == ["x", "x#2"]
    assert [outcome.query_id for outcome in collection.outcomes] == ["x", "x#2"]


def test_an_answer_without_a_model_is_bad_unless_one_is_named(tmp_path: Path) -> None:
    log = write_lines(
        tmp_path / "log.jsonl", {"prompt": "Hi?", "response": "Hi."}, {"model": "m", "prompt": "Ho?", "response": "Ho."}
    )

    nameless = read_log(LogFormat.OPENAI, log)
    named = read_log(LogFormat.OPENAI, log, options=ImportOptions(model="mine"))

    assert "say with --model" in only_report(nameless).first_bad[0].reason
    assert [outcome.model for outcome in named.outcomes] == ["mine", "m"]


def test_bad_entries_are_told_with_their_lines_and_the_rest_goes_on(tmp_path: Path) -> None:
    log = write_lines(
        tmp_path / "log.jsonl",
        {"model": "m", "messages": HELLO, "response": "Hi.", "score": 2},
        {"model": "m", "temperature": 1},
        {"model": "m", "messages": [{"role": "system", "content": "Only."}], "response": "Hi."},
        {"model": "m", "messages": HELLO, "error": {"message": "overloaded"}},
        {"model": "m", "messages": HELLO, "response": "Hi.", "score": 1, "cost_usd": 0.01, "category": "greeting"},
    )

    collection = read_log(LogFormat.OPENAI, log)

    report = only_report(collection)
    assert (report.n_rows, report.n_good, report.n_bad) == (5, 1, 3)
    assert [(bad.where, bad.field) for bad in report.first_bad] == [
        ("line 1", "score"),
        ("line 2", "messages"),
        ("line 3", "messages"),
    ]
    assert report.left_out == {"the call failed": 1}
    assert (collection.outcomes[0].score, collection.outcomes[0].cost_usd) == (1.0, 0.01)
    assert queries_of(collection)[0].category == "greeting"


def test_a_list_in_one_document_is_read_like_lines(tmp_path: Path) -> None:
    log = write_json(tmp_path / "log.json", [{"model": "m", "messages": HELLO, "response": "Hi."}, "nonsense"])

    collection = read_log(LogFormat.OPENAI, log)

    assert len(collection.outcomes) == 1
    assert [bad.where for bad in only_report(collection).first_bad] == ["item 2"]
    assert detect_format(log) is LogFormat.OPENAI


def test_a_log_without_a_single_call_is_an_error_that_says_why(tmp_path: Path) -> None:
    log = write_lines(tmp_path / "log.jsonl", {"model": "m", "messages": HELLO, "error": "no"}, {"model": "m"})

    with pytest.raises(
        DatasetError, match=r"the call failed \(1\); log.jsonl, line 2: .*neither messages nor a prompt"
    ):
        read_log(LogFormat.OPENAI, log)


def test_a_broken_document_is_an_error(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text('[\n{"a": 1},\n', encoding="utf-8")

    with pytest.raises(DatasetError, match="neither JSON Lines nor one JSON document"):
        read_log(LogFormat.OPENAI, log)
