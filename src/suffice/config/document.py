"""YAML text -> a plain tree that knows the line of each of its values.

Read by the core schema of YAML 1.2.2 (10.3), so that `on`, `no`, `12:30`, `0123` and `2026-11-23` stay the texts they
look like. Stricter than it in four places, since a configuration wants no riddles: a key may not stand twice, keys are
texts, a number with a leading zero is a text, and aliases may not blow the file up.
"""

import re
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

Path = tuple[str | int, ...]
"""Keys and positions from the root: `("tiers", 0, "price")`."""

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
"""What can stand in a file."""

MAX_CHARACTERS = 1_000_000
MAX_NODES = 20_000
"""Values in a file, each alias counted as what it stands for."""
MAX_DEPTH = 32

_TAG = "tag:yaml.org,2002:"
_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True)
class Slip:
    """Something wrong at one place of a document."""

    path: Path
    remedy: str
    line: int | None = None
    unusable: bool = False
    """Nothing was read there; a key that stands twice keeps its first value."""


@dataclass(slots=True)
class Document:
    """A file as it was read."""

    tree: dict[str, Value] = field(default_factory=dict[str, Value])
    lines: dict[Path, int] = field(default_factory=dict[Path, int])
    """Line of each value that stands in the file, from 1."""
    slips: list[Slip] = field(default_factory=list[Slip])

    def line(self, path: Path) -> int | None:
        """Line of the value at `path`, or of what encloses the place where it is missing."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def value(self, path: Path) -> Value:
        """What stands at `path`; None where nothing does."""
        value: Value = self.tree
        for step in path:
            value = _descend(value, step)
        return value


def render_path(path: Path) -> str:
    """Write a path as people do: `tiers[0].price.input`, `aliases["gpt-4.1"].tier`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _BARE_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += '["' + step.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"]'
    return text or "(file)"


def read(text: str) -> Document:
    """Read a file; what cannot be read is among the `slips`, and left out of the tree."""
    document = Document()
    if len(text) > MAX_CHARACTERS:
        document.slips.append(Slip((), f"is over {MAX_CHARACTERS} characters long; this is no configuration file"))
        return document
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        document.slips.append(_describe_syntax(error))
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        document.slips.append(Slip((), f"holds the character {error.character!r}; YAML cannot hold it", line))
    except RecursionError:
        document.slips.append(Slip((), f"nests deeper than {MAX_DEPTH} levels; no section needs that"))
    else:
        _read_root(root, document)
    return document


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """The stages of PyYAML that lead to nodes, without its YAML 1.1 resolver and constructors."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)


_FLOAT = (
    r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_CORE_SCHEMA = (
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", "|".join(_BOOL), list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
)
for _name, _pattern, _first in _CORE_SCHEMA:
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"(?:{_pattern})\Z"), _first)  # pyright: ignore[reportUnknownMemberType] - untyped in the stubs


def _descend(value: Value, step: str | int) -> Value:
    if isinstance(step, str):
        return value.get(step) if isinstance(value, dict) else None
    return value[step] if isinstance(value, list) and step < len(value) else None


def _describe_syntax(error: yaml.MarkedYAMLError) -> Slip:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "is not YAML"
    hint = ""
    if "\\t" in problem:
        hint = "; indent with blanks, not with tabs"
    elif "mapping values are not allowed" in problem:
        hint = "; put a value with ': ' into quotes, or mend the indentation"
    elif "single document" in (error.context or ""):
        hint = "; keep one document, without a second '---'"
    return Slip((), f"is not YAML: {problem}{hint}", mark.line + 1 if mark else None)


def _read_root(root: yaml.Node | None, document: Document) -> None:
    if root is None:
        document.slips.append(Slip((), "is empty; `suffice init` writes one to start from"))
    elif not isinstance(root, yaml.MappingNode):
        document.slips.append(Slip((), f"must be sections such as 'tiers:', not {_kind(root)}", _line(root)))
    else:
        try:
            document.tree = _Reader(document).read_mapping(root, ())
        except _TooLargeError as error:
            document.slips.append(Slip((), str(error)))


class _TooLargeError(Exception):
    """The nodes stand for more than a configuration needs."""


class _Reader:
    """Turns nodes into plain values."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._n_nodes = 0

    def read(self, node: yaml.Node, path: Path) -> Value:
        """The value of `node`; None where it has none, which is then among the slips."""
        self._n_nodes += 1
        if self._n_nodes > MAX_NODES:
            raise _TooLargeError(f"stands for over {MAX_NODES} values; do not repeat parts with '&' and '*'")
        if len(path) > MAX_DEPTH:
            raise _TooLargeError(f"nests deeper than {MAX_DEPTH} levels; no section needs that")
        self._document.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.MappingNode):
            return self.read_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            items: list[yaml.Node] = node.value
            return [self.read(item, (*path, index)) for index, item in enumerate(items)]
        try:
            return _read_scalar(node)
        except ValueError:
            tag = node.tag.replace(_TAG, "!!")
            remedy = f"is not {tag}; write the value without a tag, in quotes if it is a text"
            self._document.slips.append(Slip(path, remedy, _line(node), unusable=True))
            return None

    def read_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Value]:
        """The mapping, each key once."""
        tree: dict[str, Value] = {}
        pairs: list[tuple[yaml.Node, yaml.Node]] = node.value
        for key_node, value_node in pairs:
            if key_node.tag != _TAG + "str" or not isinstance(key_node, yaml.ScalarNode):
                self._slip(path, f"holds a key that is {_kind(key_node)}; keys are texts: put it in quotes", key_node)
                continue
            key: str = key_node.value
            place = (*path, key)
            if key in tree:
                first = self._document.lines[place]
                self._slip(place, f"stands twice; the first is on line {first}: keep one of them", key_node)
                continue
            self._document.lines[place] = _line(key_node)
            tree[key] = self.read(value_node, place)
        return tree

    def _slip(self, path: Path, remedy: str, node: yaml.Node) -> None:
        self._document.slips.append(Slip(path, remedy, _line(node)))


def _read_scalar(node: yaml.Node) -> Value:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "str":
            return text
        case "null":
            return None
        case "bool" if text in _BOOL:
            return _BOOL[text]
        case "int":
            return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)
        case "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            raise ValueError(node.tag)


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    kinds = {"null": "empty", "bool": "true or false", "int": "a number", "float": "a number", "str": "a text"}
    return kinds.get(node.tag.removeprefix(_TAG), f"tagged {node.tag!r}")
