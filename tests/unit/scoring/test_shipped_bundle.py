"""The bundle in the package, as the gateway loads it."""

import json

import pytest

from suffice.estimators.bundle import load
from suffice.features import read
from suffice.scoring.learned import GENERIC_BUNDLE, Learned
from suffice.wire.request import Endpoint, parse

MAX_BYTES = 8_000_000
QUESTIONS = (
    "What is your return policy?",
    "Is this review positive or negative? Reply with one word.\n\nReview: The tent leaked on the first night.",
    "A tank fills in 6 hours by one pipe and in 4 by another; how long does it take with both? Show your steps.",
    "Write a Python function that merges two sorted lists.",
    "Which of these words is a colour: table, blue, seven?",
)
SENTENCE = "The committee met on day {} and noted that parcel {} had reached depot {} without any further remark. "


def make_passage(n_words: int) -> str:
    n_sentences = n_words // len(SENTENCE.split())
    return "".join(SENTENCE.format(index, index * 7, index * 3) for index in range(n_sentences))


def score(scorer: Learned, *messages: tuple[str, str]) -> float:
    body = {"model": "auto", "messages": [{"role": role, "content": content} for role, content in messages]}
    return scorer.score(read(parse(Endpoint.CHAT, json.dumps(body).encode())).turns[0]).complexity


@pytest.fixture(scope="module")
def scorer() -> Learned:
    return Learned(load(GENERIC_BUNDLE), {})


def test_it_is_small_and_says_that_it_is_generic() -> None:
    bundle = load(GENERIC_BUNDLE)

    assert GENERIC_BUNDLE.stat().st_size <= MAX_BYTES
    assert bundle.manifest.generic
    assert {source.licence for source in bundle.manifest.sources} == {"Apache-2.0", "MIT"}
    assert bundle.manifest.thresholds.keys() == {"quality", "balanced", "cheap"}


def test_its_vocabulary_holds_words_that_several_prompts_share() -> None:
    words = load(GENERIC_BUNDLE).arrays["vocabulary"].tobytes().split()

    assert 1_000 < len(words) <= 16_384
    assert b"the" in words


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_system_prompt_of_8000_tokens_leaves_the_score_as_it_is(scorer: Learned, question: str) -> None:
    alone = score(scorer, ("user", question))

    assert score(scorer, ("system", make_passage(8_000)), ("user", question)) == pytest.approx(alone, abs=0.3)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    "wrapping",
    [
        "Context:\n{passage}\n\nQuestion: {question}",
        "<documents>\n{passage}\n</documents>\n\n{question}",
        "{question}\n\n<context>{passage}</context>",
        '"""{passage}"""\n\n{question}',
        "[1] {passage}\n\n{question}",
    ],
    ids=["labelled", "tags", "question-first", "quoted", "unmarked"],
)
def test_retrieved_passages_of_8000_tokens_leave_the_score_as_it_is(
    scorer: Learned, question: str, wrapping: str
) -> None:
    alone = score(scorer, ("user", question))

    wrapped = wrapping.format(passage=make_passage(8_000), question=question)

    assert score(scorer, ("user", wrapped)) == pytest.approx(alone, abs=0.3)
