"""Upstreams that fail before the first byte of an answer: another try, another tier, or an error that says so."""

from collections.abc import Generator

import pytest
from chaos_case import BOTH, LARGE, SMALL, Case, Form, Try, failed, parametrize
from chaos_clients import ask
from chaos_play import be_well, play
from chaos_results import Answer, AsWritten, Refusal
from chaos_scene import PATIENCE_S, Scene, run_scene

TITLE = "An upstream fails before the first byte"
_ON = "on small-model"
_UP = Answer("large")
_PLAIN, _STREAMED = (Form.PLAIN,), (Form.STREAMED,)


def _status(status: int, *forms: Form) -> Case:
    return Case(
        name=f"Every replica of a tier answers {status}",
        act=ask(f"!status {status} {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", status=status), LARGE),
        forms=forms,
    )


CASES = (
    _status(500, *BOTH),
    _status(502, Form.PLAIN),
    _status(503, *BOTH),
    _status(504, Form.STREAMED),
    Case(
        name="503, once",
        act=ask(f"!status 503 {_ON} first 1"),
        client=Answer("small"),
        tries=(*failed(1, "small", status=503), SMALL),
    ),
    Case(
        name="503 with `Retry-After: 1`, once",
        act=ask(f"!status 503 1 {_ON} first 1"),
        client=Answer("small"),
        tries=(*failed(1, "small", status=503), SMALL),
        at_least_s=1.0,
        forms=_PLAIN,
        note="the second try waits for that second",
    ),
    Case(
        name="429 with `Retry-After: 1`, once",
        act=ask(f"!status 429 1 {_ON} first 1"),
        client=Answer("small"),
        tries=(*failed(1, "small", "upstream_busy", 429), SMALL),
        at_least_s=1.0,
        forms=_PLAIN,
        note="the second try waits for that second",
    ),
    Case(
        name="429 without Retry-After, on a whole tier",
        act=ask(f"!status 429 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_busy", 429), LARGE),
        forms=_STREAMED,
    ),
    Case(
        name="429 at every tier",
        act=ask("!status 429 0.1"),
        client=Refusal(429, "upstream_busy", retry_after=True),
        tries=(*failed(2, "small", "upstream_busy", 429), *failed(2, "large", "upstream_busy", 429)),
    ),
    Case(
        name="503 with `Retry-After: 1` at every tier",
        act=ask("!status 503 1"),
        client=Refusal(502, "upstream_failed", retry_after=True),
        tries=(*failed(2, "small", status=503), *failed(2, "large", status=503)),
        forms=_PLAIN,
    ),
    Case(
        name="500 at every tier",
        act=ask("!status 500"),
        client=Refusal(502, "upstream_failed"),
        tries=(*failed(2, "small", status=500), *failed(2, "large", status=500)),
    ),
    Case(
        name="500 at a tier that the client named",
        act=ask("!status 500", model="small"),
        client=Refusal(502, "upstream_failed"),
        tries=failed(2, "small", status=500),
        note="never another model than the one named",
    ),
    Case(
        name="401: the gateway's own key is refused",
        act=ask(f"!status 401 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", status=401), LARGE),
    ),
    Case(
        name="404: the model is not loaded there",
        act=ask(f"!status 404 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", status=404), LARGE),
    ),
    Case(
        name="422: only the client can mend its request",
        act=ask("!status 422"),
        client=AsWritten(422, "field required"),
        tries=(Try("small", None, 422),),
    ),
    Case(
        name="The context of a tier is too small",
        act=ask(f"!context 3 vllm {_ON}"),
        client=_UP,
        tries=(Try("small", None, 400), LARGE),
    ),
    Case(
        name="The context of every tier is too small",
        act=ask("!context 3 openai"),
        client=AsWritten(400, "context_length_exceeded"),
        tries=(Try("small", None, 400), Try("large", None, 400)),
    ),
    Case(
        name="The connection is closed without a byte",
        act=ask(f"!drop {_ON}"),
        client=_UP,
        tries=(*failed(2, "small"), LARGE),
    ),
    Case(
        name="The connection is closed without a byte, at every tier",
        act=ask("!drop"),
        client=Refusal(502, "upstream_failed"),
        tries=(*failed(2, "small"), *failed(2, "large")),
    ),
    Case(
        name="No answer comes",
        act=ask(f"!hang {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_timeout"), LARGE),
        at_least_s=2 * PATIENCE_S,
    ),
    Case(
        name="No answer comes from any tier",
        act=ask("!hang"),
        client=Refusal(504, "upstream_timeout"),
        tries=(*failed(2, "small", "upstream_timeout"), *failed(2, "large", "upstream_timeout")),
        forms=_PLAIN,
    ),
    Case(
        name="The answer comes late, but in time",
        act=ask("!sleep 0.2"),
        client=Answer("small"),
        at_least_s=0.2,
    ),
    Case(
        name="The answer stops in its middle",
        act=ask(f"!stall 0 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_timeout"), LARGE),
        forms=_PLAIN,
    ),
    Case(
        name="The stream stops before its first event",
        act=ask(f"!stall 0 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_timeout"), LARGE),
        forms=_STREAMED,
    ),
    Case(
        name="The answer is cut off in its middle",
        act=ask(f"!cut 0 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_broken"), LARGE),
        forms=_PLAIN,
    ),
    Case(
        name="The stream is cut off before its first event",
        act=ask(f"!cut 0 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_broken"), LARGE),
        forms=_STREAMED,
    ),
    Case(
        name="The stream ends before its first event",
        act=ask(f"!end 0 {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_broken"), LARGE),
        forms=_STREAMED,
    ),
    Case(
        name="The stream's first event is an error",
        act=ask(f"!error 0 {_ON}"),
        client=_UP,
        tries=(Try("small", "upstream_broken"), LARGE),
        forms=_STREAMED,
    ),
    Case(
        name="200 with a page of HTML",
        act=ask(f"!garbage {_ON}"),
        client=_UP,
        tries=(Try("small", "upstream_broken"), LARGE),
    ),
    Case(
        name="200 with a page of HTML, at every tier",
        act=ask("!garbage"),
        client=Refusal(502, "upstream_broken"),
        tries=(Try("small", "upstream_broken"), Try("large", "upstream_broken")),
    ),
    Case(
        name="Content-Length is more than the answer",
        act=ask(f"!length long {_ON}"),
        client=_UP,
        tries=(*failed(2, "small", "upstream_broken"), LARGE),
        forms=_PLAIN,
    ),
    Case(
        name="Content-Length is less than the answer",
        act=ask(f"!length short {_ON}"),
        client=_UP,
        tries=(Try("small", "upstream_broken"), LARGE),
        loose=True,
        forms=_PLAIN,
    ),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    with run_scene(tmp_path_factory.mktemp("upstream_faults")) as started:
        be_well(started)
        yield started


@parametrize(CASES)
def test_it_ends_as_the_table_says(case: Case, form: Form, scene: Scene) -> None:
    play(case, form, scene)
