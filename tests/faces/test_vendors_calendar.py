"""What a vendor switches off on a day to come is gone on that day, everywhere, while the gateway goes on running."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs

from portico.model.account import AccountId
from portico.settings import Settings
from portico.upstream.transport import AiohttpTransport, Deadlines, UpstreamRequest
from tests.conftest import HeldClock
from tests.faces.mcp.speaker import HOST, Json, Maker
from tests.gateways import Client, connect_account, open_client, open_gateway

OPENAI = "https://api.openai.com"
READS, WRITES = "list_all_openai_evals", "create_a_openai_eval"
BEFORE_READ_ONLY = datetime(2026, 10, 30, 23, 59, 59, tzinfo=UTC)
READ_ONLY = datetime(2026, 10, 31, tzinfo=UTC)
LAST_MOMENT = datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC)
OFF = datetime(2026, 11, 30, tzinfo=UTC)


@dataclass
class Relay:
    """The vendor's own address, at which the sandbox answers."""

    sandbox_url: str
    asked: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._real = AiohttpTransport(Deadlines(), "tests")

    async def send(self, request: UpstreamRequest) -> Any:
        self.asked.append(request.url)
        url = request.url.replace(OPENAI, self.sandbox_url, 1)
        return await self._real.send(structs.replace(request, url=url, is_trusted=True))

    async def close(self) -> None:
        await self._real.close()


@dataclass
class Place:
    client: Client
    clock: HeldClock
    relay: Relay
    maker: Maker

    async def at(self, moment: datetime) -> None:
        """As half a second after that moment."""
        self.clock.moment = moment
        await self.client.gateway.parts.changes.look()

    async def tools(self, **query: Any) -> dict[str, Json]:
        got = await self.client.get(f"/integrated-account/{self.maker.account_id}/tools", **query)
        return {each["name"]: each for each in got.json["result"]}

    async def state(self, name: str, *names: str) -> list[Any]:
        shown = (await self.tools(include_removed="true"))[name]
        return [shown["lifecycle"], *(shown[each] for each in names)]

    async def list_evals(self) -> Any:
        return await self.client.get("/proxy/evals", integrated_account_id=self.maker.account_id)


@pytest.fixture
async def place(settings: Settings, sandbox_url: str) -> AsyncGenerator[Place]:
    clock, relay = HeldClock(), Relay(sandbox_url)
    clock.moment = BEFORE_READ_ONLY
    async with AsyncExitStack() as stack:
        wanted = replace(settings, public_url=f"https://{HOST}")
        gateway = await open_gateway(stack, wanted, clock=clock, transport=relay)
        client = await stack.enter_async_context(open_client(gateway))
        yield Place(client, clock, relay, Maker(client, (await connect_account(client))["id"]))


async def test_a_tool_passes_through_its_states_day_by_day(place: Place) -> None:
    assert await place.state(READS, "date", "ends") == ["deprecated", "2026-11-30", None]
    assert await place.state(WRITES, "date", "ends") == ["deprecated", "2026-10-31", None]
    await place.at(READ_ONLY)
    assert await place.state(READS, "date", "ends") == ["deprecated", "2026-11-30", None]
    assert await place.state(WRITES, "date", "ends") == ["read_only", "2026-10-31", "2026-11-30"]
    assert (await place.tools())[WRITES]["description"].endswith(" Read-only since 2026-10-31, ends 2026-11-30.")
    await place.at(LAST_MOMENT)
    assert {READS, WRITES} <= (await place.tools()).keys()
    await place.at(OFF)
    assert not {READS, WRITES} & (await place.tools()).keys()
    for name in (READS, WRITES):
        assert await place.state(name, "date", "ends") == ["removed", "2026-11-30", None]
    assert (await place.tools(include_removed="true"))[READS]["description"].endswith(" Switched off 2026-11-30.")


async def test_calls_at_the_vendors_own_address_end_with_that_day(place: Place) -> None:
    await place.at(LAST_MOMENT)
    assert (await place.list_evals()).status == 200
    await place.at(OFF)
    place.relay.asked.clear()
    refused = await place.list_evals()
    assert (refused.status, refused.json["code"]) == (410, "operation_removed")
    assert refused.sentence == "OpenAI switched evals.list off on 2026-11-30."
    ran = await place.client.post(f"/integrated-account/{place.maker.account_id}/tools/{READS}", {})
    assert ran.json["structured"]["error"].startswith("OpenAI switched evals.list off on 2026-11-30")
    # Meanwhile the account is proved again, now and then.
    assert [each for each in place.relay.asked if "/evals" in each] == []


async def test_servers_and_the_capabilities_forget_it_on_that_day(place: Place) -> None:
    await place.at(LAST_MOMENT)
    server, wider = await place.maker.server(), await place.maker.server(include_removed=True)
    assert {READS, WRITES} <= (await server.tools()).keys()
    await place.at(OFF)
    assert not {READS, WRITES} & (await server.tools()).keys()
    assert {READS, WRITES} <= (await wider.tools()).keys()
    assert (await server.refusal(READS))["code"] == "operation_removed"
    for address in (f"/integrated-account/{place.maker.account_id}", "/integration/openai"):
        shown = (await place.client.get(f"{address}/capabilities")).json
        assert not {"evals", "eval_runs"} & {each["resource"] for each in shown["proxy"]}


async def test_an_overrides_calendar_counts_too(place: Place) -> None:
    address = f"/integrated-account/{place.maker.account_id}"
    lifecycle = {"state": "deprecated", "date": "2027-02-01", "replacement": "something else"}
    override = {"resources": {"evals": {"list": {"lifecycle": lifecycle}}}}
    assert (await place.client.patch(address, {"integration_override": override})).status == 200
    await place.at(OFF)
    assert READS in await place.tools()
    assert WRITES not in await place.tools()
    await place.at(datetime(2027, 2, 1, tzinfo=UTC))
    assert READS not in await place.tools()
    assert (await place.list_evals()).sentence == (
        "OpenAI switched evals.list off on 2027-02-01; use something else instead."
    )


async def test_nothing_is_forgotten_on_a_day_on_which_nothing_changes(place: Place) -> None:
    """What every vendor's catalog, and every server's list, costs to make is paid for once."""
    lookup = place.client.gateway.parts.lookup
    environment_id = (await lookup.caller(place.client.token or "")).environment_id
    account_id = AccountId(place.maker.account_id)
    await place.at(READ_ONLY)
    before = await lookup.connected(environment_id, account_id)
    await place.at(LAST_MOMENT)
    assert await lookup.connected(environment_id, account_id) is before
    await place.at(OFF)
    assert await lookup.connected(environment_id, account_id) is not before
