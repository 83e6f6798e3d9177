from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from suffice.upstream.deadline import Deadline


@dataclass
class Timer:
    """Of a fake loop."""

    due: float
    then: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        self.is_cancelled = True


@dataclass
class FakeLoop:
    """An event loop whose clock is moved by hand."""

    now: float = 100.0
    timers: list[Timer] = field(default_factory=list[Timer])
    early_s: float = 0.0
    """How much before its time a timer comes."""

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(when, callback))
        return self.timers[-1]

    @property
    def n_armed(self) -> int:
        """Timers that wait."""
        return sum(not timer.is_cancelled for timer in self.timers)

    def go_to(self, now: float) -> None:
        """Let time pass."""
        while due := [timer for timer in self.timers if not timer.is_cancelled and timer.due <= now]:
            timer = min(due, key=lambda one: one.due)
            self.timers.remove(timer)
            self.now = max(self.now, timer.due - self.early_s)
            timer.then()
        self.now = max(self.now, now)


@dataclass
class Scene:
    """A deadline, and what it has called."""

    loop: FakeLoop = field(default_factory=FakeLoop)
    called: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    deadline: Deadline = field(init=False)

    def __post_init__(self) -> None:
        self.deadline = Deadline(cast("Any", self.loop))

    def note(self, name: str) -> Callable[[], None]:
        return lambda: self.called.append((name, self.loop.now))


def test_it_calls_once_when_its_moment_has_come() -> None:
    scene = Scene()

    scene.deadline.set(5.0, scene.note("a"))
    scene.loop.go_to(104.9)
    assert scene.called == []
    scene.loop.go_to(200.0)

    assert scene.called == [("a", 105.0)]
    assert scene.loop.n_armed == 0


def test_a_later_moment_takes_the_place_of_the_earlier_one_without_a_new_timer() -> None:
    scene = Scene()
    scene.deadline.set(5.0, scene.note("a"))

    for now in range(101, 150):
        scene.loop.go_to(float(now))
        scene.deadline.set(5.0, scene.note("b"))
        assert scene.loop.n_armed == 1
    scene.loop.go_to(300.0)

    assert scene.called == [("b", 154.0)]


def test_an_earlier_moment_takes_the_place_of_the_later_one() -> None:
    scene = Scene()
    scene.deadline.set(50.0, scene.note("a"))

    scene.deadline.set(5.0, scene.note("b"))
    assert scene.loop.n_armed == 1
    scene.loop.go_to(300.0)

    assert scene.called == [("b", 105.0)]


def test_what_was_cleared_is_not_called_and_can_be_set_again() -> None:
    scene = Scene()
    scene.deadline.set(5.0, scene.note("a"))

    scene.deadline.clear()
    scene.loop.go_to(110.0)
    scene.deadline.set(5.0, scene.note("b"))
    scene.loop.go_to(300.0)

    assert scene.called == [("b", 115.0)]


def test_what_was_cleared_and_set_again_before_its_time_is_called_at_the_new_one() -> None:
    scene = Scene()
    scene.deadline.set(5.0, scene.note("a"))

    scene.deadline.clear()
    scene.deadline.set(20.0, scene.note("b"))
    scene.loop.go_to(300.0)

    assert scene.called == [("b", 120.0)]


def test_what_was_ended_leaves_no_timer() -> None:
    scene = Scene()
    scene.deadline.end()
    scene.deadline.set(5.0, scene.note("a"))

    scene.deadline.end()
    assert scene.loop.n_armed == 0
    scene.loop.go_to(300.0)

    assert scene.called == []


def test_what_is_called_may_set_it_anew() -> None:
    scene = Scene()

    def again() -> None:
        scene.called.append(("again", scene.loop.now))
        if len(scene.called) < 3:
            scene.deadline.set(5.0, again)

    scene.deadline.set(5.0, again)
    scene.loop.go_to(300.0)

    assert scene.called == [("again", 105.0), ("again", 110.0), ("again", 115.0)]


@pytest.mark.parametrize(("early_s", "is_called"), [(0.001, True), (0.01, False)])
def test_a_loop_that_calls_a_little_too_early_is_taken_at_its_word(early_s: float, *, is_called: bool) -> None:
    scene = Scene(FakeLoop(early_s=early_s))
    scene.deadline.set(5.0, scene.note("a"))

    timer = scene.loop.timers.pop()
    scene.loop.now = timer.due - early_s
    timer.then()

    assert bool(scene.called) is is_called
    assert scene.loop.n_armed == (0 if is_called else 1)
