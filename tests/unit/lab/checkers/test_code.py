import os
import sys
from pathlib import Path

import pytest

from suffice.lab.checkers.code import passes, read_code

ADD = "```python\ndef add(a, b):\n    return a + b\n```\nThat adds."


def test_the_first_fenced_block_is_the_code() -> None:
    assert read_code("Here:\n```\nx = 1\n```\n```python\nx = 2\n```") == "x = 1\n"


def test_without_a_fence_all_is_code() -> None:
    assert read_code("x = 1") == "x = 1"


def test_code_whose_assertions_hold_passes() -> None:
    assert passes(ADD, ["assert add(1, 2) == 3"])


@pytest.mark.parametrize(
    ("answer", "statement"),
    [
        (ADD, "assert add(1, 2) == 4"),
        ("def add(:", "pass"),
        ("import sys; sys.exit(0)", "assert False"),
        ("import os; os._exit(0)", "assert False"),
        ("raise KeyboardInterrupt", "pass"),
        ("open('big', 'wb').write(b'x' * 2_000_000)", "pass"),
        ("x = bytearray(3 * 1024**3)", "pass"),
        ("input()", "pass"),
    ],
)
def test_code_that_fails_or_leaves_early_does_not_pass(answer: str, statement: str) -> None:
    assert not passes(answer, [statement])


def test_an_endless_loop_ends_at_the_timeout() -> None:
    assert not passes("while True: pass", [], timeout_s=0.3)


def test_a_child_of_the_code_does_not_outlive_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    answer = f"import os, time\npipe = open({str(pipe)!r}, 'w')\nif os.fork() == 0: time.sleep(600)"

    passes(answer, [])

    # A read that blocks ends when nobody can write any more: when the child is gone, long before its ten minutes.
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_code_sees_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUFFICE_TEST_KEY", "secret")

    assert passes("import os", ["assert 'SUFFICE_TEST_KEY' not in os.environ"])
