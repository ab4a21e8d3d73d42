"""MCP servers made, looked at, changed, tried out and deleted; what changes holds at once, here and elsewhere."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from portico.app import Portico
from portico.clock import iso
from portico.faces.admin.server_config import ConfigSaid
from portico.faces.front import Front
from portico.faces.mcp.endpoint import McpFace
from portico.gateway.lookup import Connected
from portico.model.account import AccountId
from portico.model.server import ServerConfig, ServerId
from portico.settings import Settings
from portico.store.changes import POLL_SECONDS
from portico.toolbox.discovery import BUDGET_TOKENS
from portico.toolbox.offer import Offer
from portico.toolbox.run import Toolbox
from tests.conftest import HeldClock
from tests.faces.mcp.speaker import NEW, Json, Maker, Speaker, failures, path_of
from tests.gateways import Client, connect_account, open_gateway


async def test_server_is_made_shown_listed_and_deleted(maker: Maker, client: Client, clock: HeldClock) -> None:
    config: Json = {"methods": ["read"], "tags": ["files"], "tool_exposure": "all", "read_only": True}
    made = await maker.made(**config)
    assert made["token"].startswith("ptc_mcp_")
    assert made["integrated_account_id"] == maker.account_id
    assert (made["tools"] > 0, made["tokens"] > 0, made["exposure"]) == (True, True, "all")
    assert made["created_at"] == made["updated_at"] == iso(clock.moment)
    shown = (await client.get(f"{maker.address}/{made['id']}")).json
    assert shown == {name: value for name, value in made.items() if name in shown}
    assert {name: shown["config"][name] for name in config} == config
    assert "token" not in shown
    listed = (await client.get(maker.address)).json
    assert listed["result"] == [shown]
    assert (await client.delete(f"{maker.address}/{made['id']}")).json == {"id": made["id"]}
    assert (await client.get(maker.address)).json["result"] == []
    assert (await client.get(f"{maker.address}/{made['id']}")).status == 404


async def test_servers_are_listed_newest_first_in_pages(maker: Maker, client: Client) -> None:
    ids = [(await maker.made(methods=["list"]))["id"] for _ in range(3)]
    first = (await client.get(maker.address, limit=2)).json
    rest = (await client.get(maker.address, limit=2, next_cursor=first["next_cursor"])).json
    assert [each["id"] for each in [*first["result"], *rest["result"]]] == ids[::-1]
    assert rest["next_cursor"] is None


async def test_servers_of_all_accounts_are_found_by_their_ids(maker: Maker, client: Client) -> None:
    other = Maker(client, (await connect_account(client, "other"))["id"])
    one, two, three = [(await each.made(methods=["list"]))["id"] for each in (maker, other, other)]
    for query, wanted in (
        ({}, [three, two, one]),
        ({"id": two}, [two]),
        ({"id[in]": f"{one},{three},nothing"}, [three, one]),
        ({"id": "nothing"}, []),
    ):
        assert [each["id"] for each in (await client.get("/mcp-server", **query)).json["result"]] == wanted


async def test_server_of_another_account_looks_missing(maker: Maker, client: Client) -> None:
    made = await maker.made()
    other = Maker(client, (await connect_account(client, "other"))["id"])
    place = f"{other.address}/{made['id']}"
    for got in (
        await client.get(place),
        await client.patch(place, {"name": "mine"}),
        await client.delete(place),
        await client.post(f"{place}/rotate"),
    ):
        assert got.status == 404
    assert (await client.get(f"{maker.address}/{made['id']}")).json["name"] == "tests"


REFUSED: dict[str, tuple[Json, str, str]] = {
    "no tool left": (
        {"methods": ["read"], "tags": ["spending"]},
        "config",
        "leaves no tool: nothing passes both methods and tags",
    ),
    "nothing to go on with": (
        {"methods": ["open_ai_wait_for"]},
        "config",
        "This server offers nothing that 'openai_wait_for' could go on with",
    ),
    "nothing but changes": (
        {"methods": ["delete"], "read_only": True},
        "config",
        "leaves no tool: This server is read-only",
    ),
    "unknown method": ({"methods": ["frobnicate"]}, "config.methods", "'frobnicate' is neither a method nor a tool"),
    "unknown method among others": (
        {"methods": ["read", "delete_a_openai_fil_by_id"]},
        "config.methods",
        "nearest: delete_a_openai_file_by_id",
    ),
    "method in capitals": ({"methods": ["Read"]}, "config.methods", "nearest: read"),
    "resource without a method": ({"methods": ["files"]}, "config.methods", "read, write, custom, or the exact names"),
    "comfort as an argument": (
        {"arguments": {"dry_run": {"const": True}}},
        "config.arguments.dry_run",
        "switched off, with comforts_off",
    ),
    "argument that is nearly one": ({"arguments": {"modle": {"enum": ["a"]}}}, "config.arguments.modle", "model"),
    "constraint that allows nothing": ({"arguments": {"model": {"enum": []}}}, "config.arguments.model", "nothing"),
    "words alone": ({"arguments": {"model": {"description": "x"}}}, "config.arguments.model", "says nothing"),
    "unknown area": ({"tags": ["filez"]}, "config.tags", "'filez' is not an area"),
    "unknown argument": (
        {"arguments": {"nope": {"enum": ["a"]}}},
        "config.arguments.nope",
        "not an argument of any tool",
    ),
    "empty constraint": ({"arguments": {"model": {}}}, "config.arguments.model", "says nothing"),
    "unknown word": ({"arguments": {"model": {"enums": ["a"]}}}, "config.arguments.model", "holds enums"),
    "malformed constraint": ({"arguments": {"model": {"enum": 5}}}, "config.arguments.model", "is not a JSON Schema"),
    "fetching constraint": ({"arguments": {"model": {"$ref": "https://x"}}}, "config.arguments.model", "holds $ref"),
    "result limit too small": ({"result_limit": 999}, "config.result_limit", "1000 to 1000000"),
    "unknown key": ({"colour": "red"}, "config.colour", "is not taken here"),
    "misspelt key": ({"methdos": ["read"]}, "config.methdos", "did you mean 'methods'?"),
    "unknown key further in": ({"budget": {"calls": 1}}, "config.budget.calls", "is not taken here"),
    "unknown exposure": ({"tool_exposure": "some"}, "config.tool_exposure", "all"),
}


@pytest.mark.parametrize("case", list(REFUSED))
@pytest.mark.asyncio(loop_scope="module")
async def test_config_that_cannot_be_meant_is_refused_with_what_can(standing: Maker, case: str) -> None:
    config, path, words = REFUSED[case]
    assert words in (await standing.refused(**config))[path]


@pytest.mark.parametrize("seconds", [-10, 0, 59])
async def test_end_must_be_a_minute_ahead(maker: Maker, client: Client, clock: HeldClock, seconds: int) -> None:
    body = {"name": "tests", "expires_at": iso(clock.moment + timedelta(seconds=seconds))}
    assert "at least 60 seconds ahead" in failures(await client.post(maker.address, body))["expires_at"]
    naive = {"name": "tests", "expires_at": "2030-01-01T00:00:00"}
    assert "time zone" in failures(await client.post(maker.address, naive))["expires_at"]
    for moment in ("tomorrow", "9999-12-31T23:59:59-12:00"):
        got = await client.post(maker.address, {"name": "tests", "expires_at": moment})
        assert got.sentence == "expires_at: is no moment; allowed: for example 2030-01-31T12:00:00Z"


async def test_end_is_one_moment_in_every_zone(maker: Maker, client: Client) -> None:
    made = await maker.made(expires_at="2300-01-01T00:00:00+05:30")
    assert made["expires_at"] == "2299-12-31T18:30:00.000Z"
    last = await client.patch(f"{maker.address}/{made['id']}", {"expires_at": "9999-12-31T23:59:59Z"})
    assert last.json["expires_at"] == "9999-12-31T23:59:59.000Z"


@pytest.mark.parametrize("name", ["", "   ", "a" * 101, "a\u202eb", "a\x07b", "a\nb"])
async def test_name_must_be_short_and_visible(maker: Maker, client: Client, name: str) -> None:
    assert "visible characters" in failures(await client.post(maker.address, {"name": name}))["name"]


async def test_change_merges_and_null_takes_away(maker: Maker, client: Client, clock: HeldClock) -> None:
    made = await maker.made(methods=["read"], tags=["files"], result_limit=5000)
    place = f"{maker.address}/{made['id']}"
    clock.advance(seconds=5)
    renamed = (await client.patch(place, {"name": "Files"})).json
    assert (renamed["name"], renamed["config"]) == ("Files", made["config"])
    assert renamed["updated_at"] == iso(clock.moment) != made["updated_at"]
    wider = (await client.patch(place, {"config": {"methods": ["read", "write"]}})).json
    assert wider["config"]["methods"] == ["read", "write"]
    assert (wider["config"]["tags"], wider["config"]["result_limit"]) == (["files"], 5000)
    cleared = (await client.patch(place, {"config": {"tags": None, "result_limit": None}})).json
    assert (cleared["config"]["tags"], cleared["config"]["result_limit"]) == ([], 40_000)
    assert cleared["config"]["methods"] == ["read", "write"]
    assert cleared["expires_at"] is None


@pytest.mark.asyncio(loop_scope="module")
async def test_null_in_a_new_servers_config_is_as_if_it_were_left_out(standing: Maker) -> None:
    usual = (await standing.made())["config"]
    assert (await standing.made(**dict.fromkeys(usual)))["config"] == usual
    body = {"name": "tests", "config": dict.fromkeys(usual)}
    previews = [
        (await standing.client.post(f"{standing.address}/preview", each)).json for each in (body, {"name": "x"})
    ]
    assert previews[0]["tools"] == previews[1]["tools"] > 0


async def test_what_can_be_said_of_a_config_is_what_it_has() -> None:
    assert ConfigSaid.__struct_fields__ == ServerConfig.__struct_fields__


async def test_word_that_has_lost_its_meaning_holds_up_no_other_change(
    maker: Maker, client: Client, gateway: Portico
) -> None:
    made = await maker.made(methods=["read"])
    place = f"{maker.address}/{made['id']}"
    servers, environment = gateway.parts.servers, (await gateway.parts.lookup.caller(client.token or "")).environment_id
    server = await servers.get(environment, AccountId(maker.account_id), ServerId(made["id"]))
    assert server is not None
    older = structs.replace(server, config=structs.replace(server.config, methods=("read", "gone")))
    async with gateway.parts.database.transaction() as session:
        await servers.update(session, older, gateway.parts.clock())
    changed = await client.patch(place, {"config": {"confirm": "writes"}})
    assert (changed.status, changed.json["config"]["methods"]) == (200, ["read", "gone"])
    refused = await client.patch(place, {"config": {"methods": ["read", "gone", "zzz"]}})
    assert [each["problem"] for each in refused.json["details"]["failures"]] == ["'zzz' is neither a method nor a tool"]


async def test_change_that_cannot_be_meant_changes_nothing(maker: Maker, client: Client) -> None:
    made = await maker.made(methods=["read"])
    place = f"{maker.address}/{made['id']}"
    for body in (
        {"config": {"colour": "red"}},
        {"config": {"tags": ["filez"]}},
        {"config": {"result_limit": 5000.0}},
        {"name": ""},
        {"colour": "red"},
    ):
        assert (await client.patch(place, body)).status == 400
    assert (await client.get(place)).json["config"] == made["config"]


async def test_change_holds_for_the_next_call(maker: Maker, client: Client) -> None:
    made = await maker.made(methods=["list_all_openai_models"])
    server = Speaker(client.gateway, path_of(made))
    assert set(await server.tools()) == {"list_all_openai_models"}
    await client.patch(f"{maker.address}/{made['id']}", {"config": {"methods": ["list_all_openai_files"]}})
    assert set(await server.tools()) == {"list_all_openai_files"}
    assert "does not offer" in (await server.refusal("list_all_openai_models"))["error"]


@pytest.fixture
async def replica(settings: Settings, sandbox_url: str, clock: HeldClock, gateway: Portico) -> AsyncGenerator[Portico]:
    """Another gateway on the same database."""
    wanted = replace(settings, public_url="https://portico.test", vendor_base_urls=(f"openai={sandbox_url}/v1",))
    async with AsyncExitStack() as stack:
        yield await open_gateway(stack, wanted, clock=clock)


async def test_another_replica_hears_of_a_change_within_a_second(
    maker: Maker, client: Client, replica: Portico
) -> None:
    """What it remembers is dropped by its next look at the counters, of which there are at least two a second."""
    made = await maker.made(methods=["list_all_openai_models"])
    server = Speaker(replica, path_of(made))
    assert set(await server.tools()) == {"list_all_openai_models"}
    place = f"{maker.address}/{made['id']}"
    await client.patch(place, {"config": {"methods": ["list_all_openai_files"]}})
    await replica.parts.changes.look()
    assert set(await server.tools()) == {"list_all_openai_files"}
    await client.patch(f"/integrated-account/{maker.account_id}", {"status": "blocked"})
    await replica.parts.changes.look()
    assert "blocked" in (await server.refusal("list_all_openai_files"))["error"]
    await client.delete(place)
    await replica.parts.changes.look()
    assert (await server.ask("tools/list")).status == 404
    assert POLL_SECONDS <= 0.5


@pytest.mark.parametrize(("config", "exposure"), [({}, "discovery"), ({"tags": ["files"]}, "all")])
@pytest.mark.asyncio(loop_scope="module")
async def test_auto_shows_all_tools_up_to_the_budget_and_the_few_above(
    standing: Maker, config: Json, exposure: str
) -> None:
    made = await standing.made(tool_exposure="auto", **config)
    assert made["exposure"] == exposure
    assert (made["tokens"] > BUDGET_TOKENS) == (exposure == "discovery")
    listed = await Speaker(standing.client.gateway, path_of(made)).tools()
    assert len(listed) == (4 if exposure == "discovery" else made["tools"])


@pytest.mark.parametrize("exposure", ["all", "discovery"])
@pytest.mark.asyncio(loop_scope="module")
async def test_preview_shows_what_a_client_would_get_and_makes_nothing(standing: Maker, exposure: str) -> None:
    config: Json = {"tags": ["vector_stores"], "tool_exposure": exposure, "read_only": True}
    client = standing.client
    before = (await client.get(standing.address)).json["result_count"]
    shown = (await client.post(f"{standing.address}/preview", {"name": "tests", "config": config})).json
    assert (await client.get(standing.address)).json["result_count"] == before
    made = await standing.made(**config)
    server = Speaker(client.gateway, path_of(made))
    assert {name: made[name] for name in ("exposure", "tools", "tokens")} == {
        name: shown[name] for name in ("exposure", "tools", "tokens")
    }
    assert shown["instructions"] == (await server.result("initialize"))["instructions"]
    tools = await server.tools()
    assert [(each["name"], each["input_schema"]) for each in shown["listed"]] == [
        (name, tool["inputSchema"]) for name, tool in tools.items()
    ]


class CountingTools:
    """The toolbox, counting how often it is asked what a server offers."""

    def __init__(self, toolbox: Toolbox) -> None:
        self.offers = 0
        self._toolbox = toolbox
        self.find, self.index, self.run = toolbox.find, toolbox.index, toolbox.run

    def offer(self, connected: Connected, config: ServerConfig) -> Offer:
        self.offers += 1
        return self._toolbox.offer(connected, config)


async def test_lists_are_the_same_bytes_and_made_once_for_each_state_of_a_server(
    maker: Maker, client: Client, gateway: Portico
) -> None:
    parts = gateway.parts
    counting = CountingTools(Toolbox(parts))
    front: Any = Front(parts, {"mcp": McpFace(parts, counting).face}, [], gateway)
    made = await maker.made(tool_exposure="all")
    server = Speaker(front, path_of(made))
    contents = {(await server.ask("tools/list")).content for _ in range(3)}
    await server.call("list_all_openai_models")
    await server.speaking(NEW).result("tools/list")
    assert len(contents) == 1
    assert counting.offers == 1
    await client.patch(f"{maker.address}/{made['id']}", {"name": "other"})
    assert (await server.ask("tools/list")).content in contents
    assert counting.offers == 2
