import asyncio
from collections.abc import Coroutine

import pytest
from fake_replicas import FakeTime, Fleet, settle

from suffice.errors import NoReplicaError, TierFullError
from suffice.upstream.config import QueueConfig
from suffice.upstream.queue import Queue
from suffice.upstream.replica import Replica
from suffice.vocabulary import Priority

HIGH, NORMAL, LOW = Priority.HIGH, Priority.NORMAL, Priority.LOW


class Scene:
    """A queue, who waits in it, and in which order they were served."""

    def __init__(self, *, max_waiting: int = 10, timeout_s: float = 30.0) -> None:
        self.time = FakeTime()
        self.queue = Queue("small", QueueConfig(max_waiting=max_waiting, timeout_s=timeout_s), clock=self.time.clock)
        self.replica = Fleet("a").replicas["a"]
        self.served: list[str] = []
        self.given_back = list[Replica]()
        self.queue.give_back = self.given_back.append
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, name: str, priority: Priority = NORMAL) -> None:
        self.tasks[name] = asyncio.create_task(self._wait(name, priority))
        await settle()

    async def hand_over(self, n: int = 1) -> None:
        for _ in range(n):
            assert self.queue.hand_over(self.replica)
            await settle()

    def error_of(self, name: str) -> BaseException | None:
        return self.tasks[name].exception()

    async def _wait(self, name: str, priority: Priority) -> None:
        await self.queue.wait(priority)
        self.served.append(name)


def play(scenario: Coroutine[None, None, None]) -> None:
    asyncio.run(scenario)


def test_high_priority_is_served_first_and_within_one_priority_who_came_first() -> None:
    async def scenario() -> None:
        scene = Scene()
        for name, priority in (("l1", LOW), ("n1", NORMAL), ("h1", HIGH), ("n2", NORMAL), ("h2", HIGH), ("l2", LOW)):
            await scene.come(name, priority)

        await scene.hand_over(6)

        assert scene.served == ["h1", "h2", "n1", "n2", "l1", "l2"]
        assert not scene.queue.hand_over(scene.replica)

    play(scenario())


def test_in_a_full_queue_the_last_of_the_least_important_makes_room() -> None:
    async def scenario() -> None:
        scene = Scene(max_waiting=3)
        for name, priority in (("n1", NORMAL), ("l1", LOW), ("l2", LOW), ("h1", HIGH)):
            await scene.come(name, priority)

        assert isinstance(scene.error_of("l2"), TierFullError)
        await scene.hand_over(3)
        assert scene.served == ["h1", "n1", "l1"]
        assert scene.queue.n_shed == {("displaced", LOW): 1}

    play(scenario())


@pytest.mark.parametrize(("waiting", "coming"), [(NORMAL, NORMAL), (NORMAL, LOW), (HIGH, NORMAL)])
def test_in_a_queue_full_of_what_is_no_less_important_who_comes_is_refused(waiting: Priority, coming: Priority) -> None:
    async def scenario() -> None:
        scene = Scene(max_waiting=1)
        await scene.come("first", waiting)
        await scene.come("second", coming)

        assert isinstance(scene.error_of("second"), TierFullError)
        await scene.hand_over()
        assert scene.served == ["first"]

    play(scenario())


def test_who_has_waited_as_long_as_calls_may_is_refused() -> None:
    async def scenario() -> None:
        scene = Scene(timeout_s=0.01)
        await scene.come("one")
        await asyncio.wait(scene.tasks.values())

        assert isinstance(scene.error_of("one"), TierFullError)
        assert "none came free within 0.01 s" in str(scene.error_of("one"))
        assert scene.queue.n_waiting == 0

    play(scenario())


def test_who_would_probably_wait_too_long_is_refused_at_once_and_told_how_long() -> None:
    async def scenario() -> None:
        scene = Scene(timeout_s=10.0)
        await scene.come("one")
        scene.time.now += 4.0
        scene.queue.note_drain()
        await scene.come("two")

        await scene.come("three")

        error = scene.error_of("three")
        assert isinstance(error, TierFullError)
        assert error.retry_after_s == 12.0
        assert scene.queue.n_shed == {("hopeless", NORMAL): 1}
        await scene.come("important", HIGH)
        await scene.hand_over(3)
        assert scene.served == ["important", "one", "two"]

    play(scenario())


def test_the_first_in_the_queue_may_always_wait() -> None:
    async def scenario() -> None:
        scene = Scene(timeout_s=1.0)
        await scene.come("one")
        scene.time.now += 500.0
        scene.queue.note_drain()
        await scene.hand_over()

        await scene.come("two")
        await scene.hand_over()

        assert scene.served == ["one", "two"]

    play(scenario())


def test_a_measure_of_another_time_refuses_nobody() -> None:
    async def scenario() -> None:
        scene = Scene(timeout_s=10.0)
        await scene.come("one")
        scene.time.now += 9.0
        scene.queue.note_drain()
        await scene.hand_over()

        scene.time.now += 11.0
        for name in ("two", "three", "four"):
            await scene.come(name)

        assert scene.queue.drain_s is None
        await scene.hand_over(3)
        assert scene.served == ["one", "two", "three", "four"]

    play(scenario())


def test_the_time_between_two_places_is_a_moving_average() -> None:
    async def scenario() -> None:
        scene = Scene()
        await scene.come("one")
        for taken_s in (1.0, 2.0):
            scene.time.now += taken_s
            scene.queue.note_drain()
        assert scene.queue.drain_s == pytest.approx(1.1)
        await scene.hand_over()

    play(scenario())


def test_a_place_handed_to_who_is_cancelled_in_the_same_turn_is_given_back() -> None:
    async def scenario() -> None:
        scene = Scene()
        await scene.come("one")

        scene.queue.hand_over(scene.replica)
        scene.tasks["one"].cancel()
        await settle()

        assert scene.given_back == [scene.replica]
        assert scene.served == []

    play(scenario())


def test_who_is_cancelled_while_waiting_is_passed_by() -> None:
    async def scenario() -> None:
        scene = Scene()
        await scene.come("one")
        await scene.come("two")

        scene.tasks["one"].cancel()
        scene.queue.hand_over(scene.replica)
        await settle()

        assert scene.served == ["two"]
        assert scene.given_back == []
        assert scene.queue.n_waiting == 0

    play(scenario())


def test_nobody_waits_for_what_is_not_there() -> None:
    async def scenario() -> None:
        scene = Scene()
        for name in ("one", "two"):
            await scene.come(name)

        scene.queue.turn_away(lambda: NoReplicaError("none", retry_after_s=1.0))
        await settle()

        assert isinstance(scene.error_of("one"), NoReplicaError)
        assert isinstance(scene.error_of("two"), NoReplicaError)
        assert scene.queue.n_waiting == 0

    play(scenario())
