"""From sorted arguments to the request that goes out, and what a raw path may not hold."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.errors import InvalidArguments
from portico.gateway.arguments import sort
from portico.gateway.request import build, build_raw, decoded_path
from portico.model.account import AccountId
from portico.model.call import Call, RawTarget, Upload
from portico.upstream.transport import UpstreamRequest
from tests.gateways import pieces
from tests.unit import lumen
from tests.unit.lumen import BASE_URL


def built(key: str, arguments: dict[str, Any] | None = None, **more: Any) -> UpstreamRequest:
    operation = lumen.operation(key)
    call = Call(account_id=AccountId("acc-1"), face="proxy", arguments=arguments or {}, **more)
    return build(operation, sort(operation, call), lumen.connected())


def raw(path: str, query: str = "", base_url: str = BASE_URL) -> UpstreamRequest:
    target = RawTarget(verb="GET", path=path, query=query, headers=[("x-own", "1")])
    return build_raw(target, None, None, lumen.connected(base_url))


async def whole(request: UpstreamRequest) -> bytes:
    if request.content is None or isinstance(request.content, bytes):
        return request.content or b""
    return b"".join([piece async for piece in request.content])


@pytest.mark.parametrize(
    ("key", "arguments", "verb", "url"),
    [
        ("lamps.list", {}, "GET", "/lamps"),
        ("lamps.list", {"rooms": ["a b", "c&d"]}, "GET", "/lamps?rooms%5B%5D=a%20b&rooms%5B%5D=c%26d"),
        ("lamps.get", {"id": "l/1?x#y"}, "GET", "/lamps/l%2F1%3Fx%23y"),
        ("lamps.get", {"id": "a:b@c,d;e=f"}, "GET", "/lamps/a:b@c,d;e=f"),
        ("lamps.get", {"id": "100%"}, "GET", "/lamps/100%25"),
        ("lamps.get", {"id": "…"}, "GET", "/lamps/%E2%80%A6"),
        ("lamps.get", {"id": "a\\b"}, "GET", "/lamps/a%5Cb"),
        ("lamps.delete", {"id": "l1"}, "DELETE", "/lamps/l1"),
        ("room_locks.get", {"room_id": "r/1", "id": "k"}, "GET", "/rooms/r%2F1/locks/k"),
    ],
)  # fmt: skip
def test_the_address_is_the_path_with_everything_encoded(
    key: str, arguments: dict[str, Any], verb: str, url: str
) -> None:
    request = built(key, arguments)
    assert (request.verb, request.url) == (verb, BASE_URL + url)


@given(
    st.text(min_size=1).filter(
        lambda text: text not in {".", ".."} and not any(ord(c) < 32 or ord(c) == 127 for c in text)
    )
)
def test_no_value_leaves_its_segment(value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    path = built("room_locks.get", {"room_id": value, "id": "k"}).url.removeprefix(BASE_URL)
    before, _, after = path.removeprefix("/rooms/").partition("/")
    assert after == "locks/k"
    assert unquote(before) == value


def test_no_compression_is_asked_for_and_the_operations_own_headers_go_along() -> None:
    assert built("scenes.list").headers == [
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("Lumen-Beta", "scenes=v1"),
    ]


async def test_named_values_become_a_json_body() -> None:
    request = built("lamps.create", {"name": "desk", "watts": "4"})
    assert await whole(request) == b'{"name":"desk","watts":4}'
    assert ("Content-Type", "application/json") in request.headers
    assert request.size_bytes == 25


async def test_a_body_that_is_a_list_travels_as_the_argument_body() -> None:
    assert await whole(built("batches.create", {"body": [1, {"a": 2}]})) == b'[1,{"a":2}]'
    with pytest.raises(InvalidArguments, match="body: is required"):
        built("batches.create")


async def test_no_body_means_no_content_type() -> None:
    request = built("lamps.delete", {"id": "l1"})
    assert request.content is None
    assert [name for name, _ in request.headers] == ["Accept", "Accept-Encoding"]


async def test_files_and_fields_become_a_form() -> None:
    request = built("shows.create", {"title": "Ünder"}, uploads={"film": [Upload(filename="a.mp4", content=b"xyz")]})
    content_type = dict(request.headers)["Content-Type"]
    boundary = content_type.removeprefix("multipart/form-data; boundary=")
    body = await whole(request)
    assert len(body) == request.size_bytes
    assert body.decode() == (
        f'--{boundary}\r\nContent-Disposition: form-data; name="title"\r\n\r\nÜnder\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="film"; filename="a.mp4"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\nxyz\r\n--{boundary}--\r\n"
    )


async def test_nested_fields_of_a_form_are_spelled_in_brackets() -> None:
    films = [Upload(filename=name, content=pieces(b"x")) for name in ("a", "b")]
    given = {"title": {"de": "Eins", "tags": ["x", "y"], "on": True}}
    body = (await whole(built("shows.create", given, uploads={"film": films}))).decode()
    for name, value in (("title[de]", "Eins"), ("title[tags][]", "x"), ("title[tags][]", "y"), ("title[on]", "true")):
        assert f'name="{name}"\r\n\r\n{value}\r\n' in body
    assert body.count('name="film"; filename=') == 2


@pytest.mark.parametrize(
    ("path", "query", "base_url", "url"),
    [
        ("/lamps", "", BASE_URL, f"{BASE_URL}/lamps"),
        ("/lamps/a%2Fb", "x[]=1&x[]=%5B", BASE_URL, f"{BASE_URL}/lamps/a%2Fb?x[]=1&x[]=%5B"),
        ("/v2/lamps", "", BASE_URL, f"{BASE_URL}/lamps"),
        ("/v2", "", BASE_URL, f"{BASE_URL}/v2"),
        ("/v2x/lamps", "", BASE_URL, f"{BASE_URL}/v2x/lamps"),
        ("/v2/lamps", "", "https://lumen.example", "https://lumen.example/v2/lamps"),
        ("/lamps/", "", BASE_URL, f"{BASE_URL}/lamps/"),
        ("/", "", BASE_URL, f"{BASE_URL}/"),
    ],
)
def test_a_raw_path_is_kept_as_it_is(path: str, query: str, base_url: str, url: str) -> None:
    request = raw(path, query, base_url)
    assert (request.url, request.headers) == (url, [("x-own", "1")])


@pytest.mark.parametrize(
    "path",
    [
        "lamps", "", "//evil.example/x", "/a//b", "/./a", "/a/.", "/../a", "/a/..", "/a/../b", "/a/./b", "/%2e%2e/a",
        "/a/%2E%2e", "/a/%2e%2e%2fb", "/a%2f..%2fb", "/..%2fadmin", "/a\\b", "/a%5cb", "/%5c..%5cb", "/a%00",
        "/a%0d%0ab", "/a%0a", "/a%7f", "/a%09b", "/%2f%2fevil.example", "/a%2f%2fb",
    ],
)  # fmt: skip
def test_a_raw_path_that_could_mean_another_place_is_refused(path: str) -> None:
    with pytest.raises(InvalidArguments, match="path: may not hold"):
        raw(path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/a%2Fb?c=%2F", "/a/b"), ("/admin%2Fmeters", "/admin/meters"), ("/lamps", "/lamps"), ("/a%252Fb", "/a%2Fb")],
)
def test_a_path_is_read_as_the_vendor_will_read_it(path: str, expected: str) -> None:
    assert decoded_path(path) == expected
