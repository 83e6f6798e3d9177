"""A new bundle for a running gateway: read beside the event loop, put in force between two requests, or refused."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from suffice.errors import ConfigError, ConflictError, SufficeError
from suffice.pipeline.pipeline import Pipeline
from suffice.pipeline.routing import Router
from suffice.vocabulary import Mode

logger = logging.getLogger("suffice.server")

LOAD_TIMEOUT_S = 60.0
"""Reading and building takes well under a second, unless the disk hangs."""

SWAPPED, UNCHANGED, REFUSED = "swapped", "unchanged", "refused"
"""What became of a reload, as metrics count it."""

Identity = tuple[int, ...] | None
"""What differs once a file was replaced or written to; None: there is none."""


def identify(path: Path) -> Identity:
    """What a file can be told from its successor by, without reading it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class Reloader:
    """Looks after the bundle's file.

    A request goes by the router that was there when it came, so nothing that runs is touched by a new one.
    """

    def __init__(
        self,
        path: Path,
        pipeline: Pipeline,
        build: Callable[[], Router],
        *,
        seen: Identity,
        note: Callable[[str], None],
    ) -> None:
        """Take what a new bundle needs.

        Args:
            path: The bundle's file.
            pipeline: Gets the new router.
            build: Reads the file and makes a router by it, in a thread; raises `ConfigError` for what cannot be used.
            seen: The file's identity before what is in force was read from it.
            note: Told what became of each reload.
        """
        self.path = path
        self.last_refusal: str | None = None
        """Why the file as it is now is not in force; None: it is."""
        self._pipeline = pipeline
        self._build = build
        self._seen = seen
        self._note = note
        self._lock = asyncio.Lock()

    async def watch(self, interval_s: float) -> None:
        """Reload whenever the file was replaced; a file that is refused is read again only once it has changed."""
        while True:
            await asyncio.sleep(interval_s)
            if await asyncio.to_thread(identify, self.path) == self._seen:
                continue
            try:
                await self.reload()
            except ConflictError as error:
                logger.warning("%s", error)

    async def reload(self) -> bool:
        """Read the file and put it in force.

        Returns:
            Whether another bundle is in force now.

        Raises:
            ConflictError: It cannot be used, or not in the mode in force. The one before stays, whatever happens.
        """
        async with self._lock:
            self._seen = await asyncio.to_thread(identify, self.path)
            try:
                async with asyncio.timeout(LOAD_TIMEOUT_S):
                    router = await asyncio.to_thread(self._build)
                is_new = self._swap(router)
            except Exception as error:  # a fault of ours must not end a gateway that serves well
                raise self._refuse(_explain(error)) from error
            self.last_refusal = None
            self._note(SWAPPED if is_new else UNCHANGED)
            return is_new

    def _swap(self, router: Router) -> bool:
        current = self._pipeline.router
        # The same bundle stays as it is, with the words that it has learned since.
        if router.bundle_id == current.bundle_id:
            return False
        if router.bundle is not None and router.bundle.observe_only and current.switch.mode not in _OBSERVING:
            raise ConflictError(f"the mode is {current.switch.mode}, and {router.bundle.observe_only}")
        self._pipeline.router = router
        logger.info("bundle %s is in force, in place of %s", router.bundle_id, current.bundle_id)
        return True

    def _refuse(self, reason: str) -> ConflictError:
        self._note(REFUSED)
        self.last_refusal = reason
        return ConflictError(f"bundle {self._pipeline.router.bundle_id} stays in force: {reason}")


_OBSERVING = (None, Mode.OBSERVE)


def _explain(error: Exception) -> str:
    if isinstance(error, ConfigError):
        return "; ".join(f"{mistake.path}: {mistake.remedy}" for mistake in error.mistakes)
    if isinstance(error, SufficeError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"reading it took longer than {LOAD_TIMEOUT_S:g} s"
    logger.error("a bundle could not be put in force", exc_info=error)
    return f"the gateway failed on it ({type(error).__name__}); its log tells more"
