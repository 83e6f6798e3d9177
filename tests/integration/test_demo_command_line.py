import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import Request, urlopen

import msgspec
import pytest

DEMO = (sys.executable, "-m", "suffice", "demo")


@contextmanager
def serving() -> Generator[tuple["subprocess.Popen[str]", str]]:
    """`suffice demo --serve`, with what it printed up to the line that says how to stop it."""
    command = [*DEMO, "--serve", "--speedup", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        printed = ""
        try:
            for line in process.stdout:
                printed += line
                if "Stop with Ctrl-C" in line:
                    break
            yield process, printed
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def curl_of(printed: str) -> Request:
    """The request that the printed curl line makes."""
    words = shlex.split(next(line for line in printed.splitlines() if line.startswith("curl ")))
    return Request(words[2], data=words[-1].encode(), headers={"content-type": "application/json"})


def test_the_first_thing_it_says_is_what_the_numbers_are() -> None:
    options = ["--limit", "4", "--speedup", "100", "--window", "5"]

    run = subprocess.run([*DEMO, *options], capture_output=True, text=True, timeout=100, check=False)

    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("What these numbers are, and what they are not\n")
    assert all(row in run.stdout for row in ("always-large", "always-small", "shuffled", "routed"))


def test_streams_bring_their_tier_and_cost_as_json() -> None:
    options = ["--limit", "6", "--speedup", "100", "--window", "5", "--json", "--stream"]

    run = subprocess.run([*DEMO, *options], capture_output=True, text=True, timeout=100, check=False)

    assert run.returncode == 0, run.stderr
    large, small, *_ = msgspec.json.decode(run.stdout)["rows"]
    assert (large["n_failed"], small["n_failed"]) == (0, 0)
    assert (large["share_large"], small["share_large"]) == (1.0, 0.0)
    assert 0.0 < small["usd_per_1000"] < large["usd_per_1000"]


def test_the_printed_request_is_answered() -> None:
    with serving() as (_, printed), urlopen(curl_of(printed), timeout=30) as answer:
        document = msgspec.json.decode(answer.read())

    assert document["choices"][0]["message"]["content"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_stops_its_gateway(stop: signal.Signals) -> None:
    with serving() as (process, printed):
        os.kill(process.pid, stop)
        status = process.wait(30)

    assert status == 130
    with pytest.raises(URLError, match=re.compile("refused", re.IGNORECASE)):
        urlopen(curl_of(printed), timeout=5)
