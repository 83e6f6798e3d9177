"""The only place where objects are wired together."""

import asyncio
import logging
import random
import secrets
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp

from suffice.caching.conversations import ConversationStore
from suffice.caching.decisions import DecisionCache
from suffice.config import Config, Loaded, Yardstick, build_yardstick, observe_only, watched_bundle
from suffice.config.tls import upstream_tls
from suffice.errors import Mistake
from suffice.pipeline.arrival import Arrival, ModeSwitch, Settings
from suffice.pipeline.booking import Book
from suffice.pipeline.bundle import BundleInForce
from suffice.pipeline.memory import Memory
from suffice.pipeline.pipeline import Pipeline
from suffice.pipeline.ports import Observer, Upstream
from suffice.pipeline.routing import Router
from suffice.policy.selection import Catalogue
from suffice.recording.recorder import Recorder
from suffice.server.admin import ModeAdmin
from suffice.server.app import App, Parts
from suffice.server.auth import Authenticator
from suffice.server.bundles import BundleAdmin
from suffice.server.explanation import describe_route
from suffice.server.feedback import Feedback
from suffice.server.generate import Generation
from suffice.server.limits import Turnstile
from suffice.server.models import ModelList
from suffice.server.passthrough import Passthrough
from suffice.server.reloading import Reloader, identify
from suffice.telemetry import CONTENT_TYPE, BundleState, ReplicaState, Telemetry
from suffice.upstream.config import TierConfig
from suffice.upstream.connections import Connector
from suffice.upstream.pool import Pool
from suffice.upstream.recorded import RecordedUpstream
from suffice.upstream.replica import Replica
from suffice.vocabulary import Capabilities, Price, Tier, TierName
from suffice.wire.request import Endpoint, parse

RECORDER_CLOSE_S = 10.0

logger = logging.getLogger("suffice.assembly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that is ready to serve."""

    app: App
    pipeline: Pipeline
    turnstile: Turnstile
    telemetry: Telemetry
    recorder: Recorder | None
    warnings: tuple[Mistake, ...]
    """What does not quite fit between the configuration and its bundle."""


@asynccontextmanager
async def open_upstreams(loaded: Loaded, tiers: Sequence[TierConfig]) -> AsyncGenerator[list[Upstream]]:
    """Open pools as the gateway has them, for the lab; leaving the context closes their connections.

    Args:
        loaded: A configuration without mistakes.
        tiers: What to open: some of its tiers, or others whose `api_key_env` is among its secrets.

    Returns:
        One for each, in their order.

    Raises:
        TapeError: A tape cannot be read.
    """
    draw = random.SystemRandom().random
    async with _client_session(loaded) as session:
        yield [_open_tier(tier, loaded, session, draw) for tier in tiers]


@asynccontextmanager
async def open_gateway(loaded: Loaded, *, random_source: random.Random | None = None) -> AsyncGenerator[Gateway]:
    """Build a gateway from its configuration; leaving the context closes its connections and its store.

    Args:
        loaded: A configuration without mistakes.
        random_source: Of back-off and replica choice; by default seeded by the system.

    Raises:
        ConfigError: The scorer cannot be built, or its bundle does not go with the rest.
        RecordingError: The store cannot be used.
        TapeError: A tape cannot be read.
    """
    config = loaded.config
    bundle_file = watched_bundle(loaded)
    seen = identify(bundle_file) if bundle_file is not None else None
    yardstick = build_yardstick(loaded)
    draw = (random_source or random.SystemRandom()).random
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_client_session(loaded))
        recorder = Recorder(config.recording, loaded.folder) if config.recording.enabled else None
        if recorder is not None:
            stack.callback(recorder.close, RECORDER_CLOSE_S)
        telemetry = Telemetry(
            build_tiers(config), keys=[key.name for key in config.auth.keys], models=_known_models(config)
        )
        observers: list[Observer] = [telemetry, *([recorder] if recorder is not None else [])]
        upstreams = {TierName(tier.name): _open_tier(tier, loaded, session, draw) for tier in config.tiers}
        pipeline = Pipeline(
            router=build_router(config, yardstick, build_memory(config), ModeSwitch()),
            tiers={tier.name: tier for tier in build_tiers(config)},
            upstreams=upstreams,
            observers=observers,
            book=Book({tier.name: tier for tier in build_tiers(config)}, top=build_tiers(config)[-1]),
            clock=time.monotonic,
            config_hash=loaded.hash,
            scores_slowly=config.scorer.kind == "exemplars" and config.scorer.encoder == "minilm",
        )
        turnstile = Turnstile(config.server.max_concurrent_requests, _profile_limits(config))
        _watch(telemetry, turnstile, recorder, upstreams)
        telemetry.watch_bundle(lambda: _bundle_state(pipeline.router))
        reloader = None
        if bundle_file is not None:
            build = lambda: _build_again(loaded, pipeline.router)  # noqa: E731 - of two values at hand
            reloader = Reloader(bundle_file, pipeline, build, seen=seen, note=telemetry.count_reload)
            _look_after(reloader, config.scorer.reload_s, stack)
        passed = _open_passthrough(loaded, session, draw)
        yield Gateway(
            app=App(_parts(loaded, pipeline, turnstile, telemetry, passed, (reloader, recorder))),
            pipeline=pipeline,
            turnstile=turnstile,
            telemetry=telemetry,
            recorder=recorder,
            warnings=yardstick.warnings,
        )


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


def _build_again(loaded: Loaded, router: Router) -> Router:
    """A router by the bundle's file as it is now, in place of one by what it was."""
    yardstick = build_yardstick(loaded)
    for warning in yardstick.warnings:
        logger.warning("%s", warning)
    return build_router(loaded.config, yardstick, router.memory, router.switch)


def _look_after(reloader: Reloader, interval_s: float, stack: AsyncExitStack) -> None:
    """Watch the bundle's file until the stack is left, which owns the task."""
    if interval_s > 0:
        task = asyncio.create_task(reloader.watch(interval_s))
        stack.push_async_callback(asyncio.wait, [task])
        stack.callback(task.cancel)


def _bundle_state(router: Router) -> BundleState | None:
    bundle = router.bundle
    return BundleState(id=bundle.id, generic=bundle.manifest.generic) if bundle is not None else None


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


def _profile_limits(config: Config) -> dict[str | None, int]:
    limits = {name: profile.limits.max_concurrent_requests for name, profile in config.profiles.items()}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _client_session(loaded: Loaded) -> aiohttp.ClientSession:
    config = loaded.config.upstream
    return aiohttp.ClientSession(
        connector=Connector(limit=config.max_connections, tls=upstream_tls(loaded.config, loaded.folder)),
        # Deadlines are set per phase by `upstream.replica`; aiohttp's own total would cut long streams.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=config.connect_timeout_s),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"accept-encoding": "identity", "user-agent": "suffice"},
    )


def _open_tier(tier: TierConfig, loaded: Loaded, session: aiohttp.ClientSession, draw: Callable[[], float]) -> Upstream:
    if tier.tape is not None:
        return RecordedUpstream(TierName(tier.name), tier.tape)
    headers = _key_header(loaded, tier.api_key_env)
    config = loaded.config.upstream
    replicas = [Replica(url.rstrip("/"), session, config, headers) for url in tier.base_urls]
    return Pool(replicas, config, draw=draw)


def _open_passthrough(loaded: Loaded, session: aiohttp.ClientSession, draw: Callable[[], float]) -> dict[str, Upstream]:
    config = loaded.config.upstream
    opened: dict[str, Upstream] = {}
    for path, target in loaded.config.passthrough.items():
        url = target.base_url.rstrip("/") + path.removeprefix("/v1")
        replica = Replica(url, session, config, _key_header(loaded, target.api_key_env))
        opened[path] = Pool([replica], config, draw=draw)
    return opened


def _key_header(loaded: Loaded, variable: str | None) -> Mapping[str, str]:
    return {} if variable is None else {"authorization": f"Bearer {loaded.secrets[variable].reveal()}"}


def _known_models(config: Config) -> Sequence[str]:
    return Catalogue(build_tiers(config), config.aliases).names


def _watch(
    telemetry: Telemetry, turnstile: Turnstile, recorder: Recorder | None, upstreams: Mapping[TierName, Upstream]
) -> None:
    telemetry.watch_in_flight(lambda: turnstile.n_inside)
    if recorder is not None:
        telemetry.watch_recorder(lambda: recorder.counts)
    telemetry.watch_replicas(lambda: _replica_states(upstreams))


def _replica_states(upstreams: Mapping[TierName, Upstream]) -> list[ReplicaState]:
    return [
        ReplicaState(tier=name, replica=replica.base_url, in_flight=replica.in_flight, healthy=replica.failures == 0)
        for name, upstream in upstreams.items()
        if isinstance(upstream, Pool)
        for replica in upstream.replicas
    ]


def _parts(
    loaded: Loaded,
    pipeline: Pipeline,
    turnstile: Turnstile,
    telemetry: Telemetry,
    passed: Mapping[str, Upstream],
    owned: tuple[Reloader | None, Recorder | None],
) -> Parts:
    config = loaded.config
    return Parts(
        generation=Generation(
            pipeline=pipeline, config=config.server, turnstile=turnstile, clock=time.monotonic, wall_clock=time.time
        ),
        models=ModelList(pipeline.router.catalogue, int(time.time())),
        passthrough=Passthrough(
            upstreams=passed,
            observers=pipeline.observers,
            config=config.server,
            turnstile=turnstile,
            clock=time.monotonic,
            wall_clock=time.time,
            config_hash=loaded.hash,
        ),
        admin=ModeAdmin(lambda: pipeline.router, pipeline.router.switch),
        bundles=BundleAdmin(lambda: pipeline.router, owned[0]),
        feedback=Feedback(owned[1]),
        authenticator=Authenticator(config.auth),
        metrics=lambda: (telemetry.render(), CONTENT_TYPE),
        note_refusal=telemetry.count_refusal,
        new_id=lambda: secrets.token_hex(16),
    )
