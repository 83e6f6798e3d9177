"""Writes the event stream of an answer, with whatever was ordered to go wrong in it."""

import asyncio
import json
from collections.abc import Iterable, Iterator

import msgspec

from suffice.testing.loopback.connection import Reply
from suffice.testing.loopback.directives import Behaviour
from suffice.testing.loopback.documents import Document, Writer
from suffice.testing.loopback.failures import error_event
from suffice.testing.loopback.options import LoopbackOptions

DONE = b"data: [DONE]\n\n"


def encode(document: Document, behaviour: Behaviour) -> bytes:
    """Write a document as most servers do, or with blanks as Python's `json` does."""
    if "spaced" in behaviour:
        return json.dumps(document, ensure_ascii=False).encode()
    return msgspec.json.encode(document)


def events(writer: Writer, behaviour: Behaviour) -> Iterator[bytes]:
    """The events of a stream that goes well."""
    documents = writer.chunks(inline_usage="inline_usage" in behaviour, no_usage="nousage" in behaviour)
    for document in documents:
        # None before the usage chunk, which a gateway may take out together with what belongs to it.
        comment = b": keep-alive\n\n" if "comments" in behaviour and document["choices"] else b""
        yield _with_line_ends(comment + b"data: " + encode(document, behaviour) + b"\n\n", behaviour)
    if "nodone" not in behaviour:
        yield _with_line_ends(DONE, behaviour)


def _with_line_ends(event: bytes, behaviour: Behaviour) -> bytes:
    return event.replace(b"\n", b"\r\n") if "crlf" in behaviour else event


def regroup(found: Iterable[bytes], behaviour: Behaviour) -> Iterator[bytes]:
    """Cut the stream's bytes as a network might: anywhere, or not at all."""
    size = behaviour.count("split")
    if size is None and "merge" not in behaviour:
        yield from found
        return
    whole = b"".join(found)
    size = size or len(whole)
    yield from (whole[start : start + size] for start in range(0, len(whole), size))


async def stream(reply: Reply, found: Iterable[bytes], behaviour: Behaviour, options: LoopbackOptions) -> None:
    """Write what `events` gave, piece by piece, until something ordered stops it."""
    await reply.start_stream()
    for position, piece in enumerate(regroup(found, behaviour)):
        if position:
            await _pause(behaviour, options)
        if await _interrupted(reply, position, behaviour, options):
            return
        await reply.write(piece)
    await reply.finish()


async def _interrupted(reply: Reply, position: int, behaviour: Behaviour, options: LoopbackOptions) -> bool:
    if position == behaviour.count("cut"):
        reply.close()
    elif position == behaviour.count("end"):
        await reply.finish()
    elif position == behaviour.count("error"):
        await reply.write(error_event(behaviour, options))
        await reply.finish()
    elif position == behaviour.count("stall"):
        await asyncio.Event().wait()
    else:
        return False
    return True


async def _pause(behaviour: Behaviour, options: LoopbackOptions) -> None:
    slow = behaviour.number("slow")
    pause_s = slow if slow is not None else (1 / options.tokens_per_s if options.tokens_per_s else 0.0)
    if pause_s:
        await asyncio.sleep(pause_s)
