"""How often and how soon a call is tried again."""

from collections.abc import Callable

from suffice.upstream.config import RetryBudgetConfig, UpstreamConfig

MAX_BACKOFF_S = 2.0
SAVED_S = 10.0
"""Seconds of `min_per_s` that may be saved up."""


class RetryBudget:
    """A token bucket: each call pays a share of a token in, each further try takes one out.

    When a tier fails as a whole, tries would otherwise multiply its load just then.

    Source:
        Site Reliability Engineering (Beyer et al. 2016), chapter 22, "Client-side throttling" and retry budgets.
    """

    def __init__(self, config: RetryBudgetConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._capacity = max(1.0, config.min_per_s * SAVED_S)
        self._balance = config.min_per_s * SAVED_S
        self._n_calls = 0
        self._at = clock()
        self.n_denied = 0
        """Further tries that there was no token for."""

    def take(self, n_calls: int) -> bool:
        """Take a token, if there is one.

        Args:
            n_calls: Calls to the tier so far; what they pay in is reckoned here, so that they need not do it.
        """
        self._balance = self._grown(n_calls)
        self._n_calls, self._at = n_calls, self._clock()
        if self._balance < 1.0:
            self.n_denied += 1
            return False
        self._balance -= 1.0
        return True

    def balance(self, n_calls: int) -> float:
        """Tokens there are."""
        return self._grown(n_calls)

    def _grown(self, n_calls: int) -> float:
        paid_in = self._config.share * (n_calls - self._n_calls) + self._config.min_per_s * (self._clock() - self._at)
        return min(self._capacity, self._balance + max(0.0, paid_in))


def pause_s(config: UpstreamConfig, n_failed: int, asked_s: float, drawn: float) -> float:
    """How long to wait before a further try: exponential, full jitter, and no shorter than asked (within reason).

    Args:
        config: The mean of the first pause.
        n_failed: Tries that failed before the last one.
        asked_s: What the upstream asked for.
        drawn: Uniform, in [0, 1).

    Source:
        M. Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015.
    """
    longest = min(MAX_BACKOFF_S, 2 * config.backoff_s * 2**n_failed)
    return max(min(asked_s, MAX_BACKOFF_S), drawn * longest)
