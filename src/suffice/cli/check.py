"""`suffice check`: tell what is wrong with a configuration, and whether its servers answer."""

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from suffice.cli.bundled import bundle_rows, describe_bundle
from suffice.cli.probing import Probe, Target, probe_all
from suffice.cli.shares import Split, score_reference, split_all, warn_of_splits
from suffice.cli.terminal import mistake_documents, open_console, print_json, print_warnings, rows_table
from suffice.config import Loaded, Yardstick, build_yardstick, load
from suffice.config.tls import upstream_tls
from suffice.errors import ConfigError, Mistake
from suffice.upstream.config import TierConfig

PING_TIMEOUT_S = 5.0
EXIT_MISTAKES = 2
EXIT_UNREACHABLE = 1
_N_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """One replica's answer, beside what the file says of it."""

    tier: TierConfig
    path: str
    """Of the replica in the file."""
    probe: Probe

    @property
    def warning(self) -> Mistake | None:
        """What does not fit between the file and the server's list of models."""
        if self.probe.problem is not None:
            return None
        listed = self.probe.find(self.tier.model)
        if listed is None:
            names = ", ".join(model.name for model in self.probe.models[:_N_NAMED]) or "none"
            remedy = f"does not list the model {self.tier.model!r}; it lists {names}"
            return Mistake(self.path, self.probe.base_url, remedy)
        told, given = listed.context_tokens, self.tier.context_tokens
        if told is not None and given is not None and given > told:
            remedy = f"takes {told} tokens, but context_tokens says {given}; requests between the two will fail here"
            return Mistake(self.path, self.probe.base_url, remedy)
        return None


def check(
    file: Annotated[Path, typer.Argument(help="The configuration file.")] = Path("suffice.yaml"),
    *,
    no_ping: Annotated[bool, typer.Option("--no-ping", help="Do not ask the servers.")] = False,
    allow_open: Annotated[bool, typer.Option("--allow-open", help="As for `suffice serve`.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Report every mistake in a configuration, then ask each server for its models.

    Ends with 2 if the file has mistakes, 1 if a server does not answer as it should, else 0.
    """
    try:
        loaded = load(file, os.environ, allow_open=allow_open)
        yardstick = build_yardstick(loaded)
    except ConfigError as error:
        if not as_json:
            raise
        print_json({"ok": False, "file": str(file), "mistakes": mistake_documents(error.mistakes)})
        raise typer.Exit(EXIT_MISTAKES) from None
    complexities = score_reference(yardstick.scorer)
    splits = split_all(loaded.config, yardstick, complexities)
    pings = [] if no_ping else ping_all(loaded, None if as_json else open_console(stderr=True))
    warnings = [*loaded.warnings, *yardstick.warnings, *warn_of_splits(splits, complexities)]
    warnings += [ping.warning for ping in pings if ping.warning is not None]
    is_reachable = all(ping.probe.problem is None for ping in pings)
    if as_json:
        document = _document(file, loaded, pings, splits, warnings)
        print_json({**document, **_scorer_document(yardstick)})
    else:
        console = open_console()
        if yardstick.learned is not None:
            console.print(rows_table(bundle_rows(yardstick.learned), "bundle", ""))
        _show(console, file, loaded, pings, splits, warnings)
    if not is_reachable:
        raise typer.Exit(EXIT_UNREACHABLE)


def ping_all(loaded: Loaded, console: Console | None) -> list[Ping]:
    """Ask every replica for its models; tapes have none to ask.

    Args:
        loaded: The configuration.
        console: Where a progress bar is shown; None: nowhere.
    """
    places = [
        (tier, f"tiers[{index}].base_urls[{position}]", url)
        for index, tier in enumerate(loaded.config.tiers)
        for position, url in enumerate(tier.base_urls)
    ]
    targets = [Target(base_url=url, headers=_headers(loaded, tier)) for tier, _, url in places]
    progress = Progress(console=console, transient=True) if console is not None else None
    with progress or nullcontext():
        task = progress.add_task("asking the servers", total=len(targets)) if progress else None

        def report(_: Probe) -> None:
            if progress is not None and task is not None:
                progress.advance(task)

        tls = upstream_tls(loaded.config, loaded.folder)
        probes = probe_all(targets, timeout_s=PING_TIMEOUT_S, report=report, tls=tls)
    return [Ping(tier=tier, path=path, probe=probe) for (tier, path, _), probe in zip(places, probes, strict=True)]


def _headers(loaded: Loaded, tier: TierConfig) -> Mapping[str, str]:
    if tier.api_key_env is None:
        return {}
    return {"authorization": f"Bearer {loaded.secrets[tier.api_key_env].reveal()}"}


def _show(
    console: Console,
    file: Path,
    loaded: Loaded,
    pings: Sequence[Ping],
    splits: Sequence[Split],
    warnings: Sequence[Mistake],
) -> None:
    console.print(rows_table(_tier_rows(loaded, splits[0]), *_TIER_COLUMNS, title="Tiers, cheapest first"))
    if pings:
        console.print(rows_table(_ping_rows(pings), "tier", "server", "answer", "ms", title="Servers"))
    print_warnings(console, warnings)
    n_failed = sum(ping.probe.problem is not None for ping in pings)
    console.print(f"{file}: no mistakes; configuration {loaded.hash}", markup=False, soft_wrap=True)
    if n_failed:
        console.print(f"{n_failed} of {len(pings)} servers do not answer as they should", style="red")


_TIER_COLUMNS = ("tier", "model", "servers", "context", "lacks", "USD in/out", "max complexity", "reference set")


def _tier_rows(loaded: Loaded, one: Split) -> list[tuple[str, ...]]:
    return [
        (
            tier.name,
            tier.model,
            f"tape {tier.tape.model}" if tier.tape is not None else str(len(tier.base_urls)),
            "unknown" if tier.context_tokens is None else f"{tier.context_tokens:,}",
            ", ".join(name for name, has in _supports(tier).items() if not has) or "nothing",
            f"{tier.price.input:g} / {tier.price.output:g}",
            f"{one.thresholds[tier.name]:g}" if tier.name in one.thresholds else "all the rest",
            f"{one.shares[tier.name]:.1%}",
        )
        for tier in loaded.config.tiers
    ]


def _supports(tier: TierConfig) -> dict[str, bool]:
    has = tier.supports
    return {"tools": has.tools, "images": has.images, "json_schema": has.json_schema, "logprobs": has.logprobs}


def _ping_rows(pings: Sequence[Ping]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for ping in pings:
        answer = ping.probe.problem or (f"serves {ping.tier.model}" if ping.warning is None else ping.warning.remedy)
        rows.append((ping.tier.name, ping.probe.base_url, answer, f"{ping.probe.latency_s * 1000:.0f}"))
    return rows


def _document(
    file: Path, loaded: Loaded, pings: Sequence[Ping], splits: Sequence[Split], warnings: Sequence[Mistake]
) -> dict[str, Any]:
    return {
        "ok": all(ping.probe.problem is None for ping in pings),
        "file": str(file),
        "hash": loaded.hash,
        "mistakes": [],
        "warnings": mistake_documents(warnings),
        "tiers": [
            {"name": tier.name, "model": tier.model, "base_urls": list(tier.base_urls)} for tier in loaded.config.tiers
        ],
        "splits": [{"profile": one.profile, "thresholds": one.thresholds, "shares": one.shares} for one in splits],
        "replicas": [
            {
                "tier": ping.tier.name,
                "base_url": ping.probe.base_url,
                "latency_s": round(ping.probe.latency_s, 4),
                "models": [model.name for model in ping.probe.models],
                "serves_model": ping.probe.find(ping.tier.model) is not None,
                "problem": ping.probe.problem,
            }
            for ping in pings
        ],
    }


def _scorer_document(yardstick: Yardstick) -> dict[str, Any]:
    learned = yardstick.learned
    return {"scorer": yardstick.scorer.version, "bundle": describe_bundle(learned) if learned is not None else None}
