"""Upstreams that break the rules of HTTP, or use them to the full."""

import time
from collections.abc import Callable, Generator

import pytest
from chaos_case import BOTH, LARGE, SMALL, Case, Form, Try, failed, parametrize
from chaos_clients import ask
from chaos_play import be_well, play
from chaos_results import Answer, Broken, Seen
from chaos_scene import Scene, run_scene
from scripted_upstream import EVENTS, Peer, Script, chunk, scripted_upstream, serve_well

TITLE = "An upstream breaks the rules of HTTP"
_PLAIN, _STREAMED = (Form.PLAIN,), (Form.STREAMED,)
_CHUNKED = "transfer-encoding: chunked"
_BEGUN = EVENTS[:6]


def _by(script: Script) -> Callable[[Scene, Form], Seen]:
    def act(scene: Scene, form: Form) -> Seen:
        assert scene.scripted is not None
        scene.scripted.script = script
        try:
            return ask()(scene, form)
        finally:
            scene.scripted.script = serve_well

    return act


def _served(name: str, script: Script, *, forms: tuple[Form, ...] = BOTH, note: str = "") -> Case:
    return Case(name=name, act=_by(script), client=Answer("small"), tries=(SMALL,), forms=forms, note=note)


def _passed_over(name: str, script: Script, *, forms: tuple[Form, ...] = BOTH) -> Case:
    """How a broken answer is called depends on where the HTTP client sees it; that it never arrives does not."""
    tries = (*failed(1, "small"), LARGE)
    return Case(name=name, act=_by(script), client=Answer("large"), tries=tries, loose=True, forms=forms)


def _broken_off(name: str, script: Script, *, fails_today: str = "") -> Case:
    return Case(
        name=name,
        act=_by(script),
        client=Broken("upstream_broken"),
        tries=(Try("small", "upstream_broken"),),
        forms=_STREAMED,
        fails_today=fails_today,
    )


def _send(*parts: bytes) -> Script:
    return lambda peer: peer.send(*parts)


def _begin(peer: Peer) -> None:
    """The first events, which the gateway has passed on by the time that anything else happens."""
    peer.send(peer.head(_CHUNKED), *map(chunk, _BEGUN))
    time.sleep(0.1)


def _send_byte_by_byte(peer: Peer) -> None:
    head = peer.head(f"content-length: {len(peer.body)}")
    for byte in head:
        peer.send(bytes([byte]))
    for byte in peer.body:
        peer.send(bytes([byte]))


def _stay_silent_in_the_head(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-ty")
    peer.wait()


def _half_close_after_the_answer(peer: Peer) -> None:
    peer.send(peer.head(f"content-length: {len(peer.body)}"), peer.body)
    peer.half_close()
    peer.wait()


def _half_close_in_mid_answer(peer: Peer) -> None:
    peer.send(peer.head(f"content-length: {len(peer.body)}"), peer.body[: len(peer.body) // 2])
    peer.half_close()
    peer.wait()


def _half_close_in_mid_stream(peer: Peer) -> None:
    _begin(peer)
    peer.half_close()
    peer.wait()


def _half_close_without_a_byte(peer: Peer) -> None:
    peer.half_close()
    peer.wait()


def _reset_in_mid_answer(peer: Peer) -> None:
    peer.send(peer.head("content-length: 1000"), peer.body[:100])
    peer.reset()


def _break_the_framing(peer: Peer) -> None:
    _begin(peer)
    peer.send(b"zz\r\n", EVENTS[6], b"\r\n")


def _promise_more_in_a_chunk(peer: Peer) -> None:
    _begin(peer)
    peer.send(b"ffff\r\n", EVENTS[6])


def _send_no_last_chunk(peer: Peer) -> None:
    peer.send(peer.head(_CHUNKED), *map(chunk, EVENTS))


def _hang_after_done(peer: Peer) -> None:
    _send_no_last_chunk(peer)
    peer.wait()


def _send_bad_json(peer: Peer) -> None:
    _begin(peer)
    peer.send(chunk(b'data: {"choices": [\xff\x00\n\n'))
    peer.wait()


def _send_an_endless_event(peer: Peer) -> None:
    _begin(peer)
    peer.send(chunk(b"data: "))
    while True:
        peer.send(chunk(b"x" * 65536))


CASES = (
    _passed_over("No HTTP at all", _send(b"SSH-2.0-OpenSSH_9.2\r\n")),
    _passed_over("A status line without a status", _send(b"HTTP/1.1 OK\r\n\r\n")),
    _passed_over("The head stops in its middle", _stay_silent_in_the_head),
    _passed_over(
        "A head of 200 kB", lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nx-long: ", b"x" * 200_000, b"\r\n\r\n")
    ),
    _passed_over(
        "Two lengths that differ",
        lambda peer: peer.send(peer.head(f"content-length: {len(peer.body)}", "content-length: 5"), peer.body),
    ),
    _passed_over("A length that is no number", lambda peer: peer.send(peer.head("content-length: ten"), peer.body)),
    _passed_over("A negative length", lambda peer: peer.send(peer.head("content-length: -1"), peer.body)),
    _passed_over(
        "A redirect, which is not followed",
        lambda peer: peer.send(peer.head("location: http://127.0.0.1:1/", "content-length: 0", status="302 Found")),
    ),
    _passed_over("204 without a body", lambda peer: peer.send(peer.head(status="204 No Content"))),
    _passed_over("Its sending side is closed without a byte", _half_close_without_a_byte),
    _passed_over("Its sending side is closed in mid-answer", _half_close_in_mid_answer, forms=_PLAIN),
    _passed_over("A reset in mid-answer", _reset_in_mid_answer, forms=_PLAIN),
    _passed_over(
        "A chunk size that is no number, at once",
        lambda peer: peer.send(peer.head(_CHUNKED), b"zz\r\n", peer.body, b"\r\n"),
    ),
    _passed_over(
        "A compressed answer, though none was asked for",
        lambda peer: peer.send(
            peer.head("content-encoding: gzip", "content-length: 8"), b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
        ),
    ),
    _passed_over(
        "A plain answer, though a stream was asked for",
        lambda peer: peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"),
    ),
    _served("Its sending side is closed after the whole answer", _half_close_after_the_answer),
    _served(
        "An answer that ends with its connection, without a length",
        lambda peer: peer.send(peer.head("connection: close"), peer.body),
    ),
    _served("The answer comes byte by byte", _send_byte_by_byte),
    _served(
        "`100 Continue` before the answer",
        lambda peer: (peer.send(b"HTTP/1.1 100 Continue\r\n\r\n"), serve_well(peer))[1],
    ),
    _served(
        "The last chunk is missing after `[DONE]`",
        _send_no_last_chunk,
        forms=_STREAMED,
        note="the answer itself was whole",
    ),
    _served(
        "It stays silent after `[DONE]`, its connection open",
        _hang_after_done,
        forms=_STREAMED,
        note="the answer itself was whole",
    ),
    _broken_off("Its sending side is closed in mid-stream", _half_close_in_mid_stream),
    _broken_off(
        "A chunk size that is no number, in mid-stream",
        _break_the_framing,
    ),
    _broken_off("A chunk is shorter than it says", _promise_more_in_a_chunk),
    _broken_off("An event that is no JSON", _send_bad_json),
    _broken_off("An event without end", _send_an_endless_event),
)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Generator[Scene]:
    folder = tmp_path_factory.mktemp("http_faults")
    with scripted_upstream() as scripted, run_scene(folder, n_small=0, scripted=scripted) as started:
        be_well(started)
        yield started


@parametrize(CASES)
def test_it_ends_as_the_table_says(case: Case, form: Form, scene: Scene) -> None:
    play(case, form, scene)
