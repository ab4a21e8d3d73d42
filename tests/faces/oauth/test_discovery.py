"""What a program finds out before anybody signs in: the challenge, the server's page, the authorization server's."""

import io
import json

import pytest
import structlog

from portico.log import configure
from portico.vault import tokens
from tests.faces.mcp.speaker import Maker, Speaker, path_of
from tests.faces.oauth.browser import HOST, ORIGIN
from tests.faces.oauth.program import Scene, closed_server
from tests.gateways import Got, exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")
RESOURCE = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"


async def get(scene: Scene, path: str) -> Got:
    return await exchange(scene.gateway, "GET", path, "", {"host": HOST}, b"")


async def test_challenge_leads_to_the_page_of_this_server_alone(scene: Scene) -> None:
    got = await scene.server.ask("tools/list")
    metadata = f"{ORIGIN}{RESOURCE}{scene.server.path}"
    assert (got.status, got.headers["cache-control"]) == (401, "no-store")
    assert got.headers["www-authenticate"] == f'Bearer resource_metadata="{metadata}", scope="mcp:read"'
    wrong = await scene.holding(tokens.make("oat")).ask("tools/list")
    assert wrong.headers["www-authenticate"].startswith(f'Bearer error="invalid_token", resource_metadata="{metadata}"')


async def test_page_of_a_server_names_its_exact_address_and_the_least_scope(scene: Scene) -> None:
    got = await get(scene, f"{RESOURCE}{scene.server.path}")
    assert got.status == 200
    assert got.json == {
        "resource": scene.resource,
        "authorization_servers": [ORIGIN],
        "scopes_supported": ["mcp:read"],
        "bearer_methods_supported": ["header"],
        "resource_name": "tests",
    }
    assert got.headers["cache-control"] == "no-store"


async def test_authorization_server_describes_itself(scene: Scene) -> None:
    got = await get(scene, SERVER)
    told = got.json
    assert (got.status, told["issuer"]) == (200, ORIGIN)
    assert told["authorization_endpoint"] == f"{ORIGIN}/oauth/authorize"
    assert told["token_endpoint"] == f"{ORIGIN}/oauth/token"
    assert told["registration_endpoint"] == f"{ORIGIN}/oauth/register"
    assert told["revocation_endpoint"] == f"{ORIGIN}/oauth/revoke"
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert told["token_endpoint_auth_methods_supported"] == ["none"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["client_id_metadata_document_supported"] is True
    assert told["scopes_supported"] == ["mcp:read", "mcp:write"]


PROBES = [
    RESOURCE + "{path}",
    SERVER + "{path}",
    "/.well-known/openid-configuration{path}",
    "{path}/.well-known/oauth-protected-resource",
    "{path}/.well-known/oauth-authorization-server",
    "{path}/.well-known/openid-configuration",
]


@pytest.mark.parametrize("probe", PROBES)
async def test_server_whose_address_is_the_secret_answers_404_to_every_probe(scene: Scene, probe: str) -> None:
    """Just as an address that leads nowhere: a program that finds something here would ask people to sign in."""
    secret = await scene.maker.server()
    nowhere = f"/mcp/{tokens.make('mcp')}"
    found = [await get(scene, probe.format(path=path)) for path in (secret.path, nowhere)]
    assert [got.status for got in found] == [404, 404]
    shown = [got.content.decode().replace(path, "") for got, path in zip(found, (secret.path, nowhere), strict=True)]
    hidden = [json.loads(text) | {"request_id": ""} for text in shown]
    assert hidden[0] == hidden[1]
    assert all("www-authenticate" not in got.headers for got in found)


@pytest.mark.parametrize("verb", ["GET", "POST", "DELETE", "OPTIONS", "HEAD"])
async def test_server_whose_address_is_the_secret_never_asks_to_sign_in(scene: Scene, verb: str) -> None:
    secret = await scene.maker.server()
    for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": f"Bearer {tokens.make('oat')}"}):
        assert (await secret.send(b"{}", verb=verb, headers=headers)).status in {400, 405}


async def test_page_of_a_server_comes_and_goes_with_the_setting(scene: Scene) -> None:
    made = await scene.maker.made(tool_exposure="all")
    page = f"{RESOURCE}{path_of(made)}"
    for is_asked, status in ((True, 200), (False, 404)):
        await scene.maker.client.patch(
            f"{scene.maker.address}/{made['id']}", {"config": {"require_api_token_auth": is_asked}}
        )
        assert (await get(scene, page)).status == status
    await scene.maker.client.delete(f"{scene.maker.address}/{made['id']}")
    assert (await get(scene, page)).status == 404


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server{}", "{}/more", "/no{}"])
async def test_secret_of_an_address_is_not_repeated_where_there_is_nothing(scene: Scene, path: str) -> None:
    got = await scene.maker.client.get(path.format(scene.server.path))
    assert got.status == 404
    assert scene.server.path.rpartition("/")[2] not in got.content.decode()


async def test_secret_of_an_address_stands_in_no_log_whatever_is_probed(scene: Scene) -> None:
    """Also where something breaks, and where it is written as part of another address."""
    stream = io.StringIO()
    configure("debug", "json")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(stream), cache_logger_on_first_use=False)
    try:
        secret, (closed, _) = await scene.maker.server(), await closed_server(scene.maker)
        for server in (secret, closed):
            for probe in PROBES:
                await get(scene, probe.format(path=server.path))
                structlog.get_logger().warning("probe", url=f"{ORIGIN}{probe.format(path=server.path)}")
            await _break(scene.maker, server)
            encoded = f"{ORIGIN}{server.path}".replace(":", "%3A").replace("/", "%2F")
            structlog.get_logger().warning("asked", target=f"/oauth/authorize?resource={encoded}")
    finally:
        structlog.reset_defaults()
    written = stream.getvalue()
    assert "probe" in written
    for server in (secret, closed):
        assert server.path.removeprefix("/mcp/") not in written
        assert server.path.removeprefix("/mcp/ptc_mcp_") not in written


async def _break(maker: Maker, server: Speaker) -> None:
    token = maker.client.token or ""
    asked = server.sending(authorization=f"Bearer {token}", user_agent=f"client of {server.path}")
    await asked.ask("tools/call", {"name": server.path})
    await asked.send(server.path.encode())
