"""The log of a vLLM server that was started with `--enable-log-requests` (and `--enable-log-outputs`).

It has prompts as the model saw them, after its chat template: ChatML (Qwen and many others), Llama 3, Gemma and
Mistral's are read back into messages, others stay as one text. It names no model.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from suffice.errors import DatasetError
from suffice.lab.dataset.report import RowError
from suffice.lab.dataset.rows import read_start
from suffice.lab.dataset.sources.call import Call, Entry, ImportOptions, Skipped

_LITERAL = r"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|None)"""
_PROMPT = re.compile(
    rf"(?:Received request (?P<id>\S+): |Request (?P<id2>\S+) (?:prompt )?details: )prompt: {_LITERAL}(?:, |\.$)"
)
_WITHOUT_PROMPT = re.compile(r"Received request (?P<id>\S+): params: ")
_ANSWER = re.compile(
    rf"Generated response (?P<id>\S+?)(?P<part> \(streaming delta\))?(?: \(.*?\))?: output: {_LITERAL}"
)

_TURNS = (
    re.compile(r"<\|im_start\|>(?P<role>\w+)\n(?P<text>.*?)(?:<\|im_end\|>|\Z)", re.DOTALL),
    re.compile(r"<\|start_header_id\|>(?P<role>\w+)<\|end_header_id\|>\n\n(?P<text>.*?)(?:<\|eot_id\|>|\Z)", re.DOTALL),
    re.compile(r"<start_of_turn>(?P<role>\w+)\n(?P<text>.*?)(?:<end_of_turn>|\Z)", re.DOTALL),
)
_INSTRUCTION = re.compile(r"\[INST\](?P<user>.*?)\[/INST\](?P<assistant>.*?)(?:</s>|(?=\[INST\])|\Z)", re.DOTALL)
_ROLES = {"model": "assistant", "ipython": "tool"}


def read_vllm(paths: Sequence[Path], options: ImportOptions) -> Iterator[Entry]:
    """The requests in some logs, each with its answer where that was logged.

    Raises:
        DatasetError: A file cannot be read, or no model is named in `options`.
    """
    if options.model is None:
        raise DatasetError("vLLM's log names no model; say with --model which one it was")
    for path in paths:
        read_start(path)
        yield from _read_log(path, options.model)


def _read_log(path: Path, model: str) -> Iterator[Entry]:
    asked: dict[str, tuple[str, str]] = {}
    announced: dict[str, str] = {}
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            where = f"line {number}"
            if found := _PROMPT.search(line):
                name = found["id"] or found["id2"]
                asked[name] = (where, _read_literal(found["text"]))
                announced.pop(name, None)
            elif found := _WITHOUT_PROMPT.search(line):
                # The prompt may have come in a line of its own just before.
                if found["id"] not in asked:
                    announced[found["id"]] = where
            elif (found := _ANSWER.search(line)) and not found["part"]:
                yield _join(path.name, where, _find(asked, found["id"]), _read_literal(found["text"]), model)
    for name, (where, prompt) in asked.items():
        yield Entry(source=path.name, where=where, content=_make_call(prompt, None, name))
    for where in announced.values():
        reason = "without its prompt: vLLM logs it with VLLM_LOGGING_LEVEL=DEBUG"
        yield Entry(source=path.name, where=where, content=Skipped(reason))


def _find(asked: dict[str, tuple[str, str]], name: str) -> tuple[str, str, str] | None:
    """The request of an answer, taken out; that of a plain completion has its number within the request besides."""
    for candidate in (name, f"{name}-0"):
        if candidate in asked:
            return (candidate, *asked.pop(candidate))
    return None


def _join(source: str, where: str, request: tuple[str, str, str] | None, answer: str, model: str) -> Entry:
    if request is None:
        return Entry(source=source, where=where, content=RowError("is an answer whose request was not logged"))
    name, asked_where, prompt = request
    return Entry(
        source=source, where=asked_where, content=_make_call(prompt, {"model": model, "response": answer}, name)
    )


def _make_call(prompt: str, answer: dict[str, Any] | None, name: str) -> Call | RowError:
    if not prompt:
        return RowError("its prompt was sent as token ids", field="prompt")
    return Call(messages=_read_template(prompt), answer=answer, name=name)


def _read_template(prompt: str) -> tuple[dict[str, Any], ...]:
    """The messages in a prompt, without the opening of the answer; one message where the template is unknown."""
    for pattern in _TURNS:
        turns = [(found["role"], found["text"].strip()) for found in pattern.finditer(prompt)]
        if turns:
            messages = [{"role": _ROLES.get(role, role), "content": text} for role, text in turns]
            return tuple(messages[:-1] if messages[-1]["role"] == "assistant" else messages)
    messages = [
        {"role": role, "content": text}
        for found in _INSTRUCTION.finditer(prompt)
        for role in ("user", "assistant")
        if (text := found[role].strip())
    ]
    return tuple(messages) or ({"role": "user", "content": prompt},)


def _read_literal(text: str) -> str:
    """What Python's `repr` shows; nothing for None."""
    value = ast.literal_eval(text)
    return value if isinstance(value, str) else ""
