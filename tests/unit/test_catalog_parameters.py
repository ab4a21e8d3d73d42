"""The arguments of an operation: the inventory's facts and the definition's words become schemas and places."""

from typing import Any

import pytest

from portico.catalog.grammar import ArgumentRule, MethodRule, read_argument
from portico.catalog.parameters import parameters_of, schema_of
from portico.errors import InvalidArguments
from portico.model.operation import Parameter
from tests.unit import lumen

Json = dict[str, Any]


def argument(value: Any) -> ArgumentRule:
    return read_argument(value, "args.x")


@pytest.mark.parametrize(
    ("fact", "rule", "schema"),
    [
        ({"type": "string"}, "Its name", {"type": "string", "description": "Its name"}),
        ({"type": "string", "help": "Theirs"}, "", {"type": "string", "description": "Theirs"}),
        ({"type": "any"}, "", {}),
        ({}, "", {}),
        ({"type": "file"}, "", {"type": "object"}),
        ({"type": "string", "enum": ["a", "b"]}, "", {"type": "string", "enum": ["a", "b"]}),
        ({"type": "string", "enum": ["a", "b"]}, {"enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": "string"}, {"min": 1, "max": 9}, {"type": "string", "minLength": 1, "maxLength": 9}),
        ({"type": "integer"}, {"min": 1, "max": 9}, {"type": "integer", "minimum": 1, "maximum": 9}),
        ({"type": "number"}, {"min": 0.5}, {"type": "number", "minimum": 0.5}),
        ({"type": "array"}, {"max": 3}, {"type": "array", "items": {}, "maxItems": 3}),
        ({"type": "string"}, {"default": "a"}, {"type": "string", "default": "a"}),
        ({"type": "string"}, {"examples": ["b"]}, {"type": "string", "examples": ["b"]}),
        (
            {"type": "integer", "minimum": 1, "exclusive_maximum": 5, "default": 2},
            "",
            {"type": "integer", "minimum": 1, "exclusiveMaximum": 5, "default": 2},
        ),
        (
            {"type": "string", "pattern": "^a", "min_length": 1, "max_length": 3},
            "",
            {"type": "string", "pattern": "^a", "minLength": 1, "maxLength": 3},
        ),
        ({"type": "any"}, {"type": "boolean"}, {"type": "boolean"}),
        ({"type": "array", "items": {"type": "string"}}, "", {"type": "array", "items": {"type": "string"}}),
        (
            {"type": "array", "items": {"type": "string"}, "enum": ["a"], "min_items": 1, "max_items": 2},
            "",
            {"type": "array", "items": {"type": "string", "enum": ["a"]}, "minItems": 1, "maxItems": 2},
        ),
        ({"type": "array"}, {"items": {"type": "integer"}}, {"type": "array", "items": {"type": "integer"}}),
        ({"type": "object", "properties": [{"name": "a", "type": "string"}]}, "", {"type": "object"}),
        (
            {"type": "object", "properties": [{"name": "a", "type": "string", "required": True}]},
            {"fields": {"a": "The a", "b": {"type": "integer"}}},
            {
                "type": "object",
                "properties": {"a": {"type": "string", "description": "The a"}, "b": {"type": "integer"}},
                "required": ["a"],
            },
        ),
        ({"type": "union", "any_of": [{"type": "string"}, {"type": "null"}]}, "", {"type": ["string", "null"]}),
        ({"type": "union", "any_of": [{"type": "string"}]}, "", {"type": "string"}),
        ({"type": "union", "any_of": [{"type": "string"}, {"type": "any"}]}, "", {}),
        ({"type": "union", "any_of": []}, "", {}),
        (
            {"type": "union", "any_of": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
            "",
            {"type": ["string", "array"], "items": {"type": "string"}},
        ),
        (
            {"type": "union", "any_of": [{"type": "array", "items": {"type": "union"}}, {"type": "null"}]},
            "",
            {"type": ["array", "null"], "items": {}},
        ),
    ],
)  # fmt: skip
def test_facts_and_words_become_a_schema(fact: Json, rule: Any, schema: Json) -> None:
    assert schema_of(fact, argument(rule)) == schema


def test_members_of_several_forms_are_told_together() -> None:
    forms = [
        [{"name": "kind", "type": "string", "enum": ["a"]}, {"name": "n", "type": "integer"}],
        [{"name": "kind", "type": "string", "enum": ["b"]}, {"name": "n", "type": "string"}],
    ]
    fact: Json = {"type": "object", "variants": [{"properties": each} for each in forms]}
    fields = {"kind": "Which", "n": "How many"}
    assert schema_of(fact, argument({"fields": fields}))["properties"] == {
        "kind": {"type": "string", "enum": ["a", "b"], "description": "Which"},
        "n": {"description": "How many"},
    }


FACTS: list[Json] = [
    {"name": "lamp_id", "place": "path", "type": "string", "required": True},
    {"name": "name", "place": "body", "type": "string", "required": True},
    {"name": "cone", "place": "body", "type": "object", "required": True, "properties": [
        {"name": "width", "type": "number", "required": True},
        {"name": "edge", "type": "object", "properties": [{"name": "soft", "type": "boolean"}]},
    ]},
    {"name": "rooms", "place": "query", "type": "array", "items": {"type": "string"}, "wire_name": "rooms[]"},
]  # fmt: skip


def made(args: Json, usual: Json | None = None) -> dict[str, Parameter]:
    rule = MethodRule(call="POST /lamps/{lamp_id}", args=args)
    parameters, failures = parameters_of("lamps.update", "/lamps/{lamp_id}", rule, {"parameters": FACTS}, usual or {})
    assert failures == []
    return {each.name: each for each in parameters}


def test_every_fact_is_an_argument_in_the_vendors_order() -> None:
    assert [(name, each.place, each.on_the_wire, each.required) for name, each in made({}).items()] == [
        ("lamp_id", "path", "lamp_id", True),
        ("name", "body", "name", True),
        ("cone", "body", "cone", True),
        ("rooms", "query", "rooms[]", False),
    ]


@pytest.mark.parametrize(
    ("args", "name", "facts"),
    [
        ({"name": {"required": False}}, "name", {"required": False, "shown": "always"}),
        ({"rooms": {"rare": True}}, "rooms", {"shown": "rare"}),
        ({"name": {"rare": True}}, "name", {"shown": "always"}),
        ({"name": {"hidden": True}}, "name", {"shown": "never"}),
        ({"name": {"wire": "title", "names": "lamps.list"}}, "name", {"on_the_wire": "title", "names": "lamps.list"}),
        ({"width": {"from": "cone.width"}}, "width", {"on_the_wire": "cone.width", "required": False, "place": "body"}),
        ({"soft": {"from": "cone.edge.soft"}}, "soft", {"on_the_wire": "cone.edge.soft"}),
        ({"width": {"from": "cone.width"}}, "cone", {"shown": "never"}),
        ({"width": {"from": "cone.width"}, "cone": "All of it"}, "cone", {"shown": "always"}),
        ({"width": {"from": "cone.width", "with": {"cone.kind": "round"}}}, "width", {"also": {"cone.kind": "round"}}),
        ({"notify": {"type": "boolean"}}, "notify", {"place": "body", "schema": {"type": "boolean"}}),
    ],
)  # fmt: skip
def test_a_definition_says_more_of_an_argument(args: Json, name: str, facts: Json) -> None:
    parameter = made(args)[name]
    assert {word: getattr(parameter, word) for word in facts} == facts


def test_what_is_usual_serves_where_the_method_says_nothing() -> None:
    usual = {"rooms": "Rooms to look in", "name": "Any name"}
    parameters = made({"name": "Its name"}, usual)
    assert parameters["rooms"].schema["description"] == "Rooms to look in"
    assert parameters["name"].schema["description"] == "Its name"


def test_a_definition_without_an_inventory_may_use_every_word() -> None:
    watts = {
        "type": "integer",
        "max": 9,
        "default": 3,
        "rare": True,
        "names": "lamps.list",
        "wire": "w",
        "with": {"a": 1},
    }
    rule = MethodRule(call="POST /lamps", query={"watts": watts}, body={"film": {"type": "file"}}, uploads=("film",))
    parameters, failures = parameters_of("lamps.create", "/lamps", rule, None, {})
    assert failures == []
    assert parameters[0] == Parameter(
        name="watts",
        place="query",
        schema={"type": "integer", "maximum": 9, "default": 3},
        wire_name="w",
        shown="rare",
        names="lamps.list",
        also={"a": 1},
    )
    assert (parameters[1].place, parameters[1].schema) == ("upload", {"type": "object"})


def test_a_word_that_is_not_in_the_grammar_is_named_with_those_that_are() -> None:
    with pytest.raises(
        InvalidArguments, match=r"args\.x: Object contains unknown field `size`; allowed: help, type, enum"
    ):
        argument({"size": 3})


def test_an_argument_knows_whether_it_is_a_list() -> None:
    listed = {each.name: each.is_array for each in lumen.operation("lamps.list").parameters}
    assert listed == {"limit": False, "after": False, "before": False, "rooms": True, "lit": False}
    assert Parameter(name="x", place="body", schema={"type": ["string", "array"]}).is_array
