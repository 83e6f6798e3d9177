import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bundles_in_force import bundled_router
from gateway_calls import FakeOutlet, Gateway, make_request, make_responder

from suffice.errors import ConflictError
from suffice.pipeline.routing import Router
from suffice.policy.selection import Catalogue, named_thresholds
from suffice.server.bundles import BundleAdmin
from suffice.server.reloading import Reloader
from suffice.testing.fakes import SMALL, TIERS, FakeUpstream, make_pipeline, make_router


def shown(admin: BundleAdmin) -> Any:
    outlet = FakeOutlet()
    asyncio.run(admin.show(make_request(), make_responder(outlet)))
    assert outlet.status == 200
    return outlet.document


def test_what_is_in_force_is_told_with_the_bundle_it_comes_from(tmp_path: Path) -> None:
    router = replace(bundled_router("a"), catalogue=Catalogue(TIERS, named=named_thresholds({"cheap": 7.0})))
    profile = replace(router.settings[None], thresholds={SMALL: 0.5})
    router = replace(router, settings={**router.settings, "strict": profile, "same": router.settings[None]})
    pipeline, _ = make_pipeline(FakeUpstream([]), FakeUpstream([]), router=router)
    reloader = Reloader(tmp_path / "b", pipeline, lambda: router, seen=None, note=lambda _: None)

    document = shown(BundleAdmin(lambda: router, reloader, config_hash="c"))

    assert document == {
        "configuration": "c",
        "id": "a",
        "scorer": "learned-a",
        "kind": "lexical",
        "models": ["tiny", "huge"],
        "tiers": {"tiny": "small"},
        "created": "2026-11-23",
        "generic": False,
        "observe_only": False,
        "metrics": {"apgr": 0.7},
        "thresholds": {"balanced": 3.0},
        "sources": [],
        "path": str(tmp_path / "b"),
        "last_refusal": None,
        "max_complexity": {"small": 4.0},
        "profiles": {"strict": {"small": 0.5}},
        "auto": {"cheap": 7.0, "balanced": 4.0, "quality": 2.0},
    }


def test_without_a_bundle_there_is_no_id() -> None:
    document = shown(BundleAdmin(make_router))

    assert (document["id"], document["scorer"], document["path"]) == (None, "fixed", None)
    assert "models" not in document


def test_without_a_bundle_there_is_nothing_to_reload() -> None:
    outlet = FakeOutlet()

    with pytest.raises(ConflictError, match="the scorer is fixed, which has no bundle"):
        asyncio.run(BundleAdmin(make_router).reload(make_request(), make_responder(outlet)))


def test_a_reload_tells_what_is_in_force_afterwards(tmp_path: Path) -> None:
    pipeline, _ = make_pipeline(FakeUpstream([]), FakeUpstream([]), router=bundled_router("a"))

    def build() -> Router:
        return bundled_router("b", base=pipeline.router)

    async def run() -> FakeOutlet:
        reloader = Reloader(tmp_path / "b", pipeline, build, seen=None, note=lambda _: None)
        outlet = FakeOutlet()
        await BundleAdmin(lambda: pipeline.router, reloader).reload(make_request(), make_responder(outlet))
        return outlet

    document = asyncio.run(run()).document

    assert (document["reloaded"], document["id"]) == (True, "b")


def test_the_paths_are_served_and_a_refusal_has_openais_form() -> None:
    gateway = Gateway()

    assert gateway.ask("GET", "/admin/bundle").document["id"] is None
    outlet = gateway.ask("POST", "/admin/reload")

    assert (outlet.status, outlet.document["error"]["code"]) == (409, "conflict")
    assert gateway.ask("GET", "/admin/reload").status == 405
