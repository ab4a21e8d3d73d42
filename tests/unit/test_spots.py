"""Places inside an argument: read, held against what is known, found in a value and put back in a copy."""

import pytest

from portico.catalog.within import astray, steps, whole
from portico.toolbox.spots import put, shown, spots

TOOLS = {
    "type": "array",
    "items": {
        "variants": [
            {"properties": [{"name": "ids", "type": "array", "items": {"type": "string"}}]},
            {"properties": [{"name": "box", "type": "union", "any_of": [{"type": "string"}, {"type": "object"}]}]},
        ]
    },
}


@pytest.mark.parametrize(
    ("place", "read"),
    [
        ("[].ids[]", ("[]", "ids", "[]")),
        ("source.id", ("source", "id")),
        ("[][].id", ("[]", "[]", "id")),
        ("", ()),
        (".id", ()),
        ("ids[0]", ()),
        ("a..b", ()),
        ("a.[]", ()),
    ],
)
def test_place_is_read_step_by_step(place: str, read: tuple[str, ...]) -> None:
    assert steps(place) == read


def test_place_is_told_with_its_argument() -> None:
    assert whole("tools", "[].ids[]") == "tools[].ids"
    assert whole("source", "file.id") == "source.file.id"


@pytest.mark.parametrize("place", ["[].ids[]", "[].box.file_ids[]"])
def test_place_that_leads_somewhere_is_right(place: str) -> None:
    assert astray(TOOLS, {place: "files.list"}) == []


@pytest.mark.parametrize("place", ["ids[]", "[].names[]", "[].ids.id", "[].ids[].id", ""])
def test_place_that_leads_nowhere_is_told(place: str) -> None:
    assert astray(TOOLS, {place: "files.list"}) == [place]


def test_spots_are_found_and_put_back_in_a_copy() -> None:
    value = [{"ids": ["a", "b"]}, {"other": 1}, "text", {"ids": "c"}]
    found = list(spots(value, ("[]", "ids", "[]")))
    assert found == [((0, "ids", 0), "a"), ((0, "ids", 1), "b")]
    changed = put(value, found[1][0], "B")
    assert changed == [{"ids": ["a", "B"]}, {"other": 1}, "text", {"ids": "c"}]
    assert value[0] == {"ids": ["a", "b"]}
    assert shown("tools", found[1][0]) == "tools[0].ids[1]"
