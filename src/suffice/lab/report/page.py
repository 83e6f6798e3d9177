"""The report as one file: nothing is fetched from anywhere, and nothing in it runs."""

from collections.abc import Iterator
from html import escape

import numpy as np

from suffice import __version__
from suffice.lab.dataset import OK_SCORE
from suffice.lab.examination import Examination
from suffice.lab.metrics.reliability import measure_reliability
from suffice.lab.report.confusions import Confusion, Mistake, find_confusions
from suffice.lab.report.gain_chart import GainLines, draw_gain
from suffice.lab.report.markup import chart, figure_cell, legend_of, paragraph, table
from suffice.lab.report.reliability_chart import draw_reliability
from suffice.lab.report.style import STYLE

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_MISTAKES = {
    Mistake.TOO_LOW: "Complexity too low: the large model was better",
    Mistake.TOO_HIGH: "Complexity too high: the small model would have done",
}


def render(examination: Examination) -> str:
    """The page."""
    body = "\n".join(_body(examination))
    title = escape(f"Router {examination.bundle.id} on {examination.evaluation.n:,} queries")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _body(examination: Examination) -> Iterator[str]:
    yield from _head(examination)
    yield from _gain(examination)
    yield "<h2>Thresholds</h2>"
    yield _points(examination)
    yield from _reliability(examination)
    yield from _categories(examination)
    yield from _confusions(examination)
    yield from _notes(examination)


def _head(examination: Examination) -> Iterator[str]:
    evaluation, trial = examination.evaluation, examination.trial
    yield f"<h1>{escape(trial.small)} → {escape(trial.large)}</h1>"
    yield paragraph(
        f"Bundle {examination.bundle.id} of {examination.bundle.manifest.created}, on {evaluation.n:,} queries in"
        f" {evaluation.n_groups:,} groups of near-duplicates and conversations. Intervals:"
        f" {_percent(evaluation.plan.level)}, {evaluation.plan.n_resamples:,} resamples of whole groups."
    )
    for warning in examination.warnings:
        yield paragraph(warning, kind="warning")
    for name, reason in evaluation.undefined.items():
        yield paragraph(f"No {name}: {reason}.", kind="warning")
    yield "<h2>The router beside the controls</h2>"
    yield _routers(examination)
    yield paragraph(
        "APGR: share of the gap between both models that is recovered, averaged over all shares to the large model;"
        " .5 is chance. CPT(50), CPT(80): share to the large model that recovers half and 80 % of the gap. The router"
        " is worth what it gains over shuffled, which sends the same share at random, and over category-only, which"
        " knows nothing of a request but its kind.",
        kind="soft",
    )


def _routers(examination: Examination) -> str:
    evaluation = examination.evaluation
    gain = evaluation.gain
    figures = (gain.cpt50, gain.cpt80, gain.acc_at_15)
    rows = [["router", figure_cell(gain.apgr), "", *map(figure_cell, figures), f"{evaluation.n:,}"]]
    for name, control in evaluation.controls.items():
        own = control.figures
        cells = [figure_cell(own.apgr), figure_cell(control.difference.apgr, signed=True)]
        cells += map(figure_cell, (own.cpt50, own.cpt80, own.acc_at_15))
        rows.append([escape(name), *cells, f"{own.apgr.n:,}"])
    for name, score in (("always-small", evaluation.always_small), ("always-large", evaluation.always_large)):
        rows.append([f"{name}, at any share", "", "", "", "", figure_cell(score), f"{score.n:,}"])
    head = ("", "APGR", "router minus this", "CPT(50)", "CPT(80)", "score at 15 % to large", "n")
    return table(head, rows, first_kind="router")


def _gain(examination: Examination) -> Iterator[str]:
    lines = GainLines.of(examination)
    yield "<h2>Quality over cost</h2>"
    yield chart(
        draw_gain(examination, lines),
        f"n = {examination.evaluation.n:,}. The bill grows with the share that goes to the large model. Dotted"
        " uprights: the thresholds of the bundle, with the highest complexity that goes to the small model.",
        legend_of(list(lines.curves), band=f"{_percent(examination.evaluation.plan.level)} of the router's resamples"),
    )


def _points(examination: Examination) -> str:
    rows = [
        [
            escape(name) + ("" if name in examination.thresholds.calibrated else "<small>default</small>"),
            f"{point.threshold:g}",
            figure_cell(point.share, percent=True),
            figure_cell(point.score),
            figure_cell(point.recovered, percent=True),
            figure_cell(point.lost, signed=True),
            f"{point.share.n:,}",
        ]
        for name, point in examination.points.items()
    ]
    head = ("", "complexity up to", "share to large", "score", "gap recovered", "score lost", "n")
    return table(head, rows)


def _reliability(examination: Examination) -> Iterator[str]:
    evaluation, trial = examination.evaluation, examination.trial
    p_ok = examination.ratings.p_ok_of(trial.small)
    yield "<h2>Does the small model suffice?</h2>"
    rows = [["AUC of small-model failure", figure_cell(evaluation.auc), "chance: .500", f"{evaluation.n:,}"]]
    if p_ok is None or evaluation.ece_of_perfect is None:
        yield table(("", "value", "", "n"), rows)
        yield paragraph(f"The bundle was not trained for {trial.small}: it has no p_ok to be checked.")
        return
    ok = (trial.outcomes.scores.small >= OK_SCORE).astype(np.float64)
    base = float(ok.mean())
    perfect = f"95 % of perfect ones: below {evaluation.ece_of_perfect:.3f}"
    rows.append(["ECE of p_ok", figure_cell(evaluation.ece), perfect, f"{evaluation.n:,}"])
    rows.append(["Brier of p_ok", figure_cell(evaluation.brier), f"base rate: {base * (1 - base):.3f}", f"{ok.size:,}"])
    yield table(("", "value", "beside", "n"), rows)
    bins = measure_reliability(p_ok, ok, seed=evaluation.plan.seed)
    n_off = sum(one.is_off for one in bins)
    yield chart(
        draw_reliability(bins),
        f"n = {ok.size:,}. Shaded: where 95 % of perfectly calibrated predictors are, bin by bin. {n_off} of"
        f" {len(bins)} bins are outside (red); chance alone would put {0.05 * len(bins):.1f} there.",
    )


def _categories(examination: Examination) -> Iterator[str]:
    yield f"<h2>Categories, at threshold {examination.thresholds.balanced:g}</h2>"
    if examination.categories is None:
        yield paragraph("There is no table: the queries have no categories, or all the same one.")
        return
    rows = [
        [
            escape(row.name),
            f"{row.n:,}",
            figure_cell(row.small),
            figure_cell(row.large),
            figure_cell(row.gain, signed=True),
            figure_cell(row.share, percent=True),
            figure_cell(row.score),
        ]
        for row in examination.categories
    ]
    yield table(("category", "n", "small", "large", "gain", "share to large", "score"), rows)


def _confusions(examination: Examination) -> Iterator[str]:
    yield "<h2>Confusions worth reading</h2>"
    yield paragraph(
        "The requests on which complexity and outcome disagree most. Some are the router's mistakes, some are luck:"
        " every answer was drawn once. Below each, the features that moved its complexity most, with what they add to"
        " the expected gain.",
        kind="soft",
    )
    for mistake, title in _MISTAKES.items():
        yield f"<h3>{title}</h3>"
        found = find_confusions(examination, mistake)
        yield "".join(map(_case, found)) if found else paragraph("There are none.")


def _case(case: Confusion) -> str:
    told = [f"complexity {case.complexity:.1f}"]
    told += [] if case.p_ok is None else [f"p_ok {case.p_ok:.2f}"]
    told += [f"small {case.small:g}", f"large {case.large:g}"]
    told += [] if case.category is None else [case.category]
    chips = "".join(f'<span class="chip">{escape(name)} {value:+.3f}</span>' for name, value in case.features)
    return (
        f'<div class="case"><p><small>{escape(case.query_id)}</small></p><p>{escape(" · ".join(told))}</p>'
        f"<pre>{escape(case.text)}</pre>{chips}</div>"
    )


def _notes(examination: Examination) -> Iterator[str]:
    trial = examination.trial
    yield "<h2>What was measured</h2>"
    left_out = ", ".join(f"{n:,} {reason}" for reason, n in trial.left_out.items()) or "none"
    yield paragraph(f"Queries left out: {left_out}.")
    yield paragraph(f"Data: SHA-256 {trial.dataset_hash}. Written by suffice {__version__}.", kind="soft")


def _percent(share: float) -> str:
    return f"{share * 100:g} %"
