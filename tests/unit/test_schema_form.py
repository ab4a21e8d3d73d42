"""From a schema to a form's fields and back: every kind that tools have, and what cannot be read."""

import shlex
from typing import Any

import pytest

from portico.faces.web.admin import schema_form
from portico.faces.web.admin.same_call import written

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "What it is called"},
        "limit": {"type": "integer"},
        "temperature": {"type": "number"},
        "archived": {"type": "boolean"},
        "order": {"type": "string", "enum": ["asc", "desc"]},
        "level": {"enum": [1, "two", None]},
        "ids": {"type": "array", "items": {"type": "string"}},
        "sizes": {"type": "array", "items": {"type": "integer"}},
        "messages": {"type": "array", "items": {"type": "object"}},
        "metadata": {"type": "object"},
        "input": {"type": ["string", "array"], "items": {"type": "object"}},
        "anything": {},
    },
    "required": ["metadata", "name"],
}


def filled(**texts: str) -> dict[str, str]:
    return {schema_form.PREFIX + name: text for name, text in texts.items()}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "  two\r\nlines ", "  two\nlines "),
        ("limit", " 7 ", 7),
        ("temperature", "0.5", 0.5),
        ("temperature", "2", 2),
        ("archived", "false", False),
        ("order", "desc", "desc"),
        ("level", "1", 1),
        ("level", "two", "two"),
        ("level", "null", None),
        ("ids", "a, b\r\n\r\n c \n", ["a, b", "c"]),
        ("sizes", "1\n2", [1, 2]),
        ("messages", '[{"role": "user"}]', [{"role": "user"}]),
        ("metadata", '{"a": 1}', {"a": 1}),
        ("input", "plain words", "plain words"),
        ("input", '[{"a": 1}]', [{"a": 1}]),
        ("anything", "12", 12),
        ("anything", "word", "word"),
    ],
)
def test_what_is_filled_in_becomes_what_the_schema_wants(name: str, text: str, value: Any) -> None:
    assert schema_form.arguments(SCHEMA, filled(**{name: text})) == ({name: value}, [])


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [
        ("limit", "many", "a whole number"),
        ("limit", "1.5", "a whole number"),
        ("temperature", "warm", "a number"),
        ("archived", "yes", "true, false"),
        ("order", "up", "asc, desc"),
        ("sizes", "1\nx", "a whole number"),
        ("metadata", "{", "JSON"),
    ],
)
def test_what_cannot_be_read_names_what_would_be_right(name: str, text: str, allowed: str) -> None:
    given, failures = schema_form.arguments(SCHEMA, filled(**{name: text}))
    assert given == {}
    assert [(each.path, each.allowed.startswith(allowed)) for each in failures] == [(name, True)]


def test_empty_and_unknown_fields_are_left_out() -> None:
    assert schema_form.arguments(SCHEMA, filled(name=" ", other="x") | {"name": "not an argument"}) == ({}, [])


def test_required_fields_come_first_and_keep_what_was_typed() -> None:
    fields = schema_form.fields(SCHEMA, filled(limit="x"))
    assert [each.argument for each in fields[:2]] == ["name", "metadata"]
    assert next(each.value for each in fields if each.argument == "limit") == "x"
    assert next(each.options for each in fields if each.argument == "archived")[1:] == [
        ("true", "true"), ("false", "false"),
    ]  # fmt: skip


def test_a_moment_may_be_said_as_people_say_it() -> None:
    hints = {each.argument: each.hint for each in schema_form.fields(SCHEMA, {}, times=("name",))}
    assert hints["name"].endswith("Such as 7 days ago, 2026-11-01 or start of month.")
    assert "days ago" not in hints["order"]


def test_written_calls_survive_every_quote() -> None:
    arguments = {"name": 'it\'s "quoted" $HOME `x`\n', "at": "@file", "n": 1}
    calls = {each.name: each.text for each in written("https://portico.test", "an account", "tool", arguments)}
    words = shlex.split(calls["cli"])
    assert words[4:6] == [f"name={arguments['name']}", 'at:="@file"']
    assert words[-2:] == ["--account", "an account"]
    assert '\\"quoted\\" $HOME' in shlex.split(calls["curl"].replace("\\\n", " "))[-1]
    compile(calls["python"], "python", "exec")
