"""What the documents say is tried: configurations load, commands and targets exist, lists are complete."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from suffice import cli, config
from suffice.vocabulary import Mode, Reason

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

TIERS = """
tiers:
  - { name: small, model: small-model, base_urls: ["http://127.0.0.1:8000/v1"], price: { input: 1, output: 1 } }
  - { name: large, model: large-model, base_urls: ["http://127.0.0.1:8001/v1"], price: { input: 9, output: 9 } }
"""


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Every fenced block of a language, with a name for the test's report."""
    for document in DOCUMENTS:
        found = re.findall(
            rf"^```{language}\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
        )
        for number, block in enumerate(found, 1):
            yield f"{document.relative_to(ROOT)}-{number}", block


def parametrized(language: str) -> pytest.MarkDecorator:
    named = list(blocks(language))
    return pytest.mark.parametrize("block", [block for _, block in named], ids=[name for name, _ in named])


def commands(block: str) -> Iterator[list[str]]:
    """The calls of `make` and `suffice` in a block; what other programs understand is not ours to test."""
    for line in block.replace("\\\n", " ").splitlines():
        if re.match(r"(make|suffice)\b", line):
            yield shlex.split(line, comments=True)


def options(command: str) -> set[str]:
    """The options of one of the program's commands."""
    assert command in cli.COMMANDS
    program = typer.Typer()
    program.command()(cli.load_command(command))
    parameters = typer.main.get_command(program).params
    return {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}


@parametrized("yaml")
def test_every_configuration_in_the_documents_loads_without_a_mistake(block: str, tmp_path: Path) -> None:
    text = block if "tiers:" in block else TIERS + block

    loaded = config.parse(text, {}, source="snippet", folder=tmp_path)

    assert [tier.name for tier in loaded.config.tiers] == ["small", "large"]


@parametrized("sh")
def test_every_command_in_the_documents_exists_with_its_options(block: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    for words in commands(block):
        if words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= targets
        else:
            assert {word for word in words[2:] if word.startswith("-")} <= options(words[1]), words


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(document.relative_to(ROOT)) for document in DOCUMENTS])
def test_every_command_named_in_passing_exists(document: Path) -> None:
    named = re.findall(r"`suffice ([a-z]+)", document.read_text(encoding="utf-8"))

    assert set(named) <= set(cli.COMMANDS)


def test_the_readme_explains_every_reason_and_mode() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    explained = set(re.findall(r"^\| `([a-z_]+)` \|", readme, re.MULTILINE))

    assert set(Reason) <= explained
    assert set(Mode) <= explained
