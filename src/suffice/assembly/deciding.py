"""What decides, made of a configuration; nothing of it calls anybody."""

import time
import uuid
from collections.abc import Callable

from suffice.caching.conversations import ConversationStore
from suffice.caching.decisions import DecisionCache
from suffice.config import Config, Loaded, Yardstick, build_yardstick, observe_only
from suffice.pipeline.arrival import Arrival, ModeSwitch, Settings
from suffice.pipeline.bundle import BundleInForce
from suffice.pipeline.memory import Memory
from suffice.pipeline.reading import Readings
from suffice.pipeline.routing import Router
from suffice.policy.selection import Catalogue
from suffice.server.explanation import describe_route
from suffice.vocabulary import Capabilities, Price, Tier, TierName
from suffice.wire.request import Endpoint, parse


def build_tiers(config: Config) -> tuple[Tier, ...]:
    """The ladder, cheapest first."""
    return tuple(
        Tier(
            name=TierName(tier.name),
            model=tier.model,
            price=Price(input=tier.price.input, cached_input=tier.price.cached_input, output=tier.price.output),
            capabilities=Capabilities(
                context_tokens=tier.context_tokens,
                tools=tier.supports.tools,
                images=tier.supports.images,
                json_schema=tier.supports.json_schema,
                logprobs=tier.supports.logprobs,
            ),
        )
        for tier in config.tiers
    )


def build_memory(config: Config, *, clock: Callable[[], float] = time.monotonic) -> Memory:
    """What is kept between requests, and outlives a router."""
    return Memory(
        conversations=ConversationStore(config.cache, clock=clock),
        decisions=DecisionCache(config.cache, clock=clock) if config.cache.enabled else None,
        config=config.routing.escalation_memory,
        clock=clock,
    )


def build_router(config: Config, yardstick: Yardstick, memory: Memory, switch: ModeSwitch) -> Router:
    """What decides, without anything that calls."""
    return Router(
        catalogue=Catalogue(build_tiers(config), config.aliases, yardstick.named),
        scorer=yardstick.scorer,
        routing=config.routing,
        settings={name: _settings(config, name, yardstick) for name in (None, *config.profiles)},
        switch=switch,
        memory=memory,
        readings=Readings(config.cache, max_turns=config.routing.max_turns, clock=memory.clock),
        bundle=_bundle_in_force(config, yardstick),
    )


def dry_run(loaded: Loaded, body: bytes) -> dict[str, object]:
    """Decide on a chat request without a running gateway.

    Raises:
        ConfigError: The scorer cannot be built, or its bundle does not go with the rest.
        RequestError: The body is no request, or no tier can serve it.
    """
    config = loaded.config
    router = build_router(config, build_yardstick(loaded), build_memory(config), ModeSwitch())
    arrival = Arrival(
        request=parse(Endpoint.CHAT, body),
        request_id=uuid.uuid4().hex,
        received_at=time.time(),
        started_at=0.0,
        explain=True,
    )
    return describe_route(router.route(arrival), router)


def _bundle_in_force(config: Config, yardstick: Yardstick) -> BundleInForce | None:
    learned = yardstick.learned
    if learned is None:
        return None
    return BundleInForce(
        id=learned.bundle_id,
        manifest=learned.manifest,
        tiers=learned.tiers,
        explainer=learned,
        observe_only=observe_only(config, learned),
    )


def _settings(config: Config, profile: str | None, yardstick: Yardstick) -> Settings:
    own = config.profiles[profile] if profile is not None else None
    mode = own.mode if own else None
    percent = own.canary_percent if own else None
    content = own.recording.content if own else None
    max_messages = own.limits.max_messages if own else None
    total_timeout_s = own.limits.total_timeout_s if own else None
    return Settings(
        mode=config.routing.mode if mode is None else mode,
        canary_percent=config.routing.canary_percent if percent is None else percent,
        thresholds={TierName(name): limit for name, limit in yardstick.thresholds[profile].items()},
        escalation=config.escalation,
        record_content=config.recording.content if content is None else content,
        max_messages=max_messages or config.server.max_messages,
        total_timeout_s=total_timeout_s or config.server.total_timeout_s,
    )
