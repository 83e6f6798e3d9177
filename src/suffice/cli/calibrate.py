"""`suffice calibrate`: write a threshold into a bundle, for one wanted aim."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from suffice.cli.evidence import (
    AsJson,
    BundlePath,
    QueriesPath,
    ResampleCount,
    RoutingFile,
    Seed,
    Strict,
    bounded,
    read_evidence,
    read_routing,
    warn,
    warn_of_rows,
)
from suffice.cli.progress import show_steps
from suffice.cli.terminal import open_console, print_json
from suffice.cli.writing import check_target
from suffice.errors import DatasetError
from suffice.estimators.bundle import Bundle, load, save
from suffice.lab.calibrate import (
    Aim,
    Calibration,
    Cost,
    LargeShare,
    Prices,
    Quality,
    Sample,
    make_bill,
    sample_queries,
    sample_trial,
    set_threshold,
)
from suffice.lab.calibrate import calibrate as choose_threshold
from suffice.lab.dataset import check_rows
from suffice.lab.dataset.reading import read_queries
from suffice.lab.examination import warn_of_training
from suffice.lab.metrics import Plan
from suffice.lab.metrics.bootstrap import N_RESAMPLES
from suffice.lab.operating import OperatingPoint
from suffice.lab.trial import Note, prepare
from suffice.policy.config import RoutingConfig
from suffice.vocabulary import Price

_FAR = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Where the evidence comes from."""

    queries: Path
    outcomes: Path | None
    small: str | None
    large: str | None
    strict: bool
    prices: Prices | None
    answer_tokens: int | None
    config: Path | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """The evidence, and what must be said of it."""

    sample: Sample
    basis: str | None
    warnings: list[str]


def calibrate(
    *,
    bundle: BundlePath,
    queries: QueriesPath,
    outcomes: Annotated[Path | None, typer.Option(metavar="FILE", help="Outcomes; for --cost and --quality.")] = None,
    small: Annotated[str | None, typer.Option(metavar="MODEL", help="Model of the first tier.")] = None,
    large: Annotated[str | None, typer.Option(metavar="MODEL", help="Model of the top tier.")] = None,
    large_share: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Aim: at most this share to the large model, such as 0.15.")
    ] = None,
    cost: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Aim: at most this share of the always-large bill.")
    ] = None,
    quality: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Aim: at least this share of the gap between both models.")
    ] = None,
    name: Annotated[
        Literal["quality", "balanced", "cheap"], typer.Option(help="Which of the bundle's thresholds.")
    ] = "balanced",
    price_small: Annotated[
        str | None, typer.Option(metavar="IN/OUT", help="USD per million tokens, such as 0.2/0.6.")
    ] = None,
    price_large: Annotated[str | None, typer.Option(metavar="IN/OUT", help="Of the large model.")] = None,
    answer_tokens: Annotated[
        int | None, typer.Option(min=0, help="Tokens of an answer that came without text and count.")
    ] = None,
    config: RoutingFile = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here. [default: the bundle itself]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    resamples: ResampleCount = N_RESAMPLES,
    seed: Seed = 0,
    strict: Strict = False,
    as_json: AsJson = False,
) -> None:
    """Choose the threshold for one aim, say what it achieves, and write it into the bundle."""
    check_target("--out", out, (queries, outcomes, config))
    aim = _read_aim(large_share, cost, quality)
    loaded = load(bundle)
    asked = _Asked(
        queries=queries,
        outcomes=outcomes,
        small=small,
        large=large,
        strict=strict,
        prices=_read_prices(price_small, price_large),
        answer_tokens=answer_tokens,
        config=config,
    )
    with show_steps("reading") as note:
        found = _gather(asked, loaded, aim, note)
        note("choosing a threshold")
        calibration = choose_threshold(found.sample, aim, Plan(n_resamples=resamples, seed=seed))
    manifest = set_threshold(loaded.manifest, name, calibration.threshold)
    written = None if dry_run else save(out or bundle, manifest, loaded.arrays)
    warnings = [*found.warnings, *_warn_of_distance(calibration)]
    for warning in warnings:
        warn(open_console(stderr=True), warning)
    if as_json:
        print_json(
            {
                **calibration.document(),
                "name": name,
                "before": loaded.manifest.thresholds.get(name),
                "basis_of_cost": found.basis,
                "left_out": dict(found.sample.left_out),
                "bundle": {"before": loaded.id, "after": written and written.id},
                "written": None if written is None else str(out or bundle),
                "warnings": warnings,
            }
        )
    else:
        console = open_console()
        show(calibration, found.basis, console)
        _tell_change(console, name, loaded, calibration, None if written is None else out or bundle)


def _read_aim(large_share: float | None, cost: float | None, quality: float | None) -> Aim:
    given: dict[str, Aim] = {}
    for option, value, kind in (
        ("--large-share", large_share, LargeShare),
        ("--cost", cost, Cost),
        ("--quality", quality, Quality),
    ):
        if value is None:
            continue
        if not 0.0 <= value <= 1.0:
            raise typer.BadParameter(f"{value:g} is no share from 0 to 1", param_hint=option)
        given[option] = kind(value)
    if len(given) != 1:
        stated = " and ".join(given) if given else "none"
        raise typer.BadParameter(f"give one aim of --large-share, --cost and --quality; got {stated}")
    return next(iter(given.values()))


def _read_prices(small: str | None, large: str | None) -> Prices | None:
    if small is None and large is None:
        return None
    if small is None or large is None:
        raise typer.BadParameter("give both --price-small and --price-large, or neither")
    return Prices(
        small=_read_price(small, "--price-small"),
        large=_read_price(large, "--price-large"),
        source=f"{small} and {large} USD per million tokens",
    )


def _read_price(text: str, option: str) -> Price:
    try:
        per_input, per_output = (float(part) for part in (text.split("/") if "/" in text else (text, text)))
    except ValueError:
        per_input = per_output = float("nan")
    if not (per_input >= 0 and per_output >= 0 and per_input + per_output < float("inf")):
        raise typer.BadParameter(
            f"{text!r} is no price; write IN/OUT in USD per million, such as 0.2/0.6", param_hint=option
        )
    return Price(input=per_input, output=per_output)


def _gather(asked: _Asked, bundle: Bundle, aim: Aim, note: Note) -> _Found:
    routing = read_routing(asked.config)
    if asked.outcomes is None:
        if not isinstance(aim, LargeShare):
            raise DatasetError(f"--{aim.kind} is measured on outcomes: give --outcomes, --small and --large")
        return _gather_queries(asked, bundle, routing, note)
    if asked.small is None or asked.large is None:
        raise DatasetError("--outcomes need --small and --large, the names of two of their models")
    reading = read_evidence(asked.queries, asked.outcomes, strict=asked.strict)
    trial = prepare(reading.dataset, asked.small, asked.large, max_turns=routing.max_turns, note=note)
    bill = None
    if isinstance(aim, Cost):
        prices = asked.prices or _configured_prices(asked)
        bill = make_bill(trial, prices and replace(prices, n_answer_tokens=asked.answer_tokens))
    note("rating requests")
    return _Found(
        sample=sample_trial(trial, bundle, routing, bill=bill),
        basis=None if bill is None else bill.basis,
        warnings=warn_of_training(bundle, trial.dataset_hash),
    )


def _gather_queries(asked: _Asked, bundle: Bundle, routing: RoutingConfig, note: Note) -> _Found:
    queries, report = read_queries(asked.queries)
    if asked.strict:
        check_rows([report])
    warn_of_rows(open_console(stderr=True), [report])
    return _Found(sample=sample_queries(queries, bundle, routing, note=note), basis=None, warnings=[])


def _configured_prices(asked: _Asked) -> Prices | None:
    """Those of the tiers with these models; None without a configuration."""
    if asked.config is None:
        return None
    from suffice.config import load as load_config  # noqa: PLC0415 - its loading takes time, and most calls need none

    tiers = load_config(asked.config, os.environ, allow_open=True).config.tiers
    prices = {tier.model: Price(input=tier.price.input, output=tier.price.output) for tier in tiers}
    missing = [model for model in (asked.small, asked.large) if model not in prices]
    if missing:
        raise DatasetError(
            f"no tier of {asked.config} has the model {', '.join(map(str, missing))}; its models are"
            f" {', '.join(prices)}; give --price-small and --price-large instead"
        )
    return Prices(small=prices[str(asked.small)], large=prices[str(asked.large)], source=f"prices of {asked.config}")


def _warn_of_distance(calibration: Calibration) -> list[str]:
    """Say where no threshold comes near the aim, as where many requests are of one complexity."""
    aim, here = calibration.aim, calibration.here
    figure = {"large-share": here.share, "cost": here.cost, "quality": here.recovered}[aim.kind]
    warnings: list[str] = []
    if figure is not None and abs(figure.estimate - aim.target) > _FAR:
        warnings.append(
            f"the nearest that a threshold comes to {aim.kind} {aim.target:.1%} is {figure.estimate:.1%}: between them"
            " many requests have the same complexity, or there is nothing left to move"
        )
    if calibration.held_out is None:
        warnings.append("on parts of the data the aim is out of reach: there are no held-out figures")
    return warnings


def show(calibration: Calibration, basis: str | None, console: Console) -> None:
    """Print what the threshold does."""
    aim, here = calibration.aim, calibration.here
    title = f"{aim.kind} {aim.target:.1%}: complexity up to {calibration.threshold:g} goes to the small model"
    table = Table(title=title, title_justify="left")
    for column in ("", "here", "held out"):
        table.add_column(column, no_wrap=True)
    held_out = calibration.held_out
    for row, kind in (
        ("share to large", "share"),
        ("share of the always-large bill", "cost"),
        ("gap recovered", "recovered"),
        ("score", "score"),
        ("score lost against always-large", "lost"),
    ):
        if getattr(here, kind) is not None:
            table.add_row(row, _told(here, kind), _told(held_out, kind))
    console.print(table)
    console.print(
        f"n = {here.share.n:,} in {here.share.n_groups:,} groups; 95 % intervals by group. Held out: each fifth of the"
        " groups routed by a threshold that the others chose.",
        markup=False,
        soft_wrap=True,
    )
    if basis is not None:
        console.print(f"The bill: {basis}; first answers only, without escalations.", markup=False, soft_wrap=True)


def _told(point: OperatingPoint | None, kind: str) -> str:
    return "-" if point is None else bounded(getattr(point, kind), percent=kind in {"share", "cost", "recovered"})


def _tell_change(console: Console, name: str, before: Bundle, calibration: Calibration, path: Path | None) -> None:
    was = before.manifest.thresholds.get(name)
    change = f"{name}: {'not calibrated' if was is None else f'{was:g}'} → {calibration.threshold:g}"
    where = "nothing is written (--dry-run)" if path is None else f"written to {path}"
    console.print(f"{change}; {where}", markup=False, soft_wrap=True)
