"""A gateway as one process, or as several on one port."""

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import typer
import uvloop

from suffice.assembly import Generations, Lasting, open_lasting
from suffice.cli.wanted import Wanted
from suffice.config import Loaded, build_yardstick, divide
from suffice.config.tls import server_tls
from suffice.errors import ChannelError, ConfigError, ConflictError, Mistake
from suffice.recording.recorder import Recorder
from suffice.server.config import ServerConfig
from suffice.server.running import listen, run, url_of
from suffice.server.workers.channel import Channel, Handler
from suffice.server.workers.member import MODE, PAGE, READY, RELOAD, SPREAD, RemoteRecorder, Team
from suffice.server.workers.supervisor import Supervisor

logger = logging.getLogger("suffice.serving")

_RECORDER_CLOSE_S = 10.0


def run_alone(loaded: Loaded, wanted: Wanted) -> None:
    """Serve in this process."""
    _run(_serve_alone(loaded, wanted))


def run_team(loaded: Loaded, wanted: Wanted) -> None:
    """Start workers that serve, and look after them."""
    # What is wrong with the bundle is told once, before anybody starts.
    for warning in build_yardstick(loaded).warnings:
        typer.echo(f"warning: {warning}", err=True)
    _run(_supervise(loaded, wanted))


def run_worker(loaded: Loaded, wanted: Wanted, channel: int) -> None:
    """Serve as one of several.

    Args:
        loaded: Of the whole gateway.
        wanted: The command line.
        channel: File descriptor of the way to the supervisor.
    """
    _run(_serve_in_team(loaded, wanted, socket.socket(fileno=channel)))


def _run(work: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


async def _serve_alone(loaded: Loaded, wanted: Wanted) -> None:
    opened = _listen(loaded.config.server)
    async with open_lasting(loaded) as lasting, _generations(loaded, wanted, lasting, wanted.read) as generations:
        for warning in generations.gateway.warnings:
            typer.echo(f"warning: {warning}", err=True)
        tls = server_tls(loaded.config, loaded.folder)
        await run(generations, loaded.config.server, opened, lasting.turnstile, ready=_announce, tls=tls)


@asynccontextmanager
async def _generations(
    loaded: Loaded, wanted: Wanted, lasting: Lasting, read: Callable[[], Loaded]
) -> AsyncGenerator[Generations]:
    """What serves, and takes a changed file while it does."""
    generations = Generations(lasting, read)
    await generations.open(loaded)
    reload_s = loaded.config.server.reload_s
    watching = asyncio.create_task(generations.watch(wanted.path, reload_s)) if reload_s else None
    _calm_collector()
    try:
        yield generations
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])
        await generations.close()


def _listen(server: ServerConfig, *, shared: bool = False) -> socket.socket:
    try:
        return listen(server, shared=shared)
    except OSError as error:
        remedy = f"cannot be listened on ({error.strerror or error}); stop what uses it, or take another with --port"
        raise ConfigError([Mistake("server.port", f"{server.host}:{server.port}", remedy)]) from error


async def _supervise(loaded: Loaded, wanted: Wanted) -> None:
    config = loaded.config
    # It is bound and never listens: it keeps the port, and tells which one it is.
    with _listen(config.server, shared=True) as kept:
        is_tls = server_tls(config, loaded.folder) is not None
        url, port = url_of(kept, is_tls=is_tls), kept.getsockname()[1]
        recorder = Recorder(config.recording, loaded.folder) if config.recording.enabled else None
        try:
            await Supervisor(
                n_workers=config.server.workers,
                start=lambda _, channel: _worker_command(replace(wanted, port=port), config.server, channel),
                recorder=recorder,
                ready=lambda: _announce(url),
            ).run()
        finally:
            if recorder is not None:
                await asyncio.to_thread(recorder.close, _RECORDER_CLOSE_S)


def _worker_command(wanted: Wanted, server: ServerConfig, channel: int) -> Sequence[str]:
    command = [sys.executable, "-m", "suffice", "serve", "--config", str(wanted.path), "--log-level", wanted.log_level]
    command += ["--host", server.host, "--port", str(wanted.port), "--workers", str(server.workers)]
    # The address was checked when the gateway was started.
    return [*command, "--allow-open", "--worker-channel", str(channel)]


async def _serve_in_team(loaded: Loaded, wanted: Wanted, talk: socket.socket) -> None:
    n_workers = loaded.config.server.workers
    opened = _listen(loaded.config.server, shared=True)
    loaded = replace(loaded, config=divide(loaded.config, n_workers))
    reader, writer = await asyncio.open_connection(sock=talk)
    handlers: dict[str, Handler] = {}
    channel = Channel(reader, writer, handlers)
    team = Team(channel)
    records = RemoteRecorder(channel, queue_size=loaded.config.recording.queue_size)
    lasting = Lasting.of(loaded.config, records if loaded.config.recording.enabled else None, team=team)

    def read() -> Loaded:
        again = wanted.read()
        return replace(again, config=divide(again.config, n_workers))

    async def page(_: bytes) -> bytes:
        return lasting.telemetry.render()

    async with _generations(loaded, wanted, lasting, read) as generations:
        _take_orders(team, generations)
        handlers |= {PAGE: page, SPREAD: team.obey}
        tls = server_tls(loaded.config, loaded.folder)

        def ready(_: str) -> None:
            channel.tell(READY)

        serving = asyncio.create_task(
            run(generations, loaded.config.server, opened, lasting.turnstile, ready=ready, tls=tls)
        )
        talking, recording = asyncio.create_task(channel.run()), asyncio.create_task(records.run())

        def orphaned(_: asyncio.Task[None]) -> None:
            # Without its supervisor a worker is nobody's: it comes to its end as if it had been told to.
            if not serving.done():
                signal.raise_signal(signal.SIGTERM)

        talking.add_done_callback(orphaned)
        try:
            await serving
        finally:
            recording.cancel()
            await asyncio.wait([recording])
            with suppress(ChannelError):
                await records.flush()
            channel.close()
            talking.cancel()


def _take_orders(team: Team, generations: Generations) -> None:
    async def switch(body: bytes) -> None:
        generations.gateway.modes.switch_to(body)

    async def reload(_: bytes) -> None:
        try:
            await generations.gateway.bundles.read_again()
        except ConflictError as error:
            logger.warning("%s", error)

    team.on(MODE, switch)
    team.on(RELOAD, reload)


def _calm_collector() -> None:
    """What stands now stays, so the garbage collector need not look at it again and again.

    Requests make no cycles of their own, so it may come less often as well; that takes a tenth off what one costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _announce(url: str) -> None:
    """Say where the gateway listens, on one line that programs wait for."""
    sys.stdout.write(f"listening on {url}\n")
    sys.stdout.flush()
