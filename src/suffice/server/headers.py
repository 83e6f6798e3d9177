"""The gateway's own headers: what clients may say, and what they are told."""

from collections.abc import Mapping
from urllib.parse import quote

from suffice.errors import RequestError
from suffice.vocabulary import Decision, Outcome, Priority

SESSION_HEADERS = (
    "x-suffice-session",
    "x-session-id",
    "session-id",
    "session_id",
    "x-litellm-session-id",
    "helicone-session-id",
)
"""The first that is sent names the conversation; the others are those of gateways and agents that teams come from."""

PRIORITY_HEADER = "x-suffice-priority"

_PRIORITIES = {priority.name.lower(): priority for priority in Priority}

FORWARDED = ("traceparent", "tracestate")
"""The client's headers that upstreams see."""

MAX_SESSION = 200
MAX_FEATURE = 60
"""Characters of a feature's name; a word may be as long as the prompt."""


def session_of(headers: Mapping[str, str]) -> str | None:
    """The client's name for its conversation."""
    named = (headers[name] for name in SESSION_HEADERS if headers.get(name))
    return next((name[:MAX_SESSION] for name in named), None)


def priority_of(headers: Mapping[str, str]) -> Priority:
    """How important the client says its request is.

    Raises:
        RequestError: It says something else.
    """
    stated = headers.get(PRIORITY_HEADER)
    if stated is None:
        return Priority.NORMAL
    priority = _PRIORITIES.get(stated.lower())
    if priority is None:
        known = ", ".join(_PRIORITIES)
        raise RequestError(
            f"{PRIORITY_HEADER}: {stated[:100]!r} is not known; use one of {known}", param=PRIORITY_HEADER
        )
    return priority


def decision_headers(outcome: Outcome, *, streamed: bool, debug: bool) -> dict[str, str]:
    """What the client is told beside its answer; a stream's cost comes in its usage chunk."""
    headers = {"x-suffice-request-id": outcome.request_id}
    decision = outcome.decision
    served = outcome.served
    if decision is None:
        return headers
    headers |= {
        "x-suffice-tier": served.tier if served is not None else decision.tier,
        "x-suffice-reason": decision.reason,
        "x-suffice-escalated": "true" if outcome.escalated else "false",
        "x-suffice-cache": outcome.cache,
    }
    if decision.complexity is not None:
        headers["x-suffice-complexity"] = f"{decision.complexity:.2f}"
    if not streamed:
        headers["x-suffice-cost-usd"] = f"{outcome.cost_usd:.9f}"
    return headers | (_debug_headers(outcome, decision) if debug else {})


def _debug_headers(outcome: Outcome, decision: Decision) -> dict[str, str]:
    thresholds = ",".join(f"{tier}={limit:g}" for tier, limit in decision.thresholds.items())
    # Names of features hold words of the prompt: no mark of theirs may end the header or an entry in it.
    features = {quote(name[:MAX_FEATURE], safe=" :"): value for name, value in decision.explanation.items()}
    attempts = ",".join(f"{a.tier}:{a.verdict.reason if a.verdict else a.error or 'running'}" for a in outcome.attempts)
    headers = {
        "x-suffice-mode": outcome.mode,
        "x-suffice-scorer": outcome.scorer,
        "x-suffice-bundle": outcome.bundle_id or "",
        "x-suffice-thresholds": thresholds,
        "x-suffice-p-ok": ",".join(f"{tier}={p:.3f}" for tier, p in decision.p_ok.items()),
        "x-suffice-attempts": attempts,
        "x-suffice-routing-us": f"{outcome.routing_s * 1e6:.0f}",
        "x-suffice-explanation": ",".join(f"{name}={value:.4g}" for name, value in features.items()),
        "x-suffice-skipped": ", ".join(f"{tier}: {lack}" for tier, lack in decision.skipped.items()),
        "x-suffice-session": outcome.session or "",
    }
    if decision.proposal is not None:
        headers["x-suffice-proposal"] = f"{decision.proposal.tier}:{decision.proposal.reason}"
    return {name: value for name, value in headers.items() if value}
