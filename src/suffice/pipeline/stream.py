"""A streamed answer: held back until its first content, then passed on as it comes.

`hold_stream` returning an accepted answer is the one point of commitment: before it another tier may take over,
after it not a byte of another answer reaches the client.
"""

from suffice.judging.validators import Candidate
from suffice.pipeline.attempting import ACCEPTED, Held, Running
from suffice.pipeline.relay import Relay, Settle
from suffice.upstream.call import Exchange


async def hold_stream(running: Running, exchange: Exchange, settle: Settle) -> Held:
    """Read a stream up to its first content, or to its end if it has none, and judge it.

    Raises:
        UpstreamError: It broke before that.
    """
    relay = Relay(running, exchange, settle)
    if await relay.hold():
        verdict = ACCEPTED
    else:
        verdict = running.judge([Candidate(text="", finish_reason=running.assembly.finish_reason)])
    return Held(verdict=verdict, status=exchange.status, content_type=exchange.content_type, pieces=relay)
