"""`fields`: what every form picks, what cannot be read and why, what is said of fields that are nowhere."""

from typing import Any

import pytest

from portico.errors import InvalidArguments
from portico.toolbox.fields import read_fields

VALUE: dict[str, Any] = {
    "id": "a1",
    "amount": {"value": 3, "currency": "usd"},
    "data": [{"id": "x", "name": "one", "tags": ["p", "q"]}, {"id": "y", "name": "two", "tags": []}],
    "metadata": {"a.b": 1, "c": 2},
    "usage": None,
}


PICKED: list[tuple[Any, Any]] = [
    ("id", {"id": "a1"}),
    ("id, amount.value", {"id": "a1", "amount": {"value": 3}}),
    (["amount.currency", "id"], {"amount": {"currency": "usd"}, "id": "a1"}),
    ('["id", "usage"]', {"id": "a1", "usage": None}),
    ("data.id", {"data": [{"id": "x"}, {"id": "y"}]}),
    ("data[].id", {"data": [{"id": "x"}, {"id": "y"}]}),
    ("data[].id,data[].name", {"data": [{"id": "x", "name": "one"}, {"id": "y", "name": "two"}]}),
    ("data[0].id", {"data": [{"id": "x"}]}),
    ("data[-1].id", {"data": [{"id": "y"}]}),
    ("data[-1].id, data[].name", {"data": [{"id": "y", "name": "two"}]}),
    ("data[7].id", {"data": []}),
    ("data[0]", {"data": [VALUE["data"][0]]}),
    ("data[0].tags[1]", {"data": [{"tags": ["q"]}]}),
    ("metadata.*", {"metadata": {"a.b": 1, "c": 2}}),
    ('metadata."a.b"', {"metadata": {"a.b": 1}}),
    ("*.value", {"id": "a1", "amount": {"value": 3}, "data": [{}, {}], "metadata": {}, "usage": None}),
    ("*.value, amount", {"id": "a1", "amount": VALUE["amount"], "data": [{}, {}], "metadata": {}, "usage": None}),
    ("amount, amount.value", {"amount": VALUE["amount"]}),
    ("-data, -metadata,-usage", {"id": "a1", "amount": VALUE["amount"]}),
    ("-data[0], -metadata", {**{k: VALUE[k] for k in ("id", "amount", "usage")}, "data": [VALUE["data"][1]]}),
    ("data, -data.tags", {"data": [{"id": "x", "name": "one"}, {"id": "y", "name": "two"}]}),
    ("-*", {}),
]


@pytest.mark.parametrize(("fields", "picked"), PICKED)
def test_every_form_picks_what_it_says(fields: Any, picked: Any) -> None:
    assert read_fields(fields).of(VALUE) == picked


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("", "must name at least one field"),
        ([], "must name at least one field"),
        (" , ", "must name at least one field"),
        ("a..b", "'a..b' has an empty name"),
        (".a", "'.a' has an empty name"),
        ("a.", "'a.' has an empty name"),
        ("-", "'' has an empty name"),
        ('a."b', "'a.\"b' has a quotation mark that is not closed"),
        ("a[x]", "'a[x]' has brackets that hold neither nothing nor a number"),
        ("a]b", "'a]b' has brackets that hold neither nothing nor a number"),
        ('a"b"', "'a\"b\"' has a quotation mark that is not closed"),
        ("[1", "looks like a JSON list and is none"),
        ("[" * 40_000, "looks like a JSON list and is none"),
        ("a," * 40_000, "has 80000 characters; 50000 at most"),
        ([1], "holds 1, which is no text"),
        ({"a": 1}, "holds {'a': 1}, which is no text"),
        (["a"] * 101, "names 101 fields; 100 at most"),
        ("a" * 501, f"'{'a' * 40}'… is longer than 500 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_forms_that_there_are(fields: Any, problem: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        read_fields(fields)
    assert [(each.path, each.problem) for each in refused.value.failures] == [("fields", problem)]
    assert "data[].id" in refused.value.failures[0].allowed


def test_nothing_said_is_everything() -> None:
    assert read_fields(None).of(VALUE) is VALUE
    assert read_fields(None).misses(VALUE) is None


def test_fields_that_are_nowhere_are_named_with_those_that_there_are_nearest_first() -> None:
    misses = read_fields("id, amuont.value, data.nmae").misses(VALUE)
    assert misses is not None
    assert misses["not_found"] == ["amuont.value", "data.nmae"]
    assert set(misses["there_are"][:2]) <= {"amount.value", "data.name", "amount"}
    assert 'metadata."a.b"' in misses["there_are"]


def test_field_of_an_empty_list_or_of_nothing_is_not_missed() -> None:
    assert read_fields("id").misses([]) is None
    many = read_fields([f"{'x' * 400}{number}" for number in range(90)]).misses(VALUE)
    assert many is not None
    assert len(str(many)) < 3000
    assert read_fields("usage.tokens").misses(VALUE) is None
    assert read_fields("id").misses([{}, {"id": 1}]) is None


def test_field_may_be_written_with_the_list_that_it_was_seen_in() -> None:
    items = [{"id": 1, "result": {"x": 2}, "name": "n"}]
    assert read_fields("result[].id").inside("result").of(items) == [{"id": 1}]
    assert read_fields("-result.name").inside("result").of(items) == [{"id": 1, "result": {"x": 2}}]
    assert read_fields("result").inside("result").of(items) == [{"result": {"x": 2}}]


def test_what_must_stay_stays_whatever_was_selected() -> None:
    value = {"id": 1, "api_key": {"value": "k", "id": 2}}
    assert read_fields("id").keeping(["api_key.value"]).of(value) == {"id": 1, "api_key": {"value": "k"}}
    assert read_fields("-api_key.value").keeping(["api_key.value"]).of(value) == value
    assert read_fields("-api_key").keeping(["api_key.value"]).of(value) == {"id": 1, "api_key": {"value": "k"}}
