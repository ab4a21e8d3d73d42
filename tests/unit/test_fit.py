"""Answers in parts: each of them fits, and together they hold every character and item of the whole."""

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from portico.shapes import is_list, is_record
from portico.toolbox.fields import read_fields
from portico.toolbox.fit import clean, is_clean, split_page, split_text, split_value
from portico.toolbox.lean import leave_out
from portico.toolbox.tables import as_table, with_tables

LEAST = 1000
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")


def size(value: Any) -> int:
    return len(msgspec.json.encode(value))


def restored(parts: list[Any]) -> Any:
    """What a reader makes of the parts who follows every `at` and `from`."""
    whole = {"": msgspec.json.decode(msgspec.json.encode(parts[0]))}
    for piece in (each for part in parts[1:] for each in part["continues"]):
        place: Any = whole
        steps = ["", *(step.strip("[]") for step in _STEP.findall(piece["at"]))]
        for step in steps[:-1]:
            place = place[int(step) if is_list(place) else step]
        last: Any = int(steps[-1]) if is_list(place) else steps[-1]
        if "text" in piece:
            place[last] = place[last][: piece["from"]] + piece["text"]
        else:
            held: list[Any] = place[last]
            assert len(held) == piece["from"]
            place[last] += piece["items"]
    return uncut(whole[""])


def uncut(value: Any) -> Any:
    """What could not be shortened in its own shape is told as text."""
    if is_list(value):
        return [uncut(each) for each in value]
    if is_record(value) and set(value) == {"cut"}:
        return msgspec.json.decode(value["cut"])
    return {name: uncut(each) for name, each in value.items()} if is_record(value) else value


LONG = 'äöü€ "quoted" \\ \n' * 400
CASES: dict[str, Any] = {
    "one long text": {"id": "x", "text": LONG},
    "a text in a list in a list": {"output": [{"content": [{"text": LONG}, {"text": "short"}]}]},
    "many texts": {"data": [{"n": n, "text": "word " * 100} for n in range(40)]},
    "a long list of numbers": {"data": [{"embedding": [n / 7 for n in range(3000)]}], "model": "m"},
    "lists in lists": {"rows": [[n, "x" * 50, ["y"] * 10] for n in range(200)]},
    "one item larger than a part": {"rows": [{"a": "x" * 3000, "b": ["z" * 700] * 9}, {"a": 1}]},
    "a list of long texts": {"lines": ["l" * 5000, "m" * 5000, "n"]},
}


@pytest.mark.parametrize("limit", [LEAST, 3000, 40_000])
@pytest.mark.parametrize("case", CASES)
def test_every_part_of_a_value_fits_and_nothing_is_lost(case: str, limit: int) -> None:
    value = CASES[case]
    parts, cuts = split_value(value, limit)
    assert all(size(part) <= limit for part in parts)
    assert bool(cuts) == (size(value) > limit) == (len(parts) > 1)
    assert restored(parts) == value


def test_object_of_too_many_names_is_told_as_text() -> None:
    value = {f"name {number}": number for number in range(2000)}
    parts, _ = split_value(value, 2000)
    assert all(size(part) <= 2000 for part in parts)
    assert set(parts[0]) == {"cut"}
    assert restored(parts) == value


@pytest.mark.parametrize("limit", [LEAST, 2500])
def test_every_page_of_a_list_fits_and_nothing_is_lost(limit: int) -> None:
    items: list[Any] = [{"id": n, "text": "t" * (n * 13 % 400)} for n in range(60)]
    items[20] = {"id": 20, "text": LONG, "more": ["m" * 500] * 8}
    parts = split_page(items, lambda kept: {"result": kept, "next_cursor": None, "result_count": len(kept)}, limit)
    assert all(size(part) <= limit for part in parts)
    found: list[Any] = []
    for part in parts:
        if "result" in part:
            assert part["result_count"] == len(part["result"])
            found += part["result"]
        else:
            found = restored([{"result": found}, part])["result"]
    assert found == items


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.booleans())
@example("back\bspace", False)  # which JSON spells without a number
@example("form\ffeed", True)
@example("\x7f", True)
@example("\u202eright to left", False)
def test_what_is_called_clean_at_one_look_is_clean(text: str, is_ascii: bool) -> None:
    written = json.dumps({"said": text}, ensure_ascii=is_ascii).encode()
    value = msgspec.json.decode(written)
    assert not is_clean(written) or clean(value) == value


@pytest.mark.parametrize("text", ["plain", "größer", "two\nlines\tand a tab", 'a "quoted" word'])
def test_one_look_is_enough_for_what_most_answers_hold(text: str) -> None:
    assert is_clean(json.dumps({"said": text}, ensure_ascii=False).encode())


def test_what_is_no_json_after_all_is_not_taken_for_clean() -> None:
    assert not is_clean(b"a \x1b[31m terminal")
    assert not is_clean(b"\xff\xfe")


def test_long_text_in_pieces() -> None:
    assert "".join(split_text("abcdefg" * 50, 60, 100)) == "abcdefg" * 50


def test_list_of_objects_as_a_table_names_every_field_once() -> None:
    items: list[Any] = [{"id": 1, "a": {"b": 2, "c": {}}, "x.y": 0}, {"id": 2, "l": [1]}]
    assert as_table(items * 5) == {
        "columns": ["id", "a.b", "a.c", '"x.y"', "l"],
        "rows": [[1, 2, {}, 0, None], [2, None, None, None, [1]]] * 5,
    }


def test_list_that_would_not_be_shorter_as_a_table_stays() -> None:
    items = [{f"only here {n}": n} for n in range(20)]
    assert as_table(items) is None
    assert with_tables({"data": items, "names": ["a", "b"], "none": []}) == {
        "data": items,
        "names": ["a", "b"],
        "none": [],
    }


def test_bulky_field_stays_out_until_it_is_named_or_was_asked_for() -> None:
    value = {"choices": [{"text": "t", "logprobs": {"tokens": [1]}}, {"text": "u", "logprobs": None}]}
    bulky = {"choices.logprobs": {"logprobs": True, "include": "logprobs"}}
    lean = {"choices": [{"text": "t"}, {"text": "u", "logprobs": None}]}
    assert leave_out(value, bulky, {}, read_fields(None)) == (lean, ["choices.logprobs"])
    assert leave_out(value, bulky, {"logprobs": False, "include": ["x"]}, read_fields("choices"))[1]
    for asked, fields in (
        ({"logprobs": True}, None),
        ({"include": ["x", "logprobs"]}, None),
        ({}, "choices[].logprobs"),
        ({}, "choices[0].logprobs.tokens"),
    ):
        assert leave_out(value, bulky, asked, read_fields(fields)) == (value, [])
    assert leave_out(value, {"choices.logprobs": {"logprobs": None}}, {"logprobs": 0}, read_fields(None))[1] == []
    assert leave_out({"choices": "odd"}, bulky, {}, read_fields(None)) == ({"choices": "odd"}, [])
