import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from suffice.assembly import Generations, Lasting, generations
from suffice.config import Loaded, load
from suffice.errors import ConflictError
from suffice.server.app import App
from suffice.server.http import Request, Responder
from suffice.testing import write_settings
from suffice.testing.bundles import write_random_bundle
from suffice.vocabulary import Mode

NOBODY = ["http://127.0.0.1:1"]


@dataclass
class Scene:
    """A file, and what serves by it."""

    folder: Path
    hold: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    """By configuration: requests wait for it."""
    served: list[str] = field(default_factory=list[str])

    @property
    def path(self) -> Path:
        return self.folder / "suffice.yaml"

    def write(self, **sections: Mapping[str, object]) -> Loaded:
        """Write the file with further sections."""
        routing = {"max_complexity": {"small": 4.0}, **sections.pop("routing", {})}
        recording = {"enabled": False, **sections.pop("recording", {})}
        all_sections = {**sections, "routing": routing, "recording": recording}
        write_settings(self.folder, small=NOBODY, large=NOBODY, sections=all_sections)
        return self.read()

    def read(self) -> Loaded:
        return load(self.path, {})

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Generations]:
        """What serves by the file as it is now."""
        loaded = self.read()
        opened = Generations(Lasting.of(loaded.config, None), self.read)
        async with asyncio.timeout(30.0):
            await opened.open(loaded)
            try:
                yield opened
            finally:
                await opened.close()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    made = Scene(tmp_path)

    async def serve(app: App, request: Request, _: Responder) -> None:
        """Note which configuration a request went by, once it may."""
        parts = app._parts  # pyright: ignore[reportPrivateUsage] - stands in for the application
        config_hash = parts.bundles.config_hash
        if config_hash in made.hold:
            await made.hold[config_hash].wait()
        made.served.append(config_hash)

    monkeypatch.setattr(App, "serve", serve)
    made.write()
    return made


def ask(opened: Generations) -> "asyncio.Task[None]":
    """A request; it goes by what is in force now."""
    return asyncio.create_task(opened.serve(None, None))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - nobody looks at it


def changed(threshold: float) -> dict[str, object]:
    return {"max_complexity": {"small": threshold}}


def test_requests_go_by_the_configuration_that_was_in_force_when_they_came(scene: Scene) -> None:
    async def run() -> tuple[str, str]:
        async with scene.open() as opened:
            old = opened.loaded.hash
            scene.hold[old] = asyncio.Event()
            first = ask(opened)
            await asyncio.sleep(0)
            new = scene.write(routing=changed(5.0)).hash
            assert await opened.reload()
            await ask(opened)
            scene.hold[old].set()
            await first
            return old, new

    old, new = asyncio.run(run())

    assert scene.served == [new, old]


def test_the_old_one_is_closed_once_its_last_request_is_over_and_not_before(scene: Scene) -> None:
    async def run() -> list[bool]:
        async with scene.open() as opened:
            closed: list[str] = []
            old = opened._current  # pyright: ignore[reportPrivateUsage] - whose end is to be seen
            old.stack.callback(closed.append, "old")
            scene.hold[opened.loaded.hash] = asyncio.Event()
            running = [ask(opened), ask(opened)]
            await asyncio.sleep(0)
            scene.write(routing=changed(5.0))
            await opened.reload()
            for _ in range(10):
                await asyncio.sleep(0)
            seen = [bool(closed)]
            scene.hold[old.loaded.hash].set()
            await asyncio.wait(running)
            await asyncio.wait(opened._retiring) if opened._retiring else None  # pyright: ignore[reportPrivateUsage]
            return [*seen, bool(closed)]

    assert asyncio.run(run()) == [False, True]


def test_all_are_closed_at_the_end_though_a_request_never_is(scene: Scene) -> None:
    closed: list[str] = []

    async def run() -> None:
        async with scene.open() as opened:
            opened._current.stack.callback(closed.append, "old")  # pyright: ignore[reportPrivateUsage] - as above
            scene.hold[opened.loaded.hash] = asyncio.Event()
            stuck = ask(opened)
            await asyncio.sleep(0)
            scene.write(routing=changed(5.0))
            await opened.reload()
            opened._current.stack.callback(closed.append, "new")  # pyright: ignore[reportPrivateUsage] - as above
        stuck.cancel()
        await asyncio.wait([stuck])

    asyncio.run(run())

    assert closed == ["old", "new"]


def test_no_task_is_left_when_all_are_closed(scene: Scene) -> None:
    async def run() -> int:
        async with scene.open() as opened:
            for threshold in range(5):
                scene.write(routing=changed(5.0 + threshold))
                await opened.reload()
                await ask(opened)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


def test_a_file_that_says_the_same_changes_nothing(scene: Scene) -> None:
    async def run() -> bool:
        async with scene.open() as opened:
            before = opened.gateway
            scene.path.write_text(f"# a comment\n{scene.path.read_text()}")
            return await opened.reload() or opened.gateway is not before

    assert not asyncio.run(run())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tiers: 7\n", r"tiers \(line 1\): 7: must be a list"),
        ("", "is empty"),
        ("tiers: [\n", "line"),
        (None, "there is no such file"),
    ],
)
def test_a_file_that_cannot_be_used_leaves_the_old_one_in_force_and_says_why(
    scene: Scene, text: str | None, why: str
) -> None:
    good = scene.path.read_text()

    async def run() -> None:
        async with scene.open() as opened:
            before = opened.gateway
            if text is None:
                scene.path.unlink()
            else:
                scene.path.write_text(text)
            with pytest.raises(ConflictError, match=f"configuration {opened.loaded.hash} stays in force: .*{why}"):
                await opened.reload()
            assert opened.gateway is before
            assert opened.last_refusal
            assert opened.bundles.describe()["configuration_refusal"] == opened.last_refusal
            await ask(opened)
            scene.path.write_text(good)
            assert not await opened.reload()
            assert opened.last_refusal is None

    asyncio.run(run())


def test_a_fault_of_the_gateway_is_told_without_its_inside(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> str:
        async with scene.open() as opened:

            def fail() -> Loaded:
                raise RuntimeError("a secret of the code")

            opened._read = fail  # pyright: ignore[reportPrivateUsage] - in place of the file
            with pytest.raises(ConflictError) as caught:
                await opened.reload()
            return str(caught.value)

    told = asyncio.run(run())

    assert "the gateway failed on it (RuntimeError)" in told
    assert "secret" not in told
    assert "a secret of the code" in caplog.text


def test_reading_that_takes_too_long_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "LOAD_TIMEOUT_S", 0.0)

    async def run() -> None:
        async with scene.open() as opened:
            with pytest.raises(ConflictError, match="took longer than 0 s"):
                await opened.reload()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("mode", "is_taken"), [(Mode.ROUTE, False), (Mode.CANARY, False), (Mode.OBSERVE, True), (None, True)]
)
def test_a_bundle_for_observing_is_taken_only_where_nothing_was_switched_to_routing(
    scene: Scene, mode: Mode | None, *, is_taken: bool
) -> None:
    write_random_bundle(scene.folder / "g.bundle", seed=7, generic=True)
    scene.write(routing={"mode": "observe"})

    async def run() -> bool:
        async with scene.open() as opened:
            opened.gateway.modes.switch.mode = mode
            scene.write(
                routing={"mode": "observe", "max_complexity": {}}, scorer={"kind": "learned", "bundle": "g.bundle"}
            )
            with nullcontext() if is_taken else pytest.raises(ConflictError, match=f"the mode is {mode}, and"):
                await opened.reload()
            page = opened.gateway.telemetry.render()
            assert (b"suffice_bundle_info{" in page) == is_taken
            return opened.gateway.pipeline.router.bundle is not None

    assert asyncio.run(run()) == is_taken


def test_a_refused_configuration_is_not_shown_in_metrics(scene: Scene) -> None:
    """Its tiers were built, and have to be forgotten."""
    write_random_bundle(scene.folder / "g.bundle", seed=7, generic=True)
    scene.write(routing={"mode": "observe"})

    async def run() -> str:
        async with scene.open() as opened:
            opened.gateway.modes.switch.mode = Mode.ROUTE
            write_settings(
                scene.folder,
                small=["http://127.0.0.2:1"],
                large=NOBODY,
                sections={
                    "routing": {"mode": "observe", "max_complexity": {}},
                    "scorer": {"kind": "learned", "bundle": "g.bundle"},
                    "recording": {"enabled": False},
                },
            )
            with pytest.raises(ConflictError):
                await opened.reload()
            return opened.gateway.telemetry.render().decode()

    page = asyncio.run(run())

    assert 'suffice_replica_healthy{replica="http://127.0.0.1:1/v1",tier="small"}' in page
    assert "127.0.0.2" not in page


def test_counts_mode_and_memory_go_on_and_limits_change(scene: Scene) -> None:
    async def run() -> None:
        async with scene.open() as opened:
            before = opened.gateway
            before.modes.switch_to(b'{"mode":"observe"}')
            before.telemetry.count_reload("swapped")
            scene.write(server={"max_concurrent_requests": 5}, auth={"keys": []})
            await opened.reload()
            after = opened.gateway
            assert after is not before
            assert after.modes.switch.mode is Mode.OBSERVE
            assert after.pipeline.router.memory is before.pipeline.router.memory
            assert (after.turnstile is before.turnstile, after.turnstile.limit) == (True, 5)
            assert b'suffice_bundle_reloads_total{outcome="swapped"} 1.0' in after.telemetry.render()
            assert opened.limits.max_concurrent_requests == 5

    asyncio.run(run())


def test_memory_begins_anew_where_its_bounds_have_changed(scene: Scene) -> None:
    async def run() -> list[bool]:
        async with scene.open() as opened:
            seen: list[bool] = []
            for section in (
                {"cache": {"max_entries": 10}},
                {"cache": {"max_entries": 10}, "server": {"max_headers": 9}},
            ):
                before = opened.gateway.pipeline.router.memory
                scene.write(**section)
                assert await opened.reload()
                seen.append(opened.gateway.pipeline.router.memory is before)
            return seen

    assert asyncio.run(run()) == [False, True]


async def watch(opened: Generations, path: Path, then: Callable[[], object], is_over: Callable[[], bool]) -> None:
    """Watch the file, change it, and wait until what should come of it has."""
    watching = asyncio.create_task(opened.watch(path))
    then()
    while not is_over():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.005)
    watching.cancel()
    await asyncio.wait([watching])


def test_a_changed_file_is_noticed_also_where_it_changed_before_anybody_watched(scene: Scene) -> None:
    scene.write(server={"reload_s": 0.01})

    async def run() -> None:
        async with scene.open() as opened:
            old = opened.loaded.hash
            scene.write(server={"reload_s": 0.01}, routing=changed(5.0))
            await watch(opened, scene.path, lambda: None, lambda: opened.loaded.hash != old)

    asyncio.run(run())


def test_a_refusal_is_logged_once_for_each_change(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "suffice.assembly")
    good = scene.write(server={"reload_s": 0.005}, routing=changed(5.0))
    text = scene.path.read_text()

    async def run() -> None:
        async with scene.open() as opened:
            n_looks = 0

            def is_over() -> bool:
                nonlocal n_looks
                n_looks += opened.last_refusal is not None
                return n_looks > 20

            await watch(opened, scene.path, lambda: scene.path.write_text("tiers: 7\n"), is_over)
            scene.path.write_text(text)
            assert not await opened.reload()
            assert opened.loaded.hash == good.hash

    asyncio.run(run())

    assert sum("stays in force" in record.getMessage() for record in caplog.records) == 1


def test_watching_begins_when_a_new_configuration_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generations, "_LOOK_AGAIN_S", 0.005)
    scene.write(server={"reload_s": 0})

    async def run() -> None:
        async with scene.open() as opened:
            hashes = {opened.loaded.hash}

            def is_over() -> bool:
                if opened.loaded.hash not in hashes:
                    hashes.add(opened.loaded.hash)
                    scene.write(server={"reload_s": 0.005}, routing=changed(6.0))
                return len(hashes) == 3

            scene.write(server={"reload_s": 0.005})
            assert await opened.reload()
            await watch(opened, scene.path, lambda: None, is_over)

    asyncio.run(run())
