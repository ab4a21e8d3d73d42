"""From a definition to operations: what it says, what follows by rule, and every way of getting it wrong."""

import contextlib
import copy
import datetime
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.catalog.compile import compile_definition
from portico.catalog.find import View
from portico.errors import InvalidArguments
from portico.model.operation import Lifecycle, Operation
from portico.shapes import is_list, is_record
from tests.unit import lumen
from tests.unit.lumen import DEFINITION

Json = dict[str, Any]


def changed(path: str, value: Any, base: Json = DEFINITION) -> Json:
    """The definition with one place changed; a value of None takes it away."""
    definition = copy.deepcopy(base)
    *outer, last = path.split("/")
    place = definition
    for name in outer:
        place = place.setdefault(name, {})
    if value is None:
        place.pop(last)
    else:
        place[last] = value
    return definition


def faults(definition: Json, inventory: Json | None = None) -> str:
    """One line for each thing that is wrong: place, problem, what is allowed."""
    with pytest.raises(InvalidArguments) as caught:
        compile_definition(definition, inventory)
    return "\n".join(f"{each.path}: {each.problem} [{each.allowed}]" for each in caught.value.failures)


@pytest.mark.parametrize(
    ("key", "facts"),
    [
        ("lamps.list", {"verb": "GET", "path": "/lamps", "effect": "read", "returns": "page", "credential": "user"}),
        ("lamps.get", {"path_parameters": ("lamp_id",), "identity": "lamp_id", "returns": "value", "body": "none"}),
        ("lamps.create", {"verb": "POST", "effect": "write", "body": "json", "identity": ""}),
        ("lamps.delete", {"verb": "DELETE", "effect": "destroy", "tags": ("lamps", "destructive")}),
        ("lamps.blink", {"identity": "lamp_id", "effect": "write"}),
        ("scenes.list", {"headers": {"Lumen-Beta": "scenes=v1"}, "tags": ()}),
        ("scenes.search", {"effect": "read", "headers": {}}),
        ("scene_search.list", {"effect": "read", "verb": "POST"}),
        ("shows.create", {"body": "multipart", "tags": ("shows",)}),
        ("shows.film", {"returns": "binary"}),
        ("meters.list", {"credential": "admin", "tags": ("admin",)}),
        ("house.get", {"identity": "", "path_parameters": ()}),
        ("room_locks.get", {"identity": "lock_id", "path_parameters": ("room_id", "lock_id")}),
        ("batches.create", {"root_array": True}),
    ],
)
def test_what_a_method_does_not_say_follows_by_rule(key: str, facts: Json) -> None:
    operation = lumen.operation(key)
    assert {name: getattr(operation, name) for name in facts} == facts


def test_lifecycle_comes_with_date_and_replacement() -> None:
    assert lumen.operation("bulbs.list").lifecycle == Lifecycle(
        state="removed", date=datetime.date(2026, 1, 31), replacement="lamps"
    )
    assert lumen.operation("lamps.list").lifecycle == Lifecycle()


@pytest.mark.parametrize(
    ("key", "style"),
    [
        ("lamps.list", ("by_id", "after", "last_id", "limit", "before")),
        ("scenes.list", ("by_last", "after", "data[-1].id", "", "")),
        ("scene_search.list", ("whole", "", "", "", "")),
    ],
)
def test_a_page_style_uses_only_the_parameters_that_the_list_has(key: str, style: tuple[str, ...]) -> None:
    page = lumen.operation(key).page
    assert page is not None
    assert (page.name, page.send, page.next, page.limit, page.before) == style


def test_the_integration_says_what_is_true_of_all_its_operations() -> None:
    integration = lumen.view().integration
    assert integration.base_urls == ("https://api.lumen.example/v2", "https://eu.lumen.example/v2")
    assert [each.name for each in integration.credentials] == ["user", "admin"]
    assert [each.name for each in integration.context if each.secret] == ["api_key", "admin_key"]
    assert integration.failure.message == "error.message"
    assert (integration.rate_limits.reset, integration.trace) == ("x-reset", "x-trace")


def test_a_method_may_say_otherwise() -> None:
    rule: Json = {
        "call": "POST /lamps",
        "effect": "read",
        "credential": "admin",
        "headers": {"X": "1"},
        "tool": "make_light",
        "returns": "text",
        "lifecycle": {"state": "deprecated"},
        "tags": ["shows"],
        "events_when": {"stream": True},
    }
    operation = compile_definition(changed("resources/lamps/create", rule)).find("lamps", "create")
    assert (operation.effect, operation.credential, operation.returns) == ("read", "admin", "text")
    assert (operation.tool.name, operation.tool.aliases) == ("make_light", ("create_a_lumen_lamp",))
    assert (operation.headers, operation.lifecycle.state) == ({"X": "1"}, "deprecated")
    assert (operation.tags, operation.events_when) == (("lamps", "shows"), {"stream": True})


INVENTORY: Json = {
    "operations": [
        {
            "verb": "GET",
            "path": "/lamps",
            "parameters": [{"name": "after", "place": "query", "type": "string"}],
            "answers": {"kind": "json", "page": {"style": "last_id"}, "can_stream": True},
            "beta_header": "lamps=v2",
        },
        {
            "verb": "POST",
            "path": "/lamps",
            "parameters": [
                {"name": "name", "place": "body", "type": "string", "required": True},
                {
                    "name": "cone",
                    "place": "body",
                    "type": "object",
                    "properties": [{"name": "width", "type": "number"}],
                },
            ],
            "body": {"kind": "both", "content_types": ["multipart/form-data", "application/json"]},
            "answers": {"kind": "none"},
            "idempotency_header": "Idempotency-Key",
        },
    ]
}
WITH_INVENTORY: Json = {
    **{name: value for name, value in DEFINITION.items() if name != "resources"},
    "rules": {
        "pages": {"by_id": {"from": "last_id", "send": "after", "next": "last_id"}},
        "beta_header": "X-Beta",
        "events_when": {"stream": True},
    },
    "credentials": {"user": {**DEFINITION["credentials"]["user"], "proof": ""}},
    "resources": {
        "lamps": {
            "list": {"call": "GET /lamps"},
            "create": {"call": "POST /lamps", "args": {"name": "What it is called", "width": {"from": "cone.width"}}},
        },
    },
}  # fmt: skip


def test_the_inventory_fills_in_what_nobody_says() -> None:
    view = compile_definition(WITH_INVENTORY, INVENTORY)
    listed, made = view.find("lamps", "list"), view.find("lamps", "create")
    assert listed.page is not None
    assert (listed.page.name, listed.headers, listed.events_when) == ("by_id", {"X-Beta": "lamps=v2"}, {"stream": True})
    assert (made.body, made.returns, made.idempotent) == ("multipart", "nothing", True)
    assert made.content_types == ("multipart/form-data", "application/json")
    assert [(each.name, each.on_the_wire, each.shown) for each in made.parameters] == [
        ("name", "name", "always"),
        ("cone", "cone", "never"),
        ("width", "cone.width", "always"),
    ]


def test_our_own_cursor_takes_the_place_of_the_vendors() -> None:
    (after,) = compile_definition(WITH_INVENTORY, INVENTORY).find("lamps", "list").parameters
    assert (after.name, after.shown) == ("after", "never")


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("lamps/list", {"call": "GET /lamp"}, "resources.lamps.list.call: GET /lamp is not in the inventory []"),
        (
            "lamps",
            {"list": {"call": "GET /lamps"}},
            "resources: POST /lamps is in the inventory and in no definition []",
        ),
        (
            "lamps/create/args",
            {"colour": "Its colour"},
            "resources.lamps.create.args.colour: is not an argument of this operation [cone, name]",
        ),
        (
            "lamps/create/args",
            {"cone": {"names_within": {"[].room_id": "lamps.list"}}},
            "resources.lamps.create.args.cone.names_within: '[].room_id' leads nowhere"
            " [field.field[] from the argument on]",
        ),
        (
            "lamps/create/args",
            {"depth": {"from": "cone.depth"}},
            "resources.lamps.create.args.depth.from: 'cone.depth' leads nowhere []",
        ),
    ],
)
def test_definition_and_inventory_must_agree(path: str, value: Any, fault: str) -> None:
    assert fault in faults(changed(f"resources/{path}", value, WITH_INVENTORY), INVENTORY)


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("name", "Lu men", "resources.Lu men: is not a name [lower-case letters, digits and _]"),
        ("resources/La-mps", {"list": {"call": "GET /x"}}, "resources.La-mps: is not a name [lower-case"),
        ("resources/lamps/get/call", "FETCH /x", "resources.lamps.get.call: is 'FETCH /x' [VERB /path, for example"),
        (
            "resources/lamps/list/pages",
            "luck",
            "resources.lamps.list.pages: is 'luck' [by_id, by_last, by_token, whole]",
        ),
        ("resources/lamps/get/credential", "guest", "resources.lamps.get.credential: is 'guest' [user, admin]"),
        ("resources/lamps/get/tags", ["odd"], "resources.lamps.get.tags: has unknown odd [admin, lamps, shows, destr"),
        (
            "resources/lamps/get/tool",
            "lumen_blink",
            "lamps.blink: has the same tool name 'lumen_blink' as lamps.get []",
        ),
        ("resources/house/get/call", "GET /bulbs", "bulbs.list: has the same call 'GET /bulbs' as house.get []"),
        ("credentials/user/proof", "lamps.look", "credentials.user.proof: 'lamps.look' is not an operation []"),
        ("resources/lamps/get/args", {"x": "y"}, "lamps.get.args.x: is not an argument of this operation [lamp_id]"),
        ("labels", "x", ": Object contains unknown field `labels` [name, label, base_url,"),
        ("label", 5, "label: Expected `str`, got `int` ["),
        ("resources/lamps/get/calls", "x", "resources.lamps.get: Object contains unknown field `calls` [call, tool,"),
        ("resources/lamps/get/effect", "maim", "resources.lamps.get.effect: Invalid enum value 'maim' ["),
        (
            "resources/lamps/create/body/watts/size",
            3,
            "resources.lamps.create.watts: Object contains unknown field `size`",
        ),
        (
            "resources/lamps/create/body/watts/type",
            "big",
            "resources.lamps.create.watts.type: Invalid enum value 'big'",
        ),
        ("resources/shows/tags", 5, "resources.shows.tags: Expected `array`, got `int`"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_would_be_right(path: str, value: Any, fault: str) -> None:
    assert fault in faults(changed(path, value))


def test_the_sentence_names_the_definition_and_its_first_fault() -> None:
    with pytest.raises(
        InvalidArguments, match=r"^the definition of 'lumen': resources\.lamps\.get\.credential: is 'guest'"
    ):
        compile_definition(changed("resources/lamps/get/credential", "guest"))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if is_record(value):
        return [path, *(each for name, inner in value.items() for each in places(inner, (*path, name)))]
    if is_list(value):
        return [path, *(each for index, inner in enumerate(value) for each in places(inner, (*path, index)))]
    return [path]


PLACES = places(DEFINITION)[1:]
odd_values = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.floats(allow_nan=False), st.text(max_size=6),
    st.just([]), st.just({}), st.just([None]), st.just({"": {}}), st.just("{lamp_id}"), st.just("/**"),
)  # fmt: skip


@given(st.sampled_from(PLACES), odd_values)
def test_no_definition_breaks_the_compiler(path: tuple[Any, ...], value: Any) -> None:
    definition = copy.deepcopy(DEFINITION)
    place: Any = definition
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with contextlib.suppress(InvalidArguments):
        assert isinstance(compile_definition(definition), View)


def test_every_operation_is_found_by_its_own_name() -> None:
    view = lumen.view()
    operations: list[Operation] = list(view.operations)
    random.Random(7).shuffle(operations)
    for each in operations:
        assert view.find(each.resource, each.method) is each
        assert view.tool(each.tool.name) is each
