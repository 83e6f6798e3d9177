"""A request for generated text, as the loopback upstream reads it: independently of `suffice.wire`, on purpose."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from suffice.testing.loopback.ledger import Request

CHAT_PATH = "/v1/chat/completions"
NOT_HASHED = frozenset({"model", "stream", "stream_options", "logprobs", "top_logprobs"})
"""Fields that change the form of an answer, or that a gateway may change; the answer's text does not depend on them."""
TOKENS_PER_IMAGE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request that could be read."""

    chat: bool
    """Else a completion."""
    fields: Mapping[str, Any]
    raw: Mapping[str, bytes]
    """The bytes of each top-level value, in the order they came."""
    digest: bytes
    """SHA-256 of what the answer depends on."""

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.fields.get("model"))

    @property
    def stream(self) -> bool:
        """Whether events are wanted."""
        return self.fields.get("stream") is True

    @property
    def stream_options(self) -> Mapping[str, Any]:
        """`stream_options`, empty if there are none."""
        return self.section("stream_options")

    def section(self, name: str) -> Mapping[str, Any]:
        """A field that is an object; empty if it is not there."""
        return self.fields.get(name) or {}

    @property
    def prompts(self) -> list[str]:
        """The texts to go on from: one for a chat, one or many for a completion."""
        if self.chat:
            return [self.last_text]
        prompt = self.fields["prompt"]
        if isinstance(prompt, str):
            return [prompt]
        items = cast("list[Any]", prompt)
        # A list of numbers is one prompt in token ids; of lists, many.
        return [str(items)] if all(isinstance(item, int) for item in items) else [str(item) for item in items]

    @property
    def n_choices(self) -> int:
        """Choices wanted, over all prompts."""
        return (self.fields.get("n") or 1) * len(self.prompts)

    @property
    def last_text(self) -> str:
        """The text of the last user message, or the whole prompt: where directives stand."""
        if not self.chat:
            prompt = self.fields["prompt"]
            return prompt if isinstance(prompt, str) else "\n".join(map(str, cast("list[Any]", prompt)))
        texts = [_text(message) for message in self.messages if message.get("role") == "user"]
        return texts[-1] if texts else ""

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The messages of a chat."""
        return self.fields.get("messages", ())

    @property
    def max_tokens(self) -> int | None:
        """The client's limit."""
        return self.fields.get("max_completion_tokens") or self.fields.get("max_tokens")

    @property
    def stops(self) -> list[str]:
        """The client's stop strings."""
        stop: str | list[str] = self.fields.get("stop") or []
        return [stop] if isinstance(stop, str) else stop

    @property
    def n_prompt_tokens(self) -> int:
        """A plain count: four a message, one a word, 256 an image."""
        if not self.chat:
            return sum(len(prompt.split()) for prompt in self.prompts)
        return sum(_n_tokens(message) for message in self.messages)

    @property
    def n_cached_tokens(self) -> int:
        """As if a prefix cache knew the system messages."""
        return sum(_n_tokens(message) for message in self.messages if message.get("role") == "system")


def read_question(request: Request) -> Question | str:
    """Read a body, or say what is wrong with it."""
    try:
        raw = msgspec.json.decode(request.body, type=dict[str, msgspec.Raw])
        fields = msgspec.json.decode(request.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        return f"invalid body: {error}"
    chat = request.path == CHAT_PATH
    values = {name: bytes(value) for name, value in raw.items()}
    return _complaint(fields, chat=chat) or Question(chat=chat, fields=fields, raw=values, digest=_digest(values))


def _complaint(fields: Mapping[str, Any], *, chat: bool) -> str | None:
    wanted = "messages" if chat else "prompt"
    if not fields.get(wanted):
        return f"'{wanted}' is required"
    temperature = fields.get("temperature") or 0
    if not isinstance(temperature, int | float) or not 0 <= temperature <= 2:
        return f"temperature must be in [0, 2], got {temperature!r}"
    if chat and fields.get("top_logprobs") and not fields.get("logprobs"):
        return "'top_logprobs' needs 'logprobs' to be true"
    return None


def _digest(values: Mapping[str, bytes]) -> bytes:
    state = hashlib.sha256()
    for name in sorted(values.keys() - NOT_HASHED):
        state.update(b"%s=%s;" % (name.encode(), values[name]))
    return state.digest()


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = cast("list[Mapping[str, Any]]", content)
        return "\n".join(str(part["text"]) for part in parts if "text" in part)
    return content if isinstance(content, str) else ""


def _n_tokens(message: Mapping[str, Any]) -> int:
    content = message.get("content")
    parts = cast("list[Mapping[str, Any]]", content) if isinstance(content, list) else []
    n_images = sum(1 for part in parts if part.get("type") == "image_url")
    return 4 + len(_text(message).split()) + TOKENS_PER_IMAGE * n_images
