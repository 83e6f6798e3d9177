"""The checkers give every recorded answer the score it was recorded with."""

import pytest

from suffice.lab.checkers import is_right
from suffice.lab.workload import load_desk
from suffice.upstream.tape import MODELS, load_tape


@pytest.mark.parametrize("model", MODELS)
def test_every_recorded_score_is_reproduced(model: str) -> None:
    recordings = load_tape(model).recordings

    scores = {prompt.id: float(is_right(prompt.check, recordings[prompt.id].text)) for prompt in load_desk()}

    assert scores == {prompt_id: recording.score for prompt_id, recording in recordings.items()}
