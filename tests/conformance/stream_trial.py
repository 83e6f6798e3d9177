"""One stream of the fuzzer sent to a gateway, and what h11 makes of it beside."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

import h11
from echo_upstream import digest_of, key_of
from h11_judge import Answers, Asked, End, Reading, read_answers, read_requests
from mutated_streams import CHAT, EMBEDDINGS, Stream, count_canonical

BOUND_S = 20.0
"""A connection that has neither ended nor answered by then hangs."""
GRACE_S = 0.03
"""Time for an answer that should not come."""


@dataclass(slots=True)
class Trial:
    """What became of a stream."""

    stream: Stream
    reading: Reading
    received: bytes = b""
    hangs: bool = False
    problems: list[str] = field(default_factory=list[str])
    must_reach: Counter[bytes] = field(default_factory=Counter[bytes])
    """What was answered, and so has reached an upstream."""
    may_reach: Counter[bytes] = field(default_factory=Counter[bytes])
    """What h11 reads."""


async def run_trial(stream: Stream, port: int) -> Trial:
    """Send a stream and judge the answers; what reached the upstream is for the caller to compare."""
    trial = Trial(stream, read_requests(stream.raw, as_known=True))
    try:
        async with asyncio.timeout(BOUND_S):
            await _converse(trial, port)
    except TimeoutError:
        trial.hangs = True
        trial.problems.append(f"hangs: neither ended nor answered in {BOUND_S:g} s")
    trial.may_reach = Counter(key_of(one.body) for one in trial.reading.requests if generates(one))
    _judge(trial)
    return trial


async def _converse(trial: Trial, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    received = bytearray()
    n_wanted = len(trial.reading.requests)
    with contextlib.suppress(OSError):
        for piece in trial.stream.pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.0005 if len(trial.stream.pieces) < 10 else 0)
        while _count(received) < n_wanted and (chunk := await reader.read(65536)):
            received += chunk
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_S):
                while chunk := await reader.read(65536):
                    received += chunk
        writer.write_eof()
        while chunk := await reader.read(65536):
            received += chunk
    trial.received = bytes(received)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def _count(received: bytearray) -> int:
    try:
        return len(read_answers(bytes(received)).whole)
    except h11.RemoteProtocolError:
        return 1_000_000  # the judgement will say so


def generates(asked: Asked) -> bool:
    """Whether a request is one that reaches an upstream."""
    return asked.method == "POST" and asked.target.partition("?")[0].encode() in {CHAT, EMBEDDINGS}


def _judge(trial: Trial) -> None:
    try:
        answers = read_answers(trial.received, ended=True)
    except h11.RemoteProtocolError as error:
        trial.problems.append(f"the gateway's answer is no HTTP: {error}")
        return
    _judge_each(trial, answers)
    n_canonical, is_all = count_canonical(trial.stream.raw)
    n_asked, n_answered = len(trial.reading.requests), len(answers.whole)
    if trial.hangs:
        return
    if is_all and n_answered != n_canonical:
        trial.problems.append(f"{n_canonical} requests beyond doubt, {n_answered} answers")
    if n_answered > n_asked + 1:
        trial.problems.append(f"{n_answered} answers to {n_asked} requests")
    if answers.rest and trial.reading.end is End.NOTHING:
        trial.problems.append(f"an answer is cut off: {answers.rest[:200]!r}")


def _judge_each(trial: Trial, answers: Answers) -> None:
    requests = trial.reading.requests
    for index, answer in enumerate(answers.whole):
        if answer.status >= 500 and answer.status not in {501, 505}:
            trial.problems.append(f"answer {index} is {answer.status}: {answer.body[:200]!r}")
        if answer.status >= 300:
            continue
        # What needs no body may be answered before it is there.
        early = trial.reading.begun if index == len(requests) else None
        if early is not None and not generates(early):
            continue
        if index >= len(requests):
            trial.problems.append(f"answer {index} is {answer.status}, but h11 reads {trial.reading}")
        elif generates(requests[index]):
            key = key_of(requests[index].body)
            trial.must_reach[key] += 1
            if digest_of(key).encode() not in answer.body:
                trial.problems.append(f"answer {index} is to another request than {requests[index]}")
