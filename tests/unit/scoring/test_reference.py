from suffice.features import estimate_tokens
from suffice.scoring import REFERENCE_TURNS
from suffice.scoring.sentences import COMPLEX, SIMPLE
from suffice.upstream.tape import load_tape


def test_there_are_some_hundred_different_reference_turns() -> None:
    assert len({turn.text for turn in REFERENCE_TURNS}) == len(REFERENCE_TURNS) >= 200


def test_no_pattern_is_left_unfilled() -> None:
    assert not [turn.text for turn in REFERENCE_TURNS if "{}" in turn.text or not turn.text.strip()]


def test_token_counts_of_the_reference_are_about_those_of_the_features() -> None:
    counted = sum(turn.n_tokens for turn in REFERENCE_TURNS)

    estimated = sum(estimate_tokens(turn.text) for turn in REFERENCE_TURNS)

    assert abs(counted / estimated - 1) < 0.1


def test_neither_reference_nor_sentences_stand_on_the_tape() -> None:
    conversations = load_tape("qwen2.5-coder-0.5b").by_conversation
    on_tape = {text.strip().lower() for conversation in conversations for _, text in conversation}

    own = {text.strip().lower() for text in (*SIMPLE, *COMPLEX, *(turn.text for turn in REFERENCE_TURNS))}

    assert not own & on_tape
