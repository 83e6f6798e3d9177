import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from suffice.errors import DemoError
from suffice.lab.demo.plan import DemoPlan, LiveServer
from suffice.lab.demo.settings import write_settings


def write(plan: DemoPlan, folder: Path) -> dict[str, Any]:
    return yaml.safe_load(asyncio.run(write_settings(plan, folder)).read_text())


def write_live(folder: Path, listed: object, *, status: int = 200) -> dict[str, Any]:
    """Write the settings over a server that lists `listed`."""

    async def list_models(request: web.Request) -> web.Response:
        return web.json_response(listed, status=status)

    async def scenario() -> dict[str, Any]:
        app = web.Application()
        app.router.add_get("/v1/models", list_models)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        servers = LiveServer(url=url), LiveServer(url=url, model="named")
        try:
            path = await write_settings(DemoPlan(live=servers, speedup=1.0), folder)
        finally:
            await runner.cleanup()
        return yaml.safe_load(await asyncio.to_thread(path.read_text))

    return asyncio.run(scenario())


def test_the_tapes_tiers_carry_the_plans_slots_and_speed(tmp_path: Path) -> None:
    document = write(DemoPlan(slots=3, speedup=7.0), tmp_path)

    assert [tier["name"] for tier in document["tiers"]] == ["small", "large"]
    assert document["tiers"][0]["tape"] == {"model": "qwen2.5-coder-0.5b", "slots": 3, "speedup": 7.0}


def test_the_cache_is_off_and_routing_on(tmp_path: Path) -> None:
    document = write(DemoPlan(), tmp_path)

    assert document["cache"] == {"enabled": False}
    assert document["routing"]["mode"] == "route"


def test_live_tiers_take_the_model_named_or_the_first_listed(tmp_path: Path) -> None:
    document = write_live(tmp_path, {"data": [{"id": "first"}, {"id": "second"}]})

    assert [tier["model"] for tier in document["tiers"]] == ["first", "named"]
    assert all("tape" not in tier for tier in document["tiers"])


@pytest.mark.parametrize(("listed", "status"), [({"data": []}, 200), ({"models": 1}, 200), ({}, 401)])
def test_a_server_that_lists_no_model_asks_for_its_name(tmp_path: Path, listed: object, status: int) -> None:
    with pytest.raises(DemoError, match="name one with --small-model"):
        write_live(tmp_path, listed, status=status)


def test_an_unreachable_server_is_named(tmp_path: Path) -> None:
    servers = LiveServer(url="http://127.0.0.1:1"), LiveServer(url="http://127.0.0.1:1")

    with pytest.raises(DemoError, match=r"http://127\.0\.0\.1:1/v1/models does not list its models"):
        write(DemoPlan(live=servers, speedup=1.0), tmp_path)
