"""Kept connections to upstreams, of which one that speaks unasked is dropped.

aiohttp gives bytes that come on an idle connection to the next request on it: one client would get another's answer.
"""

import asyncio
import ssl
from functools import partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey

KEEPALIVE_S = 60.0


class _Handler(ResponseHandler):
    """One connection."""

    is_idle = False

    def set_response_params(self, **options: Any) -> None:
        """A request begins."""
        self.is_idle = False
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer; one that nobody asked for ends the connection."""
        if self.is_idle and data:  # aiohttp calls this without data as well
            self.force_close()
            self.close()
            return
        super().data_received(data)


class Connector(aiohttp.TCPConnector):
    """Opens and keeps connections."""

    def __init__(self, *, limit: int, tls: ssl.SSLContext) -> None:
        super().__init__(limit=limit, ssl=tls, keepalive_timeout=KEEPALIVE_S)  # pyright: ignore[reportUnknownMemberType] - one of its many options
        self._factory = partial(_Handler, loop=asyncio.get_running_loop())

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        if isinstance(protocol, _Handler):
            protocol.is_idle = True
        super()._release(key, protocol, should_close=should_close)
