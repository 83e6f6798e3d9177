import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bundles_in_force import bundled_router

from suffice.errors import BundleError, ConfigError, ConflictError, Mistake
from suffice.pipeline.pipeline import Pipeline
from suffice.pipeline.routing import Router
from suffice.server import reloading
from suffice.server.reloading import Identity, Reloader, identify
from suffice.testing.fakes import FakeUpstream, make_pipeline, make_router
from suffice.vocabulary import Mode

SOON_S = 0.001


@dataclass
class Scene:
    """A gateway by bundle `a`, and what its next bundle will be."""

    path: Path
    next: Callable[[Router], Router] = lambda base: bundled_router("b", base=base)
    n_built: int = 0
    notes: list[str] = field(default_factory=list[str])
    noted: asyncio.Queue[str] = field(default_factory=asyncio.Queue[str])
    pipeline: Pipeline = field(init=False)

    def __post_init__(self) -> None:
        self.path.write_bytes(b"a")
        router = bundled_router("a", base=make_router(mode=Mode.OBSERVE))
        self.pipeline, _ = make_pipeline(FakeUpstream([]), FakeUpstream([]), router=router)

    def build(self) -> Router:
        self.n_built += 1
        return self.next(self.pipeline.router)

    def read_notes(self) -> list[str]:
        while not self.noted.empty():
            self.notes.append(self.noted.get_nowait())
        return self.notes

    def reloader(self) -> Reloader:
        return Reloader(self.path, self.pipeline, self.build, seen=identify(self.path), note=self.noted.put_nowait)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "b")


def raising(error: Exception) -> Callable[[Router], Router]:
    def build(_: Router) -> Router:
        raise error

    return build


async def watch(scene: Scene, reloader: Reloader, *, n_notes: int, then: Callable[[], object] = lambda: None) -> None:
    """Watch the file, change something, and wait until so many reloads were noted."""
    async with asyncio.timeout(10.0), asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(reloader.watch(SOON_S))
        then()
        for _ in range(n_notes):
            scene.notes.append(await scene.noted.get())
        watching.cancel()


def look(monkeypatch: pytest.MonkeyPatch, *identities: Identity) -> Iterator[Identity]:
    """Let each look at the file see the next of these."""
    looks = iter(identities)

    def identify_next(_: Path) -> Identity:
        return next(looks)

    monkeypatch.setattr(reloading, "identify", identify_next)
    return looks


def test_a_new_bundle_takes_the_place_of_the_old_one_with_its_memory_and_switch(scene: Scene) -> None:
    before = scene.pipeline.router

    is_new = asyncio.run(scene.reloader().reload())

    after = scene.pipeline.router
    assert (is_new, after.bundle_id, scene.read_notes()) == (True, "b", ["swapped"])
    assert (after.memory, after.switch) == (before.memory, before.switch)
    assert before.bundle_id == "a"


def test_the_same_bundle_stays_with_what_it_has_learned(scene: Scene) -> None:
    scene.next = lambda base: bundled_router("a", base=base)
    before = scene.pipeline.router

    is_new = asyncio.run(scene.reloader().reload())

    assert (is_new, scene.read_notes()) == (False, ["unchanged"])
    assert scene.pipeline.router is before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ConfigError([Mistake("scorer.bundle", "b", "is cut"), Mistake("routing.mode", "route", "is held")]),
            "is cut; ",
        ),
        (BundleError("bundle is no bundle"), "bundle is no bundle"),
        (RuntimeError("a secret of the code"), "the gateway failed on it"),
    ],
)
def test_what_cannot_be_used_leaves_the_old_one_in_force(scene: Scene, error: Exception, said: str) -> None:
    scene.next = raising(error)
    reloader = scene.reloader()

    with pytest.raises(ConflictError, match="bundle a stays in force") as caught:
        asyncio.run(reloader.reload())

    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert reloader.last_refusal is not None
    assert (scene.pipeline.router.bundle_id, scene.read_notes()) == ("a", ["refused"])


def test_a_bundle_that_takes_too_long_is_refused(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "LOAD_TIMEOUT_S", 0.0)

    with pytest.raises(ConflictError, match="took longer than 0 s"):
        asyncio.run(scene.reloader().reload())


def test_a_good_bundle_after_a_refused_one_ends_the_refusal(scene: Scene) -> None:
    reloader = scene.reloader()
    good, scene.next = scene.next, raising(BundleError("cut"))

    async def run() -> None:
        with pytest.raises(ConflictError):
            await reloader.reload()
        scene.next = good
        await reloader.reload()

    asyncio.run(run())

    assert (reloader.last_refusal, scene.read_notes()) == (None, ["refused", "swapped"])


@pytest.mark.parametrize("mode", [Mode.CANARY, Mode.ROUTE])
def test_a_bundle_for_observing_is_refused_where_routing_was_switched_on(scene: Scene, mode: Mode) -> None:
    scene.next = lambda base: bundled_router("g", base=base, observe_only="it is generic")
    scene.pipeline.router.switch.mode = mode

    with pytest.raises(ConflictError, match=f"the mode is {mode}, and it is generic"):
        asyncio.run(scene.reloader().reload())

    assert scene.pipeline.router.bundle_id == "a"


@pytest.mark.parametrize("mode", [None, Mode.OBSERVE])
def test_a_bundle_for_observing_is_taken_where_nothing_is_routed(scene: Scene, mode: Mode | None) -> None:
    scene.next = lambda base: bundled_router("g", base=base, observe_only="it is generic")
    scene.pipeline.router.switch.mode = mode

    assert asyncio.run(scene.reloader().reload())
    assert scene.pipeline.router.bundle_id == "g"


def test_a_replaced_file_is_noticed(scene: Scene) -> None:
    asyncio.run(watch(scene, scene.reloader(), n_notes=1, then=lambda: scene.path.write_bytes(b"bb")))

    assert (scene.notes, scene.pipeline.router.bundle_id) == (["swapped"], "b")


def test_a_file_that_stays_is_not_read_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    reloader = scene.reloader()
    looks = look(monkeypatch, *[identify(scene.path)] * 5, (1,), (1,))

    asyncio.run(watch(scene, reloader, n_notes=1))

    assert (scene.n_built, list(looks)) == (1, [])


def test_a_refusal_is_logged_once_for_each_change(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "suffice.server")
    scene.next = raising(BundleError("is cut off"))
    reloader = scene.reloader()
    look(monkeypatch, *[(1,)] * 7, None, None)

    asyncio.run(watch(scene, reloader, n_notes=2))

    assert [record.getMessage() for record in caplog.records] == ["bundle a stays in force: is cut off"] * 2
    assert scene.notes == ["refused", "refused"]


def test_a_change_while_the_file_is_read_is_noticed_afterwards(scene: Scene) -> None:
    def build(base: Router) -> Router:
        if scene.n_built == 1:
            scene.path.write_bytes(b"written on")
            raise BundleError("is cut off")
        return bundled_router("b", base=base)

    scene.next = build

    asyncio.run(watch(scene, scene.reloader(), n_notes=2, then=lambda: scene.path.write_bytes(b"half")))

    assert (scene.notes, scene.pipeline.router.bundle_id) == (["refused", "swapped"], "b")


def test_a_file_that_is_not_there_has_no_identity(tmp_path: Path) -> None:
    assert identify(tmp_path / "none") is None
