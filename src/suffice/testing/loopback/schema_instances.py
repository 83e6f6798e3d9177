"""A value that fits a JSON schema: what a server with guided decoding would make a model say."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

MAX_DEPTH = 8
Schema = Mapping[str, Any]


def fit(schema: Schema, word: Callable[[int], str]) -> Any:
    """Make a value that `schema` accepts.

    Understands `$ref` within the document, `const`, `enum`, `anyOf`, `oneOf`, `allOf` (its first), `type`,
    `properties`, `items`, `minItems`, `minimum` and `minLength`: what tools and response formats use.

    Args:
        schema: A JSON schema.
        word: The word at a position; the same position always gives the same word.
    """
    return _Fitting(schema, word).value(schema, 0)


class _Fitting:
    def __init__(self, root: Schema, word: Callable[[int], str]) -> None:
        self._root = root
        self._word = word
        self._n = 0

    def value(self, schema: Schema, depth: int) -> Any:
        schema = self._resolve(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self.value(_choose(schema[keyword], depth), depth + 1)
        return self._of_type(_type_of(schema), schema, depth)

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            target: Any = self._root
            for key in str(schema["$ref"]).removeprefix("#").strip("/").split("/"):
                target = target[key] if key else target
            schema = cast("Schema", target)
        return schema

    def _of_type(self, kind: str, schema: Schema, depth: int) -> Any:
        self._n += 1
        match kind:
            case "object":
                properties = cast("Mapping[str, Schema]", schema.get("properties", {}))
                return {name: self.value(below, depth + 1) for name, below in properties.items()}
            case "array":
                n_items = schema.get("minItems", 0 if depth >= MAX_DEPTH else 1)
                return [self.value(schema.get("items", {"type": "string"}), depth + 1) for _ in range(n_items)]
            case "integer" | "number":
                return schema.get("minimum", self._n)
            case "boolean":
                return self._n % 2 == 0
            case "null":
                return None
            case _:
                return self._word(self._n).ljust(schema.get("minLength", 0), "x")


def _choose(options: Sequence[Schema], depth: int) -> Schema:
    """The first option, or the null one where a recursive schema has gone deep enough."""
    if depth >= MAX_DEPTH:
        return next((option for option in options if option.get("type") == "null"), options[-1])
    return options[0]


def _type_of(schema: Schema) -> str:
    stated = schema.get("type", "object" if "properties" in schema else "string")
    return stated if isinstance(stated, str) else str(stated[0])
