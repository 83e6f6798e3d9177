"""The naive baseline: long is hard."""

import math

from suffice.vocabulary import FEATURES_VERSION, MAX_COMPLEXITY, Score, Turn

_UNIT_TOKENS = 16
_LONGEST_TOKENS = 2_048


class Length:
    """Complexity by the tokens of the user's own words, on a logarithmic scale.

    10 * log(1 + n / 16) / log(1 + 2048 / 16), at most 10: 16 tokens score 1.4, 95 tokens 4.0, 2,048 tokens 10. System
    prompts, tools and passages do not count, or every request of an application with a long one would be hard.
    """

    version = f"length-1-f{FEATURES_VERSION}"

    def score(self, turn: Turn) -> Score:
        """Score one turn by its length."""
        n_tokens = max(0, turn.n_tokens)
        share = math.log1p(n_tokens / _UNIT_TOKENS) / math.log1p(_LONGEST_TOKENS / _UNIT_TOKENS)
        return Score(
            complexity=min(MAX_COMPLEXITY, MAX_COMPLEXITY * share),
            explanation={"n_tokens": float(turn.n_tokens), "n_constant_tokens": float(turn.n_constant_tokens)},
        )
