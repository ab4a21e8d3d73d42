"""Where each argument of a call travels, and what is refused before anything has been sent."""

from typing import Any

import pytest

from portico.errors import InvalidArguments
from portico.gateway.arguments import Sorted, sort
from portico.model.account import AccountId
from portico.model.call import Body, Call, Upload
from tests.gateways import pieces
from tests.unit import lumen

JSON = "application/json"


def sorted_as(key: str, arguments: dict[str, Any] | None = None, **more: Any) -> Sorted:
    call = Call(account_id=AccountId("acc-1"), face="proxy", arguments=arguments or {}, **more)
    return sort(lumen.operation(key), call)


def refused(key: str, arguments: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidArguments) as caught:
        sorted_as(key, arguments, **more)
    return [(each.path, each.problem) for each in caught.value.failures]


def json_body(text: bytes) -> Body:
    return Body(content=text, content_type=JSON, size_bytes=len(text))


@pytest.mark.parametrize(
    ("key", "arguments", "expected"),
    [
        ("lamps.get", {"id": "l1"}, {"lamp_id": "l1"}),
        ("lamps.get", {"lamp_id": "l1"}, {"lamp_id": "l1"}),
        ("lamps.get", {"lamp_id": 7}, {"lamp_id": "7"}),
        ("lamps.get", {"lamp_id": True}, {"lamp_id": "true"}),
        ("lamps.get", {"lamp_id": "l1", "id": "l2"}, {"lamp_id": "l1"}),
        ("room_locks.get", {"id": "k1", "room_id": "r1"}, {"room_id": "r1", "lock_id": "k1"}),
        ("scenes.search", {"room_id": "r1", "query": "red"}, {"room_id": "r1"}),
    ],
)
def test_ids_and_parents_land_in_the_path(key: str, arguments: dict[str, Any], expected: dict[str, str]) -> None:
    assert sorted_as(key, arguments).path == expected


def test_an_id_beside_its_full_name_is_passed_on() -> None:
    assert sorted_as("lamps.get", {"lamp_id": "l1", "id": "l2"}).query == [("id", "l2")]


@pytest.mark.parametrize(
    ("arguments", "failures"),
    [
        ({}, [("lamp_id", "is required: it is part of the address")]),
        ({"id": ""}, [("lamp_id", "is required: it is part of the address")]),
        ({"id": None}, [("lamp_id", "is required: it is part of the address")]),
        ({"id": ["a", "b"]}, [("lamp_id", "must be a single value")]),
        ({"id": {"a": 1}}, [("lamp_id", "must be a single value")]),
        ({"id": "."}, [("lamp_id", "cannot be part of an address")]),
        ({"id": ".."}, [("lamp_id", "cannot be part of an address")]),
        ({"id": "a\x00b"}, [("lamp_id", "cannot be part of an address")]),
        ({"id": "a\r\nb"}, [("lamp_id", "cannot be part of an address")]),
        ({"id": "a\x7f"}, [("lamp_id", "cannot be part of an address")]),
    ],
)
def test_a_path_value_that_is_no_segment_is_refused(arguments: dict[str, Any], failures: list[tuple[str, str]]) -> None:
    assert refused("lamps.get", arguments) == failures


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({"limit": "5"}, [("limit", "5")]),
        ({"limit": 5, "lit": False}, [("limit", "5"), ("lit", "false")]),
        ({"rooms": ["a", "b"]}, [("rooms[]", "a"), ("rooms[]", "b")]),
        ({"rooms": "a,b"}, [("rooms[]", "a"), ("rooms[]", "b")]),
        ({"rooms": "a"}, [("rooms[]", "a")]),
        ({"rooms[]": "a"}, [("rooms[]", "a")]),
        ({"rooms[]": ["a", "b"]}, [("rooms[]", "a"), ("rooms[]", "b")]),
        ({"rooms": ""}, []),
        ({"unheard_of": "x"}, [("unheard_of", "x")]),
        ({"unheard_of[]": ["x", "y"]}, [("unheard_of[]", "x"), ("unheard_of[]", "y")]),
        ({"made[gt]": "1"}, [("made[gt]", "1")]),
        ({"made": {"gt": 1, "lt": {"x": 2}}}, [("made[gt]", "1"), ("made[lt][x]", "2")]),
        ({"lit[not]": "true"}, [("lit[not]", "true")]),
    ],
)
def test_query_values_travel_in_every_spelling(arguments: dict[str, Any], query: list[tuple[str, str]]) -> None:
    assert sorted_as("lamps.list", arguments).query == query


@pytest.mark.parametrize(
    ("key", "arguments", "fields"),
    [
        ("lamps.create", {"name": "desk", "watts": "40"}, {"name": "desk", "watts": 40}),
        ("lamps.create", {"name": "40"}, {"name": "40"}),
        ("lamps.create", {"name": "desk", "tags": "a,b"}, {"name": "desk", "tags": ["a", "b"]}),
        ("lamps.create", {"name": "desk", "tags": '["a","b"]'}, {"name": "desk", "tags": ["a", "b"]}),
        ("lamps.create", {"name": "desk", "tags[]": "a"}, {"name": "desk", "tags": ["a"]}),
        ("lamps.create", {"name": "desk", "tags[]": ["a", "b"]}, {"name": "desk", "tags": ["a", "b"]}),
        ("lamps.create", {"name": "desk", "tags": [1, {"b": "2"}]}, {"name": "desk", "tags": [1, {"b": "2"}]}),
        ("lamps.blink", {"id": "l1", "times": "3"}, {"times": 3}),
        ("lamps.blink", {"id": "l1", "times": "three"}, {"times": "three"}),
        ("lamps.blink", {"id": "l1", "pace": "0.5"}, {"rhythm": {"pace": 0.5, "kind": "even"}}),
    ],
)
def test_body_values_become_the_json_that_the_body_needs(
    key: str, arguments: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert sorted_as(key, arguments).fields == fields


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ({"query": "red", "most": "3", "exact": "true"}, {"query": "red", "most": 3, "exact": True}),
        ({"query": "red", "words": ["a", "b"]}, {"query": "red", "words": ["a", "b"]}),
        ({"query": "red", "words[]": "a"}, {"query": "red", "words": ["a"]}),
        ({"query": "red", "unheard_of": "x"}, {"query": "red", "unheard_of": "x"}),
        (
            {"query": "red", "filters[type]": "eq", "filters[key]": "page"},
            {"query": "red", "filters": {"type": "eq", "key": "page"}},
        ),
        ({"query": "red", "filters": '{"type":"eq","n":1}'}, {"query": "red", "filters": {"type": "eq", "n": 1}}),
        (
            {"query": "red", "filters[all][0][k]": "a", "filters[all][1][k]": "b"},
            {"query": "red", "filters": {"all": [{"k": "a"}, {"k": "b"}]}},
        ),
        ({"query": "red", "strange[deep][]": ["a", "b"]}, {"query": "red", "strange": {"deep": ["a", "b"]}}),
    ],
)
def test_a_list_by_post_takes_its_values_from_the_query(arguments: dict[str, Any], fields: dict[str, Any]) -> None:
    given = sorted_as("scene_search.list", {"room_id": "r1", **arguments})
    assert (given.fields, given.query) == (fields, [])


def test_what_nobody_knows_goes_into_the_query_of_a_call_that_is_no_list() -> None:
    given = sorted_as("lamps.create", {"name": "desk", "notify": "true"})
    assert (given.query, given.fields) == ([("notify", "true")], {"name": "desk"})


def test_a_body_is_passed_on_as_it_came() -> None:
    text = b'{ "name" : "desk",\n "watts": 4e1 }'
    given = sorted_as("lamps.create", body=json_body(text))
    assert given.body is not None
    assert (given.body.content, given.fields) == (text, None)


@pytest.mark.parametrize(
    ("text", "left", "path"),
    [
        (b'{"lamp_id":"l1","times":2}', b'{"times":2}', "l1"),
        (b'{"id":"l1","times":2}', b'{"times":2}', "l1"),
        (b'{"id":"l1"}', b"{}", "l1"),
    ],
)
def test_an_id_in_the_body_moves_into_the_path(text: bytes, left: bytes, path: str) -> None:
    given = sorted_as("lamps.blink", body=json_body(text))
    assert given.body is not None
    assert (given.path, given.body.content, given.body.size_bytes) == ({"lamp_id": path}, left, len(left))


def test_a_body_that_held_nothing_but_ids_is_empty_where_no_body_is_taken() -> None:
    given = sorted_as("lamps.delete", body=json_body(b'{"id":"l1"}'))
    assert given.body is not None
    assert given.body.content == b""


def test_an_id_in_the_query_leaves_the_body_alone() -> None:
    text = b'{"id":"the body\'s own"}'
    given = sorted_as("lamps.blink", {"lamp_id": "l1"}, body=json_body(text))
    assert given.body is not None
    assert given.body.content == text


@pytest.mark.parametrize("text", [b"{", b'"\xff"', b"[" * 100_000, b"nonsense"])
def test_a_body_that_must_be_opened_and_cannot_be_is_refused(text: bytes) -> None:
    ((path, problem),) = refused("lamps.blink", body=json_body(text))
    assert path == ""
    assert problem.startswith("the body is not valid JSON")


def test_a_body_that_flows_through_is_never_opened_for_an_id() -> None:
    body = Body(content=pieces(b'{"id":"l1"}'), content_type=JSON)
    assert refused("lamps.blink", body=body) == [("lamp_id", "is required: it is part of the address")]


def test_values_for_the_body_join_a_json_body_which_wins() -> None:
    given = sorted_as("lamps.create", {"watts": "5", "name": "query"}, body=json_body(b'{"name":"body"}'))
    assert given.body is not None
    assert given.body.content == b'{"watts":5,"name":"body"}'


@pytest.mark.parametrize(
    "body",
    [
        Body(content=b"--x", content_type="multipart/form-data; boundary=x"),
        Body(content=b"[1]", content_type=JSON),
        Body(content=b"{", content_type=JSON),
        Body(content=pieces(b"{}"), content_type=JSON),
    ],
    ids=["a form", "a list", "malformed", "a stream"],
)
def test_values_for_the_body_cannot_join_any_other_body(body: Body) -> None:
    assert refused("lamps.create", {"watts": "5"}, body=body) == [("watts", "belongs in the body")]


@pytest.mark.parametrize(
    ("key", "arguments", "failures"),
    [
        ("lamps.create", {}, [("name", "is required")]),
        ("lamps.create", {"watts": 3}, [("name", "is required")]),
        ("meters.list", {}, [("since", "is required")]),
        ("shows.create", {"title": "t"}, [("film", "is required: a file")]),
        ("scenes.search", {}, [("room_id", "is required: it is part of the address"), ("query", "is required")]),
    ],
)
def test_everything_that_is_missing_is_named_at_once(
    key: str, arguments: dict[str, Any], failures: list[tuple[str, str]]
) -> None:
    assert refused(key, arguments) == failures


@pytest.mark.parametrize(
    ("key", "arguments", "places"),
    [
        ("lamps.create", {}, {"name": "body"}),
        ("meters.list", {}, {"since": "query"}),
        ("shows.create", {"title": "t"}, {"film": "body"}),
        ("scenes.search", {}, {"room_id": "query", "query": "body"}),
        ("lamps.get", {"id": "."}, {"lamp_id": ""}),
    ],
)
def test_what_is_missing_is_told_with_its_place(key: str, arguments: dict[str, Any], places: dict[str, str]) -> None:
    with pytest.raises(InvalidArguments) as caught:
        sorted_as(key, arguments)
    assert {each.path: each.missing for each in caught.value.failures} == places


def test_a_body_that_came_is_not_looked_through_for_what_is_missing() -> None:
    assert sorted_as("lamps.create", body=json_body(b"{}")).body is not None
    assert sorted_as("shows.create", body=Body(content=b"x", content_type="multipart/form-data")).body is not None


def test_a_required_file_is_found_among_the_uploads() -> None:
    given = sorted_as("shows.create", {"title": "t"}, uploads={"film": [Upload(filename="a.mp4", content=b"x")]})
    assert given.fields == {"title": "t"}


def test_an_operation_with_a_required_body_writes_one() -> None:
    assert sorted_as("house.update").fields is None
    assert sorted_as("lamps.update", {"id": "l1"}).fields is None
    assert sorted_as("lamps.update", {"id": "l1", "lit": "true"}).fields == {"lit": True}
