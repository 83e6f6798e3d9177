"""What `suffice demo` does once its options are read."""

import sys
import tempfile
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from suffice.errors import DemoError
from suffice.lab.demo.gateway import run_gateway
from suffice.lab.demo.listing import pick_example, write_curl, write_json, write_line
from suffice.lab.demo.notes import write_notes
from suffice.lab.demo.plan import DemoPlan
from suffice.lab.demo.settings import write_settings
from suffice.lab.demo.table import print_notes, print_report
from suffice.lab.workload import Prompt, load_desk, select

_WIDTH = 120
"""Columns where the output is no terminal."""


async def measure(plan: DemoPlan, *, as_json: bool) -> None:
    """Start a gateway, run the four rows, print the table, stop the gateway.

    Raises:
        DemoError: The gateway, a live server or the package `openai` is missing.
    """
    try:
        from suffice.lab.demo.run import run_demo  # noqa: PLC0415 - the one part that needs the extra `demo`
    except ModuleNotFoundError as error:
        if error.name != "openai":
            raise
        raise DemoError("the demo's client needs the package `openai`: pip install 'suffice[demo]'") from error
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    if not as_json:
        print_notes(console, write_notes(plan, _prompts(plan)))
    with tempfile.TemporaryDirectory(prefix="suffice-demo-") as folder:
        config = await write_settings(plan, Path(folder))
        async with run_gateway(config) as gateway:
            with _make_progress() as progress:
                report = await run_demo(plan, gateway.url, progress)
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    else:
        print_report(console, report, plan)


async def serve(plan: DemoPlan) -> None:
    """Start a gateway, print a request to try, and wait to be stopped.

    Raises:
        DemoError: The gateway did not start, or ended by itself.
    """
    with tempfile.TemporaryDirectory(prefix="suffice-demo-") as folder:
        config = await write_settings(plan, Path(folder))
        async with run_gateway(config) as gateway:
            served = "your servers" if plan.live else f"the tape, {plan.speedup:g} times as fast as recorded"
            sys.stdout.write(
                f"suffice listens on {gateway.url}, over {served}. Try:\n\n"
                f"{write_curl(gateway.url, pick_example(_prompts(plan)))}\n\n"
                "Other prompts: suffice demo --list [--json]. Stop with Ctrl-C.\n"
            )
            sys.stdout.flush()
            await gateway.wait()


def list_prompts(plan: DemoPlan, *, as_json: bool) -> None:
    """Print the prompts of the plan's split, one per line."""
    for prompt in _prompts(plan):
        sys.stdout.write((write_json(prompt) if as_json else write_line(prompt)) + "\n")


def _prompts(plan: DemoPlan) -> tuple[Prompt, ...]:
    return select(load_desk(), plan.split, limit=plan.limit)


def _make_progress() -> Progress:
    return Progress(
        TextColumn("{task.description:32}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
