"""`suffice demo`: the gateway over recorded or live models, measured four ways."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Annotated, Literal

import typer

from suffice.errors import ConfigError, Mistake
from suffice.lab.demo.command import list_prompts, measure, serve
from suffice.lab.demo.plan import DEFAULT_SPEEDUP, DemoPlan, LiveServer
from suffice.lab.workload import Split

_INTERRUPTED = 128 + signal.SIGINT


def demo(
    *,
    rate: Annotated[float, typer.Option(help="Arrivals per second, at the recorded speed.")] = 2.0,
    speedup: Annotated[
        float | None, typer.Option(help="Play the tape so many times faster. [default: 20; with --serve 1]")
    ] = None,
    slots: Annotated[int, typer.Option(help="Answers each tier produces at once.")] = 16,
    window: Annotated[float, typer.Option(help="Seconds of the throughput measurement, at the recorded speed.")] = 100,
    seed: Annotated[int, typer.Option(help="Of arrivals, orders and the shuffled row.")] = 1,
    split: Annotated[
        Literal["test", "train", "all"] | None, typer.Option(help="Which prompts. [default: test; with --list all]")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many prompts.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Ask for streams.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of the table.")] = False,
    stay: Annotated[
        bool, typer.Option("--serve", help="Leave the gateway running and print a request to try.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="Print the tape's prompts and end.")] = False,
    small: Annotated[str | None, typer.Option(metavar="URL", help="Your own server for the small tier.")] = None,
    large: Annotated[str | None, typer.Option(metavar="URL", help="Your own server for the large tier.")] = None,
    small_model: Annotated[str | None, typer.Option(help="Its model. [default: the first it lists]")] = None,
    large_model: Annotated[str | None, typer.Option(help="Its model. [default: the first it lists]")] = None,
) -> None:
    """Show the gateway at work: real recorded answers, four ways of choosing a tier, one table."""
    live = _pair_servers((small, small_model), (large, large_model))
    plan = DemoPlan(
        rate=rate,
        speedup=speedup if speedup is not None else (1.0 if stay or live else DEFAULT_SPEEDUP),
        slots=slots,
        window_s=window,
        seed=seed,
        split=Split(split or ("all" if listing else "test")),
        limit=limit,
        stream=stream,
        live=live,
    )
    if listing:
        list_prompts(plan, as_json=as_json)
        return
    try:
        asyncio.run(_until_stopped(serve(plan) if stay else measure(plan, as_json=as_json)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(_INTERRUPTED) from None


def _pair_servers(
    small: tuple[str | None, str | None], large: tuple[str | None, str | None]
) -> tuple[LiveServer, LiveServer] | None:
    (small_url, small_model), (large_url, large_model) = small, large
    if small_url is not None and large_url is not None:
        return LiveServer(url=small_url, model=small_model), LiveServer(url=large_url, model=large_model)
    given = {"--small": small_url, "--large": large_url, "--small-model": small_model, "--large-model": large_model}
    remedy = "needs both --small URL and --large URL"
    mistakes = [Mistake(name, value, remedy) for name, value in given.items() if value is not None]
    if mistakes:
        raise ConfigError(mistakes, source="the command line")
    return None


async def _until_stopped(work: Coroutine[None, None, None]) -> None:
    """Run `work`; SIGTERM ends it like Ctrl-C, so that the gateway it started is stopped."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await work
