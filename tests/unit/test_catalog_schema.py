"""Checks of values against JSON Schema: where, what, and what would be right, in our own words."""

from typing import Any

import jsonschema_rs
import pytest

from portico.catalog.schema import MOST_FAILURES, compile_check
from portico.errors import Failure

Json = dict[str, Any]


def failures(schema: Json, value: Any) -> list[tuple[str, str, str]]:
    return [(each.path, each.problem, each.allowed) for each in compile_check(schema)(value)]


OBJECT: Json = {
    "type": "object",
    "properties": {"count": {"type": "integer"}, "inner": {"type": "object", "required": ["name"]}},
    "required": ["count"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (OBJECT, {}, ("count", "is required", "")),
        (OBJECT, {"count": 1, "inner": {}}, ("inner.name", "is required", "")),
        (OBJECT, {"count": 1, "other": 2}, ("other", "is not taken here", "count, inner")),
        (OBJECT, {"count": 1, "iner": 2}, ("iner", "is not taken here; did you mean 'inner'?", "count, inner")),
        ({"properties": {}, "additionalProperties": False}, {"a": 1}, ("a", "is not taken here", "none")),
        (OBJECT, {"count": "1"}, ("count", "has the wrong type", "integer")),
        (OBJECT, [], ("", "has the wrong type", "object")),
        ({"type": ["integer", "null"]}, "x", ("", "has the wrong type", "null or integer")),
        ({"enum": ["a", 1]}, 2, ("", "is not one of the allowed values", "a, 1")),
        ({"maximum": 5}, 6, ("", "must be at most 5", "")),
        ({"minimum": 5}, 4, ("", "must be at least 5", "")),
        ({"exclusiveMaximum": 5}, 5, ("", "must be less than 5", "")),
        ({"exclusiveMinimum": 5}, 5, ("", "must be more than 5", "")),
        ({"maxLength": 2}, "abc", ("", "must have at most 2 characters", "")),
        ({"minLength": 2}, "a", ("", "must have at least 2 characters", "")),
        ({"maxItems": 1}, [1, 2], ("", "must have at most 1 items", "")),
        ({"minItems": 1}, [], ("", "must have at least 1 items", "")),
        ({"items": {"type": "string"}}, ["a", 1], ("1", "has the wrong type", "string")),
        ({"pattern": "^a"}, "b", ("", 'the value does not match "^a"', "")),
    ],
)
def test_a_failure_says_where_what_and_what_would_be_right(
    schema: Json, value: Any, expected: tuple[str, str, str]
) -> None:
    assert failures(schema, value) == [expected]


def test_what_is_missing_is_told_from_what_is_wrong() -> None:
    found = compile_check(OBJECT)({"inner": {}, "other": 1})
    assert {each.path: each.missing for each in found} == {"count": "body", "inner.name": "body", "other": ""}


@pytest.mark.parametrize("value", [{"count": 1}, {"count": 1, "inner": {"name": 1, "more": 2}}])
def test_what_fits_has_no_failures(value: Json) -> None:
    assert failures(OBJECT, value) == []


def test_all_failures_are_told_up_to_a_limit() -> None:
    schema: Json = {"items": {"type": "string"}}
    assert len(failures(schema, [1, 2, 3])) == 3
    assert len(failures(schema, list(range(100)))) == MOST_FAILURES


def test_no_failure_repeats_the_value_which_may_be_a_secret() -> None:
    schema: Json = {"properties": {"key": {"pattern": "^lk-", "anyOf": [{"maxLength": 3}, {"type": "integer"}]}}}
    assert "CANARY" not in str(failures(schema, {"key": "CANARY-1234"}))


EITHER: Json = {
    "properties": {
        "words": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"enum": ["a", "b"]}}]},
        "name": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "array", "items": {"type": "string"}}]},
        "one": {"oneOf": [{"type": "integer"}, {"type": "object", "required": ["x"]}]},
    }
}


@pytest.mark.parametrize(
    ("value", "failure"),
    [
        ({"words": ["a", "c"]}, Failure("words.1", "is not one of the allowed values", "a, b")),
        ({"words": 1}, Failure("words", "has the wrong type", "null or array")),
        ({"name": "long"}, Failure("name", "must have at most 3 characters")),
        ({"name": [1]}, Failure("name.0", "has the wrong type", "string")),
        ({"name": {}}, Failure("name", "has the wrong type", "string or array")),
        ({"one": {}}, Failure("one.x", "is required")),
        ({"one": "x"}, Failure("one", "has the wrong type", "integer or object")),
    ],
)
def test_of_several_forms_the_one_that_was_meant_is_held_against_a_value(value: Json, failure: Failure) -> None:
    assert failures(EITHER, value) == [failure[:3]]


DEEP: Json = {
    "$defs": {"Inner": {"type": "object", "properties": {"size": {}, "shape": {}}, "additionalProperties": False}},
    "properties": {
        "one": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Inner"}]},
        "many": {"type": "array", "items": {"$ref": "#/$defs/Inner"}},
        "either": {
            "anyOf": [{"type": "string"}, {"type": "object", "properties": {"a": {}}, "additionalProperties": False}]
        },
    },
}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"one": {"colour": 1}}, [("one.colour", "is not taken here", "size, shape")]),
        (
            {"many": [{"size": 1}, {"shap": 1, "size": 2, "x": 3}]},
            [
                ("many.1.shap", "is not taken here; did you mean 'shape'?", "size, shape"),
                ("many.1.x", "is not taken here", "size, shape"),
            ],
        ),
        ({"either": {"b": 1}}, [("either.b", "is not taken here", "a")]),
        ({"one": {"n" * 300: 1}}, [("one." + "n" * 200, "is not taken here", "size, shape")]),
    ],
)
def test_a_name_that_is_not_known_is_told_by_its_place_with_those_that_are(
    value: Json, told: list[tuple[str, str, str]]
) -> None:
    assert failures(DEEP, value) == told


@pytest.mark.parametrize(
    "reference",
    [
        "https://evil.example/schema.json",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "//evil.example/x",
        "other.json",
    ],
)
def test_nothing_that_a_schema_refers_to_is_ever_fetched(reference: str) -> None:
    with pytest.raises(jsonschema_rs.ValidationError, match=r"a schema may not refer to|not present"):
        compile_check({"$ref": reference})
