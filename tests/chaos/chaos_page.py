"""The page of the documentation that tells what is promised when something fails: written from the cases themselves.

`tools/write_chaos_page.py` puts it in its place.
"""

from collections.abc import Iterator, Sequence
from types import ModuleType

import test_change_faults
import test_client_faults
import test_connection_faults
import test_http_faults
import test_machine_faults
import test_replica_faults
import test_stream_faults
import test_upstream_faults
from chaos_case import BOTH, Case
from chaos_scene import PATIENCE_S, UPSTREAM

THEMES: Sequence[ModuleType] = (
    test_upstream_faults,
    test_stream_faults,
    test_replica_faults,
    test_connection_faults,
    test_http_faults,
    test_client_faults,
    test_machine_faults,
    test_change_faults,
)
_INTRODUCTION = f"""\
# When something fails

What a client gets, what is tried again and what is recorded, for everything that can go wrong between a client, the
gateway, its upstreams and its machine. Each row is a test with real processes and sockets (`make chaos`), and this
page is written from the tests' own declarations (`tools/write_chaos_page.py`), so it cannot say anything else than
they do.

The gateway of these tests has two tiers, `small` and `large`; requests are for `auto` and begin with `small`. Its
timeouts are {PATIENCE_S:g} s, so that the tests are quick, and `upstream.retries` is {UPSTREAM["retries"]}.
The columns:

- **Asked for**: a plain answer, a stream, or both one after the other.
- **Upstream calls**: the rows in [`attempts`](records.md), in their order: the tier, with the status and the error of
  a call that failed; without either it answered. "fails" stands where the name of the error, and whether the same
  tier is tried again, depends on how deep in HTTP the fault lies.
- **Recorded**: `status`, `error` and `cancelled` in [`requests`](records.md).

After each row the tests see to it as well that

- the [metrics](metrics.md) have grown by just what was recorded (`suffice_requests_total`,
  `suffice_requests_cancelled_total`, `suffice_request_errors_total`, `suffice_attempt_errors_total`), that
  `suffice_recorder_dropped_total` has grown only where the row says so, and that no upstream was asked more often than
  the attempts say;
- nothing runs any more, neither in the gateway (`suffice_requests_in_flight`, `suffice_replica_calls_in_flight`) nor
  at an upstream;
- the gateway's process is back to the file descriptors it had, holds no connection of a client and none that its other
  side has closed, and no more connections to upstreams than were busy at once, idle ones for the next request;
- the next request is answered by `small` as if nothing had happened.
"""
_SOAK = """\
## All of it at once

`make soak` serves for half an hour (`ARGS="--minutes 2"` for less) while things fail at random. It finds out what the
machine takes, then sends 70 % of it in an open loop to a gateway with two replicas in each tier: plain answers,
streams, tools, conversations, and clients that leave. One request in eight orders a fault of the kinds above;
replicas are killed and started again, paused, the disk is full, connections come in storms, clients fall asleep in
mid-request. The seed of it all is printed. It ends with exit code 1 unless

- every answer was the right one, or an error in OpenAI's form, or a stream that began rightly and ended with an error
  event; and errors came only where a fault explains them: ordered ones that another replica or tier can mend, a full
  disk, storms and sleepers must not be noticed by any client;
- requests in the metrics = records written + records dropped, records written = rows in the file, and no answer is
  without its row but for those counted as dropped;
- afterwards the gateway holds the files and sockets that it held before, but for idle connections to upstreams, and
  memory has not grown by more than 5 MiB after the first third. Its caches are so small that they are full by then, and
  a thousand requests are open at once before anything is measured: an allocator keeps what the worst moment took.

The figures, with their slopes and intervals, are printed and written by `--json FILE`. CI runs a minute of it.
"""
_HEAD = """\
| What happens | Asked for | The client gets | Upstream calls | Recorded | Besides |
| --- | --- | --- | --- | --- | --- |
"""


def render() -> str:
    """The whole page."""
    return "\n".join([_INTRODUCTION, *(section for theme in THEMES for section in _render_theme(theme)), _SOAK])


def _render_theme(theme: ModuleType) -> Iterator[str]:
    cases: Sequence[Case] = theme.CASES
    yield f"## {theme.TITLE}\n\n{_HEAD}{''.join(map(_render_case, cases))}"


def _render_case(case: Case) -> str:
    forms = "both" if tuple(case.forms) == BOTH else case.forms[0]
    recorded = "nothing" if case.record is None else str(case.record)
    if case.record is not None and case.n_records not in {None, 1}:
        recorded = f"{case.n_records} times {recorded}"
    counted = [f"`{name}` +{n:g}" for name, n in case.metrics.items()]
    known = [f"**not yet**: {case.fails_today}"] if case.fails_today else []
    besides = "; ".join([*filter(None, [case.note]), *counted, *known])
    return f"| {case.name} | {forms} | {case.client} | {case.trail} | {recorded} | {besides} |\n"
