"""Cursors that remember the way: forward and back, as far as they go, and what is none of them."""

from typing import Any

import pytest

from portico.faces.trail import MOST_STEPS_BACK, closed, opened

PLACES = ["", *(f"row-{number}" for number in range(1, 30))]


def answer(cursor: str, name: str = "next_cursor") -> tuple[str, Any]:
    """(where the page begins that the cursor leads to, what is answered there)."""
    trail, pairs = opened([("limit", "1"), (name, cursor)])
    place = dict(pairs).get("next_cursor", "")
    number = PLACES.index(place)
    following = PLACES[number + 1] if number + 1 < len(PLACES) else None
    return place, closed({"result": [], "next_cursor": following, "prev_cursor": None}, trail)


def walked(steps: int) -> Any:
    _, told = answer("")
    for _ in range(steps):
        _, told = answer(told["next_cursor"])
    return told


def test_the_first_page_has_none_before_it_and_the_last_none_behind_it() -> None:
    assert answer("")[1]["prev_cursor"] is None
    assert walked(len(PLACES) - 1)["next_cursor"] is None


@pytest.mark.parametrize("name", ["next_cursor", "prev_cursor"])
@pytest.mark.parametrize("steps", [1, 2, MOST_STEPS_BACK, MOST_STEPS_BACK + 3])
def test_the_way_back_is_the_way_that_was_come(steps: int, name: str) -> None:
    told, seen = walked(steps), list[str]()
    while told["prev_cursor"]:
        place, told = answer(told["prev_cursor"], name)
        seen.append(place)
    assert seen == PLACES[:steps][::-1][:MOST_STEPS_BACK]


def test_after_a_step_back_it_goes_on_as_before() -> None:
    there = walked(3)
    _, back = answer(there["prev_cursor"])
    assert answer(back["next_cursor"]) == answer(walked(2)["next_cursor"])
    assert answer(back["next_cursor"])[1] == there


@pytest.mark.parametrize("cursor", ["row-7", "7", "é", "W10", "eyJhIjoxfQ", "WzFd", "a:b c", "=" * 9, "x" * 5000])
def test_what_is_no_cursor_of_ours_is_a_place(cursor: str) -> None:
    trail, pairs = opened([("next_cursor", cursor)])
    assert (pairs, trail.before) == ([("next_cursor", cursor)], ())
    assert closed({"next_cursor": None, "prev_cursor": None}, trail)["prev_cursor"] is None


def test_next_counts_where_both_are_given() -> None:
    assert opened([("prev_cursor", "a"), ("next_cursor", "b"), ("q", "x")])[1] == [("q", "x"), ("next_cursor", "b")]
    assert opened([("next_cursor", ""), ("prev_cursor", "a")])[1] == [("next_cursor", "a")]
    assert opened([("next_cursor", "")])[1] == []


def test_what_is_no_list_stays_as_it_is() -> None:
    trail, _ = opened([])
    assert closed({"id": "x"}, trail) == {"id": "x"}
    assert closed(b"bytes", trail) == b"bytes"
