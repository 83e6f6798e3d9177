import asyncio
from pathlib import Path
from typing import Any

import pytest
import tape_gateway
from rich.progress import Progress

from suffice.errors import DemoError
from suffice.lab.demo.plan import LARGE, SMALL, TAPES, DemoPlan
from suffice.lab.demo.report import Report
from suffice.lab.demo.run import run_demo
from suffice.lab.demo.settings import write_settings
from suffice.lab.workload import Split, load_desk, select
from suffice.upstream.tape import load_tape


def measure(folder: Path, **options: Any) -> Report:
    defaults: dict[str, Any] = {"limit": 24, "speedup": 400.0, "rate": 4.0, "window_s": 400.0}
    plan = DemoPlan(**{**defaults, **options})

    async def scenario() -> Report:
        runner, url = await tape_gateway.start(await write_settings(plan, folder))
        try:
            return await run_demo(plan, url, Progress(disable=True))
        finally:
            await runner.cleanup()

    return asyncio.run(scenario())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return measure(tmp_path_factory.mktemp("demo"))


def test_there_are_four_rows_over_all_prompts(report: Report) -> None:
    assert [row.name for row in report.rows] == ["always-large", "always-small", "shuffled", "routed"]
    assert [(row.n, row.n_failed) for row in report.rows] == [(24, 0)] * 4


def test_each_row_has_its_share_of_the_large_tier(report: Report) -> None:
    large, small, shuffled, routed = (row.share_large for row in report.rows)

    assert (large, small) == (1.0, 0.0)
    assert shuffled == routed
    assert 0.0 < routed < 1.0


def test_the_large_tier_costs_most_and_the_small_one_least(report: Report) -> None:
    large, small, shuffled, routed = (row.usd_per_1000 for row in report.rows)

    assert small < min(shuffled, routed)
    assert max(shuffled, routed) < large


def test_answers_right_are_those_of_the_tape(report: Report) -> None:
    asked = [prompt.id for prompt in select(load_desk(), Split.TEST, limit=24)]
    recorded = [sum(load_tape(TAPES[tier]).recordings[name].score for name in asked) / 24 for tier in (LARGE, SMALL)]

    large, small = report.rows[0].right, report.rows[1].right

    assert [large.estimate, small.estimate] == pytest.approx(recorded)
    assert small.low < small.estimate < small.high


def test_every_row_has_times_and_a_throughput(report: Report) -> None:
    assert all(0.0 < row.p50_s <= row.p99_s for row in report.rows)
    assert all(row.throughput_rps > 0.0 for row in report.rows)


def test_what_the_gateway_adds_is_measured(report: Report) -> None:
    assert report.overhead is not None
    assert 0.0 < report.overhead.median_s < 1.0


def test_streams_bring_their_cost_at_the_end(tmp_path: Path) -> None:
    report = measure(tmp_path, limit=4, stream=True, window_s=4.0)

    assert [row.n_failed for row in report.rows] == [0] * 4
    assert [row.usd_per_1000 for row in report.rows] == [500.0] * 4


def test_a_gateway_that_answers_nothing_ends_the_demo() -> None:
    plan = DemoPlan(limit=2)

    with pytest.raises(DemoError, match="answered none of 2 requests"):
        asyncio.run(run_demo(plan, "http://127.0.0.1:1", Progress(disable=True)))
