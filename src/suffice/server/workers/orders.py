"""What is said between a worker and the supervisor, and what one worker lets all of them do."""

from collections.abc import Awaitable, Callable

import msgspec

from suffice.server.workers.channel import Channel

RECORDS, LABEL, PAGES, PAGE, SPREAD, JOIN, READY = "records", "label", "pages", "page", "spread", "join", "ready"
"""What is told and asked: a batch of outcomes, a label, everybody's metrics, one's own, an order for all, the order
that a new worker has missed, that one listens."""

MODE, RELOAD = "mode", "reload"
"""Orders that are spread."""

OBEY_S = 25.0
"""For a worker to carry an order out; to read configuration and bundle takes longer where many do it at once."""
SPREAD_S = OBEY_S + 2.0


class Order(msgspec.Struct, frozen=True):
    """What somebody told one worker and all must do."""

    name: str
    body: bytes = b""


def encode_order(order: Order) -> bytes:
    """An order as it is sent."""
    return msgspec.msgpack.encode(order)


def decode_order(body: bytes) -> Order:
    """An order as it was sent."""
    return msgspec.msgpack.decode(body, type=Order)


class Team:
    """The other workers, as one of them sees them."""

    def __init__(self, channel: Channel) -> None:
        """Take the way to the supervisor."""
        self._channel = channel
        self._orders: dict[str, Callable[[bytes], Awaitable[None]]] = {}

    def on(self, name: str, act: Callable[[bytes], Awaitable[None]]) -> None:
        """Do something when an order of this name comes."""
        self._orders[name] = act

    async def join(self) -> None:
        """Take part in what is spread from now on, and carry out what was spread before.

        Raises:
            ChannelError: The supervisor is gone.
        """
        missed = await self._channel.ask(JOIN)
        if missed:
            await self.obey(missed)

    def tell_ready(self) -> None:
        """Say that this worker listens.

        Raises:
            ChannelError: The supervisor is gone.
        """
        self._channel.tell(READY)

    async def obey(self, body: bytes) -> bytes:
        """Carry out what was spread."""
        order = decode_order(body)
        await self._orders[order.name](order.body)
        return b""

    async def spread(self, name: str, body: bytes = b"") -> None:
        """Let all workers do what was done here.

        Raises:
            ChannelError: Some did not; it says which, and why.
        """
        await self._channel.ask(SPREAD, encode_order(Order(name, body)), timeout_s=SPREAD_S)

    async def pages(self) -> list[bytes]:
        """Everybody's page of metrics.

        Raises:
            ChannelError: The supervisor does not answer.
        """
        return msgspec.msgpack.decode(await self._channel.ask(PAGES), type=list[bytes])
