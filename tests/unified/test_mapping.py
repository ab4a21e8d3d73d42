"""The mapping language within its limits: what it gives, what it refuses, and that nothing takes long."""

import sys
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import MappingFailed
from portico.unified import mapping
from portico.unified.fence import Fence

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
ENDLESS = [
    "($f := function($n){$f($n+1)}; $f(1))",
    "($f := function($n){1 + $f($n+1)}; $f(1))",
    "$map([1..100000], function($v){$map([1..100000], function($w){$w})})",
]
HUNGRY = [
    "[1..9999999]",
    '($x := function($s){$x($s & $s)}; $x("aaaaaaaa"))',
    '$replace($pad("a",1000000,"a"), "a", $pad("b",1000000,"b"))',
    '$pad("x", 2000000000)',
    "(" * 3000,
]


async def hostile(expression: str, wall_seconds: float) -> None:
    fence = Fence(wall_seconds)
    try:
        started = time.monotonic()
        with pytest.raises(MappingFailed):
            await fence.run({"q": expression}, {}, "x", [b"1"], "hostile")
        assert time.monotonic() - started < wall_seconds + 5
        assert await fence.run({"q": "x + 1"}, {}, "x", [b"1", b"2"], "neighbour") == [{"q": 2}, {"q": 3}]
    finally:
        await fence.close()


def test_a_tree_gives_its_own_shape() -> None:
    tree = {"id": "x.id", "deep": {"a": "x.n + 1", "b": "nope"}, "list": ["x.id", "'two'"], "seven": 7, "no": None}
    read = mapping.read(b'{"x": {"id": "q", "n": 1}}')
    assert mapping.run(tree, read) == {"id": "q", "deep": {"a": 2}, "list": ["q", "two"], "seven": 7, "no": None}


def test_numbers_that_are_passed_on_keep_their_digits() -> None:
    read = mapping.read(b'{"amount": 0.060000000000000000001, "whole": 12}')
    made = mapping.run({"a": "amount", "b": "whole", "c": "whole / 5"}, read)
    assert made == {"a": Decimal("0.060000000000000000001"), "b": 12, "c": 2.4}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("$fromSeconds(0)", "1970-01-01T00:00:00.000Z"),
        ("$fromSeconds('x')", None),
        ("$fromSeconds(1e300)", None),
        ("$toSeconds('1970-01-02')", 86400),
        ("$toSeconds('soon')", None),
        ("$firstNonEmpty(null, '', nope, 'x')", "x"),
        ("$firstNonEmpty([null, 3])", 3),
        ("$removeEmpty({'a': null, 'b': '', 'c': 1})", {"c": 1}),
        ("$pad('x', -3, '0')", "00x"),
        ("$replace('aXbx', /x/i, '-')", "a-b-"),
    ],
)
def test_functions_of_the_house(expression: str, expected: Any) -> None:
    assert mapping.run(expression, {}) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("$eval('1')", "non-function"),
        ("function($x){$x}", "it gives a function"),
        ("1/0", "division by zero"),
        ("$error('no luck')", "no luck"),
        ("$sum('x' & )", "cannot be applied"),
        ("/a(?=b)/", "cannot be applied"),
    ],
)
def test_what_fails_says_where_and_why(expression: str, words: str) -> None:
    with pytest.raises(MappingFailed, match=r"The mapping of field\.inner") as caught:
        mapping.run({"field": {"fine": "1", "inner": expression}}, {})
    assert words in caught.value.sentence


@pytest.mark.parametrize("expression", ENDLESS)
def test_endless_work_ends_in_this_process_too(expression: str) -> None:
    started = time.process_time()
    with pytest.raises(MappingFailed):
        mapping.run(expression, {})
    assert time.process_time() - started < 3


def test_a_regular_expression_takes_time_in_proportion() -> None:
    started = time.process_time()
    mapping.run('$contains($pad("a", 5000, "a") & "b", /^(a+)+$/)', {})
    assert time.process_time() - started < 1


def test_the_recursion_limit_of_the_process_stays() -> None:
    mapping.run("1", {})
    assert sys.getrecursionlimit() < 10_000


@given(JSON)
def test_any_json_maps_or_is_refused(value: Any) -> None:
    tree = {"id": "x.id", "name": "x.name & ''", "n": "x.a.b[0]", "all": "x.*", "first": "$firstNonEmpty(x, 1)"}
    read = mapping.read(msgspec.json.encode({"x": value}))
    try:
        made = mapping.run(tree, read)
    except MappingFailed:
        return
    msgspec.json.encode(made)


@given(st.text(max_size=60))
def test_any_text_is_run_or_refused(text: str) -> None:
    try:
        msgspec.json.encode(mapping.run({"a": text}, {"a": 1}))
    except MappingFailed:
        assert mapping.check({"a": text}) or text


async def test_hostile_mapping_ends_within_its_limits_and_hurts_nobody() -> None:
    """Behind the fence: what one tenant wrote ends, and another's mapping is answered. tests/outside tries them all."""
    await hostile(HUNGRY[0], wall_seconds=0.6)


async def test_a_fenced_process_has_nothing_of_this_one() -> None:
    fence = Fence()
    try:
        faults = await fence.check({"good": "a.b", "bad": "f(", "regex": "$match(a, /a(?=b)/)"}, "place", "tenant")
        assert sorted(each.path for each in faults) == ["place.bad", "place.regex"]
        with pytest.raises(MappingFailed, match="5 MB"):
            await fence.run("x", {}, "x", [b'"' + b"a" * 6_000_000 + b'"'], "tenant")
    finally:
        await fence.close()
