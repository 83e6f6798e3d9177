import pytest

from suffice.policy.capabilities import missing_capabilities
from suffice.vocabulary import Capabilities, Features, Tier, TierName, Turn

SMALL, LARGE = TierName("small"), TierName("large")
TURNS = (Turn(text="hello", n_tokens=1),)


def tier(name: TierName, capabilities: Capabilities) -> Tier:
    return Tier(name=name, model=f"{name}-model", capabilities=capabilities)


ABLE = tier(LARGE, Capabilities(context_tokens=100_000, tools=True, images=True, json_schema=True))


def test_a_plain_request_fits_every_tier() -> None:
    plain = tier(SMALL, Capabilities(context_tokens=100, tools=False, images=False, json_schema=False))

    assert missing_capabilities(Features(turns=TURNS, n_prompt_tokens=10), [plain, ABLE]) == {}


@pytest.mark.parametrize(
    ("features", "lack"),
    [
        (Features(turns=TURNS, n_prompt_tokens=1, n_images=1), "does not support images"),
        (Features(turns=TURNS, n_prompt_tokens=1, has_tools=True), "does not support tools"),
        (Features(turns=TURNS, n_prompt_tokens=1, wants_json_schema=True), "does not support JSON schema"),
        (Features(turns=TURNS, n_prompt_tokens=1, n_images=2, has_tools=True), "does not support images"),
    ],
)
def test_a_tier_that_lacks_something_is_named_with_what_it_lacks(features: Features, lack: str) -> None:
    unable = tier(SMALL, Capabilities(tools=False, images=False, json_schema=False))

    assert missing_capabilities(features, [unable, ABLE]) == {SMALL: lack}


def test_plain_json_needs_no_schema() -> None:
    unable = tier(SMALL, Capabilities(json_schema=False))

    assert missing_capabilities(Features(turns=TURNS, n_prompt_tokens=1, wants_json=True), [unable]) == {}


@pytest.mark.parametrize(
    ("n_prompt", "n_answer", "fits"),
    [(100, 10, True), (100, 11, False), (110, None, True), (111, None, True), (112, None, False), (0, 100, True)],
)
def test_prompt_with_its_margin_and_answer_must_fit_the_context(
    n_prompt: int, n_answer: int | None, *, fits: bool
) -> None:
    small = tier(SMALL, Capabilities(context_tokens=100))
    features = Features(turns=TURNS, n_prompt_tokens=n_prompt, n_answer_tokens=n_answer)

    missing = missing_capabilities(features, [small, ABLE])

    assert (missing == {}) is fits


def test_a_context_that_is_too_small_tells_both_numbers() -> None:
    features = Features(turns=TURNS, n_prompt_tokens=200, n_answer_tokens=20)

    missing = missing_capabilities(features, [tier(SMALL, Capabilities(context_tokens=100))])

    assert missing == {SMALL: "context of 100 tokens is too small for about 200"}


def test_an_unknown_context_is_never_too_small() -> None:
    features = Features(turns=TURNS, n_prompt_tokens=10**9)

    assert missing_capabilities(features, [tier(SMALL, Capabilities(context_tokens=None))]) == {}
