"""`/v1/feedback`: what a user says of an answer, kept as a label on the request's record."""

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec import Meta

from suffice.errors import OverloadedError, RecordingError, RequestError, UnknownRequestError
from suffice.recording.labels import Label
from suffice.server.auth import Caller
from suffice.server.http import Request, Responder, check_type

SOURCE = "feedback"

_MAX_BODY_BYTES = 16 * 1024
_BODY_TIMEOUT_S = 10.0
_STORE_TIMEOUT_S = 5.0
_LOOK_AGAIN_S = 0.25
"""A request that another gateway answered a moment ago stands in the store only after so long."""


class LabelSink(Protocol):
    """Whoever keeps labels."""

    def label(self, label: Label) -> Future[bool] | None:
        """Keep a label; see `recording.Recorder.label`."""
        ...


class _Posted(msgspec.Struct, forbid_unknown_fields=True):
    request_id: Annotated[str, Meta(pattern=r"^[!-~]{1,200}$")]
    score: Annotated[float, Meta(ge=0, le=1)] | None = None
    rating: Literal["up", "down"] | None = None
    comment: Annotated[str, Meta(max_length=2000)] | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """Takes feedback."""

    sink: LabelSink | None
    """None: nothing is recorded."""

    async def take(self, request: Request, respond: Responder, caller: Caller) -> None:
        """Label the record of a request; a later label takes the place of an earlier one.

        Raises:
            RequestError: The body is no feedback, or records are off.
            UnknownRequestError: The request is not recorded, or came with another key and the caller is no admin.
            OverloadedError: The store cannot take it now.
        """
        check_type(request)
        posted = _read(await request.body(max_bytes=_MAX_BODY_BYTES, timeout_s=_BODY_TIMEOUT_S))
        score = {"up": 1.0, "down": 0.0, None: posted.score}[posted.rating]
        assert score is not None  # noqa: S101 - one of the two is there, or `_read` had refused
        label = Label(
            request_id=posted.request_id,
            score=score,
            source=SOURCE,
            of_key=None if caller.is_admin else caller.key_id,
            comment=posted.comment,
        )
        if not await self._keep(label):
            await asyncio.sleep(_LOOK_AGAIN_S)
            if not await self._keep(label):
                raise UnknownRequestError(posted.request_id)
        body = {"request_id": label.request_id, "score": score, "label_source": SOURCE}
        await respond.whole(HTTPStatus.OK, msgspec.json.encode(body))

    async def _keep(self, label: Label) -> bool:
        if self.sink is None:
            raise RequestError("this gateway keeps no records (recording.enabled: false)", code="recording_off")
        found = self.sink.label(label)
        if found is None:
            raise OverloadedError("too much feedback is waiting to be written; send it again", retry_after_s=1.0)
        try:
            async with asyncio.timeout(_STORE_TIMEOUT_S):
                return await asyncio.wrap_future(found)
        except (TimeoutError, RecordingError) as error:
            raise OverloadedError("the records cannot be written now; send it again", retry_after_s=1.0) from error


def _read(body: bytes) -> _Posted:
    """Read a body.

    Raises:
        RequestError: It is no feedback; `param` names the field.
    """
    try:
        posted = msgspec.json.decode(body, type=_Posted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{_FORM}: {error}", param=_field(str(error))) from error
    if (posted.score is None) == (posted.rating is None):
        problem = "both are missing" if posted.score is None else "both are there"
        raise RequestError(f"{_FORM}; of score and rating, {problem}", param="score")
    return posted


_FORM = 'send {"request_id": …, and either "score": 0 to 1 or "rating": "up" or "down"; perhaps "comment": …}'


def _field(message: str) -> str | None:
    """The field that msgspec's message names: `… - at `$.score`` or `… unknown field `x``."""
    named = message.rpartition("`$.")[2] if "`$." in message else message.partition("field `")[2]
    return named.partition("`")[0] or None
