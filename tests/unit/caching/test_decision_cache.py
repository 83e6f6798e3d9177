from suffice.caching.config import CacheConfig
from suffice.caching.decisions import DecisionCache, Escalations, turn_digest, turn_key
from suffice.vocabulary import Score, TierName, Turn

LARGE = TierName("large")
TURN = Turn(text="why?", n_tokens=2)
KEY = turn_key("length-1", turn_digest(TURN))


def make_cache(max_entries: int = 10) -> DecisionCache:
    return DecisionCache(CacheConfig(max_entries=max_entries), clock=lambda: 0.0)


def test_a_score_is_found_under_its_turn() -> None:
    cache = make_cache()
    score = Score(complexity=3.0, p_ok={LARGE: 0.9}, explanation={"n_tokens": 2.0})

    cache.put_score(KEY, score)

    assert cache.score(KEY) == score
    assert len(cache) == 1


def test_another_scorer_knows_nothing_of_it() -> None:
    cache = make_cache()
    cache.put_score(KEY, Score(complexity=3.0))

    assert cache.score(turn_key("length-2", turn_digest(TURN))) is None


def test_escalations_are_kept_beside_scores_and_not_under_them() -> None:
    cache = make_cache()
    escalations = Escalations(count=1.5, at=7.0, to=LARGE)

    cache.put_escalations(b"prompt", escalations)

    assert cache.escalations(b"prompt") == escalations
    assert cache.score(b"prompt") is None
    assert len(cache) == 0


def test_memory_counts_scores_by_what_they_explain_and_escalations_too() -> None:
    plain, explained, escalated = make_cache(), make_cache(), make_cache()

    plain.put_score(KEY, Score(complexity=1.0))
    explained.put_score(KEY, Score(complexity=1.0, explanation={"a": 1.0, "b": 2.0}))
    escalated.put_escalations(b"prompt", Escalations(count=1.0, at=0.0, to=LARGE))

    assert 0 < plain.n_bytes < explained.n_bytes
    assert escalated.n_bytes > 0


def test_no_more_scores_are_held_than_configured() -> None:
    cache = make_cache(max_entries=2)

    for text in ("a", "b", "c"):
        cache.put_score(turn_key("v", turn_digest(Turn(text=text, n_tokens=1))), Score(complexity=1.0))

    assert len(cache) == 2
