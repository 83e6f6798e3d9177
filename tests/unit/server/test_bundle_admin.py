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

    document = shown(BundleAdmin(lambda: router, reloader, config_hash="0123"))

    assert document == {
        "configuration": "0123",
        "configuration_refusal": None,
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


class FakeConfiguration:
    """A configuration that may have changed."""

    def __init__(self, bundles: BundleAdmin, *, is_new: bool, refusal: str | None = None) -> None:
        self.bundles = bundles
        self.last_refusal = refusal
        self.n_read = 0
        self._is_new = is_new

    async def reload(self) -> bool:
        self.n_read += 1
        if self.last_refusal is not None:
            raise ConflictError(self.last_refusal)
        return self._is_new


@pytest.mark.parametrize("is_new", [True, False])
def test_a_reload_reads_the_configuration_first_and_tells_of_the_one_in_force_then(*, is_new: bool) -> None:
    configuration = FakeConfiguration(BundleAdmin(make_router, config_hash="new"), is_new=is_new)
    outlet = FakeOutlet()

    admin = BundleAdmin(make_router, configuration=configuration, config_hash="old")
    asyncio.run(admin.reload(make_request(), make_responder(outlet)))

    assert (outlet.document["reloaded"], outlet.document["configuration"]) == (is_new, "new")
    assert configuration.n_read == 1


def test_a_bundle_of_a_new_configuration_is_not_read_twice(tmp_path: Path) -> None:
    pipeline, _ = make_pipeline(FakeUpstream([]), FakeUpstream([]), router=bundled_router("a"))

    def build() -> Router:
        raise AssertionError

    async def run() -> bool:
        reloader = Reloader(tmp_path / "b", pipeline, build, seen=None, note=lambda _: None)
        following = BundleAdmin(lambda: pipeline.router, reloader)
        old = BundleAdmin(make_router, configuration=FakeConfiguration(following, is_new=True))
        is_new, in_force = await old.read_again()
        return is_new and in_force is following

    assert asyncio.run(run())


def test_a_configuration_that_is_refused_is_told_and_its_bundle_is_not_read() -> None:
    refused = FakeConfiguration(BundleAdmin(make_router), is_new=False, refusal="tiers: 7: must be a list")
    admin = BundleAdmin(make_router, configuration=refused)

    with pytest.raises(ConflictError, match="must be a list"):
        asyncio.run(admin.reload(make_request(), make_responder(FakeOutlet())))

    assert shown(admin)["configuration_refusal"] == "tiers: 7: must be a list"


def test_other_workers_are_told_once_this_one_has_reloaded() -> None:
    told: list[bytes] = []

    async def spread(body: bytes) -> None:
        told.append(body)

    configuration = FakeConfiguration(BundleAdmin(make_router), is_new=True)
    admin = BundleAdmin(make_router, configuration=configuration, spread=spread)
    asyncio.run(admin.reload(make_request(), make_responder(FakeOutlet())))
    configuration.last_refusal = "is cut"
    with pytest.raises(ConflictError):
        asyncio.run(admin.reload(make_request(), make_responder(FakeOutlet())))

    assert told == [b""]
