"""`/admin/bundle` and `/admin/reload`: which bundle is in force, and a new one at once."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from suffice.errors import ConflictError
from suffice.pipeline.bundle import BundleInForce
from suffice.pipeline.routing import Router
from suffice.server.http import Request, Responder
from suffice.server.reloading import Reloader


@dataclass(frozen=True, slots=True)
class BundleAdmin:
    """Tells of the bundle in force, and reads its file again."""

    current: Callable[[], Router]
    """The router in force."""
    reloader: Reloader | None = None
    """None: the scorer has no bundle."""

    async def show(self, _: Request, respond: Responder) -> None:
        """Tell what is in force; without a bundle its id is null."""
        await respond.whole(HTTPStatus.OK, msgspec.json.encode(self._describe()))

    async def reload(self, _: Request, respond: Responder) -> None:
        """Read the bundle's file now, whether or not it seems to have changed, and tell what is in force then.

        Raises:
            ConflictError: There is no bundle, or the file cannot be put in force.
        """
        if self.reloader is None:
            raise ConflictError(
                f"the scorer is {self.current().scorer.version}, which has no bundle; set scorer.kind to learned"
            )
        is_new = await self.reloader.reload()
        await respond.whole(HTTPStatus.OK, msgspec.json.encode({"reloaded": is_new, **self._describe()}))

    def _describe(self) -> dict[str, Any]:
        router = self.current()
        without_profile = router.settings[None].thresholds
        return {
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
