"""Other gateways in front of the same upstream, each as its own documentation starts it, one worker, logs off.

None of them decides anything here: each has one model and one server behind it.
"""

import json
import shutil
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from plane.contestant import Contestant, Place, Running, UnavailableError
from plane.installing import NO_PATH, REQUIREMENTS, install_npm, install_python, pinned_version
from plane.ports import free_port
from plane.processes import is_running, last_lines, started
from suffice.testing import post, wait_until

START_TIMEOUT_S = 90.0
"""LiteLLM imports for half a minute on one slow core."""

Starting = Callable[[Place], AbstractContextManager[Running]]


def litellm() -> Contestant:
    """LiteLLM's proxy: no database, no keys, no callbacks.

    Raises:
        UnavailableError: It cannot be installed.
    """
    programs = install_python("peers-litellm")
    environment = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }

    def command(place: Place, port: int) -> Sequence[str]:
        served = {"model": "openai/small-model", "api_base": f"{place.upstream}/v1", "api_key": "none"}
        document = {"model_list": [{"model_name": "auto", "litellm_params": served}]}
        config = place.folder / "litellm.yaml"
        config.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
        options = ["--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        return [str(programs / "litellm"), *options, "--telemetry", "False"]

    start = _starting(command, environment)
    return Contestant(name="LiteLLM proxy", version=pinned_version("peers-litellm", "litellm"), start=start)


def portkey() -> Contestant:
    """Portkey's gateway on Node.

    Raises:
        UnavailableError: It cannot be installed, or Node is missing.
    """
    node = shutil.which("node")
    if node is None:
        raise UnavailableError("node is not installed; apt-get install nodejs")
    program = install_npm("peers-portkey") / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    pinned = json.loads((REQUIREMENTS / "peers-portkey.json").read_text(encoding="utf-8"))

    def command(_: Place, port: int) -> Sequence[str]:
        return [node, str(program), f"--port={port}", "--headless"]

    def headers(place: Place) -> Mapping[str, str]:
        target = f"{place.upstream}/v1"
        return {"x-portkey-provider": "openai", "x-portkey-custom-host": target, "authorization": "Bearer none"}

    return Contestant(
        name="Portkey gateway",
        version=pinned["dependencies"]["@portkey-ai/gateway"],
        start=_starting(command, {"NODE_ENV": "production"}, headers),
    )


def vllm_router() -> Contestant:
    """The router of vLLM, in Rust.

    Raises:
        UnavailableError: It cannot be installed.
    """
    return _rust_router("vllm-router", [])


def sglang_router() -> Contestant:
    """The router of SGLang, in Rust.

    Raises:
        UnavailableError: It cannot be installed.
    """
    return _rust_router("sglang-router", ["launch"])


PEERS: Mapping[str, Callable[[], Contestant]] = {
    "vllm-router": vllm_router,
    "sglang-router": sglang_router,
    "Portkey gateway": portkey,
    "LiteLLM proxy": litellm,
}


def _rust_router(name: str, words: Sequence[str]) -> Contestant:
    programs = install_python("peers-rust")

    def command(place: Place, port: int) -> Sequence[str]:
        served = ["--worker-urls", place.upstream, "--policy", "round_robin"]
        listening = ["--host", "127.0.0.1", "--port", str(port), "--prometheus-port", str(free_port())]
        return [str(programs / name), *words, *served, *listening, "--log-level", "error"]

    return Contestant(name=name, version=pinned_version("peers-rust", name), start=_starting(command, {}))


def _starting(
    command: Callable[[Place, int], Sequence[str]],
    env: Mapping[str, str],
    headers: Callable[[Place], Mapping[str, str]] = lambda _: {},
) -> Starting:
    """A way to start a program that takes its port, and to wait until it passes a request on."""

    @contextmanager
    def start(place: Place) -> Generator[Running]:
        port = free_port()
        log = place.folder / "output.log"
        with started(
            command(place, port), core=place.core, log=log, env={**env, **NO_PATH}, folder=place.folder
        ) as pid:
            running = Running(pid=pid, address=f"http://127.0.0.1:{port}", headers=headers(place))
            _wait_for_answer(running, log)
            yield running

    return start


def _wait_for_answer(running: Running, log: Path) -> None:
    question = {"model": "auto", "messages": [{"role": "user", "content": "Are you there?"}]}

    def passes_on() -> bool:
        if not is_running(running.pid):
            raise UnavailableError(f"ended at its start: {last_lines(log, 1)}")
        try:
            answer = post(running.address, "/v1/chat/completions", question, headers=running.headers)
        except OSError:
            return False
        return answer.status == 200

    try:
        wait_until(passes_on, timeout_s=START_TIMEOUT_S)
    except TimeoutError as error:
        raise UnavailableError(f"did not answer within {START_TIMEOUT_S:g} s: {last_lines(log, 1)}") from error
