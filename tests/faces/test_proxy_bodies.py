"""What a Proxy call sends: bodies untouched, arrays in every spelling, lists that the vendor takes by POST."""

import gzip
import hashlib
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
import pytest_asyncio

from tests.forms import form
from tests.scripted import Scripted, json
from tests.stage import Stage, open_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"content-type": "application/json"}
EMPTY = b'{"object":"list","data":[]}'
vendor = Scripted()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scripted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    async with open_stage(tmp_path_factory.mktemp("stage"), transport=vendor) as stage:
        yield stage


@pytest.mark.parametrize(
    "query",
    [
        "project_ids[]=a&project_ids[]=b",
        "project_ids%5B%5D=a&project_ids%5B%5D=b",
        "project_ids=a&project_ids=b",
        "project_ids=a,b",
        "project_ids=a%2Cb",
        "project_ids[]=a,b",
        "project_ids[0]=a&project_ids[1]=b",
        "project_ids%5B0%5D=a&project_ids%5B1%5D=b",
    ],
)
async def test_arrays_are_understood_in_every_spelling(stage: Stage, query: str) -> None:
    path = f"/proxy/usage_completions?start_time=1700000000&integrated_account_id={stage.account_id}&{query}"
    got = await stage.client.get(path)
    assert got.status == 200, got.content
    assert parse_qsl(stage.last.query) == [
        ("start_time", "1700000000"),
        ("project_ids[]", "a"),
        ("project_ids[]", "b"),
    ]


@pytest.mark.parametrize("query", ["project_ids[]=a", "project_ids=a", "project_ids[0]=a"])
async def test_an_array_of_one_is_an_array(stage: Stage, query: str) -> None:
    await stage.client.get(
        f"/proxy/usage_completions?start_time=1700000000&integrated_account_id={stage.account_id}&{query}"
    )
    assert ("project_ids[]", "a") in parse_qsl(stage.last.query)


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("query=red", {"query": "red"}),
        ("query=red&max_num_results=3", {"query": "red", "max_num_results": 3}),
        ("query[]=red&query[]=blue", {"query": ["red", "blue"]}),
        ("query[0]=red&query[1]=blue", {"query": ["red", "blue"]}),
        ("query[]=red", {"query": ["red"]}),
        ("query=7", {"query": "7"}),
        ("query=red&rewrite_query=true", {"query": "red", "rewrite_query": True}),
        ("query=red&score_threshold=0.5", {"query": "red", "ranking_options": {"score_threshold": 0.5}}),
        (
            "query=red&filters[type]=eq&filters[key]=page&filters[value]=3",
            {"query": "red", "filters": {"type": "eq", "key": "page", "value": "3"}},
        ),
        (
            "query=red&filters%5Btype%5D=in&filters%5Bkey%5D=k&filters%5Bvalue%5D%5B0%5D=a&filters%5Bvalue%5D%5B1%5D=b",
            {"query": "red", "filters": {"type": "in", "key": "k", "value": ["a", "b"]}},
        ),
        (
            "query=red&filters[type]=and&filters[filters][0][type]=eq&filters[filters][1][type]=ne",
            {"query": "red", "filters": {"type": "and", "filters": [{"type": "eq"}, {"type": "ne"}]}},
        ),
        (
            'query=red&filters={"type":"eq","key":"page","value":3}',
            {"query": "red", "filters": {"type": "eq", "key": "page", "value": 3}},
        ),
        ("query=red&next_cursor=", {"query": "red"}),
    ],
)
async def test_a_list_that_the_vendor_takes_by_post_is_asked_for_by_get(
    scripted: Stage, query: str, body: dict[str, Any]
) -> None:
    vendor.say(json(EMPTY))
    got = await scripted.client.get(
        f"/proxy/vector_store_search?vector_store_id=vs_1&integrated_account_id={scripted.account_id}&{query}"
    )
    assert got.status == 200, got.content
    (request,) = vendor.asked
    assert request.verb == "POST"
    assert request.url.endswith("/v1/vector_stores/vs_1/search")
    assert msgspec.json.decode(vendor.bodies[0]) == body
    assert ("Content-Type", "application/json") in request.headers


async def test_a_list_that_the_vendor_takes_by_post_may_have_a_body_of_its_own(scripted: Stage) -> None:
    vendor.say(json(EMPTY))
    content = b'{"query": "red", "filters": {"type":"eq"}}'
    query = {"vector_store_id": "vs_1", "max_num_results": "2"}
    got = await scripted.proxy("GET", "vector_store_search", query=query, content=content, headers=JSON)
    assert got.status == 200, got.content
    assert msgspec.json.decode(vendor.bodies[0]) == {"query": "red", "filters": {"type": "eq"}, "max_num_results": 2}


async def test_a_search_really_searches(stage: Stage) -> None:
    store = (await stage.proxy("POST", "vector_stores", json={"name": "v"})).json["id"]
    body, kind = form(("purpose", "assistants"), ("file", "a.txt", "text/plain", b"The tram is red. " * 20))
    file = (await stage.proxy("POST", "files", content=body, headers={"content-type": kind})).json["id"]
    linked = {"vector_store_id": store, "file_id": file, "attributes": {"line": 7}}
    assert (await stage.proxy("POST", "vector_store_files", json=linked)).status == 200
    stage.world.advance(10)
    query = {"vector_store_id": store, "query": "red tram", "filters[type]": "eq", "filters[key]": "line"}
    found = await stage.proxy("GET", "vector_store_search", query={**query, "filters[value]": "none"})
    assert found.json["result"] == []
    found = await stage.proxy("GET", "vector_store_search", query={"vector_store_id": store, "query": "red tram"})
    assert found.json["result"][0]["file_id"] == file


@pytest.mark.parametrize(
    "content",
    [
        b'{"name":"a"}', b' {\n "name" : "a" }\r\n', b'{"name":"\\u00e9\\ud83d\\ude00"}', b'{"name":"a","name":"b"}',
        b'{"name":1e400}', b'{"name":12345678901234567890123456789}', b'{"name":1.0}', b"{", b"nonsense",
        b'{"name":"\xff"}', b"\xef\xbb\xbf{}", b"[" * 100_000, b'{"name":NaN}', b"null", b"[]", b'"x"',
        b'{"name":"' + b"x" * 400_000 + b'"}',
    ],
)  # fmt: skip
async def test_a_body_is_the_callers_own_to_the_last_byte(stage: Stage, content: bytes) -> None:
    got = await stage.proxy("POST", "vector_stores", content=content, headers=JSON)
    assert got.status in {200, 400}
    assert got.status == 200 or got.json["code"] == "vendor_failure"
    assert stage.last.body_sha256 == hashlib.sha256(content).hexdigest()
    assert stage.last_headers()["content-type"] == "application/json"


@pytest.mark.parametrize(
    "content", [b"{", b'"\xff"', b"[" * 100_000, b'{"id":"\xff"}', b'{"id":NaN}', b"\xef\xbb\xbf{}"]
)
async def test_a_body_that_must_be_opened_for_an_id_and_cannot_be_is_refused(stage: Stage, content: bytes) -> None:
    got = await stage.proxy("POST", "projects/archive", content=content, headers=JSON)
    assert (got.status, got.json["code"]) == (400, "invalid_arguments")
    assert got.sentence.startswith("the body is not valid JSON")
    assert stage.seen() == []


async def test_raw_bytes_are_passed_on_with_their_content_type(stage: Stage) -> None:
    content = bytes(range(256))
    got = await stage.proxy(
        "POST",
        "files",
        query={"truto_body_passthrough": "true"},
        content=content,
        headers={"content-type": "application/octet-stream"},
    )
    assert got.json["truto_is_remote_error"] is True
    assert stage.last.body_sha256 == hashlib.sha256(content).hexdigest()
    assert stage.last_headers()["content-type"] == "application/octet-stream"
    assert stage.last.query == ""


async def test_a_form_is_passed_on_as_it_was_written(stage: Stage) -> None:
    body, kind = form(("purpose", "assistants"), ("file", "ä b.txt", "text/plain", b"\r\n--\r\n" * 9))
    got = await stage.proxy("POST", "files", content=body, headers={"content-type": kind})
    assert (got.status, got.json["filename"]) == (200, "ä b.txt")
    assert stage.last.body_sha256 == hashlib.sha256(body).hexdigest()
    assert stage.last_headers()["content-type"] == kind


@pytest.mark.parametrize("sized", [True, False], ids=["of known length", "of unknown length"])
async def test_a_large_form_arrives_whole(stage: Stage, sized: bool) -> None:
    body, kind = form(("purpose", "assistants"), ("file", "a.bin", "application/octet-stream", b"x" * 2_000_000))
    headers = {"content-type": kind} | ({} if sized else {"transfer-encoding": "chunked", "content-length": ""})
    got = await stage.proxy("POST", "files", content=body, headers=headers)
    assert (got.status, got.json["bytes"]) == (200, 2_000_000)
    assert stage.last.body_sha256 == hashlib.sha256(body).hexdigest()
    assert stage.last_headers().get("content-length") == (str(len(body)) if sized else None)


async def test_a_post_without_a_body_is_told_what_it_needs(stage: Stage) -> None:
    got = await stage.proxy("POST", "projects", headers=JSON)
    assert (got.status, got.json["details"]["failures"]) == (400, [{"path": "name", "problem": "is required"}])


async def test_an_empty_object_is_a_body(stage: Stage) -> None:
    """Clients of the reference send one with every custom method."""
    project = (await stage.proxy("POST", "projects", json={"name": "p"})).json["id"]
    got = await stage.proxy("POST", "projects/archive", query={"id": project}, json={})
    assert got.status == 200, got.content


async def test_values_for_the_body_may_stand_in_the_query(stage: Stage) -> None:
    got = await stage.proxy("POST", "vector_stores", query={"name": "from the query"})
    assert got.json["name"] == "from the query"
    got = await stage.proxy("POST", "vector_stores", query={"name": "query"}, json={"name": "body", "description": "d"})
    assert (got.json["name"], got.json["description"]) == ("body", "d")


async def test_a_query_with_too_many_parameters_is_refused(stage: Stage) -> None:
    got = await stage.client.get("/proxy/files?" + "&".join(f"a{number}=1" for number in range(1001)))
    assert (got.status, got.sentence) == (400, "the query has too many parameters; allowed: 1000 at most")


async def test_a_query_nested_too_deeply_is_refused(stage: Stage) -> None:
    got = await stage.proxy(
        "GET", "vector_store_search", query={"vector_store_id": "v", "query": "x", "filters" + "[a]" * 40: "1"}
    )
    assert (got.status, got.sentence) == (400, "filters: is nested too deeply; allowed: 16 levels at most")


PACKED = gzip.compress(b'{"name":"a"}')


@pytest.mark.parametrize(
    "path",
    [
        "/proxy/vector_stores?integrated_account_id={account}", "/api-token", "/unified/user-directory/users",
        "/integrated-account/{account}/tools/list_all_openai_models", "/oauth/register",
    ],
)  # fmt: skip
async def test_a_packed_body_is_refused_where_it_would_be_read(stage: Stage, path: str) -> None:
    asked = path.format(account=stage.account_id)
    got = await stage.client.send("POST", asked, content=PACKED, headers=JSON | {"content-encoding": "gzip"})
    assert got.status == 415, got.content
    assert got.headers["accept-encoding"] == "identity"
    assert b"without Content-Encoding" in got.content
    assert stage.seen() == []


async def test_a_body_that_is_said_to_be_as_it_is_is_taken(stage: Stage) -> None:
    got = await stage.proxy("POST", "vector_stores", content=b"{}", headers=JSON | {"content-encoding": "Identity"})
    assert got.status == 200


async def test_a_packed_body_passes_through_with_the_word_for_it(stage: Stage) -> None:
    await stage.passthrough("POST", "vector_stores", content=PACKED, headers=JSON | {"content-encoding": "gzip"})
    assert stage.last.body_sha256 == hashlib.sha256(PACKED).hexdigest()
    assert stage.last_headers()["content-encoding"] == "gzip"
