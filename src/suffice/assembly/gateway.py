"""A gateway of a configuration, wired together."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from suffice.assembly.calling import open_passthrough, open_tier
from suffice.assembly.deciding import build_router, build_tiers
from suffice.assembly.lasting import Lasting
from suffice.config import Config, Loaded, build_yardstick, watched_bundle
from suffice.errors import Mistake
from suffice.pipeline.booking import Book
from suffice.pipeline.pipeline import Pipeline
from suffice.pipeline.routing import Router
from suffice.recording.ids import RequestIds
from suffice.recording.recorder import Recorder
from suffice.server.admin import ModeAdmin, Spread
from suffice.server.app import App, Parts
from suffice.server.auth import Authenticator
from suffice.server.bundles import BundleAdmin
from suffice.server.feedback import Feedback
from suffice.server.generate import Generation
from suffice.server.limits import Turnstile
from suffice.server.models import ModelList
from suffice.server.passthrough import Passthrough
from suffice.server.reloading import Reloader, identify
from suffice.server.replicas import ReplicaAdmin
from suffice.server.workers.orders import MODE, RELOAD, Team
from suffice.telemetry import CONTENT_TYPE, BundleState, Telemetry, merge_pages
from suffice.upstream.checks import Checks
from suffice.upstream.pool import Pool
from suffice.upstream.recorded import RecordedUpstream
from suffice.vocabulary import TierName

RECORDER_CLOSE_S = 10.0

logger = logging.getLogger("suffice.assembly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A gateway that is ready to serve."""

    app: App
    pipeline: Pipeline
    lasting: Lasting
    bundles: BundleAdmin
    modes: ModeAdmin
    replicas: ReplicaAdmin
    warnings: tuple[Mistake, ...]
    """What does not quite fit between the configuration and its bundle."""
    watching: asyncio.Task[None] | None
    """Looks for a new bundle."""

    @property
    def turnstile(self) -> Turnstile:
        """How many requests are inside."""
        return self.lasting.turnstile

    @property
    def telemetry(self) -> Telemetry:
        """What is counted."""
        return self.lasting.telemetry

    def leave_force(self) -> None:
        """What runs by this one comes to its end; a new bundle is none of its business any more."""
        if self.watching is not None:
            self.watching.cancel()

    def enter_force(self, config: Config) -> None:
        """From now on this one serves: what outlives configurations goes by its own."""
        self.lasting.adopt(config, self.pipeline.router.memory)
        self.telemetry.watch_replicas(self.replicas.read)
        self.telemetry.watch_bundle(lambda: _bundle_state(self.pipeline.router))


@asynccontextmanager
async def open_lasting(loaded: Loaded) -> AsyncGenerator[Lasting]:
    """What outlives a configuration, with a store of its own for records; leaving the context closes that.

    Raises:
        RecordingError: The store cannot be used.
    """
    config = loaded.config
    recorder = Recorder(config.recording, loaded.folder) if config.recording.enabled else None
    try:
        yield Lasting.of(config, recorder)
    finally:
        if recorder is not None:
            recorder.close(RECORDER_CLOSE_S)


@asynccontextmanager
async def open_gateway(
    loaded: Loaded, *, lasting: Lasting | None = None, random_source: random.Random | None = None
) -> AsyncGenerator[Gateway]:
    """Build a gateway from its configuration; leaving the context closes its connections, and its store if it has one.

    Args:
        loaded: A configuration without mistakes.
        lasting: What outlives it, which goes by it once the gateway enters force; None: nothing does, and it has.
        random_source: Of back-off and replica choice; by default seeded by the system.

    Raises:
        ConfigError: The scorer cannot be built, or its bundle does not go with the rest.
        RecordingError: The store cannot be used.
        TapeError: A tape cannot be read.
    """
    async with AsyncExitStack() as stack:
        # The bundle first: a file that cannot be used must not leave a store behind.
        bundle_file = watched_bundle(loaded)
        seen = identify(bundle_file) if bundle_file is not None else None
        # In a thread: another gateway may be serving meanwhile.
        yardstick = await asyncio.to_thread(build_yardstick, loaded)
        is_alone = lasting is None
        if lasting is None:
            lasting = await stack.enter_async_context(open_lasting(loaded))
        router = build_router(loaded.config, yardstick, lasting.memory_for(loaded.config), lasting.switch)
        pipeline = _open_pipeline(loaded, router, lasting, stack, random_source)
        reloader = watching = None
        if bundle_file is not None:
            build = lambda: _build_again(loaded, pipeline.router)  # noqa: E731 - of two values at hand
            reloader = Reloader(bundle_file, pipeline, build, seen=seen, note=lasting.telemetry.count_reload)
            if loaded.config.scorer.reload_s > 0:
                watching = _own(reloader.watch(loaded.config.scorer.reload_s), stack)
        bundles = BundleAdmin(
            lambda: pipeline.router,
            reloader,
            configuration=lasting.configuration,
            config_hash=loaded.hash,
            spread=_spread(lasting.team, RELOAD),
        )
        modes = ModeAdmin(lambda: pipeline.router, lasting.switch, spread=_spread(lasting.team, MODE))
        passed = open_passthrough(loaded, stack, _draw(random_source))
        parts = _parts(loaded, pipeline, lasting, passed, (bundles, modes))
        gateway = Gateway(
            app=App(parts),
            pipeline=pipeline,
            lasting=lasting,
            bundles=bundles,
            modes=modes,
            replicas=parts.replicas,
            warnings=yardstick.warnings,
            watching=watching,
        )
        if is_alone:
            gateway.enter_force(loaded.config)
        yield gateway


def _open_pipeline(
    loaded: Loaded, router: Router, lasting: Lasting, stack: AsyncExitStack, random_source: random.Random | None
) -> Pipeline:
    config = loaded.config
    tiers = build_tiers(config)
    draw = _draw(random_source)
    observers = (lasting.telemetry,) if lasting.records is None else (lasting.telemetry, lasting.records)
    upstreams = {TierName(tier.name): open_tier(tier, loaded, stack, draw) for tier in config.tiers}
    if config.upstream.checks.path is not None:
        checks = Checks([each for each in upstreams.values() if isinstance(each, Pool)], config.upstream.checks)
        _own(checks.watch(), stack)
    return Pipeline(
        router=router,
        tiers={tier.name: tier for tier in tiers},
        upstreams=upstreams,
        observers=observers,
        book=Book({tier.name: tier for tier in tiers}, top=tiers[-1]),
        clock=time.monotonic,
        config_hash=loaded.hash,
        scores_slowly=config.scorer.kind == "exemplars" and config.scorer.encoder == "minilm",
    )


def _draw(random_source: random.Random | None) -> Callable[[], float]:
    return (random_source or random.Random()).random  # noqa: S311 - spreads load and pauses


def _build_again(loaded: Loaded, router: Router) -> Router:
    """A router by the bundle's file as it is now, in place of one by what it was."""
    yardstick = build_yardstick(loaded)
    for warning in yardstick.warnings:
        logger.warning("%s", warning)
    return build_router(loaded.config, yardstick, router.memory, router.switch)


def _own(work: Coroutine[None, None, None], stack: AsyncExitStack) -> asyncio.Task[None]:
    """Run something until the stack is left, which owns the task."""
    task = asyncio.create_task(work)
    stack.push_async_callback(asyncio.wait, [task])
    stack.callback(task.cancel)
    return task


def _bundle_state(router: Router) -> BundleState | None:
    bundle = router.bundle
    return BundleState(id=bundle.id, generic=bundle.manifest.generic) if bundle is not None else None


def _spread(team: Team | None, name: str) -> Spread | None:
    """What lets the other workers do what was done in this one; None: there are none."""
    return None if team is None else partial(team.spread, name)


async def _read_metrics(telemetry: Telemetry, team: Team | None) -> tuple[bytes, str]:
    if team is None:
        return telemetry.render(), CONTENT_TYPE
    pages = await team.pages()
    # Reading them takes milliseconds for each worker.
    return await asyncio.to_thread(merge_pages, pages), CONTENT_TYPE


def _parts(
    loaded: Loaded,
    pipeline: Pipeline,
    lasting: Lasting,
    passed: Mapping[str, Pool],
    admins: tuple[BundleAdmin, ModeAdmin],
) -> Parts:
    config, telemetry, turnstile = loaded.config, lasting.telemetry, lasting.turnstile
    called = [*pipeline.upstreams.values(), *passed.values()]
    read_tiers = lambda: [each.state() for each in called if isinstance(each, Pool | RecordedUpstream)]  # noqa: E731 - of a value at hand
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
        admin=admins[1],
        bundles=admins[0],
        replicas=ReplicaAdmin(read_tiers),
        feedback=Feedback(lasting.records),
        authenticator=Authenticator(config.auth),
        metrics=lambda: _read_metrics(telemetry, lasting.team),
        note_refusal=telemetry.count_refusal,
        new_id=RequestIds(),
    )
