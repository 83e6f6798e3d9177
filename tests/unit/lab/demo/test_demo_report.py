import io

import msgspec
import pytest
from rich.console import Console

from suffice.lab.demo.client import Reply
from suffice.lab.demo.loops import Answered
from suffice.lab.demo.notes import write_notes
from suffice.lab.demo.plan import DemoPlan, LiveServer
from suffice.lab.demo.report import Overhead, Report, Row, Scorebook, compare, measure_row, n_large
from suffice.lab.demo.run import ALWAYS_LARGE, ALWAYS_SMALL, ROUTED, SHUFFLED, assign
from suffice.lab.demo.table import print_notes, print_report
from suffice.lab.intervals import Interval
from suffice.lab.workload import load_desk
from suffice.upstream.tape import load_tape

PROMPTS = load_desk()[:4]


def answered(index: int, **reply: object) -> Answered:
    prompt = PROMPTS[index]
    fields: dict[str, object] = {
        "answer": load_tape("qwen2.5-coder-1.5b").recordings[prompt.id].text,
        "tier": "small",
        "cost_usd": 0.001,
        **reply,
    }
    return Answered(prompt=prompt, reply=msgspec.convert(fields, Reply), latency_s=float(index + 1))


def make_row(name: str = "routed", *, usd_per_1000: float = 0.25, n_failed: int = 0) -> Row:
    return Row(
        name=name,
        n=4,
        n_failed=n_failed,
        usd_per_1000=usd_per_1000,
        p50_s=1.5,
        p99_s=9.0,
        throughput_rps=3.25,
        right=Interval(estimate=0.5, low=0.4, high=0.6, n=4, n_groups=4),
        share_large=0.25,
    )


def make_report(rows: tuple[Row, ...], *, low: float = -0.1, overhead: Overhead | None = None) -> Report:
    gain = Interval(estimate=0.05, low=low, high=0.2, n=4, n_groups=3)
    return Report(notes={}, rows=rows, routed_minus_shuffled=gain, overhead=overhead, duration_s=12.0)


def shown(report: Report, plan: DemoPlan | None = None) -> str:
    out = io.StringIO()
    print_report(Console(file=out, width=140), report, plan or DemoPlan())
    return out.getvalue()


def test_a_row_is_measured_from_its_requests() -> None:
    items = [answered(0), answered(1), answered(2, tier="large", cost_usd=0.005), answered(3)]

    row = measure_row("routed", items, Scorebook().score(items), throughput_rps=2.0, seed=1)

    assert row.usd_per_1000 == pytest.approx(2.0)
    assert (row.p50_s, row.share_large) == (2.5, 0.25)
    assert row.right.estimate == 1.0


def test_a_failed_request_is_wrong_and_has_no_latency() -> None:
    items = [answered(0), answered(1, error="500"), answered(2, error="500"), answered(3)]

    row = measure_row("routed", items, Scorebook().score(items), throughput_rps=2.0, seed=1)

    assert (row.n, row.n_failed, row.p50_s, row.right.estimate) == (4, 2, 2.5, 0.5)


def test_a_wrong_answer_scores_nothing() -> None:
    scores = Scorebook().score([answered(0, answer="positive"), answered(1)])

    assert scores == {PROMPTS[0].id: 0.0, PROMPTS[1].id: 1.0}


def test_the_large_tiers_answers_are_counted() -> None:
    assert n_large([answered(0), answered(1, tier="large")]) == 1


def test_rows_are_compared_prompt_by_prompt() -> None:
    ours = dict.fromkeys((prompt.id for prompt in PROMPTS), 1.0)
    theirs = {**ours, PROMPTS[0].id: 0.0}

    assert compare(PROMPTS, ours, theirs, seed=1).estimate == 0.25


@pytest.mark.parametrize(("name", "models"), [(ALWAYS_LARGE, {"large"}), (ALWAYS_SMALL, {"small"}), (ROUTED, {"auto"})])
def test_a_row_names_its_model(name: str, models: set[str]) -> None:
    assert {item.model for item in assign(name, PROMPTS, n_to_large=0, seed=(1, 0))} == models


def test_the_shuffled_row_sends_the_same_number_to_large() -> None:
    made = assign(SHUFFLED, load_desk(), n_to_large=117, seed=(1, 3))

    assert sum(item.model == "large" for item in made) == 117
    assert {item.prompt.id for item in made} == {prompt.id for prompt in load_desk()}


def test_each_row_has_an_order_of_its_own_that_the_seed_fixes() -> None:
    first, again, other = (assign(ROUTED, load_desk(), n_to_large=0, seed=seed) for seed in ((1, 0), (1, 0), (1, 1)))

    assert first == again
    assert first != other


def test_the_table_shows_every_row_and_cost_against_the_first() -> None:
    text = shown(make_report((make_row("always-large", usd_per_1000=1.0), make_row())))

    assert "0.2500" in text
    assert "25 %" in text
    assert "50.0 % [40.0, 60.0]" in text
    assert "failed" not in text


def test_failures_get_a_column() -> None:
    assert "failed" in shown(make_report((make_row(n_failed=3),)))


@pytest.mark.parametrize(("low", "said"), [(-0.1, True), (0.01, False)])
def test_a_gain_that_may_be_chance_is_called_so(*, low: float, said: bool) -> None:
    text = shown(make_report((make_row(),), low=low))

    assert ("not to be told from chance" in text) is said


def test_the_gateways_own_time_is_shown_as_it_is_and_as_it_appears() -> None:
    text = shown(make_report((make_row(),), overhead=Overhead(median_s=0.005, n=40)), DemoPlan(speedup=10.0))

    assert "add 5.0 ms" in text
    assert "shows as 0.05 s" in text


def test_the_notes_say_what_is_real_and_what_is_not() -> None:
    notes = write_notes(DemoPlan(), load_desk())

    assert next(iter(notes)) == "Answers"
    assert "No model runs now" in notes["Answers"]
    assert "20 times too large" in notes["Times"]
    assert "185 of them hard" in notes["Traffic"]
    assert "an assumption" in notes["Cost"]


def test_a_live_run_claims_no_tape() -> None:
    here = LiveServer(url="http://127.0.0.1:8000")

    notes = write_notes(DemoPlan(live=(here, here), speedup=1.0), load_desk())

    assert "live, from http://127.0.0.1:8000/v1" in notes["Answers"]
    assert "Times" not in notes


def test_notes_come_under_a_heading() -> None:
    out = io.StringIO()

    print_notes(Console(file=out, width=100), {"Answers": "real [ones]"})

    assert out.getvalue().startswith("What these numbers are, and what they are not\n")
    assert "Answers: real [ones]" in out.getvalue()
