"""What `suffice label` shows: the cost beforehand, and what it came to."""

from collections.abc import Sequence

from rich.console import Console

from suffice.cli.terminal import rows_table
from suffice.lab.intervals import Interval
from suffice.lab.label import Forecast, Report
from suffice.lab.label.rates import Rate
from suffice.lab.label.report import TierCount


def show_forecasts(console: Console, rows: Sequence[Forecast]) -> None:
    """What is still to be called, what it will cost, and what that rests on."""
    table = [
        (
            row.name,
            f"{row.n_calls:,}",
            f"{row.prompt_tokens:,}",
            "?" if row.answer_tokens is None else f"{row.answer_tokens:,}",
            "?" if row.cost_usd is None else _usd(row.cost_usd),
            row.basis,
        )
        for row in rows
    ]
    columns = "model of", "calls", "prompt tokens, estimated", "answer tokens", "USD", "answer tokens rest on"
    console.print(rows_table(table, *columns, title="What it will cost"))
    costs = [row.cost_usd for row in rows if row.n_calls]
    known = [cost for cost in costs if cost is not None]
    if known:
        more = "" if len(known) == len(costs) else ", and more that is not known"
        console.print(f"about {_usd(sum(known))} USD in all{more}")


def show_report(console: Console, report: Report) -> None:
    """What was answered, how good it is and who says so."""
    console.print(rows_table([_tier_row(count) for count in report.tiers], *_TIER_COLUMNS, title="Answers"))
    if report.rates:
        console.print(
            rows_table([_rate_row(rate) for rate in report.rates], *_RATE_COLUMNS, title="Acceptable answers")
        )
    for rate in report.rates:
        _show_error(console, rate)
    agreement = report.self_agreement
    if agreement is not None:
        first = "all its verdicts are ties" if agreement.first_share is None else f"{agreement.first_share:.0%}"
        console.print(
            f"judge {report.judge}: agrees with itself on {_percent(agreement.agreement)} of pairs shown both ways;"
            f" of its choices, for what stands first: {first}",
            markup=False,
            soft_wrap=True,
        )
    for reason, n in report.failures.items():
        console.print(f"failed, {n} times: {reason}", style="red", markup=False, soft_wrap=True)
    for warning in report.warnings():
        console.print(f"warning: {warning}", style="bold yellow", markup=False, soft_wrap=True)
    console.print(f"{_usd(report.spent_usd)} USD spent in this folder so far")


_TIER_COLUMNS = "tier", "model", "answered", "failed", "cut off", "empty", "without a score", "USD"
_RATE_COLUMNS = "tier", "by", "acceptable, 95 % interval", "without the labeller's error", "mean score", "answers"


def _tier_row(count: TierCount) -> tuple[str, ...]:
    unpriced = "" if not count.n_unpriced else f" (+ {count.n_unpriced} unknown)"
    numbers = (count.n_answered, count.n_failed, count.n_cut, count.n_empty, count.n_unscored)
    return count.tier, count.model, *(f"{n:,}" for n in numbers), f"{_usd(count.cost_usd)}{unpriced}"


def _rate_row(rate: Rate) -> tuple[str, ...]:
    corrected = (
        "" if rate.corrected is None else "not known" if rate.corrected.rate is None else _percent(rate.corrected.rate)
    )
    acceptable = "taken as acceptable" if rate.is_reference else _percent(rate.acceptable)
    mean = "" if rate.is_reference else f"{rate.mean_score.estimate:.3f}"
    return rate.tier, rate.source, acceptable, corrected, mean, f"{rate.acceptable.n:,}"


def _show_error(console: Console, rate: Rate) -> None:
    if rate.corrected is None:
        return
    confusion = rate.corrected.confusion
    good, bad = confusion.n_hits + confusion.n_misses, confusion.n_correct_rejections + confusion.n_false_alarms
    said = (
        f"{rate.source}, {rate.tier}: people labelled {confusion.n} of these answers; of {good} acceptable ones"
        f" it finds {confusion.n_hits}, of {bad} others {confusion.n_correct_rejections}"
    )
    problem = "" if rate.corrected.problem is None else f"; {rate.corrected.problem}"
    console.print(said + problem, markup=False, soft_wrap=True)


def _percent(interval: Interval) -> str:
    return f"{interval.estimate:.1%} [{interval.low:.1%}, {interval.high:.1%}]"


def _usd(amount: float) -> str:
    return f"{amount:,.2f}" if amount >= 1 else f"{amount:.6f}"
