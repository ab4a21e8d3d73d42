"""`require_api_token_auth`: which tokens open a server whose address alone is not enough."""

from typing import Any

import pytest

from portico.app import Portico
from portico.store.requests import RequestFilter
from portico.vault import tokens
from tests.faces.mcp.speaker import NEW, OLD, Maker, Speaker
from tests.gateways import Client, connect_account


async def token_with(client: Client, *scopes: str, environment_id: str = "") -> str:
    body: dict[str, Any] = {"name": "narrow", "scopes": list(scopes)}
    made = await client.post("/api-token", body | ({"environment_id": environment_id} if environment_id else {}))
    assert made.status == 201, made.content
    return str(made.json["token"])


async def test_only_a_token_of_the_servers_environment_opens_it(maker: Maker, client: Client) -> None:
    server = await maker.server(require_api_token_auth=True)
    elsewhere = (await client.post("/environment", {"name": "elsewhere"})).json["id"]
    other = await connect_account(client, "other")
    account_token = (await client.post("/integrated-account/token", {"integrated_account_id": maker.account_id})).json
    others_token = (await client.post("/integrated-account/token", {"integrated_account_id": other["id"]})).json
    revoked = (await client.post("/api-token", {"name": "revoked"})).json
    await client.delete(f"/api-token/{revoked['id']}")
    assert client.token
    matrix = [
        ("", 401),
        ("Basic abc", 401),
        ("Bearer", 401),
        ("Bearer nonsense", 401),
        (f"Bearer {tokens.make('api')}", 401),
        (f"Bearer {server.path.removeprefix('/mcp/')}", 401),
        (f"Bearer {revoked['token']}", 401),
        (f"Bearer {await token_with(client, 'call', environment_id=elsewhere)}", 401),
        (f"Bearer {others_token['integrated_account_token']}", 401),
        (f"Bearer {client.token}", 200),
        (f"bearer {client.token}", 200),
        (f"Bearer {await token_with(client, 'call')}", 200),
        (f"Bearer {account_token['integrated_account_token']}", 200),
    ]
    for header, status in matrix:
        for version in (OLD, NEW):
            speaking = server.speaking(version).sending(authorization=header) if header else server.speaking(version)
            assert (await speaking.ask("tools/list")).status == status, header


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_refusal_without_a_token_comes_before_anything_else(maker: Maker, verb: str) -> None:
    """A client that tries GET first must learn that it has to sign in, not that GET is wrong."""
    server = await maker.server(require_api_token_auth=True)
    got = await server.send(b"not even JSON", verb=verb)
    assert (got.status, got.json["code"]) == (401, "not_authenticated")


async def test_token_does_not_help_at_an_address_that_leads_nowhere(client: Client) -> None:
    nowhere = Speaker(client.gateway, f"/mcp/{tokens.make('mcp')}").sending(authorization=f"Bearer {client.token}")
    assert (await nowhere.ask("tools/list")).status == 404


async def test_scopes_of_the_token_hold_in_the_call(maker: Maker, client: Client) -> None:
    server = await maker.server(require_api_token_auth=True)
    reader = server.sending(authorization=f"Bearer {await token_with(client, 'call:read')}")
    assert (await reader.value("list_all_openai_models"))["result"]
    refusal = await reader.refusal("create_a_openai_vector_store", {"name": "x"})
    assert (refusal["code"], refusal["status"]) == ("not_allowed", 403)
    assert "'call'" in refusal["error"]
    stranger = server.sending(authorization=f"Bearer {await token_with(client, 'logs')}")
    assert "'call:read'" in (await stranger.refusal("list_all_openai_models"))["error"]


async def test_server_that_asks_for_no_token_takes_no_notice_of_one(maker: Maker, client: Client) -> None:
    server = await maker.server()
    for header in ("Bearer nonsense", "Basic abc", f"Bearer {await token_with(client, 'logs')}"):
        assert (await server.sending(authorization=header).value("list_all_openai_models"))["result"]


async def test_asking_for_a_token_can_be_switched_on_and_off(maker: Maker, client: Client) -> None:
    made = await maker.made(tool_exposure="all")
    place = f"{maker.address}/{made['id']}"
    server = Speaker(client.gateway, "/mcp/" + made["token"])
    for is_asked, status in ((True, 401), (False, 200)):
        await client.patch(place, {"config": {"require_api_token_auth": is_asked}})
        assert (await server.ask("tools/list")).status == status


async def test_log_names_the_token_or_the_server_that_called(maker: Maker, client: Client, gateway: Portico) -> None:
    open_server, closed = await maker.server(), await maker.server(require_api_token_auth=True)
    await open_server.sending(user_agent="some-client/1").value("list_all_openai_models")
    token = (await client.post("/api-token", {"name": "who"})).json
    who = closed.speaking(NEW).sending(authorization=f"Bearer {token['token']}")
    params = {
        "name": "list_all_openai_models",
        "_meta": {"io.modelcontextprotocol/clientInfo": {"name": "Zed", "version": "9"}},
    }
    await who.result("tools/call", params)
    await gateway.parts.recorder.flush()
    caller = await gateway.parts.lookup.caller(client.token or "")
    rows = await gateway.parts.requests.page(caller.environment_id, "~", 2, RequestFilter())
    assert [(row.client, row.tool, row.face) for row in rows] == [
        ("Zed/9", "list_all_openai_models", "mcp"), ("some-client/1", "list_all_openai_models", "mcp"),
    ]  # fmt: skip
    assert rows[0].token_id == token["id"]
    assert rows[1].token_id.startswith("server:")
    assert all(row.server_id for row in rows)
