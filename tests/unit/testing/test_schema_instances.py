"""Values made to fit a schema do fit it."""

from typing import Any

import jsonschema
import pytest

from suffice.testing.loopback.schema_instances import fit

SCHEMAS: dict[str, dict[str, Any]] = {
    "nested object": {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "number"}, "minItems": 2}, "b": {"type": "boolean"}},
        "required": ["a", "b"],
    },
    "reference": {"$ref": "#/$defs/x", "$defs": {"x": {"type": "integer", "minimum": 7}}},
    "choice": {"anyOf": [{"type": "null"}, {"type": "string"}]},
    "enumeration": {"enum": ["red", "green"]},
    "constant": {"const": 3},
    "list of types": {"type": ["string", "null"], "minLength": 40},
    "recursion": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["next"],
    },
    "recursive list": {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": "#"}}}},
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_an_instance_is_valid(schema: dict[str, Any]) -> None:
    instance = fit(schema, lambda position: f"word{position}")

    jsonschema.Draft202012Validator(schema).validate(instance)  # pyright: ignore[reportUnknownMemberType] - untyped there
