import asyncio
from typing import Any

from gateway_calls import FakeOutlet, make_request, make_responder

from suffice.policy.config import AliasConfig
from suffice.policy.selection import Catalogue
from suffice.server.auth import Caller
from suffice.server.models import ModelList
from suffice.vocabulary import Capabilities, Tier, TierName


def tier(name: str, context_tokens: int | None) -> Tier:
    return Tier(name=TierName(name), model=f"{name}-model", capabilities=Capabilities(context_tokens=context_tokens))


def listed(*tiers: Tier, aliases: dict[str, AliasConfig] | None = None) -> dict[str, dict[str, Any]]:
    outlet = FakeOutlet()
    models = ModelList(Catalogue(tiers, aliases or {}), started_at=7)
    asyncio.run(models.list_all(make_request(), make_responder(outlet), Caller()))
    assert outlet.document["object"] == "list"
    return {entry["id"]: entry for entry in outlet.document["data"]}


def test_every_name_is_listed_in_openais_form() -> None:
    models = listed(tier("small", 8_000))

    assert list(models) == ["auto", "auto:cheap", "auto:balanced", "auto:quality", "small", "small-model"]
    assert models["small"] == {
        "id": "small",
        "object": "model",
        "created": 7,
        "owned_by": "suffice",
        "max_model_len": 8_000,
        "tier": "small",
    }


def test_what_is_routed_takes_the_largest_context() -> None:
    models = listed(tier("small", 8_000), tier("large", 128_000), aliases={"gpt-4o": AliasConfig(profile="p")})

    assert models["auto"]["max_model_len"] == models["gpt-4o"]["max_model_len"] == 128_000
    assert "tier" not in models["gpt-4o"]


def test_one_unknown_context_leaves_that_of_routing_unknown() -> None:
    models = listed(tier("small", 8_000), tier("large", None))

    assert "max_model_len" not in models["auto"]
    assert "max_model_len" not in models["large"]
    assert models["small"]["max_model_len"] == 8_000


def test_an_alias_of_a_tier_has_the_tiers_context() -> None:
    models = listed(tier("small", 8_000), tier("large", 9_000), aliases={"lora": AliasConfig(tier="small", model="x")})

    assert (models["lora"]["tier"], models["lora"]["max_model_len"]) == ("small", 8_000)
