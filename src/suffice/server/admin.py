"""`/admin/mode`: what is done with decisions, switched while running; also the kill switch."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from suffice.errors import ConflictError, RequestError
from suffice.pipeline.arrival import ModeSwitch
from suffice.pipeline.routing import Router
from suffice.server.http import Request, Responder
from suffice.vocabulary import Mode

_MAX_BODY_BYTES = 4096
_TIMEOUT_S = 10.0
_ROUTING = (Mode.CANARY, Mode.ROUTE)


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    mode: Mode | None = None
    """None: back to what is configured."""
    canary_percent: float | None = None


Spread = Callable[[bytes], Awaitable[None]]
"""Lets the other workers do the same; raises `ChannelError` where that fails."""


@dataclass(frozen=True, slots=True)
class ModeAdmin:
    """Reads and sets the mode."""

    current: Callable[[], Router]
    """The router in force."""
    switch: ModeSwitch
    spread: Spread | None = None
    """None: there are no other workers."""

    async def show(self, _: Request, respond: Responder) -> None:
        """Tell the mode in force."""
        configured = self.current().settings[None]
        body = {
            "mode": self.switch.mode or configured.mode,
            "canary_percent": (
                configured.canary_percent if self.switch.canary_percent is None else self.switch.canary_percent
            ),
            "configured": configured.mode,
            "is_switched": self.switch.mode is not None,
        }
        await respond.whole(HTTPStatus.OK, msgspec.json.encode(body))

    async def change(self, request: Request, respond: Responder) -> None:
        """Set the mode, for every profile and until the gateway restarts.

        Raises:
            RequestError: The body is no mode.
            ConflictError: Nothing may be routed by the bundle in force.
        """
        body = await request.body(max_bytes=_MAX_BODY_BYTES, timeout_s=_TIMEOUT_S)
        self.switch_to(body)
        if self.spread is not None:
            await self.spread(body)
        await self.show(request, respond)

    def switch_to(self, body: bytes) -> None:
        """Set the mode that a body names, in this process.

        Raises:
            RequestError: The body is no mode.
            ConflictError: Nothing may be routed by the bundle in force.
        """
        try:
            wanted = msgspec.json.decode(body, type=_Wanted)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            modes = ", ".join(Mode)
            raise RequestError(f'send {{"mode": one of {modes}, or null}}: {error}', param="mode") from error
        percent = wanted.canary_percent
        if percent is not None and not 0 <= percent <= 100:
            raise RequestError(f"canary_percent is {percent:g}; it goes from 0 to 100", param="canary_percent")
        bundle = self.current().bundle
        if wanted.mode in _ROUTING and bundle is not None and bundle.observe_only:
            raise ConflictError(f"the mode stays as it is: {bundle.observe_only}, and restart", param="mode")
        self.switch.mode = wanted.mode
        self.switch.canary_percent = percent
