"""Upstreams that no connection can be made to: no such name, nobody there, a certificate that is not to be trusted."""

import json
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from chaos_case import SMALL, Case, Form, failed, parametrize
from chaos_certificates import OPENSSL, Certificates, make_certificates
from chaos_clients import ask
from chaos_play import be_well, play
from chaos_results import Answer, Refusal, Seen
from chaos_scene import CONNECT_S, UPSTREAM, Scene

from suffice.testing import RECORDS, run_gateway, run_loopback

TITLE = "No connection can be made"
_PLAIN = (Form.PLAIN,)


def _named(tier: str, because: str) -> Callable[[Scene, Form], Seen]:
    """Ask a tier by its name, so that no other answers in its place; the error must say what is wrong with it."""

    def act(scene: Scene, form: Form) -> Seen:
        seen = ask(model=tier)(scene, form)
        assert because in json.loads(seen.body)["error"]["message"].lower(), seen
        return seen

    return act


def _refused(name: str, tier: str, because: str) -> Case:
    client = Refusal(502, "upstream_failed")
    return Case(name=name, act=_named(tier, because), client=client, tries=failed(2, tier), forms=_PLAIN)


CASES = (
    Case(
        name="Its name cannot be resolved",
        act=ask(model="auto@10"),
        client=Answer("small"),
        tries=(*failed(2, "nameless"), SMALL),
        note="the next tier up answers",
    ),
    _refused("Its name cannot be resolved, and the client named its tier", "nameless", "nothing-here.invalid"),
    _refused("Nothing listens at its port", "closed", "connect"),
    Case(
        name="It takes no connections",
        act=_named("deaf", "accept a connection within"),
        client=Refusal(504, "upstream_timeout"),
        tries=failed(2, "deaf", "upstream_timeout"),
        forms=_PLAIN,
        at_least_s=2 * CONNECT_S,
    ),
    _refused("Its certificate is signed by itself", "self-signed", "self"),
    _refused("Its certificate has expired", "expired", "expired"),
    _refused("Its certificate is another host's", "wrong-host", "mismatch"),
    _refused("It speaks HTTP where TLS is configured", "no-tls", "ssl"),
    Case(
        name="It speaks TLS where HTTP is configured",
        act=ask(model="only-tls"),
        client=Refusal(502, "upstream_failed"),
        tries=failed(2, "only-tls"),
        forms=_PLAIN,
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    """A gateway with one tier for each fault; `small` is right, and speaks TLS."""
    if OPENSSL is None:
        pytest.skip("the openssl command, which makes the certificates, is not installed")
    folder = tmp_path_factory.mktemp("connection_faults")
    certificates = make_certificates(folder)
    with ExitStack() as stack:
        config = _write_settings(folder, _addresses(certificates, stack))
        # A resolver that cannot be reached must not take its usual five seconds to say so.
        environment = {"SSL_CERT_FILE": str(certificates.authority), "RES_OPTIONS": "attempts:1 timeout:1"}
        gateway = stack.enter_context(run_gateway(config, environment=environment))
        started = Scene(gateway, folder, model="small")
        be_well(started)
        yield started


def _addresses(certificates: Certificates, stack: ExitStack) -> dict[str, str]:
    def run(certificate: Path | None) -> str:
        options = ["--certificate", str(certificate)] if certificate else []
        return stack.enter_context(run_loopback("--model", "small-model", *options)).address

    right = run(certificates.right)
    return {
        "nameless": "http://nothing-here.invalid",
        "small": right,
        "closed": f"http://127.0.0.1:{_bind(stack)}",
        "deaf": f"http://127.0.0.1:{_listen_without_taking(stack)}",
        "self-signed": run(certificates.self_signed),
        "expired": run(certificates.expired),
        "wrong-host": run(certificates.wrong_host),
        "no-tls": run(None).replace("http:", "https:"),
        "only-tls": right.replace("https:", "http:"),
    }


def _bind(stack: ExitStack) -> int:
    """A port that nobody listens on, and that nobody else can take."""
    taken = stack.enter_context(socket.socket())
    taken.bind(("127.0.0.1", 0))
    return taken.getsockname()[1]


def _listen_without_taking(stack: ExitStack) -> int:
    """A port whose queue of new connections is full."""
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    port: int = listener.getsockname()[1]
    for _ in range(4):
        waiting = stack.enter_context(socket.socket())
        waiting.settimeout(0)
        waiting.connect_ex(("127.0.0.1", port))
    return port


def _write_settings(folder: Path, addresses: dict[str, str]) -> Path:
    tiers: Sequence[dict[str, object]] = [
        {"name": name, "model": f"{name}-model", "base_urls": [f"{address}/v1"]} for name, address in addresses.items()
    ]
    limits = {name: 1.0 + number for number, name in enumerate(list(addresses)[:-1])}
    document = {
        "tiers": tiers,
        "routing": {"mode": "route", "max_complexity": limits},
        "scorer": {"kind": "length"},
        "recording": {"path": RECORDS},
        "server": {"port": 0},
        "upstream": {**UPSTREAM, "first_byte_timeout_s": 4.0},
    }
    path = folder / "suffice.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


@parametrize(CASES)
def test_it_ends_as_the_table_says(case: Case, form: Form, scene: Scene) -> None:
    play(case, form, scene)
