"""Addresses with a slash behind them: the same as without, wherever the address is ours, and never a way elsewhere."""

import json

import pytest

from tests.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "path",
    [
        "/integrated-account", "/integrated-account/{account}", "/integrated-account/{account}/tools", "/log", "/docs",
        "/healthz", "/openapi.json", "/sign-in", "/unified/meta", "/unified/meta/user-directory",
        "/unified/user-directory/users", "/proxy/models",
    ],
)  # fmt: skip
async def test_a_slash_at_the_end_changes_nothing(stage: Stage, path: str) -> None:
    place, query = path.format(account=stage.account_id), {}
    if path.startswith(("/proxy", "/unified/user")):
        query = {"integrated_account_id": stage.account_id}
    without = await stage.client.get(place, **query)
    got = await stage.client.get(f"{place}/", **query)
    assert (got.status, got.headers.get("content-type")) == (without.status, without.headers.get("content-type"))
    assert without.status == 200
    assert got.headers.get("location") is None


async def test_a_write_with_a_slash_at_the_end_is_done(stage: Stage) -> None:
    made = await stage.client.post("/api-token/", {"name": "slash"})
    assert made.status == 201
    assert (await stage.client.delete(f"/api-token/{made.json['id']}/")).status == 200
    assert (await stage.client.get(f"/api-token/{made.json['id']}")).status == 404


async def test_an_mcp_address_may_end_in_a_slash(stage: Stage) -> None:
    made = await stage.client.post(f"/integrated-account/{stage.account_id}/mcp", {"name": "s"})
    ask = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    headers = {"content-type": "application/json", "accept": "application/json"}
    token = made.json["token"]
    for path, status in ((token, 200), (f"{token}/", 200), (f"{token}//", 404), (f"{token}%2F", 404)):
        got = await stage.client.send("POST", f"/mcp/{path}", content=ask, headers=headers)
        assert got.status == status, path


@pytest.mark.parametrize(
    "path", ["/nothing/", "/integrated-account//", "//integrated-account", "//evil.example/", "//evil.example//log/"]
)
async def test_what_is_nowhere_without_the_slash_is_nowhere_with_it(stage: Stage, path: str) -> None:
    got = await stage.client.get(path)
    assert (got.status, got.headers.get("location")) == (404, None)


async def test_the_vendors_addresses_keep_their_slash(stage: Stage) -> None:
    await stage.client.get(f"/passthrough/{stage.account_id}/models/")
    assert stage.last.raw_path == "/v1/models/"
    await stage.client.get("/custom/models/", integrated_account_id=stage.account_id)
    assert stage.last.raw_path == "/v1/models/"
    got = await stage.client.send("PUT", "/integrated-account/")
    assert (got.status, got.headers["allow"]) == (405, "GET, HEAD, POST")
