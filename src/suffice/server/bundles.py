"""`/admin/bundle` and `/admin/reload`: which configuration and bundle are in force, and new ones at once."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from suffice.errors import ConflictError
from suffice.pipeline.bundle import BundleInForce
from suffice.pipeline.routing import Router
from suffice.server.admin import Spread
from suffice.server.http import Request, Responder
from suffice.server.reloading import Reloader


class Configuration(Protocol):
    """The file that all was made of."""

    @property
    def last_refusal(self) -> str | None:
        """Why it is not in force as it was read last; None: it is."""
        ...

    async def reload(self) -> bool:
        """Read it again, and the bundle with it; returns whether another one is in force now.

        Raises:
            ConflictError: It cannot be put in force.
        """
        ...

    @property
    def bundles(self) -> "BundleAdmin":
        """What tells of the one in force."""
        ...


@dataclass(frozen=True, slots=True)
class BundleAdmin:
    """Tells of configuration and bundle in force, and reads their files again."""

    current: Callable[[], Router]
    """The router in force."""
    reloader: Reloader | None = None
    """None: the scorer has no bundle."""
    configuration: "Configuration | None" = None
    """None: it cannot change."""
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
        in_force = self
        if self.configuration is not None:
            is_new = await self.configuration.reload()
            in_force = self.configuration.bundles
            if is_new:
                return True, in_force  # the bundle was read with it
        if in_force.reloader is not None:
            return await in_force.reloader.reload(), in_force
        if self.configuration is None:
            raise ConflictError(
                f"the scorer is {self.current().scorer.version}, which has no bundle; set scorer.kind to learned"
            )
        return False, in_force

    def describe(self) -> dict[str, Any]:
        """What is in force, as JSON tells it."""
        router = self.current()
        without_profile = router.settings[None].thresholds
        return {
            "configuration": self.config_hash,
            "configuration_refusal": self.configuration.last_refusal if self.configuration is not None else None,
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
