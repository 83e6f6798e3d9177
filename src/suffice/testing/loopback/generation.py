"""What the loopback upstream's model says: a pure function of the request."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from suffice.testing.loopback.directives import Behaviour
from suffice.testing.loopback.question import Question
from suffice.testing.loopback.schema_instances import fit

_WORD_LIST = (
    "amber basalt cedar delta ember fjord grove harbour iris juniper kelp lagoon meadow nectar onyx pebble quartz "
    "river saffron tundra umber valley willow xenon yarrow zephyr naïve 東京 🌊 “quoted” back\\slash tab\tend"
)
_WORDS = _WORD_LIST.split(" ")
_PIECE = re.compile(r"\s*\S{1,8}|\s+")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedCall:
    """A tool call."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """One choice."""

    index: int
    pieces: Sequence[str]
    """The text, token by token."""
    finish_reason: str
    stop_reason: str | None = None
    """The stop string that ended the text."""
    thoughts: Sequence[str] = ()
    """Reasoning, token by token."""
    calls: Sequence[GeneratedCall] = field(default_factory=tuple[GeneratedCall, ...])

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)

    @property
    def n_tokens(self) -> int:
        """Tokens billed: text, thoughts, and one for each eight characters of a call."""
        return len(self.pieces) + len(self.thoughts) + sum(2 + len(call.arguments) // 8 for call in self.calls)


def generate(question: Question, behaviour: Behaviour, *, n_words: int) -> list[Generated]:
    """Make all choices of the answer.

    Args:
        question: The request.
        behaviour: Its directives.
        n_words: Length of an answer that nothing else limits.
    """
    return [_generate_choice(question, behaviour, index, n_words) for index in range(question.n_choices)]


def number(question: Question, *where: int | str) -> int:
    """A number below 2**32 that depends on the request and on `where` alone."""
    key = ":".join(map(str, where)).encode()
    return int.from_bytes(hashlib.blake2b(key, key=question.digest, digest_size=4).digest(), "big")


def _generate_choice(question: Question, behaviour: Behaviour, index: int, n_words: int) -> Generated:
    def word(position: int) -> str:
        return _WORDS[number(question, index, position) % len(_WORDS)]

    thoughts = _split("First, let me think about it.") if _thinks(question, behaviour) else []
    calls = _calls(question, behaviour, index, word)
    if calls:
        return Generated(index=index, pieces=(), finish_reason="tool_calls", thoughts=thoughts, calls=calls)
    text = _text(question, behaviour, word, n_words)
    stop = min((stop for stop in question.stops if stop in text), key=text.index, default=None)
    pieces = [text] if "huge" in behaviour else _split(text if stop is None else text[: text.index(stop)])
    reason = behaviour.text("finish") or "stop"
    limit = question.max_tokens
    if limit is not None and len(pieces) > limit:
        pieces, reason, stop = pieces[:limit], "length", None
    return Generated(index=index, pieces=pieces, finish_reason=reason, stop_reason=stop, thoughts=thoughts)


def _split(text: str) -> list[str]:
    return _PIECE.findall(text)


def _thinks(question: Question, behaviour: Behaviour) -> bool:
    template = question.section("chat_template_kwargs")
    return "think" in behaviour or bool(template.get("enable_thinking"))


def _text(question: Question, behaviour: Behaviour, word: Callable[[int], str], n_words: int) -> str:
    said = behaviour.text("say")
    if said is not None:
        return said.replace("\\n", "\n")
    huge = behaviour.count("huge")
    if huge is not None:
        return "x" * huge
    guided = _guided(question, word)
    if guided is not None:
        return guided
    ordered = behaviour.count("words")
    n = n_words if ordered is None else ordered
    echoed = str(question.fields.get("prompt")) if question.fields.get("echo") else ""
    return echoed + " ".join(word(position) for position in range(n))


def _guided(question: Question, word: Callable[[int], str]) -> str | None:
    """The text where the request constrains it: OpenAI's way, and vLLM's old and new ones."""
    fields = question.fields
    response_format = question.section("response_format")
    structured = question.section("structured_outputs")
    choices: list[Any] | None = fields.get("guided_choice") or structured.get("choice")
    if choices:
        return str(choices[number(question, "choice") % len(choices)])
    schema: Mapping[str, Any] | None = fields.get("guided_json") or structured.get("json")
    if response_format.get("type") == "json_schema":
        schema = response_format["json_schema"].get("schema", {})
    if schema is not None:
        return msgspec.json.encode(fit(schema, word)).decode()
    if response_format.get("type") == "json_object":
        return msgspec.json.encode({"answer": word(0), "n": 1}).decode()
    return None


def _calls(
    question: Question, behaviour: Behaviour, index: int, word: Callable[[int], str]
) -> tuple[GeneratedCall, ...]:
    tools = _tools_to_call(question, behaviour)
    return tuple(
        GeneratedCall(
            id=f"call_{number(question, index, 'call', position):08x}",
            name=tool["name"],
            arguments=msgspec.json.encode(fit(tool.get("parameters") or {"type": "object"}, word)).decode(),
        )
        for position, tool in enumerate(tools)
    )


def _tools_to_call(question: Question, behaviour: Behaviour) -> list[Mapping[str, Any]]:
    """After a user's turn a tool is called wherever that is allowed; after a tool's result, only if it is ordered."""
    declared: list[Mapping[str, Any]] = [tool["function"] for tool in question.fields.get("tools") or ()]
    choice = question.fields.get("tool_choice", "auto")
    if not declared or choice == "none" or "say" in behaviour:
        return []
    if isinstance(choice, dict):
        named: str = question.fields["tool_choice"]["function"]["name"]
        return [function for function in declared if function["name"] == named]
    ordered = behaviour.count("call")
    if ordered is not None:
        return [declared[position % len(declared)] for position in range(ordered)]
    if choice != "required" and question.messages[-1].get("role") != "user":
        return []
    return declared[:2] if question.fields.get("parallel_tool_calls") else declared[:1]
