"""What the admin API takes and what it does not: unknown names are named, nothing odd is a failure of ours."""

import asyncio
import re
from typing import Any

import pytest

from portico.app import ENDPOINTS
from portico.faces.endpoint import MOST_BODY_BYTES, Endpoint
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import failures, said
from tests.gateways import Got, connect_account

NOWHERE = "00000000-0000-7000-8000-000000000000"
BODIED = [each for each in ENDPOINTS if each.body is not None]


def address(endpoint: Endpoint) -> str:
    return re.sub(r"\{[^}]+\}", NOWHERE, endpoint.path)


async def test_an_unknown_field_is_refused_by_name(operator: Watched) -> None:
    for endpoint in BODIED:
        got = await operator.send(endpoint.verb, address(endpoint), json={"tennant_id": "typo"})
        assert "tennant_id" in str(failures(got)), endpoint.name


async def test_an_unknown_parameter_is_refused_by_name_with_those_there_are(operator: Watched) -> None:
    for endpoint in ENDPOINTS:
        body: dict[str, Any] | None = {} if endpoint.body else None
        got = await operator.send(endpoint.verb, address(endpoint), json=body, query={"limmit": "5"})
        assert "limmit" in str(failures(got)), endpoint.name
        fields = endpoint.query.__struct_fields__ if endpoint.query else ()
        assert all(name in got.sentence for name in fields or ("none",)), endpoint.name


async def test_every_filter_may_say_that_it_equals(operator: Watched) -> None:
    for endpoint in (each for each in ENDPOINTS if each.verb == "GET" and each.query and not each.media):
        for name in endpoint.query.__struct_fields__ if endpoint.query else ():
            for value in ("1", "true", "2026-11-02"):
                plain = await operator.get(f"{address(endpoint)}?{name}={value}")
                equal = await operator.get(f"{address(endpoint)}?{name}[eq]={value}")
                assert plain.status == equal.status, (endpoint.name, name, value, equal.content)
                assert plain.json.get("result") == equal.json.get("result"), (endpoint.name, name, value)


NOT_JSON = {
    "nothing but a brace": b"{",
    "text": b"hello",
    "form": b"name=x&tenant_id=y",
    "two values": b"{} {}",
    "single quotes": b"{'name': 'x'}",
    "trailing comma": b'{"name": "x",}',
    "utf-16": '{"name": "x"}'.encode("utf-16"),
    "bad utf-8": b'{"name": "\xff\xfe"}',
    "half a surrogate": b'{"name": "\\ud800"}',
    "control character": b'{"name": "\x01"}',
    "not a number": b'{"name": NaN}',
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
    "too deep": b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too deep and open": b'{"context":' * 50_000,
}
NOT_AN_OBJECT = {"array": b"[]", "text in quotes": b'"x"', "number": b"5", "null": b"null", "true": b"true"}
ODD = {
    "nul": b'{"name": "a\\u0000b"}',
    "huge number": b'{"name": 1' + b"0" * 400 + b"}",
    "beyond floats": b'{"name": 1e400}',
    "same key twice": b'{"name": "x", "name": 5}',
    "deep but fine": b'{"name":' + b"[" * 500 + b"]" * 500 + b"}",
    "empty": b"",
    "empty object": b"{}",
}


@pytest.mark.parametrize("content", (NOT_JSON | NOT_AN_OBJECT | ODD).values(), ids=(NOT_JSON | NOT_AN_OBJECT | ODD))
async def test_no_body_is_a_failure_of_ours(operator: Watched, content: bytes) -> None:
    for endpoint in BODIED:
        got = await operator.send(endpoint.verb, address(endpoint), content=content)
        assert got.status < 500, f"{endpoint.name}: {got.content[:300]!r}"
        if content in NOT_JSON.values() or content in NOT_AN_OBJECT.values():
            assert got.status == 400, endpoint.name


async def test_a_deep_value_where_anything_goes_is_no_failure_of_ours(operator: Watched) -> None:
    for depth in (90, 100, 900, 5_000, 100_000):
        deep = b'{"a":' * depth + b"1" + b"}" * depth
        body = (
            b'{"tenant_id": "x", "integration": "openai", "context": {"api_key": "sk-proj-x-yz", "more": '
            + deep
            + b"}}"
        )
        got = await operator.send("POST", "/integrated-account", content=body)
        assert got.status in {201, 400}, (depth, got.content[:200])
        if got.status == 201:
            assert (await operator.get(f"/integrated-account/{got.json['id']}")).status == 200


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read(operator: Watched) -> None:
    got = await operator.send("POST", "/environment", content=b"x" * (MOST_BODY_BYTES + 1))
    assert got.status == 413
    got = await operator.send("POST", "/environment", headers={"content-length": str(10**15)})
    assert got.status == 413


async def test_all_that_is_wrong_with_a_body_is_told_at_once(operator: Watched) -> None:
    body: dict[str, Any] = {"tenant_id": 5, "is_sandbox": "yes", "context": [], "colour": "red"}
    problems = failures(await operator.post("/integrated-account", body))
    assert set(problems) == {"tenant_id", "is_sandbox", "context", "colour"}


PARAMETERS: list[tuple[str, str, str]] = [
    ("/environment", "limit=0", "limit"),
    ("/environment", "limit=5001", "limit"),
    ("/environment", "limit=-1", "limit"),
    ("/environment", "limit=ten", "limit"),
    ("/environment", "limit=1.5", "limit"),
    ("/environment", "limit=99999999999999999999999", "limit"),
    ("/environment", "limit=1&limit=2", "limit"),
    ("/integrated-account", "is_sandbox=maybe", "is_sandbox"),
    ("/integrated-account", "created_at=monday", "created_at"),
    ("/integrated-account", "created_at[about]=2026-11-02T00:00:00Z", "created_at"),
    ("/integrated-account", "created_at[gt]=yesterday", "created_at.gt"),
    ("/integrated-account", "integration[color]=red", "integration"),
    ("/integrated-account", "next_cursor=abc", "next_cursor"),
    ("/integration", "next_cursor=abc", "next_cursor"),
    ("/integration", "limit=0", "limit"),
    ("/webhook-event-type", "next_cursor=abc", "next_cursor"),
    ("/log", "status=ok", "status"),
    ("/audit", "next_cursor=abc", "next_cursor"),
    ("/audit", "next_cursor=-1", "next_cursor"),
    ("/audit", "next_cursor=\u0663", "next_cursor"),
]


async def test_a_parameter_that_cannot_be_read_is_refused_by_name(operator: Watched) -> None:
    for path, query, name in PARAMETERS:
        got = await operator.get(f"{path}?{query}")
        places = failures(got).items()
        assert any(place.startswith(name.partition(".")[0]) or name in problem for place, problem in places), query


HOSTILE = [
    "' OR 1=1 --",
    "%00",
    "a%00b",
    "../../etc/passwd",
    "%2e%2e",
    "%F0%9F%98%80",
    "%FF",
    "a" * 4000,
    "~",
    "~~~",
    "%s",
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:20] for text in HOSTILE])
async def test_hostile_ids_filters_and_cursors_find_nothing_and_break_nothing(operator: Watched, text: str) -> None:
    await connect_account(operator)
    for path in ("/environment", "/api-token", "/integration", "/environment-integration", "/integrated-account"):
        got = await operator.get(f"{path}/{text}")
        assert got.status in {400, 404}, (path, got.content)
    for query in (f"tenant_id={text}", f"status={text}", f"integration={text}", f"environment_integration_id={text}"):
        got = await operator.get(f"/integrated-account?{query}")
        assert got.status in {200, 400}
        assert got.status == 400 or got.json["result"] == []
    for path in ("/environment", "/api-token", "/environment-integration", "/integrated-account", "/log"):
        assert (await operator.get(f"{path}?next_cursor={text}")).status in {200, 400}
    huge = "9" * 400
    for path in (f"/audit?next_cursor={huge}", f"/log?status={huge}", f"/log?status={1 << 63}", "/audit?next_cursor=0"):
        assert (await operator.get(path)).status in {200, 400}, path


async def test_an_empty_parameter_counts_as_absent(operator: Watched) -> None:
    await connect_account(operator)
    path = "/integrated-account?tenant_id=&next_cursor=&limit=&is_sandbox=&created_at[gt]="
    assert said(await operator.get(path))["result_count"] == 1


SPELLINGS = [
    "integration=openai",
    "integration[name]=openai",
    "integration.name=openai",
    "integration%5Bname%5D=openai",
]


@pytest.mark.parametrize("query", SPELLINGS)
async def test_a_nested_filter_is_understood_in_every_spelling(operator: Watched, query: str) -> None:
    await connect_account(operator)
    assert said(await operator.get(f"/integrated-account?{query}"))["result_count"] == 1
    assert said(await operator.get(f"/environment-integration?{query}"))["result_count"] == 1
    other = query.replace("openai", "other")
    assert said(await operator.get(f"/integrated-account?{other}"))["result_count"] == 0


async def send_once(client: Watched, key: str, name: str) -> Got:
    return await client.send("POST", "/environment", json={"name": name}, headers={"idempotency-key": key})


async def test_a_repeated_write_is_answered_again_and_done_once(operator: Watched) -> None:
    first, again = await send_once(operator, "k1", "a"), await send_once(operator, "k1", "a")
    assert said(first, 201) == said(again, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert [each["name"] for each in said(await operator.get("/environment"))["result"]] == ["a", "default"]


async def test_the_same_key_for_another_write_is_refused(operator: Watched) -> None:
    await send_once(operator, "k1", "a")
    assert (await send_once(operator, "k1", "b")).status == 422
    headers = {"idempotency-key": "k1"}
    elsewhere = await operator.send("POST", "/api-token", json={"name": "a"}, headers=headers)
    assert elsewhere.status == 422


async def test_of_twins_at_once_one_acts_and_both_get_its_answer(operator: Watched) -> None:
    answers = await asyncio.gather(*(send_once(operator, "k1", "a") for _ in range(8)))
    assert len({answer.content for answer in answers}) == 1
    assert {answer.status for answer in answers} == {201}
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7


async def test_a_write_that_was_refused_leaves_its_key_free(operator: Watched) -> None:
    await operator.post("/environment", {"name": "a"})
    assert (await send_once(operator, "k1", "a")).status == 409
    assert (await send_once(operator, "k1", "b")).status == 201


@pytest.mark.parametrize("key", ["x" * 256, "ü" * 256])
async def test_a_key_that_is_too_long_is_refused(operator: Watched, key: str) -> None:
    got = await operator.send("POST", "/environment", json={"name": "a"}, headers={"idempotency-key": key})
    assert "Idempotency-Key" in failures(got)


async def test_a_key_on_a_reading_request_changes_nothing(operator: Watched) -> None:
    headers = {"idempotency-key": "k1"}
    assert (await operator.send("GET", "/environment", headers=headers)).status == 200
    await operator.post("/environment", {"name": "a"})
    assert len(said(await operator.send("GET", "/environment", headers=headers))["result"]) == 2
