"""Replicas that are killed, paused and started again while a gateway uses them."""

import time
from collections.abc import Callable, Generator

import pytest
from chaos_case import LARGE, SMALL, Case, Form, Try, failed, parametrize
from chaos_clients import Asking, ask, begin_stream
from chaos_play import be_well, play
from chaos_results import Answer, Broken, Refusal, Seen
from chaos_scene import Scene, run_scene

TITLE = "A replica is killed, paused or started again"
_PLAIN, _STREAMED = (Form.PLAIN,), (Form.STREAMED,)
_FIRST_BYTE_S = 1.0
"""Long enough for the second replica to answer what has made the first one slow enough to be caught."""


def _kill_before_the_answer(scene: Scene, form: Form) -> Seen:
    asking = Asking(scene, form, "!sleep 0.3")
    index = scene.busy()
    scene.small[index].kill()
    seen = asking.finished()
    scene.restart(index)
    return seen


def _kill_in_mid_stream(scene: Scene, _: Form) -> Seen:
    asking = begin_stream(scene)
    index = scene.busy()
    scene.small[index].kill()
    seen = asking.finished()
    scene.restart(index)
    return seen


def _pause_in_mid_stream(pause_s: float | None) -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, _: Form) -> Seen:
        asking = begin_stream(scene)
        replica = scene.small[scene.busy()]
        scene.pause(replica)
        if pause_s is not None:
            time.sleep(pause_s)
            scene.resume(replica)
        seen = asking.finished()
        scene.resume(replica)
        return seen

    return act


def _pause_before_the_answer(scene: Scene, form: Form) -> Seen:
    asking = Asking(scene, form, "!sleep 0.3")
    replica = scene.small[scene.busy()]
    scene.pause(replica)
    seen = asking.finished()
    scene.resume(replica)
    return seen


def _with_dead(*indexes: int, then: Callable[[Scene, Form], Seen]) -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, form: Form) -> Seen:
        for index in indexes:
            scene.small[index].kill()
        seen = then(scene, form)
        for index in indexes:
            scene.restart(index)
        return seen

    return act


def _restart_between(scene: Scene, form: Form) -> Seen:
    for index in range(2):
        scene.small[index].kill()
        scene.restart(index)
    return ask()(scene, form)


CASES = (
    Case(
        name="SIGKILL before the first byte, another replica is left",
        act=_kill_before_the_answer,
        client=Answer("small"),
        tries=(*failed(1, "small"), SMALL),
    ),
    Case(
        name="SIGKILL in mid-stream",
        act=_kill_in_mid_stream,
        client=Broken("upstream_broken"),
        tries=(Try("small", "upstream_broken"),),
        forms=_STREAMED,
    ),
    Case(
        name="SIGSTOP before the first byte, another replica is left",
        act=_pause_before_the_answer,
        client=Answer("small"),
        tries=(*failed(1, "small", "upstream_timeout"), SMALL),
        at_least_s=_FIRST_BYTE_S,
    ),
    Case(
        name="SIGSTOP in mid-stream",
        act=_pause_in_mid_stream(None),
        client=Broken("upstream_timeout"),
        tries=(Try("small", "upstream_timeout"),),
        forms=_STREAMED,
    ),
    Case(
        name="SIGSTOP in mid-stream, SIGCONT in time",
        act=_pause_in_mid_stream(0.2),
        client=Answer("small"),
        forms=_STREAMED,
        at_least_s=0.2,
    ),
    Case(
        name="Both replicas are dead: nothing listens there",
        act=_with_dead(0, 1, then=ask()),
        client=Answer("large"),
        tries=(*failed(2, "small"), LARGE),
    ),
    Case(
        name="Both replicas are dead, and the client named their tier",
        act=_with_dead(0, 1, then=ask(model="small")),
        client=Refusal(502, "upstream_failed"),
        tries=failed(2, "small"),
        forms=_PLAIN,
    ),
    Case(
        name="Both replicas were started again, their old connections are dead",
        act=_restart_between,
        client=Answer("small"),
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    patient = {"upstream": {"first_byte_timeout_s": _FIRST_BYTE_S}}
    with run_scene(tmp_path_factory.mktemp("replica_faults"), n_small=2, sections=patient) as started:
        be_well(started)
        yield started


@parametrize(CASES)
def test_it_ends_as_the_table_says(case: Case, form: Form, scene: Scene) -> None:
    play(case, form, scene)


def test_a_dead_replica_is_walked_round(scene: Scene) -> None:
    scene.small[0].kill()

    seen = [ask()(scene, Form.PLAIN) for _ in range(20)]

    scene.restart(0)
    for one in seen:
        Answer("small").check(one)
