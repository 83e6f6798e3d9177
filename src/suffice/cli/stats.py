"""`suffice stats`: traffic split, cost against always-large, latency and escalation, from the records."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from suffice.cli.terminal import open_console
from suffice.errors import SufficeError
from suffice.recording.period import parse_since
from suffice.recording.store import Store, Use
from suffice.recording.summary import Estimate, Percentiles, Summary, summarise


def stats(
    *,
    config: Annotated[Path, typer.Option(help="The configuration whose records to read.")] = Path("suffice.yaml"),
    db: Annotated[Path | None, typer.Option(help="The records themselves, in place of a configuration.")] = None,
    since: Annotated[str | None, typer.Option(help="24h, 7d or 2026-11-01 (UTC). [default: all]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Show what the records say: traffic split, cost against always-large, latency, escalation."""
    since_at = _read_since(since)
    try:
        store = Store(db if db is not None else _configured(config), since=since_at)
        try:
            summary = summarise(store)
        finally:
            store.close()
    except SufficeError as error:
        typer.echo(f"suffice stats: {error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(_document(summary, since_at))).decode())
    else:
        show(summary, open_console(), since=since)


def show(summary: Summary, console: Console, *, since: str | None) -> None:
    """Print the tables."""
    totals = summary.totals
    if totals.n_requests == 0:
        console.print(f"No requests are recorded{f' since {since}' if since else ' yet'}.", highlight=False)
        return
    console.print(f"{totals.n_requests:,} requests, {_moment(totals.first_at)} to {_moment(totals.last_at)} UTC")
    console.print(
        f"{totals.n_decided:,} of them, in {totals.n_sessions:,} sessions, got a tier;"
        f" {totals.n_routed:,} were routed, the others named a tier or were only observed"
    )
    if summary.tiers:
        console.print(_tiers_table(summary))
    console.print(_figures_table(summary))
    if summary.reasons:
        console.print(_uses_table("Why a tier came first", "reason", summary.reasons))
    if summary.proposals:
        console.print(_uses_table("What `route` mode would have asked first", "tier", summary.proposals))
    for code, n in summary.errors.items():
        console.print(f"error {code}: {n:,} requests", markup=False)
    for warning in summary.warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)


def _tiers_table(summary: Summary) -> Table:
    table = Table(title="Who answered", title_justify="left")
    table.add_column("tier")
    for name in (
        "requests",
        "share",
        "cost USD",
        "answers",
        "P50 s",
        "P95 s",
        "P99 s",
        "first byte P50 s",
        "P95 s",
        "P99 s",
    ):
        table.add_column(name, justify="right")
    for name, tier in summary.tiers.items():
        n_answers = f"{tier.duration.n:,}" if tier.duration else "0"
        times = (n_answers, *_times(tier.duration), *_times(tier.first_byte))
        table.add_row(name, f"{tier.n:,}", f"{tier.share:.1%}", f"{tier.cost_usd:.4f}", *times)
    return table


def _figures_table(summary: Summary) -> Table:
    totals = summary.totals
    table = Table(title="Figures", title_justify="left", caption="95 % by bootstrap over sessions")
    table.add_column("")
    for name in ("value", "95 % interval", "n"):
        table.add_column(name, justify="right")
    table.add_row("cost USD", f"{totals.cost_usd:.4f}", "", f"{totals.n_requests:,}")
    table.add_row("always-large USD", f"{totals.always_large_usd:.4f}", "", f"{totals.n_requests:,}")
    for name, estimate in (
        ("saving", summary.saving),
        ("large share (final)", summary.large_share),
        ("escalation rate", summary.escalation_rate),
        ("decision cache hits", summary.cache_hit_rate),
    ):
        table.add_row(name, *_cells(estimate))
    n = f"{totals.n_requests:,}"
    table.add_row("errors", f"{sum(summary.errors.values()):,}", "", n)
    table.add_row("cancelled by the client", f"{totals.n_cancelled:,}", "", n)
    table.add_row("known to be unrecorded", f"{summary.n_dropped:,}", "", "")
    return table


def _uses_table(title: str, first: str, uses: Mapping[str, Use]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for name in ("requests", "share", "cost USD", "always-large USD"):
        table.add_column(name, justify="right")
    n = sum(use.n for use in uses.values())
    for name, use in uses.items():
        table.add_row(name, f"{use.n:,}", f"{use.n / n:.1%}", f"{use.cost_usd:.4f}", f"{use.always_large_usd:.4f}")
    return table


def _cells(estimate: Estimate | None) -> tuple[str, str, str]:
    if estimate is None:
        return "-", "", "0"
    interval = "" if estimate.low is None else f"{estimate.low:.1%} to {estimate.high:.1%}"
    return f"{estimate.value:.1%}", interval, f"{estimate.n:,}"


def _times(percentiles: Percentiles | None) -> tuple[str, str, str]:
    if percentiles is None:
        return "-", "-", "-"
    return f"{percentiles.p50_s:.3f}", f"{percentiles.p95_s:.3f}", f"{percentiles.p99_s:.3f}"


def _document(summary: Summary, since_at: float) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(summary)
    return {"since": since_at or None, **document}


def _moment(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _read_since(since: str | None) -> float:
    try:
        return 0.0 if since is None else parse_since(since, now=time.time())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None


def _configured(config: Path) -> Path:
    """The file that the configuration's records go to."""
    from suffice.config import load  # noqa: PLC0415 - `--db` needs no configuration, and its loading takes time

    loaded = load(config, os.environ)
    return loaded.folder / loaded.config.recording.path
