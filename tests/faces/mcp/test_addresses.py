"""Who is let in: the address's secret, its end, the origin of the caller, the verb."""

from datetime import timedelta

import pytest

from portico.clock import iso
from portico.vault import tokens
from tests.conftest import HeldClock
from tests.faces.mcp.speaker import HOST, NEW, OLD, Maker, Speaker, path_of
from tests.gateways import Client, Got, connect_account


async def test_every_address_that_leads_nowhere_is_the_same_404(
    maker: Maker, client: Client, clock: HeldClock, speaker: Speaker
) -> None:
    """Unknown, misspelt, expired, revoked, rotated, another kind of token, an account that is gone."""
    expiring = await maker.server(expires_at=iso(clock.moment + timedelta(seconds=60)))
    clock.advance(seconds=60)
    revoked, rotated = await maker.made(), await maker.made()
    assert (await client.delete(f"{maker.address}/{revoked['id']}")).status == 200
    assert (await client.post(f"{maker.address}/{rotated['id']}/rotate")).status == 200
    other = Maker(client, (await connect_account(client, "gone"))["id"])
    orphaned = await other.server()
    assert (await client.delete(f"/integrated-account/{other.account_id}")).status == 200
    assert client.token
    paths = [
        f"/mcp/{tokens.make('mcp')}",
        f"/mcp/{tokens.make('mcp')}x",
        "/mcp/nonsense",
        "/mcp/%00%ff",
        f"{speaker.path}/more",
        expiring.path,
        path_of(revoked),
        path_of(rotated),
        f"/mcp/{client.token}",
        orphaned.path,
    ]
    answers = [
        await Speaker(speaker.gateway, path, version).ask("tools/list") for path in paths for version in (OLD, NEW)
    ]
    assert {got.status for got in answers} == {404}
    assert len({got.content for got in answers}) == 1
    assert len({tuple(sorted(got.headers.items())) for got in answers}) == 1
    assert "request" not in answers[0].content.decode()


async def test_address_that_leads_nowhere_is_404_for_every_verb_and_never_401(speaker: Speaker) -> None:
    nowhere = Speaker(speaker.gateway, "/mcp/nonsense")
    for verb in ("GET", "DELETE", "OPTIONS", "PUT"):
        assert (await nowhere.send(b"", verb=verb)).status == 404


async def test_server_ends_at_the_second_at_which_it_expires(maker: Maker, clock: HeldClock) -> None:
    server = await maker.server(expires_at=iso(clock.moment + timedelta(seconds=90)))
    clock.advance(seconds=89, microseconds=999_000)
    assert (await server.ask("tools/list")).status == 200
    clock.advance(microseconds=1000)
    assert (await server.ask("tools/list")).status == 404


async def test_moving_the_end_away_opens_the_server_again(maker: Maker, client: Client, clock: HeldClock) -> None:
    made = await maker.made(expires_at=iso(clock.moment + timedelta(seconds=60)))
    server = Speaker(client.gateway, path_of(made))
    clock.advance(seconds=61)
    assert (await server.ask("tools/list")).status == 404
    changed = await client.patch(f"{maker.address}/{made['id']}", {"expires_at": None})
    assert changed.json["expires_at"] is None
    assert (await server.ask("tools/list")).status == 200


async def test_rotating_moves_the_server_to_a_new_address_at_once(maker: Maker, client: Client) -> None:
    made = await maker.made()
    before = Speaker(client.gateway, path_of(made))
    assert (await before.ask("tools/list")).status == 200
    rotated = (await client.post(f"{maker.address}/{made['id']}/rotate")).json
    assert rotated["id"] == made["id"]
    assert rotated["token"] != made["token"]
    assert rotated["hint"] == f"…{rotated['token'][-4:]}"
    assert (await before.ask("tools/list")).status == 404
    assert (await Speaker(client.gateway, path_of(rotated)).ask("tools/list")).status == 200


async def test_token_opens_its_own_server_and_no_other(maker: Maker, client: Client) -> None:
    """Two servers of one account differ in what they offer, whichever is asked first."""
    files = await maker.server(tags=["files"])
    models = await maker.server(methods=["list_all_openai_models"])
    assert set(await models.tools()) == {"list_all_openai_models"}
    assert "list_all_openai_models" not in await files.tools()
    refusal = await models.refusal("list_all_openai_files")
    assert "does not offer" in refusal["error"]


async def test_secret_stands_in_no_answer_but_the_first(maker: Maker, client: Client) -> None:
    made = await maker.made()
    assert made["url"] == f"https://{HOST}/mcp/{made['token']}"
    for got in (
        await client.get(maker.address),
        await client.get(f"{maker.address}/{made['id']}"),
        await client.patch(f"{maker.address}/{made['id']}", {"name": "other"}),
        await client.get("/audit"),
    ):
        assert got.status == 200
        assert made["token"] not in got.content.decode()


@pytest.mark.parametrize("verb", ["GET", "DELETE", "PUT", "HEAD", "OPTIONS"])
async def test_server_takes_post_alone(speaker: Speaker, verb: str) -> None:
    got = await speaker.send(b"", verb=verb)
    assert (got.status, got.headers["allow"]) == (405, "POST")
    assert "mcp-session-id" not in got.headers


async def test_answers_may_not_be_kept_or_told_on(speaker: Speaker) -> None:
    for got in (await speaker.ask("tools/list"), await speaker.send(b"", verb="GET")):
        assert (got.headers["cache-control"], got.headers["referrer-policy"]) == ("no-store", "no-referrer")


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("origin", "https://evil.example", 403),
        ("origin", "https://portico.test.evil.example", 403),
        ("origin", "http://portico.test", 403),
        ("origin", "null", 403),
        ("origin", "http://[::1", 403),
        ("origin", "https://portico.test", 200),
        ("origin", " https://portico.test ", 200),
        ("origin", "http://localhost:6274", 200),
        ("origin", "http://127.0.0.1:3000", 200),
        ("host", "evil.example", 403),
        ("host", "evil.example:443", 403),
        ("host", "portico.test:8700", 200),
        ("host", "PORTICO.TEST", 200),
        ("host", "localhost:8700", 200),
        ("host", "[::1]:8700", 200),
        ("host", "[::1]", 200),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_only_our_own_name_and_pages_of_ours_may_call(
    standing_speaker: Speaker, header: str, value: str, status: int
) -> None:
    got: Got = await standing_speaker.sending(**{header: value}).ask("tools/list")
    assert got.status == status
    if status == 403:
        assert got.json["code"] == "foreign_origin"
