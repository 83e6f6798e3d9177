import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from suffice.lab.demo.client import Reply
from suffice.lab.demo.loops import Answered, Assignment, Pace, closed_loop, open_loop
from suffice.lab.workload import Prompt, load_desk


class FakeTime:
    """A clock that stands still until all who run have fallen asleep, then jumps to the next who wakes."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, delay_s: float) -> None:
        wake = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + delay_s, wake))
        await wake

    async def run_until(self, task: "asyncio.Task[object]") -> None:
        while not task.done():
            for _ in range(20):
                await asyncio.sleep(0)
            if self._sleepers:
                self._sleepers.sort(key=lambda sleeper: sleeper[0])
                self.now, wake = self._sleepers.pop(0)
                wake.set_result(None)


class FakeClient:
    """Answers after a fixed time; `failing` prompts come back with an error."""

    def __init__(self, time: FakeTime, service_s: float, failing: Sequence[str] = ()) -> None:
        self._time = time
        self._service_s = service_s
        self._failing = failing
        self.sent: list[tuple[float, str, str]] = []
        self.n_open = 0
        self.most_open = 0

    async def ask(self, prompt: Prompt, model: str) -> Reply:
        self.sent.append((self._time.now, prompt.id, model))
        self.n_open += 1
        self.most_open = max(self.most_open, self.n_open)
        await self._time.sleep(self._service_s)
        self.n_open -= 1
        return Reply(answer="x", error="failed" if prompt.id in self._failing else None)


def assignments(n: int) -> list[Assignment]:
    return [Assignment(prompt=prompt, model="auto") for prompt in load_desk()[:n]]


def run_open(time: FakeTime, client: FakeClient, arrivals_s: list[float], *, speedup: float = 1.0) -> list[Answered]:
    async def scenario() -> list[Answered]:
        pace = Pace(speedup, clock=time.clock, sleep=time.sleep)
        loop = open_loop(client, assignments(len(arrivals_s)), np.array(arrivals_s), pace, lambda: None)
        task = asyncio.create_task(loop)
        await time.run_until(task)
        return task.result()

    return asyncio.run(scenario())


def run_closed(time: FakeTime, client: FakeClient, *, concurrency: int, window_s: float, speedup: float = 1.0) -> float:
    async def scenario() -> float:
        loop = closed_loop(
            client,
            assignments(3),
            concurrency=concurrency,
            window_s=window_s,
            pace=Pace(speedup, clock=time.clock, sleep=time.sleep),
            on_progress=lambda _: None,
        )
        task = asyncio.create_task(loop)
        await time.run_until(task)
        return task.result()

    return asyncio.run(scenario())


def test_arrivals_do_not_wait_for_answers() -> None:
    time = FakeTime()
    client = FakeClient(time, service_s=10.0)

    answered = run_open(time, client, [1.0, 2.0, 4.0])

    assert [moment for moment, _, _ in client.sent] == [1.0, 2.0, 4.0]
    assert [item.latency_s for item in answered] == [10.0, 10.0, 10.0]


def test_a_sped_up_run_is_reported_at_the_recorded_speed() -> None:
    time = FakeTime()
    client = FakeClient(time, service_s=0.5)

    answered = run_open(time, client, [2.0, 4.0], speedup=20.0)

    assert [moment for moment, _, _ in client.sent] == pytest.approx([0.1, 0.2])
    assert [item.latency_s for item in answered] == pytest.approx([10.0, 10.0])


def test_a_late_start_counts_as_latency() -> None:
    time = FakeTime()
    pace = Pace(1.0, clock=time.clock, sleep=time.sleep)
    time.now = 3.0
    client = FakeClient(time, service_s=1.0)

    async def scenario() -> list[Answered]:
        task = asyncio.create_task(open_loop(client, assignments(1), np.array([1.0]), pace, lambda: None))
        await time.run_until(task)
        return task.result()

    assert [item.latency_s for item in asyncio.run(scenario())] == [3.0]


def test_a_closed_loop_keeps_its_clients_busy() -> None:
    time = FakeTime()
    client = FakeClient(time, service_s=1.0)

    throughput_rps = run_closed(time, client, concurrency=4, window_s=10.5)

    assert client.most_open == 4
    # Whole seconds from 3 to 10 lie in the counted part, 2.1 to 10.5 s.
    assert throughput_rps == pytest.approx(4 * 8 / 8.4)


def test_throughput_is_reported_at_the_recorded_speed() -> None:
    time = FakeTime()
    client = FakeClient(time, service_s=0.1)

    throughput_rps = run_closed(time, client, concurrency=4, window_s=10.5, speedup=10.0)

    assert throughput_rps == pytest.approx(4 * 8 / 8.4)


def test_failed_requests_are_no_throughput() -> None:
    time = FakeTime()
    client = FakeClient(time, service_s=1.0, failing=[prompt.id for prompt in load_desk()[:3]])

    assert run_closed(time, client, concurrency=4, window_s=10.0) == 0.0


def test_a_closed_loop_goes_round_the_prompts() -> None:
    time = FakeTime()
    client = FakeClient(time, service_s=1.0)

    run_closed(time, client, concurrency=1, window_s=4.5)

    first = [prompt.id for prompt in load_desk()[:3]]
    assert [prompt_id for _, prompt_id, _ in client.sent] == [*first, *first[:2]]
