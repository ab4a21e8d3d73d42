"""/log over HTTP: its filters and cursors, one call, the stream of lines, and the wall around each environment."""

from typing import Any

import msgspec
import pytest

from portico.app import Portico
from portico.faces.admin import log as log_face
from portico.store import requests
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said, with_scopes
from tests.gateways import connect_account

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.fixture
async def account(admin: Watched) -> str:
    """With six calls in its log: two good ones, one of them with tokens, three bad ones, one through a tool."""
    account = (await connect_account(admin))["id"]
    await admin.get("/proxy/files", integrated_account_id=account)
    await admin.get("/proxy/files/file-nothing", integrated_account_id=account)
    await admin.get("/proxy/nothing", integrated_account_id=account)
    await admin.send("GET", f"/passthrough/{account}/files/file-nothing", headers={"user-agent": "Agent/7"})
    await admin.post(f"/integrated-account/{account}/tools/list_all_openai_models", {})
    await admin.post("/proxy/chat_completions", CHAT, integrated_account_id=account)
    return account


async def listed(client: Watched, **query: Any) -> list[dict[str, Any]]:
    return said(await client.get("/log", **query))["result"]


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({}, ["chat_completions", "models", "files", "nothing", "files", "files"]),
    ({"status": "404"}, ["files", "nothing", "files"]),
    ({"status": "4xx"}, ["files", "nothing", "files"]),
    ({"status": "4xx", "face": "passthrough"}, ["files"]),
    ({"status": "200"}, ["chat_completions", "models", "files"]),
    ({"status": "5xx"}, []),
    ({"status[]": "404"}, ["files", "nothing", "files"]),
    ({"status": "404,5xx"}, ["files", "nothing", "files"]),
    ({"status[in]": "404,200", "resource[in]": "files,models"}, ["models", "files", "files", "files"]),
    ({"status[gte]": "400"}, ["files", "nothing", "files"]),
    ({"status[gt]": "404"}, []),
    ({"status[lt]": "400", "face[eq]": "tools"}, ["models"]),
    ({"status[gt]": str(10**30)}, []),
    ({"status[lt]": str(-(10**30))}, []),
    ({"http_status_code": "404"}, ["files", "nothing", "files"]),
    ({"http_status_code[gte]": "400", "face": "passthrough"}, ["files"]),
    ({"face": "tools,passthrough"}, ["models", "files"]),
    ({"log_type_filter[status]": "404,500", "log_type_filter[resource]": "nothing"}, ["nothing"]),
    ({"face": "tools"}, ["models"]),
    ({"tool": "list_all_openai_models"}, ["models"]),
    ({"resource": "files", "method": "list"}, ["files"]),
    ({"code": "no_such_operation"}, ["nothing"]),
    ({"model": "gpt-4o-mini"}, ["chat_completions"]),
    ({"tenant_id": "acme"}, ["chat_completions", "models", "files", "nothing", "files", "files"]),
    ({"tenant_id": "other"}, []),
    ({"q": "AGENT/7"}, ["files"]),
    ({"q": "no resource"}, ["nothing"]),
    ({"q": "%"}, []),
    ({"log_type": "mcp"}, []),
    ({"log_type": "unified_proxy_api"}, ["chat_completions", "models", "files", "nothing", "files", "files"]),
    ({"log_type": "webhook"}, []),
    ({"log_type_filter[resource]": "models"}, ["models"]),
    ({"log_type_filter[status]": "404", "log_type_filter[face]": "passthrough"}, ["files"]),
    ({"log_type_filter[http_status_code]": "404", "log_type_filter[request_type]": "passthrough"}, ["files"]),
    ({"log_type": "mcp", "face": "tools"}, []),
    ({"integration": "openai", "face": "tools"}, ["models"]),
    ({"integration": "other"}, []),
    ({"log_type_filter[integration]": "openai,other", "log_type_filter[resource]": "nothing"}, ["nothing"]),
    ({"log_type_filter[integration]": "other"}, []),
    ({"log_type_filter[tool_name]": "list_all_openai_models"}, ["models"]),
    ({"log_type_filter[tool_name]": "models"}, []),
    ({"log_type_filter[client_name]": "Agent"}, ["files"]),
    ({"client_name": "Agent/7"}, ["files"]),
    ({"log_type_filter[client_name]": "Age"}, []),
    ({"log_type_filter[mcp_method]": "tools/list"}, []),
    ({"log_type_filter[environment_id]": "another"}, []),
    ({"log_type_filter[mcp_server_id]": "none"}, []),
]  # fmt: skip


async def test_every_filter_narrows_the_list(admin: Watched, account: str) -> None:
    for query, wanted in FILTERS:
        found = await listed(admin, integrated_account_id=account, **query)
        assert [each["resource"] for each in found] == wanted, query


async def test_calls_of_mcp_are_found_by_the_references_names(admin: Watched, account: str) -> None:
    server = {"name": "one", "config": {"tool_exposure": "all"}}
    made = said(await admin.post(f"/integrated-account/{account}/mcp", server), 201)
    asked = {"name": "list_all_openai_models"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asked}
    headers = {"user-agent": "a-host/1.2", "accept": "application/json, text/event-stream"}
    await admin.send("POST", f"/mcp/{made['token']}", json=message, headers=headers)
    environment = said(await admin.get(f"/integrated-account/{account}"))["environment_id"]
    names = {
        "mcp_server_id": made["id"], "tool_name": "list_all_openai_models", "mcp_method": "tools/call",
        "resource": "models", "method": "list", "client_name": "a-host", "integrated_account_id": account,
        "environment_id": environment, "integration": "openai",
    }  # fmt: skip
    for chosen in (names, *({name: value} for name, value in names.items())):
        query = {f"log_type_filter[{name}]": value for name, value in chosen.items()}
        assert [each["client"] for each in await listed(admin, log_type="mcp", **query)] == ["a-host/1.2"], chosen
    assert await listed(admin, log_type="unified_proxy_api", **{"log_type_filter[mcp_method]": "tools/call"}) == []


async def test_what_the_log_takes_is_said_where_something_else_is_asked(admin: Watched) -> None:
    [told] = (await admin.get("/log?log_type_filter[webhook_id]=1")).json["details"]["failures"]
    for name in ("integration", "tool_name", "client_name", "mcp_method", "environment_id", "request_type"):
        assert name in told["allowed"].split(", ")


async def test_a_row_tells_tokens_cost_and_why(admin: Watched, account: str) -> None:
    chat, *_, nothing, _, _ = await listed(admin, integrated_account_id=account)
    assert chat["http_status_code"] == 200
    assert chat["cost_usd"] == pytest.approx((chat["input_tokens"] * 0.15 + chat["output_tokens"] * 0.6) / 1e6)
    assert (chat["tokens_are_estimated"], chat["is_replay"], chat["has_bodies"]) == (False, False, False)
    assert nothing["code"] == "no_such_operation"
    assert nothing["problem"].startswith("OpenAI has no resource 'nothing'")
    assert (nothing["logs"], nothing["result_count"]) == ([nothing["problem"]], None)
    files = (await listed(admin, integrated_account_id=account, resource="files", method="list"))[0]
    whole = (await admin.get("/proxy/files", integrated_account_id=account)).json
    assert (files["logs"], files["result_count"]) == ([], whole["result_count"])


ODD = [
    ("status=ok", "status"),
    ("status=6xx", "status"),
    ("status=40", "status"),
    ("face=door", "face"),
    ("face=tools,door", "face"),
    ("status=404,red", "status"),
    ("status[gte]=red", "status.gte"),
    ("status[about]=400", "status[about]"),
    ("resource[like]=files", "resource[like]"),
    ("log_type=else", "log_type"),
    ("log_type_filter[created_at]=x", "log_type_filter.created_at"),
    ("log_type_filter[colour]=red", "log_type_filter.colour"),
    ("log_type_filter[client_version]=7", "log_type_filter.client_version"),
    ("log_type_filter[status]=red", "status"),
    ("created_at[gt]=soon", "created_at.gt"),
]


async def test_a_filter_that_means_nothing_is_refused_by_name(admin: Watched) -> None:
    for path in ("/log", "/log/export"):
        for query, name in ODD:
            assert name in failures(await admin.get(f"{path}?{query}")), query
    assert "limit" in failures(await admin.get("/log/export?limit=-1"))


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
async def test_pages_together_are_the_log(admin: Watched, account: str, limit: int) -> None:
    whole = await listed(admin, integrated_account_id=account)
    got: list[Any] = []
    cursor, pages = "", 0
    while pages < 10:
        page = said(await admin.get("/log", integrated_account_id=account, limit=limit, next_cursor=cursor))
        got += page["result"]
        cursor, pages = page["next_cursor"], pages + 1
        if cursor is None:
            break
    assert got == whole
    assert pages == -(-6 // limit)


async def test_where_little_fits_a_page_may_be_short_and_goes_on(
    admin: Watched, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "STRIDES", (1, 1))
    first = said(await admin.get("/log", integrated_account_id=account, code="no_such_operation"))
    assert (first["result"], first["result_count"]) == ([], 0)
    assert first["next_cursor"]
    second = await admin.get("/log", code="no_such_operation", next_cursor=first["next_cursor"])
    assert [each["resource"] for each in said(second)["result"]] == ["nothing"]


async def test_a_span_of_time_is_kept_to(admin: Watched, account: str, held: Portico, clock: Any) -> None:
    clock.advance(hours=1)
    await admin.get("/proxy/models", integrated_account_id=account)
    late = await listed(admin, **{"created_at[gt]": "2026-11-02T12:30:00Z"})
    assert [each["resource"] for each in late] == ["models"]
    early = await listed(admin, **{"created_at[lt]": "2026-11-02T12:30:00Z"})
    assert len(early) == 6
    assert await listed(admin, **{"created_at[gt]": "2026-11-02T14:00:00Z"}) == []


async def test_one_call_is_found_by_either_id_with_its_parts(admin: Watched, account: str) -> None:
    got = await admin.post(f"/integrated-account/{account}/tools/openai_key_audit", {})
    found = said(await admin.get(f"/log/{got.headers['x-portico-request-id']}"))
    assert (found["tool"], found["vendor_status"]) == ("openai_key_audit", 0)
    assert found["parts"]
    assert all(each["request_id"] == found["request_id"] and each["vendor_status"] == 200 for each in found["parts"])
    part = said(await admin.get(f"/log/{found['parts'][0]['id']}"))
    assert found["id"] in {each["id"] for each in part["parts"]}


async def test_other_environments_see_nothing_of_it(admin: Watched, other: Tenant, account: str) -> None:
    row = (await listed(admin))[0]
    assert await listed(other.client) == []
    assert (await other.client.get("/log/export")).content == b""
    for identity in (row["id"], row["request_id"], "nothing"):
        got = await other.client.get(f"/log/{identity}")
        assert got.status == 404
        assert got.json["message"] == f"There is no call {identity!r}."


def lines(content: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in content.splitlines()]


@pytest.mark.parametrize("size", [1, 4, 1000])
async def test_the_export_is_the_list_as_lines(
    admin: Watched, account: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(log_face, "EXPORTED_AT_ONCE", size)
    got = await admin.get("/log/export", integrated_account_id=account)
    assert got.headers["content-type"] == "application/x-ndjson"
    assert lines(got.content) == await listed(admin, integrated_account_id=account)
    some = await admin.get("/log/export", status="4xx", limit=2)
    assert lines(some.content) == (await listed(admin, status="4xx"))[:2]
    assert (await admin.get("/log/export", log_type="webhook")).content == b""


async def test_the_export_goes_on_from_a_cursor_and_refuses_what_is_none(admin: Watched, account: str) -> None:
    everything = await listed(admin, integrated_account_id=account)
    cursor = everything[1]["id"]
    got = await admin.get("/log/export", integrated_account_id=account, next_cursor=cursor)
    assert lines(got.content) == everything[2:]
    for path in ("/log", "/log/export"):
        refused = await admin.get(path, next_cursor="nonsense")
        assert refused.status == 400
        assert refused.json["details"]["failures"][0]["path"] == "next_cursor"


async def test_the_log_needs_its_scope(operator: Watched) -> None:
    narrow = await with_scopes(operator, "accounts", "call")
    for path in ("/log", "/log/export", "/log/x"):
        assert (await narrow.get(path)).status == 403
