"""`make fuzz`: send a gateway streams of requests, changed where parsers disagree, with h11 as the second opinion.

What both read must be the same requests: as many, with the same bodies at the upstream, each with its own answer. The
gateway may refuse what is not beyond doubt. A stream that shows otherwise is made as short as it goes and printed.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from echo_upstream import EchoUpstream, run_echo
from mutated_streams import Stream, make_stream
from stream_trial import Trial, run_trial

from suffice.testing import Server, run_gateway, write_settings

BATCH = 64
SETTLE_S = 0.2
MAX_SHRINKS = 600
LIMITS = {"read_timeout_s": 2.0, "idle_timeout_s": 4.0, "max_header_bytes": 8192}


@dataclass(slots=True)
class Report:
    """What a run has found."""

    n_streams: int = 0
    n_requests: int = 0
    n_answered: int = 0
    n_refused: int = 0
    """Streams of which h11 reads more requests than were answered well."""
    failures: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        return (
            f"{self.n_streams} streams, {self.n_requests} requests read by h11, {self.n_answered} of them generated, "
            f"{self.n_refused} streams refused in part, {len(self.failures)} failures"
        )


@dataclass(slots=True)
class Fuzzer:
    """A gateway under fire."""

    gateway: Server
    upstream: EchoUpstream
    report: Report = field(default_factory=Report)

    async def run(self, seed: int, until: Callable[[], bool]) -> Report:
        """Send batches until it is time, or something fails."""
        index = 0
        while not until() and not self.report.failures:
            streams = [make_stream(f"{seed}-{number}") for number in range(index, index + BATCH)]
            index += BATCH
            trials = await self._try_all(streams)
            self._count(trials)
            if problems := self._problems(trials):
                await self._explain(streams, problems)
        return self.report

    async def _try_all(self, streams: Sequence[Stream]) -> list[Trial]:
        self.upstream.seen.clear()
        self.upstream.problems.clear()
        self.gateway.output.clear()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(run_trial(stream, self.gateway.port)) for stream in streams]
        return [task.result() for task in running]

    def _count(self, trials: Sequence[Trial]) -> None:
        self.report.n_streams += len(trials)
        self.report.n_requests += sum(len(trial.reading.requests) for trial in trials)
        self.report.n_answered += sum(trial.must_reach.total() for trial in trials)
        self.report.n_refused += sum(trial.must_reach != trial.may_reach for trial in trials)

    def _problems(self, trials: Sequence[Trial]) -> list[str]:
        found = [problem for trial in trials for problem in trial.problems] + self.upstream.problems
        must = sum((trial.must_reach for trial in trials), Counter[bytes]())
        may = sum((trial.may_reach for trial in trials), Counter[bytes]())
        if missing := must - self.upstream.seen:
            found.append(f"answered, but not seen by the upstream: {list(missing)}")
        if smuggled := self.upstream.seen - may:
            found.append(f"seen by the upstream, but not read by h11: {list(smuggled)}")
        if self.gateway.process.poll() is not None:
            found.append(f"the gateway ended with {self.gateway.process.returncode}")
        if any("Traceback" in line for line in self.gateway.output):
            found.append("the gateway's log has a traceback:\n" + "".join(self.gateway.output))
        return found

    async def _explain(self, streams: Sequence[Stream], of_batch: Sequence[str]) -> None:
        """Find the streams of a batch that fail alone, and print one as short as it goes."""
        problems: list[str] = []
        for stream in streams:
            if not problems:
                problems = await self._fails(stream)
                if problems:
                    stream = await shrink(stream, self._fails)  # noqa: PLW2901 - the same, shorter
                    problems = await self._fails(stream) or problems
                    self.report.failures.append(describe(stream, problems))
        if not problems:
            self.report.failures.append("\n  ".join(["a batch fails, but none of its streams alone:", *of_batch]))

    async def _fails(self, stream: Stream) -> list[str]:
        trials = await self._try_all([stream])
        await asyncio.sleep(SETTLE_S if trials[0].problems == [] and self._problems(trials) else 0)
        return self._problems(trials)


async def shrink(stream: Stream, fails: Callable[[Stream], Awaitable[list[str]]]) -> Stream:
    """Leave out bytes and cuts while a stream still fails."""
    n_left = MAX_SHRINKS
    size = max(1, len(stream.raw) // 2)
    if len(stream.pieces) > 1 and await fails(Stream((stream.raw,))):
        stream = Stream((stream.raw,))
    while size >= 1 and n_left > 0:
        at = 0
        while at < len(stream.raw) and n_left > 0:
            shorter = without(stream, at, at + size)
            n_left -= 1
            if shorter.pieces and await fails(shorter):
                stream = shorter
            else:
                at += size
        size //= 2
    return stream


def without(stream: Stream, start: int, end: int) -> Stream:
    """A stream without some of its bytes; its cuts stay where they are."""
    pieces: list[bytes] = []
    at = 0
    for piece in stream.pieces:
        kept = piece[: max(0, start - at)] + piece[max(0, end - at) :]
        pieces += [kept] if kept else []
        at += len(piece)
    return Stream(tuple(pieces))


def describe(stream: Stream, problems: Sequence[str]) -> str:
    """A failure as it goes into the list of cases."""
    pieces = ", 0.02, ".join(map(repr, stream.pieces))
    return "\n  ".join([f'case("fuzz: …", ({pieces},), …)', *problems])


async def fuzz(seconds: float, seed: int, folder: Path, *, progress: Callable[[Report], None]) -> Report:
    """Fuzz a gateway of its own for some time.

    Args:
        seconds: How long.
        seed: Of the streams.
        folder: For the gateway's files.
        progress: Told the counts again and again.
    """
    async with run_echo() as (upstream, address):
        sections = {
            "server": LIMITS,
            "recording": {"enabled": False},
            "passthrough": {"/v1/embeddings": {"base_url": f"{address}/v1"}},
        }
        config = write_settings(folder, small=[address], large=[address], sections=sections)
        with run_gateway(config, "--log-level", "error") as gateway:
            fuzzer = Fuzzer(gateway, upstream)
            ends_at = time.monotonic() + seconds

            def is_time() -> bool:
                progress(fuzzer.report)
                return time.monotonic() >= ends_at

            return await fuzzer.run(seed, is_time)


def say(what: object) -> None:
    """Tell whoever runs this, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Print what was found; the exit code says whether anything was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None, help="of the streams; by default the time")
    chosen = parser.parse_args(arguments)
    seed = int(time.time()) if chosen.seed is None else chosen.seed
    say(f"seed {seed}")
    shown_at = time.monotonic()

    def show(report: Report) -> None:
        nonlocal shown_at
        if time.monotonic() - shown_at > 10:
            shown_at = time.monotonic()
            say(report)

    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(fuzz(chosen.seconds, seed, Path(folder), progress=show))
    for line in (report, *report.failures):
        say(line)
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
