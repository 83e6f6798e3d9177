"""Waiting for other processes."""

import pytest

from suffice.testing import wait_until


def test_it_asks_again_until_the_condition_holds() -> None:
    answers = iter([False, False, True])

    wait_until(lambda: next(answers))

    assert next(answers, None) is None


def test_it_gives_up_in_time() -> None:
    with pytest.raises(TimeoutError, match=r"0\.02 s"):
        wait_until(lambda: False, timeout_s=0.02)
