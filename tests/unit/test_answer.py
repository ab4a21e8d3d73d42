"""From a vendor's answer to ours: which headers stay, what is read, what flows through, what counts as a failure."""

import gzip
import zlib
from typing import Any

import pytest

from portico import errors
from portico.gateway import answer
from portico.gateway.answer import (
    AT_ONCE_BYTES,
    FAILURE_BYTES,
    Reading,
    inflate,
    missing_scopes,
    plain,
    read,
    read_raw,
    sentence_of,
)
from portico.model.account import AccountId
from portico.model.call import Answer, ByteStream, Call
from portico.model.operation import Failing
from portico.upstream.transport import UpstreamRequest
from tests.unit import lumen
from tests.unit.lumen import BASE_URL
from tests.unit.said import Said

INTEGRATION = lumen.view().integration
JSON = ("Content-Type", "application/json")
MEGABYTE = 1024 * 1024


def request(verb: str = "GET") -> UpstreamRequest:
    return UpstreamRequest(verb=verb, url=f"{BASE_URL}/lamps", headers=[])


def reading(key: str = "lamps.list", *, shaped: bool = True, limit_bytes: int = MEGABYTE) -> Reading:
    call = Call(account_id=AccountId("acc-1"), face="proxy", shaped=shaped)
    return Reading(
        operation=lumen.operation(key), integration=INTEGRATION, call=call, asked={}, limit_bytes=limit_bytes
    )


async def raw(said: Said, verb: str = "GET") -> Answer:
    return await read_raw(said, request(verb), INTEGRATION)


async def drained(stream: ByteStream | None) -> bytes:
    assert stream is not None
    return b"".join([piece async for piece in stream])


async def test_headers_that_belong_to_one_connection_stay_behind() -> None:
    kept = [("content-type", "text/plain"), ("x-request-id", "req_1"), ("via", "edge"), ("vary", "a"), ("vary", "b")]
    dropped = [
        ("Connection", "X-Hop, close"), ("X-Hop", "1"), ("Keep-Alive", "timeout=5"), ("Transfer-Encoding", "chunked"),
        ("TE", "trailers"), ("Trailer", "X"), ("Upgrade", "h2c"), ("Proxy-Authenticate", "Basic"), ("Server", "edge"),
        ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d"), ("Strict-Transport-Security", "max-age=1"), ("Alt-Svc", "h3"),
        ("Date", "now"), ("NEL", "{}"), ("Report-To", "{}"),
    ]  # fmt: skip
    got = await raw(Said(b"x", headers=[*kept, *dropped], sized=True))
    assert got.headers == kept


async def test_rate_limits_are_told_under_our_names_as_well() -> None:
    got = await raw(Said(b"x", headers=[("X-Limit", "60"), ("X-Left", "0"), ("X-Reset", "1m0.5s")], sized=True))
    assert got.headers[3:] == [("ratelimit-limit", "60"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "61")]


async def test_a_small_answer_is_read_at_once() -> None:
    got = await raw(Said(b"a" * AT_ONCE_BYTES, sized=True))
    assert (got.content, got.stream) == (b"a" * AT_ONCE_BYTES, None)


@pytest.mark.parametrize("sized", [True, False], ids=["of known length", "of unknown length"])
async def test_any_other_answer_flows_through(sized: bool) -> None:
    pieces = [b"a" * AT_ONCE_BYTES, b"b"]
    got = await raw(Said(*pieces, sized=sized))
    assert got.content is None
    assert got.header("content-length") == (str(AT_ONCE_BYTES + 1) if sized else None)
    assert await drained(got.stream) == b"".join(pieces)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(b'{"a":1}', status=403), b'{"a":1}'),
        (Said(b'{"a"', b":1}", status=403), b'{"a"'),
        (Said(b'{"a":1}', status=403, sized=True), b'{"a":1}'),
        (Said(gzip.compress(b'{"a":1}'), status=403, headers=[("Content-Encoding", "gzip")]), b'{"a":1}'),
        (Said(gzip.compress(b'{"a":1}')[:9], status=403, headers=[("Content-Encoding", "gzip")]), b""),
        (Said(b'{"a":1}'), b""),
        (Said(status=403), b""),
    ],
)
async def test_what_a_failure_says_first_is_known_before_it_flows(said: Said, expected: bytes) -> None:
    got = await raw(said)
    assert plain(got) == expected
    if got.stream is not None:
        assert (await drained(got.stream)).startswith(got.head)


async def test_an_answer_that_breaks_before_its_first_byte_is_an_error_of_its_own() -> None:
    with pytest.raises(errors.VendorInterrupted):
        await raw(Said(errors.VendorInterrupted()))


async def test_an_answer_that_breaks_later_breaks_its_stream() -> None:
    said = Said(b"first", errors.VendorInterrupted())
    got = await raw(said)
    with pytest.raises(errors.VendorInterrupted):
        await drained(got.stream)
    assert said.released


async def test_a_stream_that_is_left_lets_go_of_its_connection() -> None:
    said = Said(b"first", b"second")
    got = await raw(said)
    stream: Any = got.stream
    assert await anext(stream) == b"first"
    await stream.aclose()
    assert said.released


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_is_not_waited_for(status: int) -> None:
    said = Said(b"what should not be there", status=status)
    got = await raw(said)
    assert (got.content, said.released) == (b"", True)


async def test_the_answer_to_a_head_keeps_its_length() -> None:
    got = await raw(Said(headers=[("Content-Length", "6538")]), "HEAD")
    assert (got.content, got.header("content-length")) == (b"", "6538")


async def test_an_empty_stream_is_an_empty_answer() -> None:
    got = await raw(Said())
    assert (got.content, got.stream) == (b"", None)


@pytest.mark.parametrize("location", ["/v2/other", f"{BASE_URL}/other", "other", "?page=2", "//api.lumen.example/x"])
async def test_a_redirect_on_the_same_host_is_passed_on(location: str) -> None:
    got = await raw(Said(status=307, headers=[("Location", location)], sized=True))
    assert (got.status, got.header("location")) == (307, location)


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/", "//evil.example/", "http://api.lumen.example:8080/", "https://api.lumen.example.evil/",
        "https://api.lumen.example@evil.example/",
    ],
)  # fmt: skip
async def test_a_redirect_to_another_host_is_refused(location: str) -> None:
    said = Said(status=302, headers=[("Location", location)], sized=True)
    with pytest.raises(errors.VendorRedirect):
        await raw(said)
    assert said.released


async def test_a_list_becomes_a_page() -> None:
    got = await read(reading(), Said(b'{"data":[1],"has_more":false}', headers=[JSON], sized=True), request())
    assert got.page is not None
    assert (got.page.items, got.headers) == (b"[1]", [])


async def test_a_compressed_list_is_opened() -> None:
    squeezed = gzip.compress(b'{"data":[1],"has_more":false}')
    got = await read(reading(), Said(squeezed, headers=[JSON, ("Content-Encoding", "gzip")]), request())
    assert got.page is not None
    assert (got.page.items, got.headers) == (b"[1]", [])


async def test_a_list_that_is_asked_for_raw_is_not_looked_at() -> None:
    got = await read(reading(shaped=False), Said(b"{", headers=[JSON], sized=True), request())
    assert (got.content, got.page) == (b"{", None)


async def test_a_list_above_the_limit_is_too_large_to_reshape() -> None:
    said = Said(b'{"data":[' + b"1," * 600 + b"1]}", sized=True)
    with pytest.raises(errors.VendorTooLarge):
        await read(reading(limit_bytes=1000), said, request())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500, 503, 599])
async def test_an_error_of_the_vendors_is_its_failure(status: int) -> None:
    said = Said(
        b'{"error":{"message":"No such lamp."}}',
        status=status,
        headers=[JSON, ("Retry-After", "7"), ("X-Trace", "t1"), ("Set-Cookie", "a=b")],
        sized=True,
    )
    with pytest.raises(errors.VendorFailure) as caught:
        await read(reading(), said, request())
    problem = caught.value
    assert (problem.vendor_status, problem.sentence) == (status, "No such lamp.")
    assert problem.raw == b'{"error":{"message":"No such lamp."}}'
    assert problem.vendor_headers == [("retry-after", "7"), ("x-trace", "t1")]


@pytest.mark.parametrize(
    ("said", "raw_body"),
    [
        (Said(b"", status=502), b""),
        (Said(b"<h1>Bad gateway</h1>", status=502), b"<h1>Bad gateway</h1>"),
        (Said(errors.VendorInterrupted(), status=502), b""),
        (Said(b"x" * (FAILURE_BYTES + 1), status=502), b""),
        (Said(b"\x1f\x8bnot compressed", status=502, headers=[("Content-Encoding", "gzip")]), b""),
        (Said(b"[" * 100_000, status=502), b"[" * 100_000),
        (Said(b'{"error":"\xff"}', status=502), b'{"error":"\xff"}'),
    ],
    ids=["empty", "a page", "broken off", "huge", "badly compressed", "nested without end", "not UTF-8"],
)
async def test_a_failure_keeps_its_status_whatever_its_body_is(said: Said, raw_body: bytes) -> None:
    with pytest.raises(errors.VendorFailure) as caught:
        await read(reading(), said, request())
    assert (caught.value.vendor_status, caught.value.raw) == (502, raw_body)
    assert caught.value.sentence == "Lumen answered with status 502 and no message."


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"error":{"message":"M"}}', "M"),
        (b'{"oops":{"text":"Own"},"message":"Usual"}', "Own"),
        (b'{"message":"M"}', "M"),
        (b'{"error":"E"}', "E"),
        (b'{"detail":"D"}', "D"),
        (b'{"error":{"message":{"deeper":"x"}}}', ""),
        (b'{"error":{"message":""}}', ""),
        (b'"text"', ""),
        (b"[1]", ""),
        (b"null", ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_the_vendors_sentence_is_found_where_it_keeps_it(body: bytes, sentence: str) -> None:
    assert sentence_of(Failing(message="oops.text"), body) == sentence


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [({"a": {"b": 1}}, "a.b", 1), ({"a": 1}, "a.b", None), (None, "a", None), ([1], "0", None), ({"": 2}, "", 2)],
)
def test_a_path_leads_somewhere_or_to_nothing(value: Any, path: str, found: Any) -> None:
    assert answer.at(value, path) == found


PLAIN = b'{"data": []}' * 100


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (PLAIN, ""),
        (PLAIN, "identity"),
        (gzip.compress(PLAIN), "gzip"),
        (gzip.compress(PLAIN), " X-GZIP "),
        (zlib.compress(PLAIN), "deflate"),
        (gzip.compress(b""), "gzip"),
    ],
    ids=["none", "identity", "gzip", "gzip in its old name", "deflate", "nothing, compressed"],
)
def test_compression_is_undone(content: bytes, encoding: str) -> None:
    assert inflate(content, encoding, MEGABYTE) in {PLAIN, b""}


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (gzip.compress(PLAIN)[:-1], "gzip"),
        (gzip.compress(PLAIN)[: len(gzip.compress(PLAIN)) // 2], "gzip"),
        (b"", "gzip"),
        (PLAIN, "gzip"),
        (PLAIN, "deflate"),
        (gzip.compress(PLAIN)[:-8] + bytes(8), "gzip"),
        (PLAIN, "br"),
        (PLAIN, "gzip, gzip"),
    ],
    ids=["a byte short", "half", "empty", "no gzip", "no deflate", "wrong checksum", "brotli", "twice"],
)
def test_what_cannot_be_opened_is_the_vendors_failure(content: bytes, encoding: str) -> None:
    with pytest.raises(errors.VendorEncoding):
        inflate(content, encoding, MEGABYTE)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    bomb = gzip.compress(bytes(64 * MEGABYTE))
    with pytest.raises(errors.VendorTooLarge):
        inflate(bomb, "gzip", MEGABYTE)
    assert inflate(gzip.compress(bytes(MEGABYTE)), "gzip", MEGABYTE) == bytes(MEGABYTE)


@pytest.mark.parametrize(
    ("sentence", "scopes"),
    [
        ("You may not. Missing scopes: api.model.read. Check the key's permissions.", ["api.model.read"]),
        ("You may not. Missing scopes: api.files.read,  api.model.read.", ["api.files.read", "api.model.read"]),
        ("Missing scopes: a.b, c", ["a.b", "c"]),
        ("Missing scopes:", []),
        ("Missing scopes: (none)", []),
        ("You may not.", []),
        (f"Missing scopes: {'x' * 999}", ["x" * 100]),
        (f"Missing scopes: {', '.join('abcdefghijklmnopqrstuvwxyz')}", list("abcdefghijklmnopqrst")),
    ],
)
def test_the_scopes_that_a_key_lacks_stand_after_the_vendors_words(sentence: str, scopes: list[str]) -> None:
    assert missing_scopes(Failing(missing_scopes="Missing scopes:"), sentence) == scopes
    assert missing_scopes(Failing(), sentence) == []
