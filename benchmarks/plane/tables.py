"""Markdown tables of a run."""

from collections.abc import Iterable, Sequence

from plane.nginx import NAME as NGINX
from plane.promises import check
from plane.results import Results, Spread
from plane.rounds import CONNECTIONS, SCENARIOS


def render(results: Results) -> str:
    """All tables, with what they are of."""
    parts = [
        _conditions(results),
        "### Promised and measured",
        promises(results),
        "### CPU time, microseconds per answer, and as a multiple of nginx's",
        summary(results),
        *(f"{name}: not measured; {reason}." for name, reason in results.unavailable.items()),
        "### Each comparison, with its spread over the rounds",
        spreads(results),
        _checks(results),
        "### Latency added to the upstream's own, milliseconds, median of the rounds",
        latencies(results),
    ]
    return "\n\n".join(parts)


def promises(results: Results) -> str:
    """Limits and what was measured."""
    rows = [
        (
            promise.what,
            f"{promise.limit:g} {promise.unit}",
            "not measured" if promise.measured is None else f"{promise.measured:g} {promise.unit}",
            "yes" if promise.holds else "**no**",
        )
        for promise in check(results)
    ]
    return table(("", "at most", "measured", "holds"), rows)


def summary(results: Results) -> str:
    """A row per contestant, a column per scenario."""
    scenarios = [one.name for one in SCENARIOS]
    rows = [
        (name, version, *(_cell(results, name, scenario) for scenario in scenarios), _memory(results, name))
        for name, version in results.versions.items()
    ]
    return table(("", "version", *scenarios, "RSS, MB"), rows)


def spreads(results: Results) -> str:
    """A row per comparison."""
    rows = [
        (
            one.contestant,
            one.scenario,
            _figure(one.cpu_us.median),
            _figure(one.nginx_cpu_us.median),
            f"{one.times_nginx.median:.2f}",
            f"{one.times_nginx.low:.2f} to {one.times_nginx.high:.2f}",
            f"{one.n_answers:,}",
        )
        for one in results.comparisons
    ]
    return table(("", "scenario", "us", "nginx us", "ratio", "lowest to highest", "answers"), rows)


def latencies(results: Results) -> str:
    """A row per contestant, p50 and p99 at each number of connections."""
    heads = [f"{quantile}, {n}" for n in CONNECTIONS for quantile in ("p50", "p99")]
    rows: list[tuple[str, ...]] = []
    for name in results.versions:
        cells: list[str] = []
        for n in CONNECTIONS:
            found = results.find_latency(name, n)
            cells += [_ms(found.added_p50_us), _ms(found.added_p99_us)] if found else ["", ""]
        if any(cells):
            rows.append((name, *cells))
    return table(("connections", *heads), rows)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are figures and stand to the right."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(results: Results, name: str, scenario: str) -> str:
    if name == NGINX:
        measured = [one.nginx_cpu_us.median for one in results.comparisons if one.scenario == scenario]
        return _figure(Spread.of(measured).median) if measured else ""
    found = results.find(name, scenario)
    return f"{_figure(found.cpu_us.median)} ({_figure(found.times_nginx.median)}x)" if found else ""


def _memory(results: Results, name: str) -> str:
    return f"{results.rss_mb[name]:.0f}" if name in results.rss_mb else ""


def _conditions(results: Results) -> str:
    about = results.about
    return (
        f"Measured on {about['date']} at commit {about['commit']}: {about['processor']}, {about['cores']} cores, Linux "
        f"{about['kernel']}, Python {about['python']}, uvloop {about['uvloop']}, httptools {about['httptools']}, wrk "
        f"{about['wrk']}. {about['rounds']} rounds, each reading {about['seconds']:g} s; {about['prompts']:,} prompts "
        f"of {about['tokens']} tokens. Load of the machine before: {about['load_average_before']}."
    )


def _checks(results: Results) -> str:
    odd = [f"{one.contestant} ({one.scenario})" for one in results.comparisons if not one.agrees]
    counted = "Client and upstream counted the same answers in every reading."
    if odd:
        counted = f"Client and upstream did not count the same, or answers were bad, in: {', '.join(odd)}."
    upstream = f"The upstream itself takes {results.upstream_cpu_us:.0f} us of the other core per plain answer."
    return f"{upstream} {counted} Records lost: {sum(results.dropped_records.values())}."


def _ms(spread: Spread) -> str:
    return f"{spread.median / 1000:.2f}"


def _figure(value: float) -> str:
    """Three digits: 4.23, 42.3, 423, 4,230."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
