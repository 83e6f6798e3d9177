import asyncio
import sys
from pathlib import Path

import aiohttp
import pytest
import tape_gateway

from suffice.errors import DemoError
from suffice.lab.demo.gateway import run_gateway
from suffice.lab.demo.plan import DemoPlan
from suffice.lab.demo.settings import write_settings

STAND_IN = (sys.executable, str(tape_gateway.__file__))


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def start(folder: Path, command: tuple[str, ...], *, ready_timeout_s: float = 20.0) -> int | None:
    """Start and stop a gateway; returns its exit status."""

    async def scenario() -> int | None:
        config = await write_settings(DemoPlan(), folder)
        async with run_gateway(config, command=command, ready_timeout_s=ready_timeout_s) as gateway:
            process = gateway.process
        return process.returncode

    return asyncio.run(scenario())


def test_a_gateway_is_reachable_while_its_context_is_open(tmp_path: Path) -> None:
    async def scenario() -> int:
        config = await write_settings(DemoPlan(), tmp_path)
        async with (
            run_gateway(config, command=STAND_IN) as gateway,
            aiohttp.ClientSession() as session,
            session.get(f"{gateway.url}/v1/chat/completions") as answer,
        ):
            return answer.status

    assert asyncio.run(scenario()) == 405


def test_it_is_stopped_with_sigterm(tmp_path: Path) -> None:
    assert start(tmp_path, STAND_IN) == -15


def test_one_that_dies_is_shown_with_its_last_words(tmp_path: Path) -> None:
    command = python("import sys; print('half a line', end=''); sys.exit('no such tier: medium')")

    with pytest.raises(DemoError, match=r"ended with status 1; its last words:\nno such tier: medium"):
        start(tmp_path, command)


def test_one_that_says_nothing_at_all_says_so(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="ended with status 0 and said nothing"):
        start(tmp_path, python("pass"))


def test_one_that_never_listens_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match=r"did not listen within 0\.2 s"):
        start(tmp_path, python("import time; time.sleep(600)"), ready_timeout_s=0.2)


def test_output_beyond_the_pipes_size_does_not_block_it(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "print('listening on http://127.0.0.1:1', flush=True)\n"
        "sys.stdout.write('x' * 1_000_000)\n"
        "sys.exit(7)\n"
    )

    async def scenario() -> str:
        config = await write_settings(DemoPlan(), tmp_path)
        async with run_gateway(config, command=python(code)) as gateway:
            with pytest.raises(DemoError) as caught:
                await gateway.wait()
        return str(caught.value)

    assert "status 7" in asyncio.run(scenario())


def test_a_cancelled_demo_stops_its_gateway(tmp_path: Path) -> None:
    async def scenario() -> int | None:
        config = await write_settings(DemoPlan(), tmp_path)
        started = asyncio.get_running_loop().create_future()

        async def hold() -> None:
            async with run_gateway(config, command=STAND_IN) as gateway:
                started.set_result(gateway.process)
                await gateway.wait()

        task = asyncio.create_task(hold())
        process: asyncio.subprocess.Process = await started
        task.cancel()
        await asyncio.wait([task])
        return process.returncode

    assert asyncio.run(scenario()) == -15
