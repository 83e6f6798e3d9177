r"""What a request asks the loopback upstream to do: lines of its last user message that begin with `!`.

A gateway need not pass headers on, but it passes messages, so the message carries the orders::

    Tell me a story.
    !slow 0.05
    !cut 3 on small-model first 2

`on NAME` limits a directive to one model or server name, `first N` to the first N requests with this message on
this server. Verbs, with their arguments:

======================  ==============================================================================
`say TEXT`              answer exactly TEXT (`\n` is a line feed)
`words N`               an answer of N words
`huge BYTES`            an answer of one piece of BYTES characters
`finish REASON`         end with this finish_reason
`think`                 reason first (`reasoning` and `reasoning_content`)
`call N`                call N of the tools
`sleep S`, `slow S`     wait before the first byte; between events
`status CODE [RETRY]`   an error with this status, and Retry-After if given
`context N [DIALECT]`   behave as if the context were N tokens
`drop`                  close the connection without a byte
`hang`                  never answer
`cut N`, `end N`        after N events (half a plain answer): break the connection; end without `[DONE]`
`stall N`               after N events: say nothing more
`error N [DIALECT]`     after N events: an error event
`garbage`               200 with something that is no JSON
`length short|long`     a content-length that does not fit the body
`nodone`, `nousage`     leave `[DONE]` or the usage out
`inline_usage`          usage on the last choice's chunk, not on one of its own
`crlf`, `comments`      end SSE lines with \r\n; put comments between the events
`split N`, `merge`      write the stream in pieces of N bytes, or in one
`spaced`                JSON with blanks after `:` and `,`
======================  ==============================================================================
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

_VERB_LIST = (
    "say words huge finish think call sleep slow status context drop hang cut end stall error garbage length "
    "nodone nousage inline_usage crlf comments split merge spaced"
)
VERBS = frozenset(_VERB_LIST.split())
_LINE = re.compile(r"!(?P<verb>[a-z_]+)(?: (?P<rest>.*))?")
_LIMITS = re.compile(r"(?:^| )(?P<kind>on|first) (?P<value>\S+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Directive:
    """One order."""

    verb: str
    text: str = ""
    """The arguments as they stand."""
    on: str | None = None
    """Model or server it is meant for; None: any."""
    first: int | None = None
    """How many requests with the same message it is for; None: all."""


def parse_directives(text: str) -> list[Directive]:
    """Read the lines of `text` that are directives; all others, and unknown verbs, are ordinary text."""
    found = (_parse_line(line.strip()) for line in text.splitlines())
    return [directive for directive in found if directive is not None]


def _parse_line(line: str) -> Directive | None:
    match = _LINE.fullmatch(line)
    if match is None or match["verb"] not in VERBS:
        return None
    rest = match["rest"] or ""
    limits: dict[str, str] = {}
    while (limit := _LIMITS.search(rest)) and match["verb"] != "say":
        limits[limit["kind"]] = limit["value"]
        rest = rest[: limit.start()]
    first = limits.get("first")
    return Directive(verb=match["verb"], text=rest, on=limits.get("on"), first=int(first) if first else None)


class Behaviour:
    """The directives in force for one request."""

    def __init__(self, directives: Iterable[Directive], *, names: Iterable[str], n_seen: Callable[[], int]) -> None:
        """Keep the directives that are meant for this request.

        Args:
            directives: In order; a later one with the same verb wins.
            names: What this server and the request's model are called.
            n_seen: How many requests with this message came before; asked only if a directive wants to know.
        """
        known = frozenset(names)
        self._texts: dict[str, str] = {}
        for directive in directives:
            if directive.on is not None and directive.on not in known:
                continue
            if directive.first is not None and n_seen() >= directive.first:
                continue
            self._texts[directive.verb] = directive.text

    def __contains__(self, verb: str) -> bool:
        return verb in self._texts

    def text(self, verb: str) -> str | None:
        """The arguments of a verb; None if it was not ordered."""
        return self._texts.get(verb)

    def words(self, verb: str) -> list[str]:
        """The arguments of a verb, split at blanks."""
        return self._texts.get(verb, "").split()

    def number(self, verb: str) -> float | None:
        """The first argument of a verb as a number; None if it was not ordered or has no argument."""
        words = self.words(verb)
        return float(words[0]) if words else None

    def count(self, verb: str) -> int | None:
        """The first argument of a verb as a whole number."""
        number = self.number(verb)
        return None if number is None else int(number)
