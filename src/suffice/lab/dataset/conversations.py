"""Which queries are turns of one conversation, told by their messages alone."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise

import msgspec

from suffice.lab.dataset.form import Query


def find_conversations(queries: Sequence[Query]) -> list[str]:
    """The conversation of each query.

    A query continues another one whose messages are the beginning of its own. An opening that went on in several
    ways, such as "Hi", is no evidence: as long as no answer stands in it, nobody knows which of them it belongs to.

    Returns:
        A name per query, in hexadecimal; equal queries have equal names.
    """
    chains = [_chain(query) for query in queries]
    known = {chain[-1] for chain in chains}
    continuations: dict[bytes, set[bytes]] = {}
    for chain in chains:
        for prefix, longer in pairwise(chain):
            if prefix in known:
                continuations.setdefault(prefix, set()).add(longer)
    open_ended = {chain[-1] for query, chain in zip(queries, chains, strict=True) if not _has_answer(query)}
    ambiguous = {prefix for prefix in open_ended if len(continuations.get(prefix, ())) > 1}
    joinable = known - ambiguous
    before = {chain[-1]: next((one for one in reversed(chain[:-1]) if one in joinable), None) for chain in chains}
    return [_first(chain[-1], before).hex() for chain in chains]


def _chain(query: Query) -> list[bytes]:
    """A digest of each beginning of the conversation, the shortest first."""
    digests: list[bytes] = []
    digest = b""
    for message in query.conversation:
        digest = sha256(digest + msgspec.json.encode(message, order="deterministic")).digest()
        digests.append(digest)
    return digests


def _has_answer(query: Query) -> bool:
    return any(message.get("role") == "assistant" for message in query.conversation)


def _first(digest: bytes, before: dict[bytes, bytes | None]) -> bytes:
    while (earlier := before[digest]) is not None:
        digest = earlier
    return digest
