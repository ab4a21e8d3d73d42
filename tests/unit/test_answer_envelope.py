"""The one envelope, in every format: what is put around, what is left alone, what is taken out."""

import gzip
from typing import Any

import msgspec
import pytest

from portico.errors import VendorEncoding, VendorGarbled, VendorTooLarge
from portico.faces.envelope import FORMATS, enclose, page_bytes
from portico.model.call import Answer, Page
from tests.gateways import pieces

JSON = ("content-type", "application/json")
URL = "https://api.lumen.example/v2/lamps"
PAGE = Page(items=b'[ {"id":"a","x":1} ]', count=1, next_cursor="bmE", prev_cursor=None)


def value(content: bytes, *headers: tuple[str, str], status: int = 200) -> Answer:
    return Answer(status=status, headers=[JSON, *headers], content=content, request_url=URL)


def paged() -> Answer:
    return Answer(status=200, headers=[("x-trace", "t")], content=b'{"data":[]}', page=PAGE, request_url=URL)


def streamed(*parts: bytes, kind: str = "application/json", headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status=200, headers=[("content-type", kind), *headers], stream=pieces(*parts), request_url=URL)


async def body(answer: Answer) -> bytes:
    if answer.stream is None:
        return answer.content or b""
    return b"".join([piece async for piece in answer.stream])


async def decoded(answer: Answer) -> Any:
    return msgspec.json.decode(await body(answer))


async def test_a_page_is_spliced_around_the_vendors_own_bytes() -> None:
    got = await enclose(paged(), "list", "unified")
    assert got.content == b'{"result":[ {"id":"a","x":1} ],"next_cursor":"bmE","prev_cursor":null,"result_count":1}'
    assert got.headers == [("x-trace", "t"), JSON]


@pytest.mark.parametrize("method", ["get", "create", "update", "delete"])
async def test_a_single_object_keeps_the_vendors_shape(method: str) -> None:
    given = value(b'{ "id" : 1 }')
    assert await enclose(given, method, "unified") is given


async def test_a_custom_methods_answer_is_enclosed() -> None:
    assert await body(await enclose(value(b'{ "id" : 1 }'), "blink", "unified")) == b'{"result":{ "id" : 1 }}'
    assert await body(await enclose(value(b""), "blink", "unified")) == b'{"result":null}'


async def test_a_large_custom_answer_is_enclosed_as_it_flows() -> None:
    got = await enclose(streamed(b'{"a":', b"1}", headers=(("content-length", "7"),)), "blink", "unified")
    assert got.header("content-length") is None
    assert await body(got) == b'{"result":{"a":1}}'


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b'{"id":1}', {"result": [{"id": 1}], "next_cursor": None, "prev_cursor": None, "result_count": 1}),
        (b"[1,2]", {"result": [1, 2], "next_cursor": None, "prev_cursor": None, "result_count": 2}),
    ],
)
async def test_a_list_that_the_vendor_does_not_page_becomes_one(given: bytes, expected: dict[str, Any]) -> None:
    assert await decoded(await enclose(value(given), "list", "unified")) == expected


@pytest.mark.parametrize("chosen", ["raw", "stream"])
@pytest.mark.parametrize("method", ["list", "get", "blink"])
async def test_raw_and_stream_leave_everything_alone(chosen: str, method: str) -> None:
    given = value(b'{"id":1}')
    assert await enclose(given, method, chosen, ("id",)) is given


@pytest.mark.parametrize("kind", ["audio/mpeg", "text/plain", "text/event-stream; charset=utf-8", "image/png", ""])
@pytest.mark.parametrize("chosen", FORMATS)
async def test_what_is_not_json_is_never_touched(kind: str, chosen: str) -> None:
    given = streamed(b"a", b"b", kind=kind)
    assert await enclose(given, "speak", chosen, ("id",)) is given


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"])
async def test_json_is_known_by_its_content_type(kind: str) -> None:
    assert await body(await enclose(streamed(b"1", kind=kind), "blink", "unified")) == b'{"result":1}'


async def test_a_preview_is_not_enclosed() -> None:
    preview = Answer(status=200, headers=[JSON], content=b'{"dry_run":true}', is_preview=True)
    assert await enclose(preview, "blink", "unified") is preview


@pytest.mark.parametrize(
    ("excluded", "expected"),
    [
        (["id"], {"name": "a", "each": [{"id": 2, "n": 1}], "deep": {"x": {"y": 1, "z": 2}}}),
        (["each.id"], {"id": 1, "name": "a", "each": [{"n": 1}], "deep": {"x": {"y": 1, "z": 2}}}),
        (["deep.x.y"], {"id": 1, "name": "a", "each": [{"id": 2, "n": 1}], "deep": {"x": {"z": 2}}}),
        (["each", "deep", "name"], {"id": 1}),
        (["nowhere", "id.deeper", "deep.nowhere.y"], "same"),
    ],
)
async def test_excluded_fields_are_left_out_wherever_they_are(excluded: list[str], expected: Any) -> None:
    whole = {"id": 1, "name": "a", "each": [{"id": 2, "n": 1}], "deep": {"x": {"y": 1, "z": 2}}}
    got = await decoded(await enclose(value(msgspec.json.encode(whole)), "get", "unified", excluded))
    assert got == (whole if expected == "same" else expected)


async def test_excluded_fields_are_left_out_of_each_item_of_a_page() -> None:
    got = await decoded(await enclose(paged(), "list", "unified", ["x"]))
    assert got == {"result": [{"id": "a"}], "next_cursor": "bmE", "prev_cursor": None, "result_count": 1}


async def test_debug_shows_what_was_asked_and_answered() -> None:
    got = await decoded(await enclose(paged(), "list", "debug"))
    assert got["result"] == [{"id": "a", "x": 1}]
    assert got["debug"] == {
        "requestUrl": URL,
        "requestOptions": {"headers": {"Authorization": "[hidden]"}},
        "data": {"data": []},
        "responseHeaders": {"x-trace": "t"},
        "nextCursor": "bmE",
        "isLooping": False,
        "isEmptyResult": False,
        "resultCount": 1,
    }


@pytest.mark.parametrize("method", ["get", "create", "blink"])
async def test_debug_encloses_single_objects_too(method: str) -> None:
    got = await decoded(await enclose(value(b'{"id":1}'), method, "debug"))
    assert (got["result"], got["debug"]["data"], got["debug"]["resultCount"]) == ({"id": 1}, {"id": 1}, 1)


@pytest.mark.parametrize("chosen", ["unified", "debug"])
async def test_json_that_is_not_is_the_vendors_failure_where_it_must_be_read(chosen: str) -> None:
    for content in (b"{", b'"\xff"', b"[" * 100_000):
        with pytest.raises(VendorGarbled):
            await enclose(value(content), "list", chosen)


async def test_json_above_the_limit_is_too_large_where_it_must_be_read() -> None:
    with pytest.raises(VendorTooLarge):
        await enclose(streamed(b'["', b"x" * 2000, b'"]'), "list", "unified", (), 1000)


@pytest.mark.parametrize("method", ["blink", "list"])
async def test_a_compressed_answer_is_opened_before_anything_is_put_around_it(method: str) -> None:
    squeezed = gzip.compress(b'[{"id":1}]')
    encoding = ("content-encoding", "gzip")
    for given in (value(squeezed, encoding), streamed(squeezed[:9], squeezed[9:], headers=(encoding,))):
        got = await enclose(given, method, "unified")
        assert got.header("content-encoding") is None
        assert (await decoded(got))["result"] == [{"id": 1}]


async def test_a_compressed_single_object_passes_as_it_is() -> None:
    given = value(b"\x1f\x8b not compressed", ("content-encoding", "gzip"))
    assert await enclose(given, "get", "unified") is given


async def test_an_answer_with_a_false_compression_is_the_vendors_failure() -> None:
    with pytest.raises(VendorEncoding):
        await enclose(value(b"\x1f\x8b not compressed", ("content-encoding", "gzip")), "blink", "unified")


async def test_a_page_says_how_many_items_it_has() -> None:
    empty = Page(items=b"[]", count=0, next_cursor=None, prev_cursor="cGE")
    assert page_bytes(empty) == b'{"result":[],"next_cursor":null,"prev_cursor":"cGE","result_count":0}'
