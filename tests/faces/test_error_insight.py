"""`truto_error_insight` in the errors of the Proxy, Unified and Custom API: where it is true, absent elsewhere."""

from collections.abc import Generator
from typing import Any

import pytest

from tests.gateways import Got, connect_account
from tests.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

READ_ONLY = "sk-proj-readonly-acme"
CHAT: dict[str, Any] = {"model": "gpt-6-astra", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(autouse=True)
def unspoilt(stage: Stage) -> Generator[None]:
    yield
    stage.clear()


def told(got: Got) -> dict[str, Any]:
    return {name: each["value"] for name, each in got.json.get("truto_error_insight", {}).items()}


async def unified(stage: Stage, verb: str, path: str, **more: Any) -> Got:
    query = {"integrated_account_id": stage.account_id, **more.pop("query", {})}
    return await stage.client.send(verb, f"/unified/{path}", query=query, **more)


async def test_what_a_proxy_call_lacks_is_told_by_where_it_belongs(stage: Stage) -> None:
    got = await stage.proxy("POST", "projects", json=None)
    assert (got.status, told(got)) == (400, {"missing_required_body_fields": ["name"]})
    got = await stage.proxy("GET", "vector_store_files")
    assert (got.status, told(got)) == (400, {"missing_required_query_parameters": ["vector_store_id"]})
    nobody = await stage.client.get("/proxy/files")
    assert (nobody.status, told(nobody)) == (400, {"missing_required_query_parameters": ["integrated_account_id"]})


async def test_what_is_wrong_and_not_missing_is_no_insight(stage: Stage) -> None:
    for got in (
        await stage.proxy("GET", "vector_stores", query={"limit": "0"}),
        await stage.proxy("GET", "no_such_resource"),
        await unified(stage, "GET", "user-directory/users", query={"shoe_size": "44"}),
    ):
        assert got.status in {400, 404}, got.content
        assert "truto_error_insight" not in got.json


async def test_what_a_unified_call_lacks_is_told(stage: Stage) -> None:
    got = await unified(stage, "GET", "usage-metering/usage")
    assert (got.status, told(got)) == (400, {"missing_required_query_parameters": ["start_date"]})
    got = await unified(stage, "POST", "user-directory/groups", json={})
    assert (got.status, told(got)) == (400, {"missing_required_body_fields": ["name"]})


@pytest.mark.parametrize("way", ["proxy", "custom"])
async def test_a_rate_limit_of_the_vendor_is_told_with_the_wait(stage: Stage, way: str) -> None:
    stage.fault("status=429;retry-after=7")
    got = await getattr(stage, way)("GET", "models")
    found = told(got)
    assert got.status == 429
    assert found == {"rate_limit_error": {"retry_after": 7}, "remote_error": got.json["message"]}


async def test_a_failure_of_the_vendor_is_told_and_is_no_rate_limit(stage: Stage) -> None:
    stage.fault("status=500")
    for got in (await stage.proxy("GET", "models"), await unified(stage, "GET", "user-directory/groups")):
        assert (got.status, told(got)) == (500, {"remote_error": got.json["message"]})


async def test_the_scopes_that_a_key_lacks_are_told(stage: Stage) -> None:
    account = await connect_account(stage.client, "acme", api_key=READ_ONLY)
    asked = {"integrated_account_id": account["id"]}
    for way in ("proxy", "custom"):
        got = await stage.client.send("POST", f"/{way}/files", query=asked, json={})
        assert got.status == 403, got.content
        assert told(got) == {
            "forbidden_error": {"missing_scopes": ["api.files.write"]},
            "remote_error": got.json["message"],
        }
        assert READ_ONLY not in got.content.decode()


async def test_an_answer_of_the_vendor_alone_has_no_insight(stage: Stage) -> None:
    stage.fault("status=429")
    for got in (
        await stage.passthrough("GET", "models"),
        await stage.custom("GET", "models", query={"truto_response_format": "raw"}),
    ):
        assert got.status == 429
        assert set(got.json) == {"error"}


async def test_a_failure_that_is_told_again_is_told_in_the_same_words(stage: Stage) -> None:
    account = await connect_account(stage.client, "acme-again", api_key=READ_ONLY)
    asked = {"integrated_account_id": account["id"]}
    first, again = [
        await stage.client.send("POST", "/custom/files", query=asked, json={}, headers={"idempotency-key": "insight"})
        for _ in range(2)
    ]
    assert (first.status, first.headers.get("idempotent-replayed")) == (403, None)
    assert (again.status, again.headers.get("idempotent-replayed")) == (403, "true")
    bytes_of = [got.content.replace(got.headers["x-portico-request-id"].encode(), b"") for got in (first, again)]
    assert bytes_of[0] == bytes_of[1]
    assert told(again)["forbidden_error"] == {"missing_scopes": ["api.files.write"]}


async def test_a_batch_tells_it_of_each_request_that_failed(stage: Stage) -> None:
    stage.fault("status=429;retry-after=7")
    body = {"integrated_account_id": stage.account_id, "resources": [{"resource": "models", "method": "list"}]}
    got = await stage.client.post("/batch-request", body)
    assert got.status == 200, got.content
    [problem] = got.json["errors"]["models"]
    assert problem["truto_error_insight"]["rate_limit_error"]["value"] == {"retry_after": 7}


async def test_the_admin_api_names_missing_body_fields_and_nothing_else(stage: Stage) -> None:
    lacking = await stage.client.post("/webhook", {})
    assert lacking.status == 400
    assert "target_url" in told(lacking)["missing_required_body_fields"]
    wrong = await stage.client.get("/webhook", limit="0")
    assert (wrong.status, "truto_error_insight" in wrong.json) == (400, False)
