"""Pages on this computer call a server from a browser, which asks first and hides what it is not told to show."""

import pytest

from tests.faces.mcp.speaker import HOST, Maker, Speaker
from tests.gateways import Got, exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = "http://localhost:6274"
SENT = "authorization,content-type,mcp-protocol-version"


async def preflight(speaker: Speaker, path: str, origin: str) -> Got:
    asked = {"host": HOST, "origin": origin, "access-control-request-method": "POST"}
    headers = {**asked, "access-control-request-headers": SENT}
    return await exchange(speaker.gateway, "OPTIONS", path, "", headers, b"")


async def test_page_on_this_computer_may_call_and_read(standing_speaker: Speaker) -> None:
    got = await preflight(standing_speaker, standing_speaker.path, PAGE)
    assert (got.status, got.content) == (204, b"")
    assert got.headers["access-control-allow-origin"] == PAGE
    assert set(SENT.split(",")) <= {each.strip() for each in got.headers["access-control-allow-headers"].split(",")}
    assert "POST" in got.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in got.headers
    listed = await standing_speaker.sending(origin=PAGE).ask("tools/list")
    assert (listed.status, listed.headers["access-control-allow-origin"]) == (200, PAGE)
    assert listed.headers["vary"] == "origin"
    assert "mcp-session-id" in listed.headers["access-control-expose-headers"]


async def test_page_reads_where_to_sign_in(standing: Maker) -> None:
    server = (await standing.server(require_api_token_auth=True)).sending(origin=PAGE)
    refused = await server.ask("tools/list")
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, PAGE)
    assert "www-authenticate" in refused.headers["access-control-expose-headers"]
    where = "/.well-known/oauth-protected-resource" + server.path
    got = await exchange(server.gateway, "GET", where, "", {"host": HOST, "origin": PAGE}, b"")
    assert (got.status, got.headers["access-control-allow-origin"]) == (200, PAGE)
    for path in ("/oauth/token", "/oauth/register", "/oauth/revoke", "/.well-known/oauth-authorization-server"):
        assert (await preflight(server, path, PAGE)).status == 204


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example", "null", "http://[::1"])
async def test_page_from_elsewhere_is_told_nothing(standing_speaker: Speaker, origin: str) -> None:
    got = await preflight(standing_speaker, standing_speaker.path, origin)
    assert got.status == 403
    called = await standing_speaker.sending(origin=origin).ask("tools/list")
    assert called.status == 403
    assert not [name for each in (got, called) for name in each.headers if name.startswith("access-control")]


async def test_address_that_leads_nowhere_is_asked_about_in_vain(standing_speaker: Speaker) -> None:
    """The answer to a browser's question tells nothing of whether there is a server."""
    there = await preflight(standing_speaker, standing_speaker.path, PAGE)
    nowhere = await preflight(standing_speaker, "/mcp/nowhere", PAGE)
    assert (there.status, there.headers) == (nowhere.status, nowhere.headers)


@pytest.mark.parametrize("path", ["/admin", "/integrated-account", "/proxy/files", "/sign-in", "/oauth/authorize"])
async def test_no_other_address_is_opened_to_pages(standing_speaker: Speaker, path: str) -> None:
    got = await preflight(standing_speaker, path, PAGE)
    assert got.status >= 400
    assert not [name for name in got.headers if name.startswith("access-control")]


async def test_verb_without_a_question_is_refused_as_before(standing_speaker: Speaker) -> None:
    got = await standing_speaker.send(b"", verb="OPTIONS", headers={"origin": PAGE})
    assert (got.status, got.headers["allow"]) == (405, "POST")
