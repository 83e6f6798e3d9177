import json
from pathlib import Path
from typing import Any

import pytest
from command_runs import Run, Runner

from suffice.lab.dataset import Query, read_features, write_dataset
from suffice.lab.dataset.writing import FileForm
from suffice.lab.rating import rate_all
from suffice.testing.bundles import write_bundle
from suffice.testing.datasets import draw_rows, write_rows

PROMPTS = ["prove it for all rivers", "list the owls", "what about maps?"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle", {"prove": 2.0, "list": -2.0})
    return tmp_path / "bundle"


def score(run: Runner, bundle: Path, file: Path, *more: str) -> Run:
    return run("score", str(file), "--bundle", str(bundle), *more)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def body(prompt: str, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}], **more}


def write_form(folder: Path, form: str) -> Path:
    path = folder / "requests"
    rows: dict[str, list[dict[str, Any]]] = {
        "queries": [{"query_id": f"q{index}", "prompt": prompt} for index, prompt in enumerate(PROMPTS)],
        "prompts": [{"prompt": prompt} for prompt in PROMPTS],
        "bodies": [body(prompt, model="gpt-x", temperature=0) for prompt in PROMPTS],
        "no model": [body(prompt) for prompt in PROMPTS],
        "batch": [{"custom_id": f"q{i}", "body": body(prompt, model="m")} for i, prompt in enumerate(PROMPTS)],
    }
    if form == "text":
        path.write_text("\ufeff" + "\n\n".join(PROMPTS) + "\n", encoding="utf-8")
    elif form == "parquet":
        queries = [Query(query_id=f"q{index}", prompt=prompt) for index, prompt in enumerate(PROMPTS)]
        return write_dataset(folder, queries, [], form=FileForm.PARQUET)[0]
    else:
        write_rows(path, rows[form])
    return path


@pytest.mark.parametrize("form", ["queries", "prompts", "bodies", "no model", "batch", "text", "parquet"])
def test_every_form_is_recognised_and_rated_as_the_gateway_would(
    run: Runner, bundle: Path, tmp_path: Path, form: str
) -> None:
    result = score(run, bundle, write_form(tmp_path, form), "--json")

    assert result.code == 0, result.err
    lines = lines_of(result.out)
    expected = rate_all(
        write_bundle(bundle, {"prove": 2.0, "list": -2.0}),
        [read_features(Query(query_id="q", prompt=prompt)) for prompt in PROMPTS],
    )
    assert [line["complexity"] for line in lines] == expected.complexity.tolist()
    assert [list(line["p_ok"].values()) for line in lines] == expected.p_ok.tolist()
    named = form in {"queries", "batch", "parquet"}
    assert [line.get("query_id") for line in lines] == (["q0", "q1", "q2"] if named else [None] * 3)


def test_people_see_a_line_for_each_request(run: Runner, bundle: Path, tmp_path: Path) -> None:
    result = score(run, bundle, write_form(tmp_path, "text"))

    head, *lines = result.out.splitlines()
    assert head == "complexity  p_ok: small, large"
    assert [line.split()[3:] for line in lines] == [prompt.split() for prompt in PROMPTS]


def test_lines_may_go_to_a_file(run: Runner, bundle: Path, tmp_path: Path) -> None:
    result = score(run, bundle, write_form(tmp_path, "text"), "--out", str(tmp_path / "rated.jsonl"))

    assert len(lines_of((tmp_path / "rated.jsonl").read_text("utf-8"))) == 3
    assert "3 requests rated, read as text" in result.out


def test_features_are_there_if_asked_for(run: Runner, bundle: Path, tmp_path: Path) -> None:
    explained = score(run, bundle, write_form(tmp_path, "text"), "--explain", "--json")
    shown = score(run, bundle, write_form(tmp_path, "text"), "--explain")

    (first, *_) = lines_of(explained.out)
    assert max(first["features"], key=first["features"].get) == "prove"
    assert "prove +" in shown.out


def test_follow_ups_inherit_as_the_configuration_says(run: Runner, bundle: Path, tmp_path: Path, file: str) -> None:
    turns = [("user", PROMPTS[0]), ("assistant", "Done."), ("user", PROMPTS[1])]
    row = {"messages": [{"role": role, "content": text} for role, text in turns]}
    path = write_rows(tmp_path / "chat", [row])

    (line,) = lines_of(score(run, bundle, path, "--json", "--config", file).out)

    assert line["own_complexity"] < line["complexity"]


def test_bad_rows_are_reported_with_their_lines_and_the_rest_goes_on(run: Runner, bundle: Path, tmp_path: Path) -> None:
    rows = [body(PROMPTS[0]), body(PROMPTS[1], max_tokens=-1), {"messages": "hello"}, {"body": 7}, body(PROMPTS[2])]
    path = write_rows(tmp_path / "log", rows)

    lenient, strict = score(run, bundle, path, "--json"), score(run, bundle, path, "--json", "--strict")

    assert [line["where"] for line in lines_of(lenient.out)] == ["line 1", "line 5"]
    assert "3 of 5 rows of log cannot be used" in lenient.err
    assert "log, line 2: max_tokens = -1" in lenient.err
    assert "log, line 3: messages = 'hello'" in lenient.err
    assert "log, line 4: body = 7: must be a JSON object" in lenient.err
    assert (lenient.code, strict.code) == (0, 2)


def test_a_strict_run_leaves_no_half_file(run: Runner, bundle: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "log", [body(PROMPTS[0]), {"body": 7}])

    result = score(run, bundle, path, "--strict", "--out", str(tmp_path / "rated"))

    assert result.code == 2
    assert not (tmp_path / "rated").exists()


def test_text_that_is_no_text_is_reported(run: Runner, bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"list the owls\n\xff\xfe\n")

    result = score(run, bundle, tmp_path / "text", "--json")

    assert len(lines_of(result.out)) == 1
    assert "text, line 2: is no UTF-8" in result.err


@pytest.mark.parametrize("more", [(), ("--format", "queries"), ("--format", "text")])
def test_files_without_requests_are_refused(run: Runner, bundle: Path, tmp_path: Path, more: tuple[str, ...]) -> None:
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "blank").write_bytes(b"\n\n")

    codes = [score(run, bundle, tmp_path / name, *more).code for name in ("empty", "blank", "nowhere")]

    assert codes == [2, 2, 2]


def test_a_wrong_form_is_said(run: Runner, bundle: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "o", draw_rows(3)[1])

    result = score(run, bundle, path)

    assert result.code == 2
    assert "holds no request, read as queries: o, line 1: " in result.err
    assert "say --format" in result.err


def test_control_characters_do_not_reach_the_terminal(run: Runner, bundle: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "evil", [body("list \x1b[2J\x07 owls")])

    assert "\x1b" not in score(run, bundle, path).out


def test_what_is_read_is_never_written_over(run: Runner, bundle: Path, tmp_path: Path) -> None:
    requests = write_form(tmp_path, "prompts")
    before = requests.read_bytes()

    result = score(run, bundle, requests, "--out", str(requests))

    assert result.code == 2
    assert "is a file that is read; name another one" in result.err
    assert requests.read_bytes() == before
