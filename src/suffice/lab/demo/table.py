"""The demo's report for a terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from suffice.lab.demo.plan import DemoPlan
from suffice.lab.demo.report import Report, Row
from suffice.lab.intervals import Interval


def print_notes(console: Console, notes: Mapping[str, str]) -> None:
    """What the numbers are and are not, before any of them."""
    console.print("[bold]What these numbers are, and what they are not[/bold]")
    for subject, text in notes.items():
        line = Text.assemble((f"{subject}: ", "bold"), text)
        console.print(Padding(line, (0, 0, 0, 2)))
    console.print()


def print_report(console: Console, report: Report, plan: DemoPlan) -> None:
    """The table and its footnotes."""
    console.print(_make_table(report, plan))
    gain = report.routed_minus_shuffled
    console.print(
        f"Routed minus shuffled: {100 * gain.estimate:+.1f} points of answers right "
        f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]{_judge(gain)}.",
        highlight=False,
        markup=False,
    )
    if report.overhead is not None:
        real_ms = 1000 * report.overhead.median_s
        console.print(
            f"Gateway, client and sockets add {real_ms:.1f} ms to a request (median of {report.overhead.n}, one at a "
            f"time); at {plan.speedup:g} times the speed that shows as {real_ms * plan.speedup / 1000:.2f} s above.",
            highlight=False,
        )
    console.print(
        f"Intervals: 95 %, bootstrap over {gain.n_groups} groups of near-duplicates, seed {plan.seed}. "
        f"Run: {report.duration_s:.0f} s.",
        highlight=False,
        markup=False,
    )


def _make_table(report: Report, plan: DemoPlan) -> Table:
    table = Table(title=f"{report.rows[0].n} prompts, {plan.split} split")
    table.add_column("")
    headings = ("USD / 1,000", "cost", "P50 s", "P99 s", "req/s", "answers right, 95 % interval", "to large")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    if any(row.n_failed for row in report.rows):
        table.add_column("failed", justify="right")
    top_usd = report.rows[0].usd_per_1000
    for row in report.rows:
        cells = _cells(row, top_usd)
        table.add_row(*(cells if len(table.columns) == len(cells) else (*cells, str(row.n_failed))))
    return table


def _cells(row: Row, top_usd: float) -> tuple[str, ...]:
    right = row.right
    return (
        row.name,
        f"{row.usd_per_1000:.4f}",
        f"{100 * row.usd_per_1000 / top_usd:.0f} %" if top_usd else "-",
        f"{row.p50_s:.2f}",
        f"{row.p99_s:.2f}",
        f"{row.throughput_rps:.2f}",
        f"{100 * right.estimate:.1f} % [{100 * right.low:.1f}, {100 * right.high:.1f}]".replace("[", r"\["),
        f"{100 * row.share_large:.0f} %",
    )


def _judge(gain: Interval) -> str:
    return ", not to be told from chance" if gain.low <= 0 <= gain.high else ""
