"""The reference of the metrics says what they do."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from suffice.lab.metrics import GainCurve, PairedOutcomes, PairedScores, Plan, Ranking, evaluate, perfect_ece_quantile

DOCUMENT = (Path(__file__).parents[4] / "docs/reference/router-metrics.md").read_text(encoding="utf-8")


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"^```python\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert found is not None

    exec(compile(found[1], "router-metrics.md", "exec"), {})

    assert capsys.readouterr().out == "0.875\n"


def test_every_key_of_the_json_that_needs_a_word_has_one() -> None:
    outcomes = PairedOutcomes(
        scores=PairedScores(np.array([0.0, 1.0]), np.array([1.0, 1.0])),
        groups=["a", "b"],
        categories=["x", "y"],
        prompts=["x", "y"],
    )

    evaluation = evaluate(np.arange(2.0), np.array([0.2, 0.8]), outcomes, plan=Plan(n_resamples=2))
    document = json.loads(json.dumps(evaluation.to_json()))

    settings = {"n", "n_groups", "level", "n_resamples", "seed", "controls"}
    wanted = {key for key in document if not key.endswith("_ci")} - settings
    assert [key for key in [*wanted, *document["controls"]] if f"`{key}`" not in DOCUMENT] == []


def test_the_figures_of_the_text_hold() -> None:
    spread = np.random.default_rng(0).random(2000)
    n = 100
    top = GainCurve.of(
        Ranking.of(np.arange(float(n))), PairedScores(np.zeros(n), (np.arange(n) >= 95).astype(np.float64))
    )

    assert top.apgr() == pytest.approx(0.975)
    assert perfect_ece_quantile(spread) == pytest.approx(0.037, abs=0.003)
    assert perfect_ece_quantile(spread[:270]) == pytest.approx(0.099, abs=0.008)
