"""Faults of an answer that need no model to see."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from suffice.vocabulary import Verdict, VerdictReason
from suffice.wire.request import ToolCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One choice of an answer, whole."""

    text: str
    tool_calls: Sequence[ToolCall] = ()
    refusal: str | None = None
    finish_reason: str | None = None


def judge(candidates: Sequence[Candidate], *, wants_json: bool, max_tokens: int | None) -> Verdict:
    """Judge a whole answer; one faultless choice is enough.

    Args:
        candidates: The choices; none is an empty answer.
        wants_json: The client set a `response_format` of JSON.
        max_tokens: The client's own limit. An answer that ends at it is what was asked for.
    """
    faults = [_fault(candidate, wants_json=wants_json, limited=max_tokens is not None) for candidate in candidates]
    if None in faults:
        return Verdict(accepted=True, reason=VerdictReason.ACCEPTED)
    return Verdict(accepted=False, reason=next((f for f in faults if f is not None), VerdictReason.EMPTY))


def _fault(candidate: Candidate, *, wants_json: bool, limited: bool) -> VerdictReason | None:
    if candidate.finish_reason == "length" and not limited:
        return VerdictReason.CUT
    if candidate.tool_calls or candidate.refusal:
        return None
    if not candidate.text.strip():
        return VerdictReason.EMPTY
    if wants_json and candidate.finish_reason != "length" and not _is_json(candidate.text):
        return VerdictReason.INVALID_JSON
    return None


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
