"""Where a profile's samples fall: from stacks of Python frames to named parts of a request's way."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

HTTP_IN = "HTTP towards the client"
PARSE = "reading the request"
FEATURES = "features"
SCORE = "scoring"
DECIDE = "deciding, and what is remembered for it"
HTTP_OUT = "HTTP towards the upstream"
ANSWER = "reading, judging and passing the answer"
RECORD = "recording"
TELEMETRY = "telemetry"
PIPELINE = "pipeline, between the others"
LOOP = "event loop, and what no other part claims"

PARTS = (HTTP_IN, PARSE, FEATURES, SCORE, DECIDE, HTTP_OUT, ANSWER, RECORD, TELEMETRY, PIPELINE, LOOP)

# The first rule that fits a frame decides. What none fits, such as the standard library, belongs to its caller.
_RULES: Sequence[tuple[str, str]] = (
    (PARSE, r"suffice/wire/(request|strictness)\.py"),
    (ANSWER, r"suffice/(wire/|judging/|pipeline/(stream|complete|booking)\.py)"),
    (FEATURES, r"suffice/features/"),
    (SCORE, r"suffice/(estimators|scoring)/"),
    (DECIDE, r"suffice/(policy/|caching/|pipeline/(routing|memory)\.py)"),
    (RECORD, r"suffice/recording/"),
    (TELEMETRY, r"suffice/telemetry/|prometheus_client/"),
    (HTTP_IN, r"uvicorn/|suffice/server/"),
    (HTTP_OUT, r"aiohttp/|yarl/|multidict/|aiosignal/|suffice/upstream/"),
    (PIPELINE, r"suffice/(pipeline/|vocabulary\.py)"),
)
# py-spy takes some sleeping threads for running ones, where the kernel has just woken or not yet stopped them.
_WAITING = re.compile(r"/(threading|queue|selectors|concurrent/futures/thread)\.py(:\d+)?\)$")
_FRAME = re.compile(r"^(?P<function>.*) \((?P<file>.*?)(?::\d+)?\)$")


@dataclass(frozen=True, slots=True)
class Sample:
    """A stack that was seen."""

    frames: Sequence[str]
    """`function (file:line)`, the outermost first."""
    count: int


def parse_stacks(text: str) -> Iterator[Sample]:
    """Read what `py-spy record --format raw` writes, frames between semicolons, then how often; waiting is left out."""
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        if stack and not _WAITING.search(stack):
            yield Sample(stack.split(";"), int(count))


def part_of(frames: Sequence[str]) -> str:
    """The part that a stack's time belongs to: that of the innermost frame which has one."""
    for frame in reversed(frames):
        found = _FRAME.match(frame)
        file = found["file"] if found else ""
        for part, pattern in _RULES:
            if re.search(pattern, file):
                return part
    return LOOP


def shares(samples: Iterable[Sample]) -> dict[str, float]:
    """The share of each part, every part named."""
    counts: Counter[str] = Counter()
    for sample in samples:
        counts[part_of(sample.frames)] += sample.count
    n = max(1, counts.total())
    return {part: counts[part] / n for part in PARTS}


def busiest(samples: Iterable[Sample], n: int) -> list[tuple[str, float]]:
    """The functions in which most samples were, themselves and not what they called, with their share."""
    counts: Counter[str] = Counter()
    for sample in samples:
        counts[name_of(sample.frames[-1])] += sample.count
    total = max(1, counts.total())
    return [(name, count / total) for name, count in counts.most_common(n)]


def name_of(frame: str) -> str:
    """A frame as it is shown: the function, and the end of its file's path."""
    found = _FRAME.match(frame)
    if found is None:
        return frame
    return f"{found['function']} ({'/'.join(found['file'].split('/')[-2:])})"
