"""`/admin/bundle` and `/admin/reload`: which bundle is in force, and a new one at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from suffice.errors import ConflictError
from suffice.pipeline.bundle import BundleInForce
from suffice.pipeline.routing import Router
from suffice.server.admin import Spread
from suffice.server.http import Request, Responder
from suffice.server.reloading import Reloader


@dataclass(frozen=True, slots=True)
class BundleAdmin:
    """Tells of the bundle in force, and reads its file again."""

    current: Callable[[], Router]
    """The router in force."""
    reloader: Reloader | None = None
    """None: the scorer has no bundle."""
    configuration: Callable[[], Awaitable["BundleAdmin | None"]] | None = None
    """Reads the configuration again, and returns what tells of it if it is another one; None: it cannot change."""
    config_hash: str = ""
    spread: Spread | None = None
    """None: there are no other workers."""

    async def show(self, _: Request, respond: Responder) -> None:
        """Tell what is in force; without a bundle its id is null."""
        await respond.whole(HTTPStatus.OK, msgspec.json.encode(self.describe()))

    async def reload(self, _: Request, respond: Responder) -> None:
        """Read configuration and bundle now, whether or not they seem to have changed, and tell what is in force then.

        Raises:
            ConflictError: One of the files cannot be put in force.
        """
        is_new, in_force = await self.read_again()
        if self.spread is not None:
            await self.spread(b"")
        await respond.whole(HTTPStatus.OK, msgspec.json.encode({"reloaded": is_new, **in_force.describe()}))

    async def read_again(self) -> tuple[bool, "BundleAdmin"]:
        """Read both files in this process.

        Returns:
            Whether anything else is in force now, and what tells of it.

        Raises:
            ConflictError: One of them cannot be put in force.
        """
        following = await self.configuration() if self.configuration is not None else None
        if following is not None:
            return True, following  # the bundle was read with it
        if self.reloader is not None:
            return await self.reloader.reload(), self
        if self.configuration is None:
            raise ConflictError(
                f"the scorer is {self.current().scorer.version}, which has no bundle; set scorer.kind to learned"
            )
        return False, self

    def describe(self) -> dict[str, Any]:
        """What is in force, as JSON tells it."""
        router = self.current()
        without_profile = router.settings[None].thresholds
        return {
            "configuration": self.config_hash,
            "id": router.bundle_id,
            "scorer": router.scorer.version,
            **(_describe_bundle(router.bundle) if router.bundle is not None else {}),
            "path": str(self.reloader.path) if self.reloader is not None else None,
            "last_refusal": self.reloader.last_refusal if self.reloader is not None else None,
            "max_complexity": without_profile,
            "profiles": {
                name: settings.thresholds
                for name, settings in router.settings.items()
                if name is not None and settings.thresholds != without_profile
            },
            "auto": _named(router),
        }


def _describe_bundle(bundle: BundleInForce) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "kind": manifest.kind,
        "models": manifest.models,
        "tiers": bundle.tiers,
        "created": manifest.created,
        "generic": manifest.generic,
        "observe_only": bool(bundle.observe_only),
        "metrics": manifest.metrics,
        "thresholds": manifest.thresholds,
        "sources": manifest.sources,
    }


def _named(router: Router) -> dict[str, float | None]:
    """What `auto:NAME` means without a profile."""
    in_force = next(iter(router.settings[None].thresholds.values()), None)
    return {name: in_force if limit is None else limit for name, limit in router.catalogue.named.items()}
