"""From a request to a decision: features, scores, what is remembered, policy."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec
from msgspec.structs import replace

from suffice.caching.decisions import turn_key
from suffice.errors import NoTierError, RequestError
from suffice.pipeline.arrival import Arrival, ModeSwitch, Settings
from suffice.pipeline.bundle import BundleInForce
from suffice.pipeline.memory import Memory, Recall
from suffice.pipeline.ports import Scorer
from suffice.pipeline.reading import Reading, Readings, make_reading
from suffice.policy.capabilities import missing_capabilities
from suffice.policy.config import RoutingConfig
from suffice.policy.decide import NO_FLOORS, Floors, Situation, bypass, decide, effective_thresholds, withhold
from suffice.policy.inherit import can_lift, inherited_complexity
from suffice.policy.selection import Catalogue
from suffice.vocabulary import CacheUse, Decision, Features, Mode, Score, TierName, Turn
from suffice.wire.request import Endpoint, parse


class Route(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A decision, with what must be known to carry it out and to remember it."""

    decision: Decision
    features: Features
    settings: Settings
    mode: Mode
    profile: str | None
    model: str | None
    """Sent to the tier in place of its own model."""
    recall: Recall
    cache: CacheUse


class _Scored(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Scores of a conversation's turns, the newest first, as far back as they can matter."""

    scores: Sequence[Score]
    cache: CacheUse = CacheUse.OFF
    """For the newest turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """Decides; calls nothing and waits for nothing.

    A new bundle makes a new router, with the memory and the switch of the one before; a request keeps its own.
    """

    catalogue: Catalogue
    scorer: Scorer
    routing: RoutingConfig
    settings: Mapping[str | None, Settings]
    """By profile; None: of requests without one."""
    switch: ModeSwitch
    memory: Memory
    bundle: BundleInForce | None = None
    """That the scorer was made from, where it was."""
    readings: Readings | None = None
    """Of bodies that came before; None: each is read afresh."""

    def read(self, endpoint: Endpoint, body: bytes, *, use_cache: bool = True) -> Reading:
        """Read a body, for an arrival.

        Args:
            endpoint: That it was sent to.
            body: As it came.
            use_cache: The client lets it be remembered.

        Raises:
            RequestError: It is no request; see `wire.request.parse`.
        """
        if self.readings is not None:
            return self.readings.read(endpoint, body, use_cache=use_cache)
        return make_reading(parse(endpoint, body), max_turns=self.routing.max_turns)

    def route(self, arrival: Arrival, scored: Mapping[Turn, Score] = MappingProxyType({})) -> Route:
        """Decide which tier is asked first.

        Args:
            arrival: The request.
            scored: Scores made beforehand, for what `unscored` named.

        Raises:
            RequestError: The model or lowest tier is unknown, there are too many messages, or no tier can serve.
        """
        selection = self.catalogue.select(arrival.request.model)
        profile = selection.profile or arrival.profile
        settings = self.settings[profile]
        _check_length(arrival, settings)
        reading = self._reading_of(arrival)
        features = reading.features
        recall = self.memory.recall(arrival, reading, profile=profile)
        mode = self.switch.mode or settings.mode
        if selection.tier is not None:
            decision, scores = bypass(selection.tier), _Scored(scores=())
        else:
            scores = self._score(reading, scored, use_cache=arrival.use_cache)
            routes = self._routes(mode, settings, recall.session)
            tiers = [tier.name for tier in self.catalogue.tiers]
            newest = scores.scores[0]
            complexities = [score.complexity for score in scores.scores]
            floors = self._floors(arrival, features, recall, tiers)
            situation = Situation(
                tiers=tiers,
                complexity=inherited_complexity(complexities, self.routing.turn_decay),
                own_complexity=newest.complexity,
                thresholds=effective_thresholds(settings.thresholds, tiers, selection.first_threshold),
                skipped=self._skipped(features, tiers, floors, routes=routes),
                floors=floors,
                p_ok=newest.p_ok,
                explanation=newest.explanation,
            )
            decision = decide(situation)
            if mode is not Mode.ROUTE:
                decision = _withheld(decision, mode, in_canary=routes)
            if arrival.explain and self.bundle is not None:
                decision = replace(decision, explanation=self.bundle.explainer.explain(features.turns[0]))
        return Route(
            decision=decision,
            features=features,
            settings=settings,
            mode=mode,
            profile=profile,
            model=selection.model,
            recall=recall,
            cache=scores.cache,
        )

    @property
    def bundle_id(self) -> str | None:
        """Of the bundle that the scores come from; None: they come from none."""
        return self.bundle.id if self.bundle is not None else None

    def profile_of(self, arrival: Arrival) -> str | None:
        """The profile that a request falls under: of its model alias, else of its key.

        Raises:
            RequestError: The model is unknown.
        """
        return self.catalogue.select(arrival.request.model).profile or arrival.profile

    def unscored(self, arrival: Arrival) -> list[Turn]:
        """The turns whose scores are not in the cache: what a slow scorer scores off the event loop, for `route`."""
        if self.catalogue.select(arrival.request.model).tier is not None:
            return []
        reading = self._reading_of(arrival)
        cache = self.memory.decisions if arrival.use_cache else None
        if cache is None:
            return list(reading.features.turns)
        version, turns = self.scorer.version, reading.digested_turns
        return [turn for turn, digest in turns if cache.score(turn_key(version, digest)) is None]

    def _reading_of(self, arrival: Arrival) -> Reading:
        return arrival.reading or make_reading(arrival.request, max_turns=self.routing.max_turns)

    def _score(self, reading: Reading, scored: Mapping[Turn, Score], *, use_cache: bool) -> _Scored:
        decay = self.routing.turn_decay
        scores: list[Score] = []
        highest = 0.0
        use = CacheUse.OFF
        for age, (score, found) in enumerate(self._scores(reading, scored, use_cache=use_cache)):
            scores.append(score)
            use = found if age == 0 else use
            highest = max(highest, score.complexity * decay**age)
            # Scores that were made beforehand are kept in any case, or they would be made again next time.
            if not scored and not can_lift(highest, age=age + 1, decay=decay):
                break
        return _Scored(scores=scores, cache=use)

    def _scores(
        self, reading: Reading, scored: Mapping[Turn, Score], *, use_cache: bool
    ) -> Iterator[tuple[Score, CacheUse]]:
        """Scores of the turns, the newest first, each made when it is asked for."""
        cache = self.memory.decisions if use_cache else None
        if cache is None:
            for turn in reading.features.turns:
                yield self._fresh(turn, scored), CacheUse.OFF
            return
        for turn, digest in reading.digested_turns:
            key = turn_key(self.scorer.version, digest)
            score = cache.score(key)
            if score is not None:
                yield score, CacheUse.HIT
                continue
            score = self._fresh(turn, scored)
            cache.put_score(key, score)
            yield score, CacheUse.MISS

    def _fresh(self, turn: Turn, scored: Mapping[Turn, Score]) -> Score:
        known = scored.get(turn)
        return self.scorer.score(turn) if known is None else known

    def _routes(self, mode: Mode, settings: Settings, session: str) -> bool:
        """Whether the decision is carried out; drawn by conversation, so that it stays on its side of a canary."""
        if mode is not Mode.CANARY:
            return mode is Mode.ROUTE
        percent = self.switch.canary_percent if self.switch.canary_percent is not None else settings.canary_percent
        return zlib.crc32(session.encode()) / 2**32 * 100 < percent

    def _skipped(
        self, features: Features, tiers: Sequence[TierName], floors: Floors, *, routes: bool
    ) -> Mapping[TierName, str]:
        skipped = missing_capabilities(features, self.catalogue.tiers)
        if not routes:
            # The top tier answers as it did before there was a gateway, whatever the file says that it lacks.
            skipped.pop(tiers[-1], None)
        if skipped:
            _check_served(tiers[tiers.index(floors.min_tier) if floors.min_tier else 0 :], skipped)
        return skipped

    def _floors(self, arrival: Arrival, features: Features, recall: Recall, tiers: Sequence[TierName]) -> Floors:
        min_tier = arrival.min_tier
        prompt_floor = self.memory.escalated_prompt(recall.prefixes.whole) if arrival.use_cache else None
        tool_loop = recall.last_tier if features.in_tool_loop else None
        escalated = _highest(recall.escalation_floor, prompt_floor, tiers)
        if min_tier is None and tool_loop is None and escalated is None:
            return NO_FLOORS
        return Floors(
            min_tier=self.catalogue.tier_named(min_tier, param="x-suffice-min-tier") if min_tier else None,
            tool_loop=tool_loop,
            escalated=escalated,
        )


def _highest(one: TierName | None, other: TierName | None, tiers: Sequence[TierName]) -> TierName | None:
    if one is None and other is None:
        return None
    named = [tier for tier in tiers if tier in {one, other}]
    return named[-1] if named else None


def _withheld(decision: Decision, mode: Mode, *, in_canary: bool) -> Decision:
    tier, reason, proposal = withhold(decision, mode, in_canary=in_canary)
    ladder = decision.ladder[decision.ladder.index(tier) :]
    return replace(decision, tier=tier, reason=reason, proposal=proposal, ladder=ladder)


def _check_length(arrival: Arrival, settings: Settings) -> None:
    n_messages = len(arrival.request.messages)
    if n_messages > settings.max_messages:
        raise RequestError(f"{n_messages} messages are over the limit of {settings.max_messages}", param="messages")


def _check_served(allowed: Sequence[TierName], skipped: Mapping[TierName, str]) -> None:
    """Refuse a request that no tier which the client allows can serve: below its lowest tier nothing is served."""
    if all(tier in skipped for tier in allowed):
        lacks = "; ".join(f"{tier} {skipped[tier]}" for tier in allowed)
        # Clients trim their history on OpenAI's code for it.
        is_too_long = all(skipped[tier].startswith("context") for tier in allowed)
        code = "context_length_exceeded" if is_too_long else None
        raise NoTierError(f"no tier can serve this request: {lacks}", param="messages", code=code)
