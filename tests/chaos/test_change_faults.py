"""What changes under a running gateway goes wrong: a bundle that cannot be used, a wall clock that jumps."""

import json
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from chaos_case import Case, Form, Try, parametrize
from chaos_clients import ask, begin_stream, exchange, order, request_bytes
from chaos_play import be_well, play
from chaos_results import Answer, Broken, Seen
from chaos_scene import Scene, run_scene

from suffice.testing import call
from suffice.testing.bundles import write_random_bundle

TITLE = "What changes under a running gateway goes wrong"
_STREAMED = (Form.STREAMED,)
_BUNDLE = "b.bundle"
_CLOCK = "clock"
_HOUR_S = 3600.0
_HERE = Path(__file__).parent


def _break_the_bundle(change: Callable[[Path], object], because: str) -> Callable[[Scene, Form], Seen]:
    """Reload after the bundle's file was spoilt; the one in force must go on, and the answer say why."""

    def act(scene: Scene, form: Form) -> Seen:
        file = scene.folder / _BUNDLE
        whole = file.read_bytes()
        before = _bundle_in_force(scene)
        change(file)
        answer = call(scene.gateway.address, "POST", "/admin/reload", b"{}")
        assert answer.status == 409, answer
        assert because in answer.document["error"]["message"], answer
        seen = ask()(scene, form)
        assert _bundle_in_force(scene) == before
        file.write_bytes(whole)
        return seen

    return act


def _bundle_in_force(scene: Scene) -> str:
    return json.loads(call(scene.gateway.address, "GET", "/admin/bundle").body)["id"]


def _refused(name: str, change: Callable[[Path], object], because: str) -> Case:
    return Case(
        name=name,
        act=_break_the_bundle(change, because),
        client=Answer("small"),
        metrics={"suffice_bundle_reloads_total{outcome=refused}": 1},
        note="the reload is a 409 that says why; the bundle before stays in force",
    )


RELOADS = (
    _refused("A bundle is cut off", lambda file: file.write_bytes(file.read_bytes()[:1000]), "cut off"),
    _refused("A bundle is empty", lambda file: file.write_bytes(b""), "is empty"),
    _refused("A bundle is something else", lambda file: file.write_text("tiers: []\n" * 100), "bundle"),
    _refused("A bundle is deleted", lambda file: file.unlink(), "cannot be read"),
)


def _set_clock(scene: Scene, offset_s: float) -> None:
    # In place of the old file at once: the gateway may be reading it.
    new = scene.folder / "new-clock"
    new.write_text(str(offset_s), encoding="utf-8")
    new.replace(scene.folder / _CLOCK)


def _jump_in_mid_stream(offset_s: float, *orders: str) -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, _: Form) -> Seen:
        asking = begin_stream(scene, *orders)
        _set_clock(scene, offset_s)
        seen = asking.finished()
        _set_clock(scene, 0.0)
        return seen

    return act


def _jump_between(scene: Scene, form: Form) -> Seen:
    """The same question twice, a week apart by the wall clock and a moment by the monotonic one."""
    request = request_bytes(order(), form)
    Answer("small").check(exchange(scene, request))
    _set_clock(scene, 7 * 24 * _HOUR_S)
    seen = exchange(scene, request)
    _set_clock(scene, 0.0)
    assert seen.headers["x-suffice-cache"] == "hit", seen
    return seen


CLOCKS = (
    Case(
        name="The wall clock jumps six hours ahead in mid-stream",
        act=_jump_in_mid_stream(6 * _HOUR_S),
        client=Answer("small"),
        forms=_STREAMED,
        note="durations are by the monotonic clock",
    ),
    Case(
        name="The wall clock jumps six hours back in mid-stream",
        act=_jump_in_mid_stream(-6 * _HOUR_S),
        client=Answer("small"),
        forms=_STREAMED,
        note="durations are by the monotonic clock",
    ),
    Case(
        name="The wall clock jumps six hours back while a stream is silent",
        act=_jump_in_mid_stream(-6 * _HOUR_S, "!stall 3"),
        client=Broken("upstream_timeout"),
        tries=(Try("small", "upstream_timeout"),),
        forms=_STREAMED,
        note="the timeout comes when it should",
    ),
    Case(
        name="The wall clock jumps a week ahead between two requests",
        act=_jump_between,
        client=Answer("small"),
        n_records=2,
        note="what is cached stays; no record is deleted for its age",
    ),
)
CASES = (*RELOADS, *CLOCKS)


@pytest.fixture(scope="module")
def reloading(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    """A gateway that scores by a bundle, and reads it again only when it is told to."""
    folder = tmp_path_factory.mktemp("reloads")
    write_random_bundle(folder / _BUNDLE, thresholds={"balanced": 5.0})
    sections = {"scorer": {"kind": "learned", "bundle": _BUNDLE, "reload_s": 0.0}}
    with run_scene(folder, sections=sections) as started:
        be_well(started)
        yield started


@pytest.fixture(scope="module")
def shifted(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    """A gateway whose wall clock the tests set."""
    folder = tmp_path_factory.mktemp("clocks")
    (folder / _CLOCK).write_text("0", encoding="utf-8")
    program = (str(_HERE / "shifted_clock.py"), str(folder / _CLOCK))
    with run_scene(folder, program=program) as started:
        be_well(started)
        yield started


@parametrize(RELOADS)
def test_a_bundle_that_cannot_be_used_ends_as_the_table_says(case: Case, form: Form, reloading: Scene) -> None:
    play(case, form, reloading)


@parametrize(CLOCKS)
def test_a_jump_of_the_clock_ends_as_the_table_says(case: Case, form: Form, shifted: Scene) -> None:
    play(case, form, shifted)
