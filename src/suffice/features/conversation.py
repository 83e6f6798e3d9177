"""A parsed request, read as a conversation: its turns, and how much stands around them."""

from collections.abc import Iterator, Sequence

from suffice.features.passages import part
from suffice.features.tokens import Estimates, estimate_constant_tokens, estimate_prompt_tokens
from suffice.vocabulary import Features, Turn
from suffice.wire.request import GenerationRequest, Message

_TOOL_ROLES = frozenset({"tool", "function"})
_ANSWERING_ROLES = frozenset({"assistant", *_TOOL_ROLES})


def read(request: GenerationRequest, *, max_turns: int = 12) -> Features:
    """What is known of a request before anything is called; never raises.

    Args:
        request: A parsed request of either endpoint.
        max_turns: User turns to look back at, at least 1; older ones count in `n_prompt_tokens` alone.

    Returns:
        Features with the newest turn first. A turn is all that the user said between two answers; without any user
        message it is the last message that has text, or else an empty text.
    """
    estimates = Estimates()
    n_constant_tokens = estimate_constant_tokens(request, estimates)
    newest = _newest_turns(request.messages, max_turns)
    turns = tuple([_read_turn(texts, n_constant_tokens, estimates) for texts in newest])
    return Features(
        turns=turns,
        n_prompt_tokens=estimate_prompt_tokens(request, estimates),
        n_answer_tokens=request.max_tokens,
        n_messages=len(request.messages),
        n_images=sum([message.n_images for message in request.messages]),
        has_tools=request.has_tools,
        wants_json_schema=request.response_format == "json_schema",
        wants_json=request.response_format in {"json_schema", "json_object"},
        in_tool_loop=_is_tool_step(request.messages[-1]),
    )


def _newest_turns(messages: Sequence[Message], max_turns: int) -> list[list[str]]:
    """The texts of each of the newest user turns, the newest turn first, the texts within it in their order."""
    turns: list[list[str]] = []
    for texts in _turns_backwards(messages):
        turns.append(texts)
        if len(turns) == max_turns:
            break
    return turns or [_last_text(messages)]


def _turns_backwards(messages: Sequence[Message]) -> Iterator[list[str]]:
    texts: list[str] = []
    for message in reversed(messages):
        if message.role == "user":
            texts.append(message.text)
        elif message.role in _ANSWERING_ROLES and texts:
            yield texts[::-1]
            texts = []
    if texts:
        yield texts[::-1]


def _last_text(messages: Sequence[Message]) -> list[str]:
    return [next((message.text for message in reversed(messages) if message.text), "")]


def _read_turn(texts: Sequence[str], n_constant_tokens: int, estimates: Estimates) -> Turn:
    parted = [part(text) for text in texts]
    own = "\n\n".join([piece.own for piece in parted])
    left_out = "\n".join([piece.left_out for piece in parted]).strip("\n")
    return Turn(
        text=own,
        n_tokens=estimates.of(own),
        n_constant_tokens=n_constant_tokens + estimates.of(left_out),
    )


def _is_tool_step(message: Message) -> bool:
    return message.role in _TOOL_ROLES or bool(message.tool_calls)
