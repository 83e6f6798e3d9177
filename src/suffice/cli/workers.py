"""A gateway as several processes on one port, and one above them."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
import typer

from suffice.assembly import Generations, Lasting
from suffice.cli.invocation import Invocation
from suffice.cli.serving import announce, open_generations, open_port, run_loop
from suffice.config import Loaded, build_yardstick, divide
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


def run_team(loaded: Loaded, invocation: Invocation) -> None:
    """Start workers that serve, and look after them.

    Raises:
        ConfigError: The port is taken, or the bundle cannot be used.
        WorkerError: A worker cannot be started.
    """
    # What is wrong with the bundle is told once, before anybody starts.
    for warning in build_yardstick(loaded).warnings:
        typer.echo(f"warning: {warning}", err=True)
    run_loop(_supervise(loaded, invocation))


def run_worker(invocation: Invocation, place: str) -> None:
    """Serve as one of several.

    Args:
        invocation: The command line of them all.
        place: A `Place`, as JSON.
    """
    own = msgspec.json.decode(place, type=Place)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s worker-{own.number} %(name)s %(message)s"))
    run_loop(_serve_in_team(invocation, own))


async def _supervise(loaded: Loaded, invocation: Invocation) -> None:
    config = loaded.config
    with _keep_port(config.server) as kept:
        url, address = url_of(kept), kept.getsockname()
        recorder = Recorder(config.recording, loaded.folder) if config.recording.enabled else None
        try:
            await Supervisor(
                n_workers=config.server.workers,
                start=lambda number, channel: worker_command(
                    invocation,
                    Place(
                        number=number,
                        n_workers=config.server.workers,
                        channel=channel,
                        host=config.server.host,
                        port=address[1],
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


def worker_command(invocation: Invocation, place: Place) -> Sequence[str]:
    """What starts a worker."""
    # As this process was started: a script does not look for modules in the current folder, `python -m` does.
    isolation = [] if sys.path[0] in {"", os.getcwd()} else ["-P"]  # noqa: PTH109 - as Python itself has it
    said = msgspec.json.encode(place).decode()
    return [sys.executable, *isolation, "-m", "suffice", "serve", *invocation.arguments(), "--worker", said]


async def _serve_in_team(invocation: Invocation, place: Place) -> None:
    def read() -> Loaded:
        loaded = invocation.read()
        return replace(loaded, config=divide(loaded.config, place.n_workers))

    loaded = read()
    at = replace(loaded.config.server, host=place.host, port=place.port)
    opened = open_port(at, shared=True)
    async with _open_channel(place) as (channel, handlers, talking):
        team = Team(channel)
        records = RemoteRecorder(channel, queue_size=loaded.config.recording.queue_size)
        lasting = Lasting.of(loaded.config, records if loaded.config.recording.enabled else None, team=team)

        async def page(_: bytes) -> bytes:
            return lasting.telemetry.render()

        async with open_generations(loaded, lasting, read, invocation.path) as generations:
            handlers |= {PAGE: page, SPREAD: team.obey}
            _take_orders(team, generations)
            await team.join()
            recording = asyncio.create_task(records.run())
            try:
                await _serve_until_orphaned(generations, at, opened, talking, team)
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


async def _serve_until_orphaned(
    generations: Generations, at: ServerConfig, opened: socket.socket, talking: asyncio.Task[None], team: Team
) -> None:
    """Serve until told to end. Without its supervisor a worker is nobody's, and ends as if it had been told to."""
    serving = asyncio.create_task(
        run(generations, at, opened, generations.gateway.turnstile, ready=lambda _: team.tell_ready())
    )

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
