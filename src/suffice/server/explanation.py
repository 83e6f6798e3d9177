"""A decision as JSON, for `/v1/route` and `suffice route`."""

import msgspec

from suffice.pipeline.routing import Route, Router


def describe_route(route: Route, router: Router) -> dict[str, object]:
    """A decision with what led to it.

    Args:
        route: The decision.
        router: That made it.
    """
    decision, features = route.decision, route.features
    proposal = decision.proposal
    return {
        "tier": decision.tier,
        "reason": decision.reason,
        "complexity": decision.complexity,
        "own_complexity": decision.own_complexity,
        "p_ok": dict(decision.p_ok),
        "max_complexity": dict(decision.thresholds),
        "ladder": list(decision.ladder),
        "skipped": dict(decision.skipped),
        "mode": route.mode,
        "proposal": {"tier": proposal.tier, "reason": proposal.reason} if proposal is not None else None,
        "profile": route.profile,
        "session": route.recall.session,
        "cache": route.cache,
        "scorer": router.scorer.version,
        "bundle": router.bundle_id,
        "explanation": dict(decision.explanation),
        "features": {
            "n_turns": len(features.turns),
            "n_messages": features.n_messages,
            "n_prompt_tokens": features.n_prompt_tokens,
            "n_turn_tokens": features.turns[0].n_tokens,
            "n_constant_tokens": features.turns[0].n_constant_tokens,
            "n_images": features.n_images,
            "has_tools": features.has_tools,
            "in_tool_loop": features.in_tool_loop,
            "wants_json_schema": features.wants_json_schema,
        },
    }


def explain_route(route: Route, router: Router) -> bytes:
    """The body of `/v1/route`."""
    return msgspec.json.encode(describe_route(route, router))
