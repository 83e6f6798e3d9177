"""What `suffice label` says before it calls anybody."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from command_runs import Run, Runner

from suffice.cli import judges
from suffice.config import load
from suffice.errors import ConfigError


@pytest.fixture
def label(run: Runner, file: str, tmp_path: Path) -> Callable[..., Run]:
    """Run it on one query without a check; `PEOPLE` and `OUT` in an option name files here."""
    (tmp_path / "asked.jsonl").write_text('{"query_id": "q1", "prompt": "Who?"}\n', "utf-8")
    (tmp_path / "people.jsonl").write_text('{"query_id": "q1", "model": "gpt-9", "score": 1}\n', "utf-8")

    def call(*options: str) -> Run:
        named = [option.replace("PEOPLE", str(tmp_path / "people.jsonl")) for option in options]
        arguments = ("--queries", str(tmp_path / "asked.jsonl"), "--out", str(tmp_path / "out"), "--config", file)
        return run("label", *arguments, *named)

    return call


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--tiers", "small,medium"), "names no tier; use some of small, large"),
        (("--by", "judge"), "needs a judge"),
        (("--by", "check", "--judge", "large"), "has nothing to do with --by check"),
        (("--judge", "medium"), "is neither a URL nor a tier; use one of small, large"),
        (("--judge", "large", "--judge-key-env", "KEY"), "is for a judge by URL"),
        (("--judge", "http://127.0.0.1:1/v1:m", "--judge-key-env", "NO_SUCH_KEY"), "is not set in the environment"),
        (("--judge", "http://127.0.0.1:1"), "nobody listens there"),
        (("--by", "agreement", "--tiers", "small"), "needs two tiers at least"),
        (("--strategy", "active", "--sample", "5"), "needs either --bundle or --outcomes"),
        (("--strategy", "active", "--bundle", "b"), "needs --sample"),
        (("--threshold", "3"), "belongs to --strategy active"),
        (("--by", "none", "--strategy", "active", "--sample", "5", "--bundle", "/nowhere"), "cannot be read"),
        ((), "has a `check`, and no judge is named: say --judge"),
        (("--by", "none", "--human", "PEOPLE"), "labels answers of gpt-9, but the tiers are small (m), large (n)"),
        (("--by", "none", "--max-tokens", "9"), "there is no terminal to ask whether to make these calls; say --yes"),
    ],
)
def test_every_mistake_is_told_with_the_way_out(
    options: tuple[str, ...], told: str, label: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)

    done = label(*options)

    assert done.code in {1, 2}
    assert told in " ".join(done.err.replace("│", " ").split())
    assert not (tmp_path / "out" / "outcomes.jsonl").exists()


@pytest.mark.parametrize(
    ("named", "base_url", "model"),
    [
        ("http://127.0.0.1:9/v1:judge", "http://127.0.0.1:9/v1", "judge"),
        ("http://127.0.0.1:9:meta/llama:8b", "http://127.0.0.1:9/v1", "meta/llama:8b"),
        ("https://judges.example/api/v2/:j", "https://judges.example/api/v2", "j"),
        ("http://[::1]:9:j", "http://[::1]:9/v1", "j"),
        ("large:adapter", "http://127.0.0.1:2/v1", "adapter"),
        ("large", "http://127.0.0.1:2/v1", "n"),
    ],
)
def test_a_judge_is_a_server_or_a_tier_with_a_model(named: str, base_url: str, model: str, file: str) -> None:
    chosen = judges.choose_judge(load(Path(file), {}), named, None, {})

    assert (list(chosen.config.base_urls), chosen.config.model) == ([base_url], model)
    assert chosen.has_price is not named.startswith("http")


def test_the_judges_key_stays_secret(file: str) -> None:
    chosen = judges.choose_judge(load(Path(file), {}), "http://127.0.0.1:9:j", "JUDGE_KEY", {"JUDGE_KEY": "sesame"})

    assert chosen.loaded.secrets["JUDGE_KEY"].reveal() == "sesame"
    assert "sesame" not in repr(chosen)


def test_tiers_come_in_the_ladders_order(file: str) -> None:
    loaded = load(Path(file), {})

    assert [tier.name for tier in judges.choose_tiers(loaded, "large, small")] == ["small", "large"]
    assert [tier.name for tier in judges.choose_tiers(loaded, None)] == ["small", "large"]
    with pytest.raises(ConfigError):
        judges.choose_tiers(loaded, "")


def test_bad_rows_of_queries_are_reported_and_the_rest_goes_on(label: Callable[..., Run], tmp_path: Path) -> None:
    with (tmp_path / "asked.jsonl").open("a") as file:
        file.write('{"query_id": "q2", "prompt": "Why?", "check": {"type": "telepathy"}}\n')

    done = label("--by", "none", "--tiers", "small", "--yes", "--json")

    # Nobody listens at the tier's address: the one call fails, and says so.
    document = json.loads(done.out)
    assert [source["bad"] for source in document["sources"]] == [1]
    assert [tier["failed"] for tier in document["tiers"]] == [1]
