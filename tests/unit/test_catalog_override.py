"""An environment's or an account's changes to an integration: merged in, or refused with a place and a reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.catalog.find import View
from portico.catalog.override import INTEGRATION_FIELDS, OPERATION_FIELDS, apply, check, merge
from portico.errors import InvalidArguments
from portico.model.operation import Operation
from tests.unit import lumen

Json = dict[str, Any]
VIEW = lumen.view()


def over(resource: str, method: str, **change: Any) -> Json:
    return {"resources": {resource: {method: change}}}


@pytest.mark.parametrize(
    ("base", "change", "merged"),
    [
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1}}, {"a": {"b": None}}, {"a": {}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({}, {"a": None}, {}),
        (1, {"a": 1}, {"a": 1}),
    ],
)
def test_mappings_merge_null_removes_and_everything_else_replaces(base: Any, change: Any, merged: Any) -> None:
    assert merge(base, change) == merged


json_values = st.recursive(
    st.none() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=2), json_values, max_size=4)


@given(objects, objects)
def test_merging_twice_is_merging_once(base: Json, change: Json) -> None:
    once = merge(base, change)
    assert merge(once, change) == once
    assert merge(base, {}) == base


def test_no_override_is_the_same_view() -> None:
    assert apply(VIEW, {}) is VIEW


def test_an_override_changes_what_it_names_and_nothing_else() -> None:
    view = apply(VIEW, over("lamps", "list", says="Look for lamps.", tags=["lamps", "mine"]) | {"label": "Our lamps"})
    assert (view.find("lamps", "list").says, view.find("lamps", "list").tags) == ("Look for lamps.", ("lamps", "mine"))
    assert view.integration.label == "Our lamps"
    others: list[Operation] = [each for each in view.operations if each.key != "lamps.list"]
    assert others == [each for each in VIEW.operations if each.key != "lamps.list"]
    assert VIEW.find("lamps", "list").says == "List lamps."


def test_what_was_worked_out_of_an_operation_is_not_handed_on_to_its_override() -> None:
    before = VIEW.find("lamps", "create")
    assert {"colour", "name"} <= before.named.keys() & before.spelled.keys()
    required = {each.name for each in before.required}
    change = {"colour": None, "watts": {"required": "watts" not in required}}
    after = apply(VIEW, over("lamps", "create", parameters=change)).find("lamps", "create")
    assert "colour" not in after.named.keys() | after.spelled.keys()
    assert ("watts" in {each.name for each in after.required}) is ("watts" not in required)


def test_null_takes_a_word_or_an_argument_away() -> None:
    view = apply(VIEW, over("lamps", "create", says=None, parameters={"colour": None, "watts": {"shown": "rare"}}))
    made = view.find("lamps", "create")
    assert made.says == ""
    assert [(each.name, each.shown) for each in made.parameters] == [
        ("name", "always"),
        ("watts", "rare"),
        ("tags", "always"),
    ]


def test_an_override_reaches_into_an_arguments_schema() -> None:
    change = {"watts": {"schema": {"maximum": 60, "minimum": None}, "required": True}}
    watts = apply(VIEW, over("lamps", "create", parameters=change)).find("lamps", "create").parameters[1]
    assert (watts.schema, watts.required) == ({"type": "integer", "maximum": 60}, True)


def test_an_override_can_correct_the_calendar() -> None:
    view = apply(VIEW, over("bulbs", "list", lifecycle={"state": "active", "date": None}))
    assert view.find("bulbs", "list").lifecycle.state == "active"


def test_overrides_stack() -> None:
    first = apply(VIEW, over("lamps", "list", says="One.", title="Lamps"))
    second = apply(first, over("lamps", "list", says="Two."))
    listed = second.find("lamps", "list")
    assert (listed.says, listed.title) == ("Two.", "Lamps")


@pytest.mark.parametrize(
    ("override", "path", "problem"),
    [
        ({"base_url": "https://evil.example"}, "base_url", "cannot be overridden"),
        ({"credentials": {}}, "credentials", "cannot be overridden"),
        ({"resources": "x"}, "resources", "must be an object of resources"),
        ({"resources": {"lamp": {}}}, "resources.lamp", "is not a resource of this integration"),
        ({"resources": {"lamps": 5}}, "resources.lamps", "must be an object of methods"),
        ({"resources": {"lamps": {"list": 5}}}, "resources.lamps.list", "must be an object"),
        (over("lamps", "glow", says="x"), "resources.lamps.glow", "is not a method"),
        ({"label": 5}, "", "Expected `str`, got `int` - at `$.label`"),
        ({"tags": {"a": 5}}, "", "Expected `str`, got `int` - at `$.tags[...]`"),
    ],
)
def test_an_integrations_own_facts_cannot_be_overridden(override: Json, path: str, problem: str) -> None:
    assert [(each.path, each.problem) for each in check(VIEW, override)] == [(path, problem)]
    with pytest.raises(InvalidArguments):
        apply(VIEW, override)


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        ({"path": "/admin/meters"}, ".path", "cannot be overridden"),
        ({"verb": "DELETE"}, ".verb", "cannot be overridden"),
        ({"credential": "admin"}, ".credential", "cannot be overridden"),
        ({"tool": {"name": "x"}}, ".tool", "cannot be overridden"),
        ({"effect": "maim"}, "", "Invalid enum value 'maim' - at `$.effect`"),
        ({"tags": "lamps"}, "", "Expected `array`, got `str` - at `$.tags`"),
        ({"parameters": 5}, ".parameters", "must be an object of arguments"),
        ({"parameters": {"limits": {}}}, ".parameters.limits", "is not an argument"),
        ({"parameters": {"limit": 5}}, ".parameters.limit", "must be an object"),
        ({"parameters": {"limit": {"place": "path"}}}, ".parameters.limit.place", "cannot be overridden"),
        ({"parameters": {"limit": {"name": "most"}}}, ".parameters.limit.name", "cannot be overridden"),
        ({"parameters": {"limit": {"required": 5}}}, "", "Expected `bool`, got `int` - at `$.parameters[0].required`"),
    ],
)
def test_what_others_rely_on_cannot_be_overridden(change: Json, path: str, problem: str) -> None:
    found = [(each.path, each.problem) for each in check(VIEW, over("lamps", "list", **change))]
    assert found == [(f"resources.lamps.list{path}", problem)]


@given(objects.map(lambda change: over("lamps", "create", **{name or "says": value for name, value in change.items()})))
def test_no_override_breaks_the_view(override: Json) -> None:
    if not check(VIEW, override):
        assert isinstance(apply(VIEW, override), View)


@given(st.sampled_from(sorted(OPERATION_FIELDS | INTEGRATION_FIELDS)), json_values)
def test_no_value_of_a_word_breaks_the_view(word: str, value: Any) -> None:
    override = {word: value} if word in INTEGRATION_FIELDS else over("lamps", "create", **{word: value})
    for each in (override, over("lamps", "create", parameters={"watts": {word: value}})):
        if not check(VIEW, each):
            assert isinstance(apply(VIEW, each), View)
