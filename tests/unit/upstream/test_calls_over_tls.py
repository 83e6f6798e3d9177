"""Calls to a server behind TLS, over real loopback sockets."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from scripted_server import STREAM_HEAD, Said, Script, chunked, hang_up, plain, until

from suffice.errors import UpstreamBrokenError, UpstreamError
from suffice.upstream.call import Call, PumpedStream
from suffice.upstream.client import Client
from suffice.upstream.config import UpstreamConfig
from suffice.upstream.origin import Origin

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")

_COMMAND = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 "
    "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
)
PLAIN = Call(path="/chat/completions", body=b"{}", stream=False)
STREAM = Call(path="/chat/completions", body=b"{}", stream=True)
Loop = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a certificate of 127.0.0.1, signed by itself, and its key."""
    made = tmp_path_factory.mktemp("tls")
    subprocess.run(_COMMAND.split(), cwd=made, check=True, capture_output=True)
    return made


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Loop:
    """Both event loops that the gateway may be served with."""
    return request.param


def run(
    loop: Loop,
    folder: Path,
    use: Callable[[Client, Script], Awaitable[Any]],
    *answers: bytes | Said,
    trusts: bool = True,
    host: str = "127.0.0.1",
) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem") if trusts else None)

    async def run_both() -> Any:
        script = Script(answers)
        async with (
            asyncio.timeout(20.0),
            await asyncio.start_server(script.serve, "127.0.0.1", 0, ssl=context) as server,
        ):
            origin = Origin(f"https://{host}:{server.sockets[0].getsockname()[1]}/v1", UpstreamConfig(), trust)
            try:
                return await use(Client(origin, {}), script)
            finally:
                await hang_up(origin)
                await until(lambda: all(writer.is_closing() for writer in script.writers))

    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(run_both())


def test_a_plain_answer_comes_whole_and_the_connection_serves_the_next_call(loop: Loop, folder: Path) -> None:
    async def use(client: Client, script: Script) -> tuple[list[bytes | None], int]:
        bodies: list[bytes | None] = []
        for _ in range(3):
            exchange = await client.send(PLAIN)
            bodies.append(exchange.body)
            exchange.close()
        return bodies, script.n_connections

    assert run(loop, folder, use, plain(b"whole")) == ([b"whole"] * 3, 1)


def test_a_stream_is_pushed_on_whole_though_its_reader_is_often_full(loop: Loop, folder: Path) -> None:
    pieces = [b"data: %d\n\n" % number * 1000 for number in range(300)]
    got: list[bytes] = []

    def take(piece: bytes) -> bool:
        got.append(piece)
        return len(got) % 2 == 0

    async def drain() -> None:
        await asyncio.sleep(0)

    async def use(client: Client, script: Script) -> int:
        exchange = await client.send(STREAM)
        assert isinstance(exchange.chunks, PumpedStream)
        await exchange.chunks.pump(take, drain)
        exchange.close()
        return client.origin.n_open

    assert run(loop, folder, use, STREAM_HEAD + chunked(*pieces)) == 1
    assert b"".join(got) == b"".join(pieces)


def test_leaving_a_stream_hangs_up(loop: Loop, folder: Path) -> None:
    async def use(client: Client, script: Script) -> int:
        exchange = await client.send(STREAM)
        exchange.close()
        await script.hung_up.wait()
        return client.origin.n_open

    assert run(loop, folder, use, Said(STREAM_HEAD + chunked(b"a", ends=False), waits=asyncio.Event())) == 0


def test_a_server_that_breaks_off_is_broken(loop: Loop, folder: Path) -> None:
    async def use(client: Client, script: Script) -> None:
        await client.send(PLAIN)

    with pytest.raises(UpstreamBrokenError, match="in the middle of its answer"):
        run(loop, folder, use, Said(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", closes=True))


@pytest.mark.parametrize(("trusts", "host"), [(False, "127.0.0.1"), (True, "localhost")], ids=["unknown", "another's"])
def test_a_certificate_that_is_not_trusted_is_not_talked_to(
    loop: Loop, folder: Path, host: str, *, trusts: bool
) -> None:
    async def use(client: Client, script: Script) -> tuple[int, list[bytes]]:
        with pytest.raises(UpstreamError, match=r"cannot be reached by SSL: .*certificate verify failed"):
            await client.send(PLAIN)
        return client.origin.n_open, script.requests

    assert run(loop, folder, use, plain(), trusts=trusts, host=host) == (0, [])
