"""A user's message, parted into his own words and what he only brought along.

Retrieved chunks, quoted articles and pasted logs are long and change from request to request; what is asked about them
is short. Scorers that saw both would score the passage. So marked documents (in tags, in block quotes, in triple
quotes, after a label such as `Context:`) go, and where the rest is still long, only the paragraphs that ask or
instruct stay, and code up to a bound: it is what a coding question is about.

Every step is linear in the text, and of a huge message only both ends are read.
"""

import re

import msgspec

MAX_READ = 96_000
"""Characters read of one message, half of them from its end; the middle is a passage in any case."""

PASSAGE = 240
"""A marked document shorter than this stays."""

LONG = 400
"""A paragraph longer than this is no question, unless all of the message is short."""

SHORT = 4_000
"""Up to this many characters nothing but marked documents is left out: a puzzle or a question with ten options is as
long as that, and without its middle no scorer can tell how hard it is (half a point to a point of APGR on public sets).
"""

MAX_OWN = 1_600
"""Characters of own words kept at most, code not counted."""

MAX_CODE = 1_200
"""Characters of code kept at most."""

_MANY_ASKING = 6

_TAGS = (
    "document|documents|doc|docs|context|passage|passages|article|source|sources|search_results|results|result|transcript|"
    "email|background|knowledge|excerpt|content|text|file|data|reference|references|history|chunk|snippet|page"
)
_OPEN_TAG = re.compile(rf"<({_TAGS})(?:\s[^<>]{{0,200}})?>", re.IGNORECASE)
_LABEL = re.compile(
    r"[ \t#*\[]{0,4}(?:retrieved |background |reference |source |search )?"
    r"(?:article|context|document|passage|source|excerpt|transcript|knowledge|background|result|text|email|log)s?"
    r"(?: \[?\d{1,4}\]?)?[\])*]{0,3} ?:",
    re.IGNORECASE,
)
_ASK_LABEL = re.compile(
    r"[ \t#*\[]{0,4}(?:my |user |user's |the )?(?:question|query|task|instruction|request|problem)s?[\])*]{0,3} ?:",
    re.IGNORECASE,
)
_INSTRUCTS = re.compile(
    r"[\W\d_]{0,6}(?:please|kindly|can you|could you|would you|will you|help me|i need|i want|i would like|i'd like|"
    r"let's|you are|your task|make sure|use (?:only|the|this|these)|"
    r"(?:based on|given|according to|using|from) (?:only )?(?:the|this|these) (?:above|article|context|document|"
    r"excerpt|following|information|passage|source|text)s?|"
    r"answer|reply|respond|explain|describe|summari[sz]e|translate|write|rewrite|draft|create|generate|list|find|extract|"
    r"classify|compare|contrast|analy[sz]e|evaluate|review|fix|debug|refactor|implement|prove|derive|solve|calculate|"
    r"compute|convert|design|plan|suggest|recommend|give|tell|show|identify|check|decide|determine|estimate|sort|return|"
    r"(?:how|why|what|which|who|where|when) (?:do|does|did|can|could|should|would|is|are|was|were|to|many|much|long)|"
    r"is there|are there|do you)\b",
    re.IGNORECASE,
)
_QUESTION_MARKS = ("?", "\N{FULLWIDTH QUESTION MARK}", "\N{ARABIC QUESTION MARK}")
_CODE_LINE = re.compile(
    r"(?:\s{2,}\S|\s*(?:def|class|import|from|return|if|for|while|function|const|let|var|public|private|static|select|insert|"
    r"update|#include|package|func|fn|use|try|except|catch|else)\b.*[({:;=]|.*[{};]\s*$|\s*(?://|#!|\$ |>>> ))"
)
_LANGUAGE = re.compile(r"(?!text\b|txt\b|md\b|markdown\b)[A-Za-z][\w+#-]{0,19}[ \t]*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")


class Parted(msgspec.Struct, frozen=True, gc=False):
    """A message in two parts."""

    own: str
    """The user's own words, and code up to a bound."""
    left_out: str
    """Everything else, joined by line breaks."""


def part(text: str) -> Parted:
    """Part a user's message; short messages without marked documents stay as they are."""
    if len(text) <= PASSAGE:
        return Parted(text, "")
    left_out: list[str] = []
    read = text
    if len(text) > MAX_READ:
        left_out.append(text[MAX_READ // 2 : -MAX_READ // 2])
        read = text[: MAX_READ // 2] + "\n\n" + text[-MAX_READ // 2 :]
    prose, code = _split_fences(read, left_out)
    prose = _drop_quoted(_drop_tagged(prose, left_out), left_out)
    if not left_out and len(prose) <= SHORT and not _has_labels(prose):
        return Parted(text, "")
    own = "\n".join(filter(None, (_keep_own(prose, left_out), code)))
    if not left_out:
        return Parted(text, "")
    # `Question:` belongs to the template around the passages, as they do.
    own = _ASK_LABEL.sub("", own, count=1).lstrip() if _ASK_LABEL.match(own) else own
    # A message may be nothing but a document; its ends then stand for it, or all such messages would look alike.
    return Parted(own if own.strip() else _ends(text), "\n".join(left_out))


def _ends(text: str) -> str:
    return text if len(text) <= 2 * LONG else f"{text[:LONG]}\n{text[-LONG:]}"


def _split_fences(text: str, left_out: list[str]) -> tuple[str, str]:
    """Prose, and code up to a bound, of a message in Markdown; an unclosed fence runs to the end."""
    if "```" not in text:
        return text, ""
    pieces = text.split("```")
    code: list[str] = []
    for piece in map(str.strip, pieces[1::2]):
        (code if len(piece) <= PASSAGE or _is_fenced_code(piece) else left_out).append(piece)
    joined = "\n".join(code)
    if len(joined) > MAX_CODE:
        left_out.append(joined[MAX_CODE:])
    return "\n\n".join(pieces[::2]), joined[:MAX_CODE]


def _is_fenced_code(piece: str) -> bool:
    return _LANGUAGE.match(piece) is not None or _is_code(piece)


def _drop_tagged(text: str, left_out: list[str]) -> str:
    """Take out long contents of tags that hold documents."""
    if "<" not in text:
        return text
    kept: list[str] = []
    unclosed: set[str] = set()
    position = 0
    while opening := _OPEN_TAG.search(text, position):
        name = opening[1].lower()
        end = -1 if name in unclosed else _find_closing(text, name, opening.end())
        if end < 0:
            # Remembered, so that a thousand tags that nobody closes do not cost a thousand searches.
            unclosed.add(name)
            kept.append(text[position : opening.end()])
            position = opening.end()
            continue
        is_long = end - opening.end() > PASSAGE
        kept.append(text[position : opening.start() if is_long else end])
        if is_long:
            left_out.append(text[opening.end() : end])
            kept.append("\n\n")
        closing_end = text.find(">", end)
        position = closing_end + 1
    return "".join([*kept, text[position:]])


def _find_closing(text: str, name: str, start: int) -> int:
    closing = re.compile(rf"</{name}\s{{0,8}}>", re.IGNORECASE).search(text, start)
    return closing.start() if closing else -1


def _drop_quoted(text: str, left_out: list[str]) -> str:
    """Take out long block quotes of Markdown and long texts between triple quotes."""
    for quotes in ('"""', "'''"):
        if quotes not in text:
            continue
        pieces = text.split(quotes)
        is_quoted = [
            index % 2 == 1 and index + 1 < len(pieces) and not _ends_in_code(pieces[index - 1])
            for index in range(len(pieces))
        ]
        is_long = [quoted and len(piece) > PASSAGE for quoted, piece in zip(is_quoted, pieces, strict=True)]
        if any(is_long):
            left_out += [piece for piece, long in zip(pieces, is_long, strict=True) if long]
            text = "\n\n".join(piece for piece, long in zip(pieces, is_long, strict=True) if not long)
    if not text.startswith(">") and "\n>" not in text:
        return text
    lines = text.split("\n")
    quote = "\n".join(line for line in lines if line.startswith(">"))
    if len(quote) > PASSAGE:
        left_out.append(quote)
        text = "\n".join(line for line in lines if not line.startswith(">"))
    return text


def _ends_in_code(text: str) -> bool:
    """Whether what comes next is a docstring: it says what the code should do."""
    lines = text.rstrip().rsplit("\n", 1)
    return _CODE_LINE.match(lines[-1]) is not None


def _keep_own(text: str, left_out: list[str]) -> str:
    """What the user says himself, in his order."""
    paragraphs = [stripped for paragraph in _BLANK_LINE.split(text) if (stripped := paragraph.strip())]
    unlabelled = [paragraph for paragraph in paragraphs if not _is_labelled(paragraph)]
    if unlabelled and sum(map(len, unlabelled)) <= SHORT:
        left_out += [paragraph for paragraph in paragraphs if _is_labelled(paragraph)]
        return "\n\n".join(unlabelled)
    if len(text) <= SHORT:
        return text
    n_tail = _count_tail(paragraphs)
    tail = paragraphs[len(paragraphs) - n_tail :]
    units = [unit for paragraph in paragraphs[: len(paragraphs) - n_tail] for unit in _units(paragraph)]
    first_of_tail = len(units)
    units += tail
    chosen = _choose(units[:first_of_tail], needs_one=not tail) | set(range(first_of_tail, len(units)))
    if not chosen:
        left_out.append(text[LONG:-LONG])
        return _ends(text)
    left_out += [unit for index, unit in enumerate(units) if index not in chosen]
    return "\n".join(units[index] for index in sorted(chosen))


def _count_tail(paragraphs: list[str]) -> int:
    """How many paragraphs behind the last long one are the user's: all, if one of them asks and they are few."""
    long = [index for index, paragraph in enumerate(paragraphs) if len(paragraph) > LONG]
    tail = paragraphs[long[-1] + 1 :] if long else []
    is_own = any(map(_asks, tail)) and sum(map(len, tail)) <= LONG and len(tail) <= _MANY_ASKING
    return len(tail) if is_own else 0


def _has_labels(text: str) -> bool:
    """Whether some of several paragraphs may be labelled; a single one stays in any case."""
    return (
        ":" in text and "\n" in text and any(_is_labelled(paragraph.strip()) for paragraph in _BLANK_LINE.split(text))
    )


def _is_labelled(paragraph: str) -> bool:
    return len(paragraph) > PASSAGE and _LABEL.match(paragraph) is not None


def _units(paragraph: str) -> list[str]:
    """A short paragraph whole, code cut at the bound; others by lines, long lines by first sentence, rest and last."""
    if _is_code(paragraph):
        return [head for head in (paragraph[:MAX_CODE], paragraph[MAX_CODE:]) if head]
    if len(paragraph) <= LONG:
        return [paragraph]
    units: list[str] = []
    for line in filter(None, map(str.strip, paragraph.split("\n"))):
        sentences = _SENTENCE_END.split(line) if len(line) > LONG else [line]
        units += sentences if len(sentences) < 3 else [sentences[0], " ".join(sentences[1:-1]), sentences[-1]]
    return units


def _choose(units: list[str], *, needs_one: bool) -> set[int]:
    """Indices of the units to keep: what asks or instructs.

    If nothing does, and one is needed, it is the last or first one; none if they are long.
    """
    short = [index for index, unit in enumerate(units) if len(unit) <= LONG]
    labelled = [index for index in short if _ASK_LABEL.match(units[index])]
    asking = [index for index in short if _asks(units[index])]
    if len(asking) > _MANY_ASKING:
        # A manual or a list of questions and answers: its own lines ask and instruct, so only the ends can be trusted.
        asking = [*asking[:2], *asking[-2:]]
    ends = [index for index in (len(units) - 1, 0) if index in short and needs_one]
    # From the end, since a question follows its material more often than it leads.
    chosen = _within(units, [*labelled, *reversed(asking)] or ends[:1], MAX_OWN)
    code = [index for index, unit in enumerate(units) if index not in chosen and _is_code(unit)]
    return chosen | _within(units, code, MAX_CODE)


def _within(units: list[str], indices: list[int], budget: int) -> set[int]:
    chosen: set[int] = set()
    for index in indices:
        if index not in chosen and len(units[index]) <= budget:
            chosen.add(index)
            budget -= len(units[index])
    return chosen


def _asks(unit: str) -> bool:
    return unit.rstrip("\"'”») ").endswith(_QUESTION_MARKS) or _INSTRUCTS.match(unit) is not None


def _is_code(unit: str) -> bool:
    lines = [line for line in unit.split("\n") if line.strip()]
    return len(lines) > 2 and 2 * sum(_CODE_LINE.match(line) is not None for line in lines) >= len(lines)
