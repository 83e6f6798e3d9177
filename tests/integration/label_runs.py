"""Runs of `suffice label` in processes of their own, and what they need."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from suffice.upstream.tape import read_tape_file

TAPES = {"small": "qwen2.5-coder-0.5b", "large": "qwen2.5-coder-1.5b"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "suffice", "label", *arguments]


def label(*arguments: str) -> Run:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100, check=False
    )
    return Run(code=done.returncode, out=done.stdout, err=done.stderr)


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def write_tape_settings(folder: Path, *, speedup: float = 5000.0, slots: int = 64) -> Path:
    tiers = [
        {
            "name": name,
            "model": model,
            "context_tokens": 32_768,
            "price": {"input": price, "output": price},
            "tape": {"model": model, "slots": slots, "speedup": speedup},
        }
        for (name, model), price in zip(TAPES.items(), (0.1, 0.875), strict=True)
    ]
    path = folder / "suffice.yaml"
    document = {"tiers": tiers, "routing": {"max_complexity": {"small": 4.0}}, "scorer": {"kind": "length"}}
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path


def write_desk(folder: Path, *, step: int = 1, kinds: Sequence[str] = ()) -> Path:
    """The tape's prompts as queries with their checks; every `step`-th."""
    prompts = [json.loads(line) for line in read_tape_file("prompts.jsonl").splitlines()]
    rows = [
        {"query_id": p["id"], "category": p["kind"], "messages": p["messages"], "check": p["check"]}
        for p in prompts[::step]
        if not kinds or p["kind"] in kinds
    ]
    return write_rows(folder / "asked.jsonl", rows)
