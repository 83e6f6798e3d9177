import asyncio
import json
from typing import Any

import pytest
from bundles_in_force import bundled_router
from gateway_calls import FakeOutlet, make_request, make_responder

from suffice.errors import ConflictError, RequestError, RequestTooLargeError
from suffice.pipeline.arrival import ModeSwitch
from suffice.server.admin import ModeAdmin
from suffice.testing.fakes import make_router
from suffice.vocabulary import Mode


def make_admin(switch: ModeSwitch | None = None) -> ModeAdmin:
    router = make_router(mode=Mode.OBSERVE, settings={"canary_percent": 5.0})
    return ModeAdmin(lambda: router, switch or ModeSwitch())


def change(admin: ModeAdmin, body: object) -> Any:
    outlet = FakeOutlet()
    request = make_request(body if isinstance(body, bytes) else json.dumps(body).encode())
    asyncio.run(admin.change(request, make_responder(outlet)))
    return outlet.document


def test_the_configured_mode_is_told_while_nothing_is_switched() -> None:
    outlet = FakeOutlet()

    asyncio.run(make_admin().show(make_request(), make_responder(outlet)))

    assert outlet.status == 200
    assert outlet.document == {
        "mode": "observe",
        "canary_percent": 5.0,
        "configured": "observe",
        "is_switched": False,
    }


def test_a_mode_is_switched_and_told() -> None:
    switch = ModeSwitch()

    told = change(make_admin(switch), {"mode": "canary", "canary_percent": 0})

    assert told == {"mode": "canary", "canary_percent": 0.0, "configured": "observe", "is_switched": True}
    assert (switch.mode, switch.canary_percent) == (Mode.CANARY, 0.0)


def test_null_goes_back_to_what_is_configured() -> None:
    switch = ModeSwitch(mode=Mode.ROUTE, canary_percent=50.0)

    told = change(make_admin(switch), {"mode": None})

    assert (told["mode"], told["canary_percent"], told["is_switched"]) == ("observe", 5.0, False)
    assert (switch.mode, switch.canary_percent) == (None, None)


@pytest.mark.parametrize("body", [b"", b"route", {"mode": "fast"}, {"modus": "route"}, ["route"], b'{"mode":"\xff"}'])
def test_what_is_no_mode_is_told_the_modes_and_changes_nothing(body: object) -> None:
    switch = ModeSwitch(mode=Mode.ROUTE)

    with pytest.raises(RequestError, match="one of observe, canary, route, or null"):
        change(make_admin(switch), body)

    assert switch.mode is Mode.ROUTE


@pytest.mark.parametrize("percent", [-0.1, 100.1, 1e308])
def test_a_share_is_from_0_to_100(percent: float) -> None:
    with pytest.raises(RequestError, match="it goes from 0 to 100"):
        change(make_admin(), {"mode": "canary", "canary_percent": percent})


def test_a_large_body_is_not_read() -> None:
    with pytest.raises(RequestTooLargeError):
        change(make_admin(), b"x" * 5_000)


@pytest.mark.parametrize("mode", ["route", "canary"])
def test_nothing_is_routed_by_a_bundle_that_is_for_observing(mode: str) -> None:
    router = bundled_router("g", observe_only="bundle g is generic")
    admin = ModeAdmin(lambda: router, router.switch)

    with pytest.raises(ConflictError, match="the mode stays as it is: bundle g is generic"):
        change(admin, {"mode": mode})

    assert router.switch.mode is None
    assert change(admin, {"mode": "observe"})["mode"] == "observe"


def test_a_bundle_of_ones_own_may_route() -> None:
    router = bundled_router("a")

    assert change(ModeAdmin(lambda: router, router.switch), {"mode": "route"})["mode"] == "route"
