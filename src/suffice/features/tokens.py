"""How many tokens a prompt has, without its model's tokenizer.

The estimate is linear in what can be counted at C speed: words (runs of letters), digits and their runs, punctuation
and its runs, runs of line breaks, and bytes of other scripts. `benchmarks/fit_token_estimate.py` made the weights of
ASCII by least squares, none below 0, on the `train` split of the desk tape: 279 prompts and the answers of two models,
counted by the vocabulary of Qwen2.5 (151,000 entries). On the `test` split, 220 prompts: mean error 2.9 %, 95 % within
7 %, sum 0.6 % low. Numbers written in digits cost about one token a digit there, as in Qwen; vocabularies that join
three digits are overestimated on tables.

The tape is English. The weights of other scripts are therefore set, not fitted: about 0.65 tokens per CJK character
(DeepSeek's documentation says 0.6 for Chinese) and a quarter of a token per letter of two bytes on top of one per
word. An English vocabulary such as MiniLM's takes more: on one sentence in each language twice as many for Russian
and Arabic, half as many again for German, French, Chinese and Japanese.
"""

from collections.abc import Sequence
from operator import mul

import numpy as np

from suffice.wire.request import Endpoint, GenerationRequest, Message

IMAGE_TOKENS = 1_000
"""Of one image: vision models take 250 to 1,700 tokens for one of a million pixels."""

MESSAGE_TOKENS = 5
"""Of the chat template around each message: `<|im_start|>`, role, line break, `<|im_end|>`, line break."""

ANSWER_PREFIX_TOKENS = 3
"""Of the template before the answer."""

FEATURES = (
    "words", "upper", "digits", "digit_runs", "marks", "mark_runs", "line_breaks", "spare_letters",
    "two_bytes", "symbols", "three_bytes", "four_bytes",
)  # fmt: skip
"""What `count` counts, in its order; the weights belong to these."""

N_FITTED = 7
"""The first features have fitted weights, the others set ones."""

_WEIGHTS = (0.972, 0.287, 0.726, 1.007, 0.396, 0.379, 0.898, 0.25, 0.25, 0.8, 0.65, 2.0)
_CHUNK_BYTES = 1 << 16
_LETTERS_PER_WORD = 8
_LOWER, _UPPER, _DIGIT, _MARK, _SPACE, _BREAK, _TWO, _SYMBOL, _THREE, _FOUR, _CONTINUATION = range(11)
_WORD_CLASSES = [_LOWER, _UPPER, _TWO, _SYMBOL, _THREE, _FOUR, _CONTINUATION]
_N_BINS = 22
_BYTE = np.dtype(np.uint8)

Tally = list[int]
"""Bytes of a text by class: 22 numbers, for each class first those inside a run of their kind, then those that begin
one. They add up to the text's bytes."""


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has; 0 only for the empty text. Takes 8 us for 1 kB, and grows linearly."""
    return _estimate(tally(text)) if text else 0


class Estimates:
    """Estimates of one request's texts: a text that comes up again is not counted again."""

    def __init__(self) -> None:
        """Know no text."""
        self._tallies: dict[str, Tally] = {}
        self._estimates: dict[str, int] = {"": 0}
        self._n_tools: int | None = None

    def of(self, text: str) -> int:
        """As `estimate_tokens`."""
        known = self._estimates.get(text)
        if known is None:
            known = self._estimates[text] = _estimate(self._tally(text))
        return known

    def of_lines(self, texts: Sequence[str]) -> int:
        """As `estimate_tokens` of the texts joined by line breaks."""
        if len(texts) < 2:
            return self.of(texts[0]) if texts else 0
        total = list(map(sum, zip(*map(self._tally, texts), strict=True)))
        follows_break = texts[0].endswith(_BREAKS)
        for text in texts[1:]:
            # The line break between two texts begins a run, which goes on in the breaks on both sides of it.
            total[2 * _BREAK + (not follows_break)] += 1
            if text.startswith(_BREAKS):
                total[2 * _BREAK + 1] -= 1
                total[2 * _BREAK] += 1
            follows_break = text.endswith(_BREAKS) or not text
        # A chunk's first byte always begins a run, and chunks lie differently in the joined text.
        return _estimate(total) if sum(total) <= _CHUNK_BYTES else estimate_tokens("\n".join(texts))

    def of_tools(self, request: GenerationRequest) -> int:
        """As `estimate_tokens` of the tools that a request declares."""
        if self._n_tools is None:
            self._n_tools = estimate_tokens(_declared_tools(request))
        return self._n_tools

    def _tally(self, text: str) -> Tally:
        known = self._tallies.get(text)
        if known is None:
            known = self._tallies[text] = tally(text)
        return known


def estimate_prompt_tokens(request: GenerationRequest, estimates: Estimates | None = None) -> int:
    """About how many tokens the whole prompt has, unbiased: who needs a margin adds it.

    Counts messages with their template, tool calls, tool declarations, `IMAGE_TOKENS` per image, and a completion's
    token ids exactly.

    Args:
        request: A parsed request of either endpoint.
        estimates: Of its texts; None: none are known.
    """
    estimates = estimates or Estimates()
    messages = request.messages
    total = estimates.of_lines([text for message in messages for text in _texts(message)])
    total += estimates.of_tools(request) + request.n_prompt_ids
    total += IMAGE_TOKENS * sum([message.n_images for message in messages])
    if request.endpoint is Endpoint.CHAT:
        # Joining the texts has counted one line break of each message's template already.
        total += (MESSAGE_TOKENS - 1) * len(messages) + ANSWER_PREFIX_TOKENS
    return total


def estimate_constant_tokens(request: GenerationRequest, estimates: Estimates | None = None) -> int:
    """About how many tokens system prompts and tool declarations have; arguments as above."""
    estimates = estimates or Estimates()
    system = [message.text for message in request.messages if message.role in _CONSTANT_ROLES]
    return estimates.of_lines(system) + estimates.of_tools(request)


def count(text: str) -> tuple[int, ...]:
    """Count what makes tokens, twelve numbers in the order of `FEATURES`.

    A word is a run of letters of any script; `spare_letters` are ASCII letters beyond eight per word on average, so
    that encoded bytes do not pass for one word; `symbols` are characters such as dashes, quotes and arrows.
    """
    return _count(tally(text))


def tally(text: str) -> Tally:
    """Count the bytes of a text."""
    raw = text.encode("utf-8", "surrogatepass")
    if 0 < len(raw) <= _CHUNK_BYTES:
        return _tally_chunk(raw)
    # In chunks, because counting needs eight bytes of memory for each byte of text.
    chunks = (raw[start : start + _CHUNK_BYTES] for start in range(0, len(raw), _CHUNK_BYTES))
    return list(map(sum, zip([0] * _N_BINS, *map(_tally_chunk, chunks), strict=True)))


def _tally_chunk(raw: bytes) -> Tally:
    # No kind has the number in front, so that the first byte begins a run.
    kinds = np.frombuffer(b"\xff" + raw.translate(_KINDS), _BYTE)
    bins = np.frombuffer(raw.translate(_FIRST_BINS), _BYTE) + (kinds[1:] != kinds[:-1]).view(_BYTE)
    return np.bincount(bins, None, _N_BINS).tolist()


def _count(counted: Tally) -> tuple[int, ...]:
    (
        lower, lowers, upper, uppers, digit, digits, mark, marks, _, _, _, breaks,
        two, twos, symbol, symbols, three, threes, four, fours, _, continuations,
    ) = counted  # fmt: skip
    words = lowers + uppers + twos + symbols + threes + fours + continuations
    upper += uppers
    return (
        words, upper, digit + digits, digits, mark + marks, marks, breaks,
        max(0, lower + lowers + upper - _LETTERS_PER_WORD * words),
        two + twos, symbol + symbols, three + threes, four + fours,
    )  # fmt: skip


def _estimate(counted: Tally) -> int:
    return max(1, round(sum(map(mul, _count(counted), _WEIGHTS))))


def _classify(byte: int) -> int:
    if byte >= 0x80:
        leads = ((0xF0, _FOUR), (0xE3, _THREE), (0xE2, _SYMBOL), (0xE0, _THREE), (0xC0, _TWO), (0x80, _CONTINUATION))
        return next(kind for lowest, kind in leads if byte >= lowest)
    character = chr(byte)
    tests = (("islower", _LOWER), ("isupper", _UPPER), ("isdigit", _DIGIT))
    named = next((kind for test, kind in tests if getattr(character, test)()), _MARK)
    return {" ": _SPACE, "\t": _SPACE, "\n": _BREAK, "\r": _BREAK}.get(character, named)


_CLASSES = bytes(_classify(byte) for byte in range(256))
_KINDS = bytes(_LOWER if kind in _WORD_CLASSES else kind for kind in _CLASSES)
_FIRST_BINS = bytes(2 * kind for kind in _CLASSES)
_BREAKS = tuple(chr(byte) for byte in range(128) if _CLASSES[byte] == _BREAK)
_CONSTANT_ROLES = frozenset({"system", "developer"})


def _texts(message: Message) -> list[str]:
    if not message.tool_calls:
        return [message.text]
    calls = [call.function for call in message.tool_calls if call.function is not None]
    return [message.text, *(f"{call.name or ''} {call.arguments or ''}" for call in calls)]


def _declared_tools(request: GenerationRequest) -> str:
    """Tool declarations as the client wrote them; templates print them as JSON too."""
    if not request.has_tools:
        return ""
    declared = [bytes(request.fields[name]) for name in ("tools", "functions") if name in request.fields]
    return b"\n".join(declared).decode("utf-8", "replace")
