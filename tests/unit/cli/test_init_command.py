import json
from pathlib import Path

import pytest
from command_runs import Runner

from suffice.config import load

NOBODY = ("--ports", "1,2")


def test_a_file_is_written_that_loads(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"

    result = run("init", "--path", str(path), *NOBODY)

    assert result.code == 0
    assert f"Wrote {path}" in result.out
    assert [tier.name for tier in load(path, {}).config.tiers] == ["small", "large"]


def test_a_file_that_is_there_is_kept(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"
    path.write_text("mine", "utf-8")

    result = run("init", "--path", str(path), *NOBODY)

    assert result.code == 2
    assert "--force overwrites it" in result.err
    assert path.read_text("utf-8") == "mine"


def test_force_overwrites(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"
    path.write_text("mine", "utf-8")

    result = run("init", "--path", str(path), "--force", *NOBODY)

    assert result.code == 0
    assert load(path, {}).config.tiers


def test_machines_get_json(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "suffice.yaml"

    document = json.loads(run("init", "--path", str(path), "--json", "--ports", "1").out)

    assert document["path"] == str(path)
    assert document["servers"] == [
        {"base_url": "http://127.0.0.1:1/v1", "models": [], "problem": "cannot be reached: nobody listens there"}
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ports", "80,x"), "no ports"),
        (("--ports", "70000"), "no ports"),
        (("--small", "http://127.0.0.1:1"), "belong together"),
        (("--small", "127.0.0.1:1", "--large", "http://127.0.0.1:1"), "no URL"),
        (("--small", "http://me:pw@h/v1", "--large", "http://127.0.0.1:1"), "no URL"),
    ],
)
def test_options_that_cannot_be_used_are_refused(
    run: Runner, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "suffice.yaml"

    result = run("init", "--path", str(path), *options)

    assert result.code == 2
    assert said in result.err
    assert not path.exists()


def test_a_folder_that_is_not_there_is_told(run: Runner, tmp_path: Path) -> None:
    result = run("init", "--path", str(tmp_path / "nowhere" / "suffice.yaml"), *NOBODY)

    assert result.code == 2
    assert "cannot be written" in result.err
