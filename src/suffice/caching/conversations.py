"""Where conversations stand, found again without any configuration.

After an answer the digest of all its messages plus the answer is remembered; a request that begins with exactly that
prefix continues the conversation. An explicit session id, where one is sent, comes first.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec

from suffice.caching.bounded import BoundedCache
from suffice.caching.config import CacheConfig
from suffice.vocabulary import TierName
from suffice.wire.request import Message, ToolCall

_STATE_BYTES = 400
_DIGEST_BYTES = 16


class Conversation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a conversation stands after its last answer."""

    session: str
    tier: TierName
    """That served last."""
    escalation_weight: float = 0.0
    """See `policy.inherit.carried_weight`."""
    escalated_to: TierName | None = None
    """Where the last escalation ended."""


class ConversationStore:
    """Conversations by prefix or session."""

    def __init__(self, config: CacheConfig, *, clock: Callable[[], float]) -> None:
        self._states = BoundedCache[Conversation](
            max_entries=config.max_conversations,
            max_bytes=config.max_conversations * 2 * _STATE_BYTES,
            ttl_s=config.conversation_ttl_s,
            clock=clock,
        )
        # A prefix that two requests continue in different ways is two conversations from there on.
        self._continued = BoundedCache[bytes](
            max_entries=config.max_conversations,
            max_bytes=config.max_conversations * 2 * _STATE_BYTES,
            ttl_s=config.conversation_ttl_s,
            clock=clock,
        )

    def __len__(self) -> int:
        return len(self._states)

    def find(self, keys: Sequence[bytes]) -> Conversation | None:
        """The conversation under the first key that is known; keys come longest prefix first."""
        for key in keys:
            if (state := self._states.get(key)) is not None:
                return state
        return None

    def claim(self, key: bytes, continuation: bytes) -> bool:
        """Whether `continuation` is the first way the prefix `key` is continued, or the same again."""
        known = self._continued.get(key)
        if known is None:
            self._continued.put(key, continuation, size_bytes=len(continuation))
            return True
        return known == continuation

    def put(self, key: bytes, state: Conversation) -> None:
        """Remember where a conversation stands."""
        self._states.put(key, state, size_bytes=_STATE_BYTES)


class Prefixes(msgspec.Struct, frozen=True, gc=False):
    """Digests of a request's messages, with that of their owner in front."""

    whole: bytes
    """Of all messages."""
    answered: tuple[bytes, ...]
    """Of each part that ends with an assistant message, the longest first."""

    def owned_by(self, owner: bytes) -> "Prefixes":
        """These as the conversations of an owner; `owner_key` makes what stands for him."""
        return Prefixes(owner + self.whole, tuple([owner + key for key in self.answered]) if self.answered else ())

    def with_answer(self, text: str, tool_calls: Sequence[ToolCall]) -> bytes:
        """Digest of all messages and the answer to them."""
        owner, key = self.whole[:-_DIGEST_BYTES], self.whole[-_DIGEST_BYTES:]
        return owner + _chain(key, "assistant", text, tool_calls)


def digest_messages(messages: Sequence[Message]) -> Prefixes:
    """Digest every prefix of a conversation in one pass; `Prefixes.owned_by` makes them those of an owner."""
    key = b""
    answered: list[bytes] = []
    for message in messages:
        key = _chain(key, message.role, _text(message), message.tool_calls or ())
        if message.role == "assistant":
            answered.append(key)
    return Prefixes(key, tuple(reversed(answered)))


def owner_key(owner: str) -> bytes:
    """What keeps the conversations of different API keys and profiles apart."""
    return blake2b(owner.encode(), digest_size=_DIGEST_BYTES).digest()


def session_key(session: str, *, owner: str) -> bytes:
    """Key of a conversation that carries an explicit session id."""
    return blake2b(f"{owner}\0session\0{session}".encode(), digest_size=_DIGEST_BYTES).digest()


def _chain(key: bytes, role: str, text: str, tool_calls: Sequence[ToolCall]) -> bytes:
    # Clients strip and re-encode what they echo: white space around text and the layout of arguments do not count.
    calls = [(call.id or "", call.function.name or "", _arguments(call)) for call in tool_calls if call.function]
    return blake2b(key + msgspec.json.encode((role, text.strip(), calls)), digest_size=_DIGEST_BYTES).digest()


def _text(message: Message) -> str:
    """The message's text; other parts (images) as they stand."""
    if isinstance(message.content, str):
        return message.content
    if message.content is None or all(part.get("type") == "text" for part in message.content):
        return message.text
    return msgspec.json.encode(message.content).decode()


def _arguments(call: ToolCall) -> str:
    text = (call.function.arguments if call.function else None) or ""
    try:
        return msgspec.json.encode(msgspec.json.decode(text), order="sorted").decode()
    except (msgspec.DecodeError, RecursionError):
        return text
