"""JSON documents of any kind, for properties of whatever reads or edits them."""

import json
from typing import Any

from hypothesis import strategies as st

texts = st.text(st.characters(codec="utf-8"), max_size=8)
keys = st.sampled_from(["usage", "a", "model", "us", "ü", '"', "\\", "", "n"]) | texts
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
objects = st.dictionaries(keys, values, max_size=6)
layouts = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])
"""What stands between members, and between a key and its value."""


@st.composite
def written_objects(draw: st.DrawFn) -> tuple[dict[str, Any], bytes]:
    """An object with one of the many ways to write it."""
    document = draw(objects)
    separators = draw(layouts)
    text = json.dumps(document, separators=separators, ensure_ascii=draw(st.booleans()))
    return document, text.encode()
