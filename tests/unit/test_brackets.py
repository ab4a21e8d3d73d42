"""Bracketed names of a query as the nested JSON that they stand for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import InvalidArguments
from portico.gateway import brackets
from portico.shapes import is_record

NOTHING: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("pairs", "nested"),
    [
        ([("a[b]", "1")], {"a": {"b": "1"}}),
        ([("a[b][c]", "1"), ("a[b][d]", "2")], {"a": {"b": {"c": "1", "d": "2"}}}),
        ([("a[]", ["1", "2"])], {"a": ["1", "2"]}),
        ([("a[b][]", "1")], {"a": {"b": ["1"]}}),
        ([("a[0][id]", "x"), ("a[1][id]", "y")], {"a": [{"id": "x"}, {"id": "y"}]}),
        ([("a[7]", "late"), ("a[2]", "early")], {"a": ["early", "late"]}),
        ([("a[0][id]", "x"), ("a[name]", "y")], {"a": {"0": {"id": "x"}, "name": "y"}}),
        ([("a[][id]", "x"), ("a[][id]", "y")], {"a": [{"id": "x"}, {"id": "y"}]}),
        ([("a[b]", "1"), ("a[b][c]", "2")], {"a": {"b": {"c": "2"}}}),
        ([("a[b][c]", "2"), ("a[b]", "1")], {"a": {"b": "1"}}),
        ([("a[b]", NOTHING)], {"a": {"b": NOTHING}}),
        ([("a[b]", "1"), ("z[y]", "2")], {"a": {"b": "1"}, "z": {"y": "2"}}),
        ([("a[99999]", "too large to be a place")], {"a": {"99999": "too large to be a place"}}),
    ],
)
def test_names_nest(pairs: list[tuple[str, Any]], nested: dict[str, Any]) -> None:
    assert brackets.nest(pairs) == nested


def test_names_do_not_nest_without_end() -> None:
    with pytest.raises(InvalidArguments, match="a: is nested too deeply; allowed: 16 levels at most"):
        brackets.nest([("a" + "[b]" * 16, "1")])


@pytest.mark.parametrize(
    ("name", "plain"),
    [("a[0]", "a[]"), ("a[12]", "a[]"), ("a[]", "a[]"), ("a", "a"), ("a[b]", "a[b]"), ("a[0][b]", "a[0][b]")],
)
def test_a_numbered_list_is_a_plain_one(name: str, plain: str) -> None:
    assert brackets.plain_list(name) == plain


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a[b]", True), ("a[b][]", True), ("a[]", False), ("a", False), ("a[", False), ("[b]", False), ("a]b[", False)],
)
def test_a_list_is_not_a_nested_name(name: str, expected: bool) -> None:
    assert brackets.is_nested(name) is expected


SCHEMA = {
    "type": "object",
    "properties": {
        "count": {"type": "integer"},
        "name": {"type": ["string", "null"]},
        "on": {"type": "boolean"},
        "each": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number"}}}},
    },
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"count": "3", "name": "3", "on": "true"}, {"count": 3, "name": "3", "on": True}),
        ({"each": [{"n": "1.5"}, {"n": "x"}]}, {"each": [{"n": 1.5}, {"n": "x"}]}),
        ({"unknown": "3"}, {"unknown": "3"}),
        ({"count": 4}, {"count": 4}),
    ],
)
def test_leaves_become_what_the_schema_says(value: Any, expected: Any) -> None:
    assert brackets.typed(value, SCHEMA) == expected


names = st.text(st.characters(codec="ascii", exclude_characters="[]"), min_size=1, max_size=5)
leaves = st.text(max_size=5)
trees = st.recursive(leaves, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=8)


def spelled(prefix: str, value: Any) -> list[tuple[str, Any]]:
    if is_record(value):
        return [pair for name, each in value.items() for pair in spelled(f"{prefix}[{name}]", each)]
    return [(prefix, value)]


@given(st.dictionaries(names.filter(lambda name: not name.isdecimal()), trees, min_size=1, max_size=3))
def test_objects_survive_being_spelled_in_brackets(value: dict[str, Any]) -> None:
    """But for members whose names are all numbers, which are a list by then."""
    pairs = [pair for name, each in value.items() for pair in spelled(f"{name}[x]", each)]
    if any(step.isdecimal() for name, _ in pairs for step in name.replace("]", "").split("[")):
        return
    assert brackets.nest(pairs) == {name: {"x": each} for name, each in value.items()}


@given(st.lists(st.tuples(st.text(min_size=1, max_size=12), st.text(max_size=3)), max_size=6))
def test_no_name_breaks_the_nesting(pairs: list[tuple[str, str]]) -> None:
    nested = brackets.nest(pairs)
    assert set(nested) == {name.partition("[")[0] for name, _ in pairs}
