"""A new configuration for a running gateway: built beside the one in force, put in its place between two requests.

A request goes by the configuration that was in force when it came. The one before is closed once nothing runs by it any
more; a file that cannot be used changes nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from suffice.assembly.gateway import Gateway, open_gateway
from suffice.assembly.lasting import Lasting
from suffice.config import Config, Loaded
from suffice.errors import ConfigError, ConflictError
from suffice.server.bundles import BundleAdmin
from suffice.server.config import ServerConfig
from suffice.server.http import Request, Responder
from suffice.server.reloading import identify
from suffice.vocabulary import Mode

logger = logging.getLogger("suffice.assembly")


@dataclass(slots=True, eq=False)
class _Generation:
    """A gateway of one configuration, and the requests that run by it."""

    loaded: Loaded
    gateway: Gateway
    stack: AsyncExitStack
    n_running: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    is_retired: bool = False

    async def retire(self) -> None:
        """Close it once its last request is over."""
        self.is_retired = True
        if self.n_running:
            await self.idle.wait()
        await self.stack.aclose()


class Generations:
    """Serves by the configuration in force."""

    def __init__(self, lasting: Lasting, read: Callable[[], Loaded]) -> None:
        """Begin without a gateway; `open` makes the first.

        Args:
            lasting: What outlives a configuration.
            read: Reads the file again, in a thread; raises `ConfigError` for what cannot be used.
        """
        self._lasting = lasting
        lasting.reload = self.reload
        self._read = read
        self._current: _Generation
        self._retiring: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self.last_refusal: str | None = None
        """Why the file as it was last read is not in force; None: it is."""

    @property
    def gateway(self) -> Gateway:
        """The gateway in force."""
        return self._current.gateway

    @property
    def loaded(self) -> Loaded:
        """The configuration in force."""
        return self._current.loaded

    @property
    def limits(self) -> ServerConfig:
        """See `server.running.Service`."""
        return self._current.loaded.config.server

    async def open(self, loaded: Loaded) -> None:
        """Make the first gateway.

        Raises:
            ConfigError: It cannot be built.
        """
        self._current = await self._build(loaded)

    async def close(self) -> None:
        """Close all of them; nothing runs any more."""
        for task in self._retiring:
            task.cancel()
        await self._current.stack.aclose()

    async def watch(self, path: Path, interval_s: float) -> None:
        """Reload whenever the file was replaced or written to; after a refusal, not before it changes again."""
        seen = await asyncio.to_thread(identify, path)
        while True:
            await asyncio.sleep(interval_s)
            now = await asyncio.to_thread(identify, path)
            if now == seen:
                continue
            seen = now
            try:
                await self.reload()
            except ConflictError as error:
                logger.warning("%s", error)

    async def serve(self, request: Request, respond: Responder) -> None:
        """Answer one request by the configuration in force."""
        generation = self._current
        generation.n_running += 1
        try:
            await generation.gateway.app.serve(request, respond)
        finally:
            generation.n_running -= 1
            if generation.is_retired and not generation.n_running:
                generation.idle.set()

    async def reload(self) -> BundleAdmin | None:
        """Read the file again and put it in force.

        Returns:
            What tells of the configuration that is in force now, if it is another one.

        Raises:
            ConflictError: It cannot be used. The one before stays, whatever happens.
        """
        async with self._lock:
            current = self._current
            try:
                loaded = await asyncio.to_thread(self._read)
                loaded, kept = _settle(loaded, current.loaded.config)
                if loaded.hash == current.loaded.hash and loaded.config == current.loaded.config:
                    self.last_refusal = None
                    return None
                following = await self._build(loaded)
                if why := self._why_not(following):
                    await following.stack.aclose()
                    raise ConflictError(why)  # noqa: TRY301 - refused as every other reason is
            except Exception as error:  # a fault of ours must not end a gateway that serves well
                raise self._refuse(error) from error
            for section in kept:
                logger.warning("%s has changed, and stays as it was until the gateway is started again", section)
            self._lasting.adopt(loaded.config, following.gateway.pipeline.router.memory)
            self._current = following
            self.last_refusal = None
            logger.info("configuration %s is in force, in place of %s", loaded.hash, current.loaded.hash)
            task = asyncio.create_task(current.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
            return following.gateway.bundles

    async def _build(self, loaded: Loaded) -> _Generation:
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(open_gateway(loaded, lasting=self._lasting))
            for warning in gateway.warnings:
                logger.warning("%s", warning)
            return _Generation(loaded, gateway, stack.pop_all())

    def _why_not(self, following: _Generation) -> str:
        """Why a gateway may not serve in the mode that was switched to; the file's own mode was checked with it."""
        bundle = following.gateway.pipeline.router.bundle
        mode = self._lasting.switch.mode
        if mode in {None, Mode.OBSERVE} or bundle is None or not bundle.observe_only:
            return ""
        return f"the mode is {mode}, and {bundle.observe_only}"

    def _refuse(self, error: Exception) -> ConflictError:
        self.last_refusal = _explain(error)
        return ConflictError(f"configuration {self.loaded.hash} stays in force: {self.last_refusal}")


def _settle(loaded: Loaded, current: Config) -> tuple[Loaded, list[str]]:
    """The configuration with what a running process cannot change as it was, and the names of that."""
    server = replace(loaded.config.server, host=current.server.host, port=current.server.port)
    kept = [
        name
        for name, is_other in (
            ("server.host", loaded.config.server.host != current.server.host),
            ("server.port", loaded.config.server.port != current.server.port),
            ("server.workers", loaded.config.server.workers != current.server.workers),
            ("server.tls_certificate", loaded.config.server.tls_certificate != current.server.tls_certificate),
            ("recording", loaded.config.recording != current.recording),
        )
        if is_other
    ]
    config = replace(loaded.config, server=server, recording=current.recording)
    return replace(loaded, config=config), kept


def _explain(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return "; ".join(map(str, error.mistakes))
    if not isinstance(error, ConflictError):
        logger.error("a configuration could not be put in force", exc_info=error)
    return str(error) or type(error).__name__
