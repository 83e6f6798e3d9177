"""The tape's prompts, for people who want to try them."""

import shlex
from collections.abc import Sequence

import msgspec

from suffice.lab.workload import Prompt

_SHOWN = "lookup"
"""The kind that is tried first: a question a reader can check at a glance."""


def pick_example(prompts: Sequence[Prompt]) -> Prompt:
    """A prompt that shows well."""
    return next((prompt for prompt in prompts if prompt.kind == _SHOWN), prompts[0])


def write_curl(url: str, prompt: Prompt, *, model: str = "auto") -> str:
    """A command that sends `prompt` to the gateway at `url`, quoted for a POSIX shell."""
    body = {"model": model, "messages": prompt.messages, "max_tokens": prompt.max_tokens}
    words = ["curl", "-si", f"{url}/v1/chat/completions", "-H", "content-type: application/json"]
    return shlex.join([*words, "-d", msgspec.json.encode(body).decode()])


def write_line(prompt: Prompt, *, width: int = 100) -> str:
    """One line about a prompt: id, split, kind, and the beginning of its question."""
    question = " ".join(prompt.question.split())
    shown = question if len(question) <= width else f"{question[: width - 1]}…"
    return f"{prompt.id}  {prompt.split:5}  {prompt.difficulty:6}  {prompt.kind:12}  {shown}"


def write_json(prompt: Prompt) -> str:
    """One line of JSON that a request can be made of."""
    return msgspec.json.encode(prompt).decode()
