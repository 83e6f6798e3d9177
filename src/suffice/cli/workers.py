"""A gateway as several processes on one port, and one above them."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import typer

from suffice.assembly import Generations, Lasting
from suffice.cli.serving import announce, open_generations, open_port, run_loop
from suffice.cli.wanted import Wanted
from suffice.config import Config, Loaded, build_yardstick, divide
from suffice.config.tls import server_tls
from suffice.recording.recorder import Recorder
from suffice.server.config import ServerConfig
from suffice.server.running import run, url_of
from suffice.server.workers.channel import Channel, Handler
from suffice.server.workers.member import RemoteRecorder
from suffice.server.workers.orders import MODE, PAGE, RELOAD, SPREAD, Team
from suffice.server.workers.supervisor import Supervisor

logger = logging.getLogger("suffice.workers")

RECORDER_CLOSE_S = 10.0
HAND_OVER_S = 10.0
_GRACE_S = HAND_OVER_S + 10.0
"""For a worker to end after what runs had its time."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which worker a process is: what holds for it whatever its file says meanwhile."""

    number: int
    n_workers: int
    channel: int
    """File descriptor of the way to the supervisor."""
    host: str
    port: int
    tls_certificate: str | None = None
    tls_key: str | None = None

    def listening(self, config: Config) -> Config:
        """A configuration with where and how the gateway listens, as it was when it was started."""
        server = replace(
            config.server,
            host=self.host,
            port=self.port,
            tls_certificate=self.tls_certificate,
            tls_key=self.tls_key,
        )
        return replace(config, server=server)


def run_team(loaded: Loaded, wanted: Wanted) -> None:
    """Start workers that serve, and look after them.

    Raises:
        ConfigError: The port is taken, or the bundle cannot be used.
        WorkerError: A worker cannot be started.
    """
    # What is wrong with the bundle is told once, before anybody starts.
    for warning in build_yardstick(loaded).warnings:
        typer.echo(f"warning: {warning}", err=True)
    run_loop(_supervise(loaded, wanted))


def run_worker(wanted: Wanted, place: str) -> None:
    """Serve as one of several.

    Args:
        wanted: The command line of them all.
        place: A `Place`, as JSON.
    """
    own = msgspec.json.decode(place, type=Place)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s worker-{own.number} %(name)s %(message)s"))
    run_loop(_serve_in_team(wanted, own))


async def _supervise(loaded: Loaded, wanted: Wanted) -> None:
    config = loaded.config
    with _keep_port(config.server) as kept:
        url = url_of(kept, is_tls=server_tls(config, loaded.folder) is not None)
        port = kept.getsockname()[1]
        recorder = Recorder(config.recording, loaded.folder) if config.recording.enabled else None
        try:
            await Supervisor(
                n_workers=config.server.workers,
                start=lambda number, channel: worker_command(
                    wanted,
                    Place(
                        number=number,
                        n_workers=config.server.workers,
                        channel=channel,
                        host=config.server.host,
                        port=port,
                        tls_certificate=config.server.tls_certificate,
                        tls_key=config.server.tls_key,
                    ),
                ),
                recorder=recorder,
                ready=lambda: announce(url),
                stop_timeout_s=config.server.shutdown_timeout_s + _GRACE_S,
            ).run()
        finally:
            if recorder is not None and not await asyncio.to_thread(recorder.close, RECORDER_CLOSE_S):
                logger.error("records are lost, %d in all", recorder.counts.dropped)


def _keep_port(server: ServerConfig) -> socket.socket:
    """A socket that never listens: it keeps the port for the workers, and tells which one it is.

    Raises:
        ConfigError: The port is taken.
    """
    # Sockets that share a port find nothing wrong with another gateway's: only one that does not share tells.
    open_port(server).close()
    return open_port(server, shared=True)


def worker_command(wanted: Wanted, place: Place) -> Sequence[str]:
    """What starts a worker."""
    # As this process was started: a script does not look for modules in the current folder, `python -m` does.
    isolation = [] if sys.path[0] in {"", os.getcwd()} else ["-P"]  # noqa: PTH109 - as Python itself has it
    said = msgspec.json.encode(place).decode()
    return [sys.executable, *isolation, "-m", "suffice", "serve", *wanted.arguments(), "--worker", said]


async def _serve_in_team(wanted: Wanted, place: Place) -> None:
    def read() -> Loaded:
        loaded = wanted.read()
        return replace(loaded, config=divide(loaded.config, place.n_workers))

    loaded = read()
    at = place.listening(loaded.config)
    tls = server_tls(at, loaded.folder)
    opened = open_port(at.server, shared=True)
    async with _open_channel(place) as (channel, handlers, talking):
        team = Team(channel)
        records = RemoteRecorder(channel, queue_size=loaded.config.recording.queue_size)
        lasting = Lasting.of(loaded.config, records if loaded.config.recording.enabled else None, team=team)

        async def page(_: bytes) -> bytes:
            return lasting.telemetry.render()

        async with open_generations(loaded, lasting, read, wanted.path) as generations:
            handlers |= {PAGE: page, SPREAD: team.obey}
            _take_orders(team, generations)
            await team.join()
            recording = asyncio.create_task(records.run())
            try:
                turnstile = lasting.turnstile
                await _serve_until_orphaned(
                    lambda: run(generations, at.server, opened, turnstile, ready=lambda _: team.tell_ready(), tls=tls),
                    talking,
                )
            finally:
                await records.close(HAND_OVER_S)
                recording.cancel()
                await asyncio.wait([recording])


@asynccontextmanager
async def _open_channel(place: Place) -> AsyncGenerator[tuple[Channel, dict[str, Handler], asyncio.Task[None]]]:
    """The way to the supervisor, what to answer it, and the task that ends when it is gone."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=place.channel))
    handlers: dict[str, Handler] = {}
    channel = Channel(reader, writer, handlers)
    talking = asyncio.create_task(channel.run())
    try:
        yield channel, handlers, talking
    finally:
        talking.cancel()
        await asyncio.wait([talking])


async def _serve_until_orphaned(serve: Callable[[], Coroutine[None, None, None]], talking: asyncio.Task[None]) -> None:
    """Serve until told to end. Without its supervisor a worker is nobody's, and ends as if it had been told to."""
    serving = asyncio.create_task(serve())

    def end(_: asyncio.Task[None]) -> None:
        if not serving.done():
            signal.raise_signal(signal.SIGTERM)

    talking.add_done_callback(end)
    try:
        await serving
    finally:
        talking.remove_done_callback(end)


def _take_orders(team: Team, generations: Generations) -> None:
    async def switch(body: bytes) -> None:
        generations.gateway.modes.switch_to(body)

    async def reload(_: bytes) -> None:
        await generations.gateway.bundles.read_again()

    team.on(MODE, switch)
    team.on(RELOAD, reload)
