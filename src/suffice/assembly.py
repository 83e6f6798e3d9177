"""The only place where objects are wired together."""

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
from suffice.config import Config, Loaded, resolved_thresholds
from suffice.pipeline.arrival import Arrival, ModeSwitch, Settings
from suffice.pipeline.booking import Book
from suffice.pipeline.memory import Memory
from suffice.pipeline.pipeline import Pipeline
from suffice.pipeline.ports import Observer, Upstream
from suffice.pipeline.routing import Router
from suffice.policy.selection import Catalogue
from suffice.recording.recorder import Recorder
from suffice.scoring import build as build_scorer
from suffice.server.admin import ModeAdmin
from suffice.server.app import App, Parts
from suffice.server.auth import Authenticator
from suffice.server.explanation import describe_route
from suffice.server.feedback import Feedback
from suffice.server.generate import Generation
from suffice.server.limits import Turnstile
from suffice.server.models import ModelList
from suffice.server.passthrough import Passthrough
from suffice.telemetry import CONTENT_TYPE, ReplicaState, Telemetry
from suffice.upstream.config import TierConfig, UpstreamConfig
from suffice.upstream.pool import Pool
from suffice.upstream.recorded import RecordedUpstream
from suffice.upstream.replica import Replica
from suffice.vocabulary import Capabilities, Price, Tier, TierName
from suffice.wire.request import Endpoint, parse

RECORDER_CLOSE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that is ready to serve."""

    app: App
    pipeline: Pipeline
    turnstile: Turnstile
    telemetry: Telemetry
    recorder: Recorder | None


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
    async with _client_session(loaded.config.upstream) as session:
        yield [_open_tier(tier, loaded, session, draw) for tier in tiers]


@asynccontextmanager
async def open_gateway(loaded: Loaded, *, random_source: random.Random | None = None) -> AsyncGenerator[Gateway]:
    """Build a gateway from its configuration; leaving the context closes its connections and its store.

    Args:
        loaded: A configuration without mistakes.
        random_source: Of back-off and replica choice; by default seeded by the system.

    Raises:
        RecordingError: The store cannot be used.
        TapeError: A tape cannot be read.
    """
    config = loaded.config
    draw = (random_source or random.SystemRandom()).random
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(_client_session(config.upstream))
        recorder = Recorder(config.recording, loaded.folder) if config.recording.enabled else None
        if recorder is not None:
            stack.callback(recorder.close, RECORDER_CLOSE_S)
        telemetry = Telemetry(
            build_tiers(config), keys=[key.name for key in config.auth.keys], models=_known_models(config)
        )
        observers: list[Observer] = [telemetry, *([recorder] if recorder is not None else [])]
        upstreams = {TierName(tier.name): _open_tier(tier, loaded, session, draw) for tier in config.tiers}
        pipeline = Pipeline(
            router=build_router(config),
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
        app = App(_parts(loaded, pipeline, turnstile, telemetry, _open_passthrough(loaded, session, draw), recorder))
        yield Gateway(app=app, pipeline=pipeline, turnstile=turnstile, telemetry=telemetry, recorder=recorder)


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


def build_router(config: Config, *, clock: Callable[[], float] = time.monotonic) -> Router:
    """What decides, without anything that calls."""
    decisions = DecisionCache(config.cache, clock=clock) if config.cache.enabled else None
    return Router(
        catalogue=Catalogue(build_tiers(config), config.aliases),
        scorer=build_scorer(config.scorer),
        routing=config.routing,
        settings={name: _settings(config, name) for name in (None, *config.profiles)},
        switch=ModeSwitch(),
        memory=Memory(
            conversations=ConversationStore(config.cache, clock=clock),
            decisions=decisions,
            config=config.routing.escalation_memory,
            clock=clock,
        ),
    )


def dry_run(loaded: Loaded, body: bytes) -> dict[str, object]:
    """Decide on a chat request without a running gateway.

    Raises:
        RequestError: The body is no request, or no tier can serve it.
    """
    router = build_router(loaded.config)
    arrival = Arrival(
        request=parse(Endpoint.CHAT, body), request_id=uuid.uuid4().hex, received_at=time.time(), started_at=0.0
    )
    return describe_route(router.route(arrival), router.scorer.version)


def _settings(config: Config, profile: str | None) -> Settings:
    own = config.profiles[profile] if profile is not None else None
    mode = own.mode if own else None
    percent = own.canary_percent if own else None
    content = own.recording.content if own else None
    max_messages = own.limits.max_messages if own else None
    total_timeout_s = own.limits.total_timeout_s if own else None
    return Settings(
        mode=config.routing.mode if mode is None else mode,
        canary_percent=config.routing.canary_percent if percent is None else percent,
        thresholds={TierName(name): limit for name, limit in resolved_thresholds(config, profile).items()},
        escalation=config.escalation,
        record_content=config.recording.content if content is None else content,
        max_messages=max_messages or config.server.max_messages,
        total_timeout_s=total_timeout_s or config.server.total_timeout_s,
    )


def _profile_limits(config: Config) -> dict[str | None, int]:
    limits = {name: profile.limits.max_concurrent_requests for name, profile in config.profiles.items()}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _client_session(config: UpstreamConfig) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=config.max_connections, keepalive_timeout=60.0),
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
    recorder: Recorder | None,
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
        admin=ModeAdmin(pipeline.router, pipeline.router.switch),
        feedback=Feedback(recorder),
        authenticator=Authenticator(config.auth),
        metrics=lambda: (telemetry.render(), CONTENT_TYPE),
        note_refusal=telemetry.count_refusal,
        new_id=lambda: secrets.token_hex(16),
    )
