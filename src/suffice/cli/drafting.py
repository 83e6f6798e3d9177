"""From the models that were found to the tiers of a first configuration."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from suffice.cli.probing import Probe
from suffice.cli.skeleton import Skeleton, TierDraft
from suffice.config.ladder import is_automatic
from suffice.errors import ConfigError, Mistake

_N_OTHERS = 20
_PARAMETERS = re.compile(r"(?<![0-9a-z.])(?:(\d+)x)?(\d+(?:\.\d+)?)(b|m)(?![0-9a-z])", re.IGNORECASE)
_NO_CHAT = re.compile(r"embed|rerank|whisper|tts|colbert|minilm|\bbge\b|guard", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model that was found, on one server or several."""

    model: str
    base_urls: tuple[str, ...]
    context_tokens: int | None = None

    @property
    def n_parameters(self) -> float | None:
        """As its name says; None where it does not."""
        return guess_parameters(self.model)


def guess_parameters(model: str) -> float | None:
    """Parameters in units of 10^9, from names such as `Llama-3.1-8B`, `qwen2.5:0.5b`, `8x7B`, `smollm2-135m`.

    The largest figure counts: of a mixture of experts that is all of them, and a context of `1M` is below any model.
    """
    sizes = [
        float(size) * int(experts or 1) / (1 if unit.lower() == "b" else 1000)
        for experts, size, unit in _PARAMETERS.findall(model.replace("_", "-"))
    ]
    return max(sizes, default=None)


def draft_found(probes: Sequence[Probe], port: int) -> Skeleton:
    """Tiers from whatever was found: the smallest and the largest model that chat."""
    ranked = _rank(_collect(probes))
    sized = [candidate for candidate in ranked if candidate.n_parameters is not None]
    if len(sized) >= 2:
        tiers, order = (sized[0], sized[-1]), "The order is guessed from the sizes in the models' names."
    elif len(ranked) >= 2:
        tiers, order = (ranked[0], ranked[1]), "The names do not tell the models' sizes: put the smaller one first."
    elif ranked:
        tiers, order = (ranked[0],), "One model was found. Put a smaller one before it, or a larger one after it."
    else:
        return _placeholders(port)
    others = [candidate.model for candidate in ranked if candidate not in tiers]
    return Skeleton(tiers=_name_tiers(tiers), order=order, port=port, others=others[:_N_OTHERS])


def draft_named(small: Probe, large: Probe, port: int) -> Skeleton:
    """Tiers from two servers that the operator named.

    Raises:
        ConfigError: Both serve the same model only, so that nobody could tell the tiers apart.
    """
    placeholders = _placeholders(port).tiers
    chosen = (_rank(_collect([small]))[:1], _rank(_collect([large]))[-1:])
    candidates = [
        found[0] if found else Candidate(model=placeholder.model, base_urls=(probe.base_url,))
        for found, probe, placeholder in zip(chosen, (small, large), placeholders, strict=True)
    ]
    if candidates[0].model == candidates[1].model:
        remedy = (
            f"serves the same model as --small, {candidates[0].model!r}; give it another name on one of the servers"
        )
        raise ConfigError([Mistake("--large", large.base_url, remedy)], source="the command line")
    return Skeleton(tiers=_name_tiers(candidates), order="The order is the one you gave.", port=port)


def _collect(probes: Iterable[Probe]) -> list[Candidate]:
    """The models that chat, each with all its servers; another suffice's models are not servers'."""
    found: dict[str, Candidate] = {}
    for probe in probes:
        if any(is_automatic(model.name) for model in probe.models):
            continue
        for model in probe.models:
            if not model.name.strip() or _NO_CHAT.search(model.name):
                continue
            known = found.get(model.name)
            found[model.name] = Candidate(
                model=model.name,
                base_urls=(*(known.base_urls if known else ()), probe.base_url),
                context_tokens=_least(known.context_tokens if known else None, model.context_tokens),
            )
    return list(found.values())


def _least(one: int | None, other: int | None) -> int | None:
    return min((limit for limit in (one, other) if limit is not None), default=None)


def _rank(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Smallest first; those of unknown size last, as they came."""
    return sorted(candidates, key=lambda candidate: candidate.n_parameters or float("inf"))


def _name_tiers(candidates: Sequence[Candidate]) -> list[TierDraft]:
    names: Sequence[str] = ("small", "large") if len(candidates) == 2 else ("large",)
    while any(candidate.model in names for candidate in candidates):
        names = [f"{name}-tier" for name in names]
    return [
        TierDraft(
            name=name,
            model=candidate.model,
            base_urls=candidate.base_urls,
            context_tokens=candidate.context_tokens,
            remark=_remark(candidate),
        )
        for name, candidate in zip(names, candidates, strict=True)
    ]


def _remark(candidate: Candidate) -> str:
    size = candidate.n_parameters
    known_by = "the name its servers know it by"
    return known_by if size is None else f"{known_by}; {size:g} billion parameters, by that name"


def _placeholders(port: int) -> Skeleton:
    tiers = [
        TierDraft(name="small", model="REPLACE-WITH-YOUR-SMALL-MODEL", base_urls=["http://127.0.0.1:8000/v1"]),
        TierDraft(name="large", model="REPLACE-WITH-YOUR-LARGE-MODEL", base_urls=["http://127.0.0.1:8001/v1"]),
    ]
    return Skeleton(tiers=tiers, order="No server was found: REPLACE the models and base_urls by yours.", port=port)
