"""A new configuration for a running gateway: built beside the one in force, put in its place between two requests.

A request goes by the configuration that was in force when it came. The one before is closed once nothing runs by it any
more; a file that cannot be used changes nothing.
"""

import asyncio
import gc
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from suffice.assembly.gateway import Gateway, open_gateway
from suffice.assembly.lasting import Lasting
from suffice.assembly.settling import settle
from suffice.config import Loaded
from suffice.errors import ConfigError, ConflictError, SufficeError
from suffice.server.bundles import BundleAdmin
from suffice.server.config import ServerConfig
from suffice.server.http import Request, Responder
from suffice.server.reloading import LOAD_TIMEOUT_S, Identity, identify
from suffice.vocabulary import Mode

logger = logging.getLogger("suffice.assembly")

_LOOK_AGAIN_S = 1.0
"""Whether the file is to be watched, while it is not."""


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
        self.gateway.leave_force()
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
        lasting.configuration = self
        self._read = read
        self._current: _Generation
        self._retiring: dict[asyncio.Task[None], _Generation] = {}
        self._lock = asyncio.Lock()
        self.last_refusal: str | None = None
        """Why the file as it was last read is not in force; None: it is."""

    @property
    def gateway(self) -> Gateway:
        """The gateway in force."""
        return self._current.gateway

    @property
    def bundles(self) -> BundleAdmin:
        """See `server.bundles.Configuration`."""
        return self._current.gateway.bundles

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
        self._current.gateway.enter_force(loaded.config)

    async def close(self) -> None:
        """Close all of them; nothing runs any more."""
        async with self._lock:
            for generation in self._retiring.values():
                generation.idle.set()
            if self._retiring:
                await asyncio.wait(self._retiring)
            await self._current.stack.aclose()

    async def watch(self, path: Path) -> None:
        """Reload whenever the file was replaced or written to; after a refusal, not before it changes again."""
        # Not as it is now: it may have changed since it was read.
        seen: Identity = ()
        while True:
            interval_s = self.limits.reload_s
            await asyncio.sleep(interval_s or _LOOK_AGAIN_S)
            now = await asyncio.to_thread(identify, path)
            if now == seen or not interval_s:
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

    async def reload(self) -> bool:
        """Read the file again and put it in force.

        Returns:
            Whether another configuration is in force now.

        Raises:
            ConflictError: It cannot be used. The one before stays, whatever happens.
        """
        async with self._lock:
            current = self._current
            try:
                following = await self._prepare(current.loaded)
            except Exception as error:  # a fault of ours must not end a gateway that serves well
                raise self._refuse(error) from error
            self.last_refusal = None
            if following is None:
                return False
            following.gateway.enter_force(following.loaded.config)
            self._current = following
            logger.info("configuration %s is in force, in place of %s", following.loaded.hash, current.loaded.hash)
            task = asyncio.create_task(current.retire())
            self._retiring[task] = current
            task.add_done_callback(self._forget)
            return True

    async def _prepare(self, current: Loaded) -> _Generation | None:
        """A gateway by the file as it is now; None: it says the same as the one in force."""
        async with asyncio.timeout(LOAD_TIMEOUT_S):
            read = await asyncio.to_thread(self._read)
            loaded, kept = settle(read, current.config)
            if loaded.hash == current.hash and loaded.config == current.config:
                return None
            following = await self._build(loaded)
        if why := self._why_not(following):
            await following.stack.aclose()
            raise ConflictError(why)
        for warning in (*loaded.warnings, *following.gateway.warnings):
            logger.warning("%s", warning)
        for section in kept:
            logger.warning("%s has changed, and stays as it was until the gateway is started again", section)
        return following

    async def _build(self, loaded: Loaded) -> _Generation:
        async with AsyncExitStack() as stack:
            gateway = await stack.enter_async_context(open_gateway(loaded, lasting=self._lasting))
            return _Generation(loaded, gateway, stack.pop_all())

    def _forget(self, retired: asyncio.Task[None]) -> None:
        """Give the memory of one back that is closed: it is full of cycles, and the collector comes seldom."""
        del self._retiring[retired]
        gc.collect()

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


def _explain(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return "; ".join(map(str, error.mistakes))
    if isinstance(error, SufficeError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"reading it took longer than {LOAD_TIMEOUT_S:g} s"
    logger.error("a configuration could not be put in force", exc_info=error)
    return f"the gateway failed on it ({type(error).__name__}); its log tells more"
