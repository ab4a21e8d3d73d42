"""The Proxy API: addresses and verbs, who may call, lists and cursors, and how failures are told."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from portico.gateway.accounts import make_account_token
from portico.model.account import AccountId
from tests.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHAT: dict[str, Any] = {"model": "gpt-6-astra", "messages": [{"role": "user", "content": "Say: hello"}]}


async def made(stage: Stage, resource: str, count: int, **body: Any) -> list[str]:
    """Ids of new things, oldest first."""
    ids: list[str] = []
    for number in range(count):
        got = await stage.proxy("POST", resource, json={**body, "name": f"{body.get('name', 'thing')} {number}"})
        assert got.status == 200, got.content
        ids.append(got.json["id"])
    return ids


async def walked(stage: Stage, resource: str, limit: int, **query: Any) -> list[list[Any]]:
    """The items of every page, from the first to the last."""
    pages: list[list[Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        got = await stage.proxy("GET", resource, query={"limit": limit, "next_cursor": cursor, **query})
        assert got.status == 200, got.content
        assert got.json["result_count"] == len(got.json["result"])
        pages.append(got.json["result"])
        cursor = got.json["next_cursor"]
        assert len(pages) < 50, "the list does not end"
    return pages


async def test_every_verb_reaches_its_operation(stage: Stage) -> None:
    project = (await stage.proxy("POST", "projects", json={"name": "One"})).json["id"]
    address = f"/v1/organization/projects/{project}"
    for verb, path, json, sent in (
        ("GET", "projects", None, ("GET", "/v1/organization/projects")),
        ("GET", "projects/", None, ("GET", "/v1/organization/projects")),
        ("GET", f"projects/{project}", None, ("GET", address)),
        ("PATCH", f"projects/{project}", {"name": "Two"}, ("POST", address)),
        ("POST", "projects/archive", {"id": project}, ("POST", f"{address}/archive")),
    ):
        got = await stage.proxy(verb, path, json=json)
        assert got.status == 200, got.content
        assert (stage.last.verb, stage.last.raw_path) == sent
    store = (await stage.proxy("POST", "vector_stores", json={"name": "v"})).json["id"]
    assert (await stage.proxy("DELETE", f"vector_stores/{store}")).json["deleted"] is True
    assert stage.last.verb == "DELETE"


async def test_a_single_object_is_the_vendors_own_answer(stage: Stage) -> None:
    made_there = await stage.proxy("POST", "vector_stores", json={"name": "v"})
    asked = await stage.proxy("GET", f"vector_stores/{made_there.json['id']}")
    assert asked.content == made_there.content
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-request-id"] == stage.last.request_id


async def test_a_custom_methods_answer_stands_under_result(stage: Stage) -> None:
    project = (await made(stage, "projects", 1))[0]
    got = await stage.proxy("POST", "projects/archive", query={"id": project})
    assert got.json["result"]["status"] == "archived"


@pytest.mark.parametrize("place", ["query by its name", "query as id", "body by its name", "body as id"])
async def test_the_items_id_of_a_custom_method_may_stand_anywhere(stage: Stage, place: str) -> None:
    project = (await made(stage, "projects", 1))[0]
    name = "id" if place.endswith("as id") else "project_id"
    more: dict[str, Any] = {"query": {name: project}} if place.startswith("query") else {"json": {name: project}}
    got = await stage.proxy("POST", "projects/archive", **more)
    assert got.status == 200, got.content
    assert stage.last.raw_path == f"/v1/organization/projects/{project}/archive"
    assert stage.last.query == ""


@pytest.mark.parametrize("place", ["query", "body"])
async def test_a_parents_id_may_stand_in_query_or_body(stage: Stage, place: str) -> None:
    project = (await made(stage, "projects", 1))[0]
    ids = {"project_id": project}
    account = {"name": "robot"}
    more: dict[str, Any] = {"query": ids, "json": account} if place == "query" else {"json": {**ids, **account}}
    got = await stage.proxy("POST", "project_service_accounts", **more)
    assert got.status == 200, got.content
    assert stage.last.raw_path == f"/v1/organization/projects/{project}/service_accounts"
    assert got.json["name"] == "robot"


async def test_an_id_in_the_path_is_taken_as_one_segment(stage: Stage) -> None:
    got = await stage.proxy("GET", "files/a%2F..%2Fb%3Fc")
    assert got.status == 404
    assert stage.last.raw_path == "/v1/files/a%2F..%2Fb%3Fc"


async def test_what_has_no_id_is_found_where_the_references_toolset_looks_for_it(stage: Stage) -> None:
    for path in ("data_retention", "data_retention/undefined"):
        got = await stage.proxy("GET", path)
        assert got.status == 200, got.content
        assert (stage.last.raw_path, stage.last.query) == ("/v1/organization/data_retention", "")
    got = await stage.proxy("PATCH", "data_retention/undefined", json={"retention_type": "none"})
    assert stage.last.raw_path == "/v1/organization/data_retention", got.content


@pytest.mark.parametrize(
    ("verb", "path", "status", "code", "sentence"),
    [
        ("GET", "file", 404, "no_such_operation", "OpenAI has no resource 'file'; did you mean 'files'"),
        (
            "POST",
            "files/shred",
            404,
            "no_such_operation",
            "The resource 'files' has no method 'shred'; it has: list, get",
        ),
        (
            "POST",
            "costs/report",
            404,
            "no_such_operation",
            "run it with POST /integrated-account/{id}/tools/openai_costs",
        ),
        ("PATCH", "files/f1", 404, "no_such_operation", "The resource 'files' has no method 'update'"),
        ("GET", "files/a/b", 404, "not_found", "Proxy addresses are /proxy/{resource}"),
        ("GET", "", 404, "not_found", "Proxy addresses are /proxy/{resource}"),
        ("GET", "//", 404, "not_found", "Proxy addresses are /proxy/{resource}"),
        ("PUT", "files", 405, "verb_not_allowed", "takes GET, POST, PATCH and DELETE here, not PUT"),
        ("HEAD", "files/a/b", 404, "not_found", "Proxy addresses are /proxy/{resource}"),
        ("GET", "files/%00", 400, "invalid_arguments", "file_id: cannot be part of an address"),
        ("GET", "files/..", 400, "invalid_arguments", "file_id: cannot be part of an address"),
        ("GET", "files/%2e%2e", 400, "invalid_arguments", "file_id: cannot be part of an address"),
        (
            "GET",
            "vector_store_files",
            400,
            "invalid_arguments",
            "vector_store_id: is required: it is part of the address",
        ),
    ],
)
async def test_an_address_that_leads_nowhere_says_where_to_go(
    stage: Stage, verb: str, path: str, status: int, code: str, sentence: str
) -> None:
    got = await stage.proxy(verb, path)
    assert (got.status, got.json["code"]) == (status, code)
    assert sentence in got.sentence
    assert got.headers["x-gateway-error"] == code
    assert stage.seen() == []
    assert (got.headers.get("allow") == "GET, HEAD, POST, PATCH, DELETE") is (status == 405)


async def test_the_account_must_be_named(stage: Stage) -> None:
    got = await stage.client.get("/proxy/files")
    assert (got.status, got.json["details"]["failures"][0]["path"]) == (400, "integrated_account_id")
    got = await stage.client.get("/proxy/files", integrated_account_id="nobody")
    assert (got.status, got.sentence) == (404, "There is no integrated account 'nobody'.")


async def test_an_account_token_names_its_account_by_itself(stage: Stage) -> None:
    parts = stage.gateway.parts
    caller = await parts.lookup.caller(stage.client.token or "")
    connected = await parts.lookup.connected(caller.environment_id, AccountId(stage.account_id))
    token, _ = await make_account_token(caller, connected.account, parts)
    holder = stage.client.as_holder_of(token)
    assert (await holder.get("/proxy/files")).status == 200
    assert (await holder.get("/proxy/files", integrated_account_id=stage.account_id)).status == 200
    assert (await holder.get("/proxy/files", integrated_account_id="another")).status == 404


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic abc", "ptc_api_abc", "Bearer ptc_api_abc", "Bearer sk-proj-stage"]
)
async def test_nothing_is_done_without_a_token(stage: Stage, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    got = await stage.client.as_holder_of(None).send(
        "GET", "/proxy/files", query={"integrated_account_id": stage.account_id}, headers=headers
    )
    assert (got.status, got.json["code"]) == (401, "not_authenticated")
    assert stage.seen() == []


async def test_a_reading_token_reads_and_nothing_else(stage: Stage) -> None:
    made_there = await stage.client.post("/api-token", {"name": "reader", "scopes": ["call:read"]})
    reader = stage.client.as_holder_of(made_there.json["token"])
    query = {"integrated_account_id": stage.account_id}
    assert (await reader.send("GET", "/proxy/files", query=query)).status == 200
    search = {**query, "vector_store_id": "none", "query": "x"}
    assert (await reader.send("GET", "/proxy/vector_store_search", query=search)).json["code"] == "vendor_failure"
    stage.clear()
    for verb, path in (("POST", "/proxy/projects"), ("DELETE", "/proxy/files/f"), ("POST", "/proxy/batches/cancel")):
        got = await reader.send(verb, path, query={**query, "id": "x"}, json={"name": "x"})
        assert (got.status, got.json["code"]) == (403, "not_allowed"), got.content
        assert "needs the scope 'call'" in got.sentence
    assert stage.seen() == []


async def test_the_path_decides_which_of_the_accounts_keys_goes_along(stage: Stage) -> None:
    await stage.proxy("GET", "files")
    project_key = stage.last_headers()["authorization"]
    await stage.proxy("GET", "projects")
    admin_key = stage.last_headers()["authorization"]
    await stage.proxy("GET", "project_roles", query={"project_id": "p"})
    assert stage.last.raw_path == "/v1/projects/p/roles"
    assert stage.last_headers()["authorization"] == admin_key != project_key


async def test_beta_headers_go_along_by_themselves(stage: Stage) -> None:
    await stage.proxy("GET", "vector_stores")
    assert stage.last_headers()["openai-beta"] == "assistants=v2"
    await stage.proxy("GET", "files")
    assert "openai-beta" not in stage.last_headers()


async def test_lists_that_name_their_last_id_are_walked(stage: Stage) -> None:
    ids = await made(stage, "vector_stores", 5, name="walk")
    pages = await walked(stage, "vector_stores", 2, order="asc")
    found = [item["id"] for page in pages for item in page]
    assert [each for each in found if each in ids] == ids
    assert len(found) == len(set(found))
    assert all(len(page) == 2 for page in pages[:-1])


async def test_lists_that_go_on_from_their_last_item_are_walked(stage: Stage) -> None:
    ids = await made(stage, "vaults", 3)
    found = [item["id"] for page in await walked(stage, "vaults", 2) for item in page]
    assert sorted(found) == sorted(ids)


async def test_lists_with_a_next_of_their_own_are_walked(stage: Stage) -> None:
    for number in range(3):
        role = {"role_name": f"walker {number}", "permissions": ["api.model.read"]}
        assert (await stage.proxy("POST", "roles", json=role)).status == 200
    found = [item["id"] for page in await walked(stage, "roles", 1) for item in page]
    assert len(found) == len(set(found)) >= 3


async def test_lists_by_page_token_are_walked(stage: Stage) -> None:
    pages = await walked(stage, "usage_completions", 2, start_time="1700000000", end_time="1700600000")
    starts = [bucket["start_time"] for page in pages for bucket in page]
    assert starts == sorted(set(starts))
    assert len(starts) >= 6


async def test_the_way_back_leads_where_it_came_from(stage: Stage) -> None:
    await made(stage, "vector_stores", 3, name="back")
    first = (await stage.proxy("GET", "vector_stores", query={"limit": 1})).json
    assert first["prev_cursor"] is None
    second = (await stage.proxy("GET", "vector_stores", query={"limit": 1, "next_cursor": first["next_cursor"]})).json
    back = (await stage.proxy("GET", "vector_stores", query={"limit": 1, "prev_cursor": second["prev_cursor"]})).json
    assert back["result"] == first["result"] != second["result"]


async def test_lists_that_are_never_cut_come_whole(stage: Stage) -> None:
    got = await stage.proxy("GET", "models", query={"next_cursor": ""})
    assert (got.json["next_cursor"], got.json["prev_cursor"]) == (None, None)
    assert got.json["result_count"] > 5
    me = (await stage.proxy("GET", "me")).json
    assert (me["result_count"], me["next_cursor"], me["result"][0]["object"]) == (1, None, "user")


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "many"}, {"next_cursor": "vs_1"}, {"prev_cursor": "x"}])
async def test_a_limit_or_cursor_that_is_none_is_refused(stage: Stage, query: dict[str, str]) -> None:
    got = await stage.proxy("GET", "vector_stores", query=query)
    assert (got.status, got.json["code"]) == (400, "invalid_arguments")
    assert stage.seen() == []


async def test_a_vendors_failure_keeps_status_body_and_headers(stage: Stage) -> None:
    stage.fault("status=429;retry-after=7")
    got = await stage.proxy("POST", "chat_completions", json=CHAT)
    assert got.status == 429
    assert got.headers["retry-after"] == "7"
    assert got.json == {
        "statusCode": 429,
        "error": "Too Many Requests",
        "message": got.json["raw_response"]["error"]["message"],
        "code": "vendor_failure",
        "request_id": got.headers["x-portico-request-id"],
        "truto_is_remote_error": True,
        "raw_response": got.json["raw_response"],
        "truto_error_insight": got.json["truto_error_insight"],
    }
    assert set(got.json["raw_response"]["error"]) == {"message", "type", "param", "code"}
    assert got.headers["x-request-id"] == stage.last.request_id
    assert "x-gateway-error" not in got.headers


@pytest.mark.parametrize("fault", [None, "status=500;after=true"], ids=["success", "failure"])
async def test_rate_limits_are_told_under_both_names(stage: Stage, fault: str | None) -> None:
    if fault:
        stage.fault(fault)
    got = await stage.proxy("POST", "chat_completions", json=CHAT)
    assert got.status == (500 if fault else 200)
    for ours, theirs in (("limit", "limit-requests"), ("remaining", "remaining-requests")):
        assert got.headers[f"ratelimit-{ours}"] == got.headers[f"x-ratelimit-{theirs}"]
    assert got.headers["ratelimit-reset"].isdigit()
    assert not got.headers["x-ratelimit-reset-requests"].isdigit()


async def test_filters_travel_as_they_are_written(stage: Stage) -> None:
    await stage.proxy("GET", "audit_logs", query={"effective_at[gt]": "1", "effective_at[lt]": "9", "strange": "ä b"})
    assert parse_qsl(stage.last.query) == [("effective_at[gt]", "1"), ("effective_at[lt]", "9"), ("strange", "ä b")]
    assert "integrated_account_id" not in stage.last.query
