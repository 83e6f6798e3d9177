"""`GET /v1/models`: every name that may stand in `model`."""

from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from suffice.policy.config import AliasConfig
from suffice.policy.selection import Catalogue
from suffice.server.auth import Caller
from suffice.server.http import Request, Responder


@dataclass(frozen=True, slots=True)
class ModelList:
    """Lists the models."""

    catalogue: Catalogue
    started_at: int
    """Unix time; stands for each model's `created`."""

    async def list_all(self, _request: Request, respond: Responder, _caller: Caller) -> None:
        """Answer with all names and their context sizes, in OpenAI's and vLLM's form."""
        body = {"object": "list", "data": [self._describe(name) for name in self.catalogue.names]}
        await respond.whole(HTTPStatus.OK, msgspec.json.encode(body))

    def _describe(self, name: str) -> dict[str, object]:
        tiers = {key: t for t in self.catalogue.tiers for key in (t.name, t.model)}
        alias = self.catalogue.aliases.get(name, AliasConfig())
        tier = tiers.get(alias.tier or name)
        sizes = [t.capabilities.context_tokens for t in ([tier] if tier else self.catalogue.tiers)]
        known = [size for size in sizes if size is not None]
        described: dict[str, object] = {
            "id": name,
            "object": "model",
            "created": self.started_at,
            "owned_by": "suffice",
        }
        # Routing may use any tier, so the largest context counts; one unknown size leaves all of it unknown.
        if known and len(known) == len(sizes):
            described["max_model_len"] = max(known)
        if tier is not None:
            described["tier"] = tier.name
        return described
