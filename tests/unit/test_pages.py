"""Page styles in both directions: our cursor out and in, and lists that never run in circles."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import InvalidArguments, VendorGarbled
from portico.gateway import pages
from portico.model.call import Page
from portico.model.operation import PageStyle
from tests.unit import lumen

BY_ID = PageStyle(name="by_id", send="after", next="last_id", more="has_more", before="before", first="first_id")
BY_LAST = PageStyle(name="by_last", send="after", next="data[-1].id", more="has_more")
BY_TOKEN = PageStyle(name="by_token", send="page", next="next_page", more="has_more")
WHOLE = PageStyle(name="whole", send="", next="")


def answer(*ids: str, **more: Any) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [{"id": each} for each in ids], **more})


def asked_next(page: Page, key: str = "lamps.list") -> dict[str, Any]:
    return pages.ask(lumen.operation(key), {"next_cursor": page.next_cursor})


@pytest.mark.parametrize(
    ("style", "content", "key", "expected"),
    [
        (BY_ID, answer("a", "b", has_more=True, last_id="b"), "lamps.list", {"after": "b"}),
        (BY_LAST, answer("a", "b", has_more=True), "scenes.list", {"after": "b"}),
        (BY_TOKEN, answer("a", has_more=True, next_page="p/2+="), "meters.list", {"page": "p/2+="}),
        (BY_TOKEN, answer("a", has_more=True, next_page=7), "meters.list", {"page": "7"}),
    ],
)
def test_a_cursor_comes_back_as_what_the_vendor_wants_to_hear(
    style: PageStyle, content: bytes, key: str, expected: dict[str, Any]
) -> None:
    assert asked_next(pages.read(style, content, {}), key) == expected


@pytest.mark.parametrize(
    ("style", "content"),
    [
        (BY_ID, answer("a", has_more=False, last_id="a")),
        (BY_ID, answer("a", has_more=True, last_id=None)),
        (BY_ID, answer("a", has_more=True, last_id="")),
        (BY_ID, answer("a", has_more=True)),
        (BY_ID, answer("a", last_id="a")),
        (BY_ID, answer(has_more=None, last_id="a")),
        (BY_LAST, answer(has_more=True)),
        (BY_LAST, b'{"data":[1],"has_more":true}'),
        (BY_LAST, b'{"data":[{"id":null}],"has_more":true}'),
        (BY_TOKEN, answer("a", has_more=False, next_page="p")),
        (BY_TOKEN, answer("a", has_more=True, next_page=None)),
        (WHOLE, answer("a", has_more=True, last_id="a")),
    ],
)
def test_a_list_ends_as_soon_as_anything_says_so(style: PageStyle, content: bytes) -> None:
    assert pages.read(style, content, {}).next_cursor is None


@pytest.mark.parametrize("style", [BY_ID, BY_LAST])
def test_a_list_that_points_at_itself_ends(style: PageStyle) -> None:
    content = answer("a", "b", has_more=True, last_id="b")
    assert pages.read(style, content, {"after": "a"}).next_cursor is not None
    assert pages.read(style, content, {"after": "b"}).next_cursor is None


def test_items_stay_as_the_vendor_wrote_them() -> None:
    page = pages.read(BY_ID, b'{"data": [ {"id" : 1.0,"n":1e400},  {"s":"\\u00e9"} ] , "has_more":false}', {})
    assert (page.items, page.count) == (b'[{"id" : 1.0,"n":1e400},{"s":"\\u00e9"}]', 2)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"null", b'"x"', b"{", b'{"object":"list"}', b'{"data":null}', b'{"data":{}}', b"<html>",
        b"[" * 100_000, b'{"data":[' + b"[" * 100_000, b'{"data":[]}\xff', b'{"data":["\\ud800"]}',
    ],
)  # fmt: skip
def test_what_is_no_list_is_the_vendors_failure(content: bytes) -> None:
    with pytest.raises(VendorGarbled):
        pages.read(BY_ID, content, {})


def test_the_way_back_is_offered_only_after_the_first_page() -> None:
    content = answer("c", "d", has_more=True, first_id="c", last_id="d")
    assert pages.read(BY_ID, content, {}).prev_cursor is None
    back = pages.read(BY_ID, content, {"after": "b"}).prev_cursor
    assert pages.ask(lumen.operation("lamps.list"), {"prev_cursor": back}) == {"before": "c"}
    assert pages.ask(lumen.operation("lamps.list"), {"next_cursor": back}) == {"before": "c"}


def test_the_way_back_starts_at_the_first_item_where_the_vendor_names_none() -> None:
    assert pages.read(BY_ID, answer("c", has_more=False), {"before": "z"}).prev_cursor is not None
    assert pages.read(BY_ID, answer(has_more=False), {"before": "z"}).prev_cursor is None
    assert pages.read(BY_LAST, answer("c", has_more=False), {"after": "b"}).prev_cursor is None


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ({"limit": "5"}, {"limit": "5"}),
        ({"limit": 5}, {"limit": "5"}),
        ({"limit": "5000"}, {"limit": "100"}),
        ({"after": "x", "lit": "true"}, {"after": "x", "lit": "true"}),
        ({"next_cursor": "", "prev_cursor": None}, {}),
        ({}, {}),
    ],
)
def test_a_limit_is_passed_on_and_never_above_what_the_vendor_takes(
    arguments: dict[str, Any], asked: dict[str, Any]
) -> None:
    assert pages.ask(lumen.operation("lamps.list"), arguments) == asked


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "9" * 5000, ["1", "2"], {}])
def test_a_limit_that_is_no_count_is_refused(limit: Any) -> None:
    with pytest.raises(InvalidArguments, match=r"limit: must be"):
        pages.ask(lumen.operation("lamps.list"), {"limit": limit})


@pytest.mark.parametrize(
    "cursor", ["lamp_7", "x", "é", "====", "bg", "bg==", "cQ", "eHl6", "nabc", ["a"], 7, "a" * 9999]
)
def test_a_cursor_that_is_not_ours_is_refused(cursor: Any) -> None:
    with pytest.raises(InvalidArguments, match="next_cursor: is not a cursor of ours"):
        pages.ask(lumen.operation("lamps.list"), {"next_cursor": cursor})


def test_a_list_that_comes_whole_takes_no_cursor_of_another() -> None:
    page = pages.read(BY_ID, answer("a", has_more=True, last_id="a"), {})
    with pytest.raises(InvalidArguments, match="next_cursor: is not a cursor of this list"):
        pages.part(lumen.operation("scene_search.list"), {"next_cursor": page.next_cursor})


def test_a_list_that_comes_whole_is_cut_here() -> None:
    search, content = lumen.operation("scene_search.list"), answer("a", "b", "c")
    seen, cursors = list[str](), list[str | None]()
    asked: dict[str, Any] = {"limit": 2, "room": "hall"}
    while True:
        assert pages.ask(search, asked) == {"room": "hall"}
        page = pages.read(WHOLE, content, {}, pages.part(search, asked))
        seen += [each["id"] for each in msgspec.json.decode(page.items)]
        cursors.append(page.prev_cursor)
        if page.next_cursor is None:
            break
        asked |= {"next_cursor": page.next_cursor}
    assert (seen, page.count) == (["a", "b", "c"], 1)
    back = pages.part(search, {"limit": 2, "next_cursor": cursors[1]})
    assert (cursors[0], back) == (None, pages.Part(0, 2))
    with pytest.raises(InvalidArguments, match="next_cursor: is not a cursor of this list"):
        pages.ask(lumen.operation("lamps.list"), {"next_cursor": pages.read(WHOLE, content, {}, back).next_cursor})


@pytest.mark.parametrize("limit", [None, 3, 50])
def test_a_list_that_comes_whole_stays_whole_where_all_of_it_fits(limit: int | None) -> None:
    content = b'{"data": [ {"id":"a"},  {"id":"b"} ]}'
    page = pages.read(WHOLE, content, {}, pages.part(lumen.operation("scene_search.list"), {"limit": limit}))
    assert (page.items, page.next_cursor, page.prev_cursor) == (b'[{"id":"a"},{"id":"b"}]', None, None)


def test_what_is_no_list_is_asked_with_its_own_words() -> None:
    arguments = {"limit": "x", "next_cursor": "y"}
    assert pages.ask(lumen.operation("lamps.get"), arguments) == arguments


@given(st.text(min_size=1).filter(lambda text: all(not 0xD800 <= ord(each) < 0xE000 for each in text)))
def test_whatever_the_vendor_says_next_survives_our_cursor(value: str) -> None:
    page = pages.read(BY_TOKEN, answer(has_more=True, next_page=value), {})
    assert asked_next(page, "meters.list") == {"page": value}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
envelopes = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("data", "has_more", "last_id", "first_id", "next_page"), json_values | st.lists(json_values, max_size=3)
    ),
)


@given(envelopes, st.sampled_from([BY_ID, BY_LAST, BY_TOKEN, WHOLE]))
def test_no_answer_breaks_the_reading_of_pages(envelope: dict[str, Any], style: PageStyle) -> None:
    content = msgspec.json.encode(envelope)
    try:
        page = pages.read(style, content, {"after": "x"})
    except VendorGarbled:
        assert not isinstance(envelope.get("data"), list)
    else:
        assert page.count == len(envelope["data"])


BY_OFFSET = PageStyle(name="by_offset", send="offset", next="", counts="items", total="total")
BY_NUMBER = PageStyle(name="by_number", send="page", next="", counts="pages", start=1)


@pytest.mark.parametrize(
    ("style", "content", "asked", "expected"),
    [
        (BY_OFFSET, answer("a", "b", total=5), {"limit": "2"}, "2"),
        (BY_OFFSET, answer("c", "d", total=5), {"limit": "2", "offset": "2"}, "4"),
        (BY_OFFSET, answer("e", total=5), {"limit": "2", "offset": "4"}, None),
        (BY_OFFSET, answer(total=5), {"limit": "2", "offset": "9"}, None),
        (BY_NUMBER, answer("a", "b"), {"limit": "2"}, "2"),
        (BY_NUMBER, answer("a", "b"), {"limit": "2", "page": "7"}, "8"),
        (BY_NUMBER, answer("a"), {"limit": "2", "page": "8"}, None),
        (BY_NUMBER, answer("a"), {}, "2"),
    ],
)
def test_lists_that_count_their_pages_or_items_go_on_counting(
    style: PageStyle, content: bytes, asked: dict[str, Any], expected: str | None
) -> None:
    page = pages.read(style, content, asked)
    assert (page.next_cursor is None) == (expected is None)
    if expected is not None:
        assert list(pages.ask(lumen.operation("meters.list"), {"next_cursor": page.next_cursor}).values()) == [expected]
