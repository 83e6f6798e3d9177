"""`suffice promote`: put a bundle in force, if it is not worse than the one that is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from suffice.cli.evidence import (
    AsJson,
    ResampleCount,
    RoutingFile,
    Seed,
    Strict,
    bounded,
    read_evidence,
    read_routing,
    warn,
)
from suffice.cli.progress import show_steps
from suffice.cli.terminal import open_console, print_json
from suffice.errors import BundleError, PromotionError
from suffice.estimators.bundle import Bundle, install, load, previous_of, restore
from suffice.lab.metrics import Plan
from suffice.lab.metrics.bootstrap import N_RESAMPLES
from suffice.lab.promotion import Comparison, compare
from suffice.lab.trial import prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class _HeldOut:
    """Outcomes to compare on."""

    queries: Path
    outcomes: Path
    small: str
    large: str


def promote(
    candidate: Annotated[Path | None, typer.Argument(metavar="CANDIDATE", help="The new bundle.")] = None,
    *,
    to: Annotated[Path, typer.Option(metavar="FILE", help="The bundle that the gateway reads.")],
    queries: Annotated[Path | None, typer.Option(metavar="FILE", help="Queries that trained neither bundle.")] = None,
    outcomes: Annotated[Path | None, typer.Option(metavar="FILE", help="Their outcomes.")] = None,
    small: Annotated[str | None, typer.Option(metavar="MODEL", help="Model of the first tier.")] = None,
    large: Annotated[str | None, typer.Option(metavar="MODEL", help="Model of the top tier.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Promote it all the same, or without comparing.")] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help="Put the bundle of before back.")] = False,
    resamples: ResampleCount = N_RESAMPLES,
    seed: Seed = 0,
    strict: Strict = False,
    config: RoutingFile = None,
    as_json: AsJson = False,
) -> None:
    """Put a bundle in force, unless it is worse on held-out outcomes; the gateway notices the new file by itself."""
    if rollback:
        if candidate is not None:
            raise typer.BadParameter("--rollback takes no CANDIDATE: it puts the bundle of before back")
        _tell_rollback(restore(to), to, as_json=as_json)
        return
    if candidate is None:
        raise typer.BadParameter("name the CANDIDATE, or say --rollback")
    new = load(candidate)
    held_out = _read_held_out(queries, outcomes, small, large)
    in_force = _read_in_force(to, force=force)
    if in_force is not None and in_force.id == new.id:
        _tell_same(new, to, as_json=as_json)
        return
    comparison = None
    if held_out is not None:
        routing = read_routing(config)
        with show_steps("reading outcomes") as note:
            reading = read_evidence(held_out.queries, held_out.outcomes, strict=strict)
            trial = prepare(reading.dataset, held_out.small, held_out.large, max_turns=routing.max_turns, note=note)
            note("comparing")
            plan = Plan(n_resamples=resamples, seed=seed)
            comparison = compare(new, in_force, trial, plan, turn_decay=routing.turn_decay)
    elif in_force is not None and not force:
        raise PromotionError(
            f"nothing says that {candidate} is better than {to}: give --queries, --outcomes, --small and --large of"
            " outcomes that trained neither, or --force"
        )
    faults = [] if comparison is None else comparison.faults
    is_promoted = force or not faults
    if is_promoted:
        install(candidate, to)
    _tell(comparison, new, in_force, to, faults, is_promoted=is_promoted, as_json=as_json)


def _read_held_out(
    queries: Path | None, outcomes: Path | None, small: str | None, large: str | None
) -> _HeldOut | None:
    if queries is None and outcomes is None:
        return None
    if queries is None or outcomes is None or small is None or large is None:
        raise typer.BadParameter("to compare needs all of --queries, --outcomes, --small and --large")
    return _HeldOut(queries=queries, outcomes=outcomes, small=small, large=large)


def _read_in_force(path: Path, *, force: bool) -> Bundle | None:
    if not path.exists():
        return None
    try:
        return load(path)
    except BundleError as error:
        if not force:
            raise PromotionError(
                f"the bundle in force cannot be compared with: {error}; --force replaces it"
            ) from error
        warn(open_console(stderr=True), f"the bundle in force is not compared with: {error}")
        return None


def _tell(
    comparison: Comparison | None,
    new: Bundle,
    in_force: Bundle | None,
    to: Path,
    faults: list[str],
    *,
    is_promoted: bool,
    as_json: bool,
) -> None:
    if as_json:
        print_json(
            {
                "promoted": is_promoted,
                "candidate": new.id,
                "in_force": in_force and in_force.id,
                "faults": faults,
                "n": None if comparison is None else len(comparison.trial.queries),
                "figures": None
                if comparison is None
                else {name: compared.document() for name, compared in comparison.figures.items()},
            }
        )
    elif comparison is not None:
        open_console().print(_table(comparison))
    if not is_promoted:
        listed = "".join(f"\n  {fault}" for fault in faults)
        raise PromotionError(f"bundle {new.id} is not promoted:{listed}\n  --force promotes it all the same")
    errors = open_console(stderr=True)
    for fault in faults:
        warn(errors, f"promoted by --force, although {fault}")
    if not as_json:
        _tell_promotion(open_console(), new, in_force, to)


def _tell_promotion(console: Console, new: Bundle, in_force: Bundle | None, to: Path) -> None:
    kept = "" if in_force is None else f"; bundle {in_force.id} is kept as {previous_of(to)}, --rollback restores it"
    console.print(f"bundle {new.id} is in force at {to}{kept}", markup=False, soft_wrap=True)


def _tell_same(bundle: Bundle, to: Path, *, as_json: bool) -> None:
    """To replace a bundle by itself would push the one of before out of its place."""
    if as_json:
        print_json({"promoted": False, "candidate": bundle.id, "in_force": bundle.id, "faults": []})
    else:
        open_console().print(f"bundle {bundle.id} is in force already at {to}", markup=False, soft_wrap=True)


def _tell_rollback(bundle: Bundle, to: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"promoted": False, "rolled_back": True, "in_force": bundle.id})
    else:
        open_console().print(f"bundle {bundle.id} is in force again at {to}", markup=False, soft_wrap=True)


def _table(comparison: Comparison) -> Table:
    trial = comparison.trial
    title = f"{len(trial.queries):,} queries in {len(set(trial.outcomes.groups)):,} groups; 95 % intervals by group"
    table = Table(title=title, title_justify="left")
    in_force = "nothing" if comparison.in_force is None else comparison.in_force.id
    for column in ("", f"candidate {comparison.candidate.id}", f"in force {in_force}", "difference"):
        table.add_column(column, no_wrap=True)
    for name, told in (("apgr", "APGR (more is better)"), ("brier", "Brier (less)"), ("ece", "ECE (less)")):
        if compared := comparison.figures.get(name):
            difference = bounded(compared.difference, signed=True)
            table.add_row(told, bounded(compared.candidate), bounded(compared.in_force), difference)
    return table
