"""`suffice score`: what a bundle says of the requests in a file, one line each."""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TextIO

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from suffice.cli.evidence import BundlePath, RoutingFile, read_routing, warn_of_rows
from suffice.cli.terminal import open_console
from suffice.cli.writing import check_target, open_whole
from suffice.estimators.bundle import load
from suffice.lab.dataset import FileReport, check_rows
from suffice.lab.rating import Rater, Rating, scorer_of
from suffice.lab.request_files import FoundRequest, RequestForm, detect_form, read_requests
from suffice.scoring.learned import Learned

_SHOWN_CHARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One request with what is said of it."""

    request: FoundRequest
    rating: Rating
    features: dict[str, float] | None

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"where": self.request.where}
        if self.request.name is not None:
            document["query_id"] = self.request.name
        document |= {
            "complexity": self.rating.complexity,
            "own_complexity": self.rating.own_complexity,
            "p_ok": dict(self.rating.p_ok),
        }
        return document if self.features is None else {**document, "features": self.features}

    def text(self) -> str:
        """For people: complexity, p_ok of each model, and how the newest turn begins."""
        p_ok = "  ".join(f"{p:5.3f}" for p in self.rating.p_ok.values())
        shown = " ".join(self.request.features.turns[0].text.split())
        shown = shown if len(shown) <= _SHOWN_CHARS else f"{shown[: _SHOWN_CHARS - 1]}…"
        moved = "" if self.features is None else f"  ({', '.join(f'{k} {v:+.3f}' for k, v in self.features.items())})"
        return f"{self.rating.complexity:10.2f}  {p_ok}  {_printable(f'{shown}{moved}')}"


def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Queries, OpenAI requests, or a prompt a line.")],
    *,
    bundle: BundlePath,
    form: Annotated[
        Literal["auto", "queries", "requests", "text"], typer.Option("--format", help="Form of the file.")
    ] = "auto",
    explain: Annotated[bool, typer.Option("--explain", help="With the features that moved complexity most.")] = False,
    config: RoutingFile = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JSON Lines here.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail at the end if a row was bad.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines.")] = False,
) -> None:
    """Rate every request of a file as the gateway would: complexity, and p_ok of each model."""
    check_target("--out", out, (file, bundle, config))
    routing = read_routing(config)
    scorer = scorer_of(load(bundle))
    found = detect_form(file) if form == "auto" else RequestForm(form)
    report = FileReport(source=file.name)
    requests = read_requests(file, found, report, max_turns=routing.max_turns)
    seen = out is None and sys.stdout.isatty()
    lines = _rate(_follow(requests, hidden=seen), scorer, Rater(scorer, routing.turn_decay), explain=explain)
    with nullcontext(sys.stdout) if out is None else open_whole(out) as target:
        n = _write(lines, target, as_json=as_json or out is not None, strict=report if strict else None)
    warn_of_rows(open_console(stderr=True), [report])
    if out is not None:
        open_console().print(f"{n:,} requests rated, read as {found.value}; written to {out}", markup=False)


def _rate(requests: Iterable[FoundRequest], scorer: Learned, rater: Rater, *, explain: bool) -> Iterator[_Line]:
    for request in requests:
        features = dict(scorer.explain(request.features.turns[0])) if explain else None
        yield _Line(request=request, rating=rater.rate(request.features), features=features)


def _write(lines: Iterable[_Line], target: TextIO, *, as_json: bool, strict: FileReport | None) -> int:
    """Write line by line, so that no file is too large."""
    n = 0
    for line in lines:
        if as_json:
            target.write(json.dumps(line.document()) + "\n")
        else:
            if n == 0:
                target.write(f"complexity  p_ok: {', '.join(line.rating.p_ok)}\n")
            target.write(line.text() + "\n")
        n += 1
    if strict is not None:
        check_rows([strict])
    return n


def _follow(requests: Iterable[FoundRequest], *, hidden: bool) -> Iterator[FoundRequest]:
    """The requests, counted on the terminal while they are read; hidden where the lines themselves are seen there."""
    console = open_console(stderr=True)
    columns = TextColumn("{task.completed:,.0f} requests rated"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal) as progress:
        yield from progress.track(requests)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
