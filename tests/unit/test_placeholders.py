"""What stands in braces in a batch."""

from typing import Any

import pytest

from portico.errors import InvalidArguments
from portico.faces.batch.placeholders import fill, filled, is_true

SCOPE: dict[str, Any] = {
    "args": {"n": "7", "flag": "false", "list": [1, 2], "text": '{"a": 1}', "empty": None},
    "resources": {"user-directory/users": {"id": "u1", "tags": ["x", "y"]}, "projects": [{"id": "p1"}, {"id": "p2"}]},
    "item": {"id": "i1"},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("{{args.n}}", "7"),
        ("{{ args.n:int }}", 7),
        ("{{args.flag:bool}}", False),
        ("{{args.text:json}}", {"a": 1}),
        ("{{args.list}}", [1, 2]),
        ("{{args.list:str}}", "[1,2]"),
        ("{{args.list.1}}", 2),
        ("{{args.list.9}}", None),
        ("{{args.nothing}}", None),
        ("{{args.nothing|args.n}}", "7"),
        ("{{args.empty?:'none'}}", "none"),
        ("{{resources.user-directory/users.id}}", "u1"),
        ("{{resources.user-directory.users.tags.0}}", "x"),
        ("{{resources.projects.1.id}}", "p2"),
        ("{{resources.nothing.id}}", None),
        ("{{item.id}}", "i1"),
        ("{{nonsense}}", None),
        ("a-{{item.id}}-{{args.nothing}}-b", "a-i1--b"),
    ],
)
def test_a_placeholder_becomes_what_it_stands_for(text: str, value: Any) -> None:
    assert filled(text, SCOPE) == value


def test_places_deep_inside_are_filled_and_what_is_nowhere_may_be_left_out() -> None:
    given = {"a": ["{{item.id}}", "{{args.x:undefined}}"], "b": {"c": "{{args.n:int}}"}, "d": "{{args.x:undefined}}"}
    assert fill(given, SCOPE) == {"a": ["i1"], "b": {"c": 7}}


@pytest.mark.parametrize("text", ["{{item.id:int}}", "{{item.id:json}}"])
def test_a_value_that_cannot_become_what_is_asked_is_refused(text: str) -> None:
    with pytest.raises(InvalidArguments, match=r"item\.id"):
        fill(text, SCOPE)


def test_what_was_filled_in_is_not_looked_at_again() -> None:
    assert fill("{{args.a}}", {"args": {"a": "{{args.b}}", "b": "secret"}}) == "{{args.b}}"


@pytest.mark.parametrize("value", ["", "false", "0", "null", None, [], 0, False])
def test_nothing_and_no_are_untrue(value: Any) -> None:
    assert not is_true(value)
