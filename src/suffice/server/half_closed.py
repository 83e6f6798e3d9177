"""A client that has ended its sending side: has it left, or does it wait for its answer?

Both look alike until something is sent to it: whoever has left answers with a reset. Before the head of the answer
there is one thing that may be sent without harm, an interim response, which every client of HTTP/1.1 skips.

Source: RFC 9110, 15.2 (interim responses); RFC 9293, 3.6 (half-closed connections).
"""

import asyncio
import socket

PROBE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LOOKS_S = (0.05, 0.2, 0.5)
"""When the reset is looked for: it takes one round trip."""


class HalfClosed:
    """Aborts the connection of a client that has left; leaves one alone that waits."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Send the probe; only before the head of the answer, and only to HTTP/1.1."""
        self._transport = transport
        transport.write(PROBE)
        self._timers = [loop.call_later(after_s, self._look) for after_s in _LOOKS_S]

    def close(self) -> None:
        """Look no more."""
        for timer in self._timers:
            timer.cancel()

    def _look(self) -> None:
        # The loop does not read a connection any more that the client has ended, so it misses the reset.
        connection: socket.socket = self._transport.get_extra_info("socket")
        if not self._transport.is_closing() and connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.close()
            self._transport.abort()
