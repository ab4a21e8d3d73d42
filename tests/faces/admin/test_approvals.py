"""/approval: who may look, who may decide, what is told of it and to whom."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import pytest_asyncio

from portico.model.account import AccountId, EnvironmentId
from portico.model.approval import Approval, Wanted
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from tests.conftest import MASTER_KEY, HeldClock
from tests.gateways import Client, connect_account, open_client, open_gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")
SHOWN = {
    "request": {"method": "DELETE", "path": "/v1/vector_stores/vs_1", "body": None},
    "changes": [{"field": "name", "from": "Handbook", "to": None}],
    "impact": {"sentence": "Deletes the vector store Handbook."},
}


class Desk:
    def __init__(self, client: Client, clock: HeldClock, account: dict[str, Any]) -> None:
        self.client, self.clock, self.account_id = client, clock, AccountId(account["id"])
        self.environment_id = EnvironmentId(account["environment_id"])
        self.parts = client.gateway.parts

    async def asked(self, digest: bytes = b"digest") -> Approval:
        caller = Caller(
            environment_id=self.environment_id, token_id="server:1", name="helper", scopes=ACCOUNT_TOKEN_SCOPES
        )
        wanted = Wanted(
            account_id=self.account_id, server_id="1", client="claude/2", tool="delete_a_store", title="Delete a store",
            effect="destroy", digest=digest, shown=SHOWN,
        )  # fmt: skip
        return await self.parts.approvals.ask(caller, wanted)

    async def events(self) -> list[str]:
        rows = await self.parts.later.events.between(
            self.environment_id, self.clock().replace(year=2000), self.clock().replace(year=2100), "", 1000
        )
        return [each.name for each in rows if each.name.startswith("approval:")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Desk]:
    clock = HeldClock()
    with running(World(pace=0)) as url:
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("data"), master_key=MASTER_KEY, vendor_base_urls=(f"openai={url}/v1",)
        )
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(open_client(await open_gateway(stack, settings, clock=clock)))
            yield Desk(client, clock, await connect_account(client))


async def test_shows_what_would_be_sent_and_what_it_means(opened: Desk) -> None:
    approval = await opened.asked()
    got = await opened.client.get(f"/approval/{approval.id}")
    assert got.status == 200
    assert {name: got.json[name] for name in SHOWN} == SHOWN
    assert (got.json["state"], got.json["asked_by_name"], got.json["client"]) == ("pending", "helper", "claude/2")
    assert (got.json["decided_by"], got.json["used_at"]) == (None, None)


async def test_yes_lets_one_call_through_and_is_told(opened: Desk) -> None:
    approval = await opened.asked()
    before = await opened.events()
    got = await opened.client.post(f"/approval/{approval.id}/approve", {"reason": " go on "})
    assert (got.status, got.json["state"], got.json["reason"]) == (200, "approved", "go on")
    assert got.json["decided_at"] == "2026-11-02T12:00:00.000Z"
    assert (await opened.events())[len(before) :] == ["approval:decided"]
    assert [await opened.parts.approvals.use(approval), await opened.parts.approvals.use(approval)] == [True, False]
    assert (await opened.client.get(f"/approval/{approval.id}")).json["state"] == "used"
    acts = (await opened.client.get("/audit")).json["result"]
    assert (acts[0]["act"], acts[0]["target"]) == ("approval.approved", approval.id)


async def test_no_lets_none_through(opened: Desk) -> None:
    approval = await opened.asked()
    got = await opened.client.post(f"/approval/{approval.id}/deny", {"reason": "not on a Friday"})
    assert (got.status, got.json["state"]) == (200, "denied")
    assert not await opened.parts.approvals.use(approval)


@pytest.mark.parametrize(("first", "then"), [("approve", "deny"), ("deny", "approve"), ("approve", "approve")])
async def test_is_decided_once(opened: Desk, first: str, then: str) -> None:
    approval = await opened.asked()
    assert (await opened.client.post(f"/approval/{approval.id}/{first}", {})).status == 200
    got = await opened.client.post(f"/approval/{approval.id}/{then}", {})
    assert (got.status, got.json["code"]) == (409, "already_decided")


async def test_is_over_after_an_hour(opened: Desk) -> None:
    approval = await opened.asked()
    opened.clock.advance(hours=1)
    assert (await opened.client.get(f"/approval/{approval.id}")).json["state"] == "expired"
    got = await opened.client.post(f"/approval/{approval.id}/approve", {})
    assert (got.status, got.json["code"]) == (409, "already_decided")
    assert "expired already" in got.json["message"]


async def test_what_waits_is_listed_newest_first_page_by_page(opened: Desk) -> None:
    opened.clock.advance(hours=2)
    asked = [(await opened.asked(bytes([number]))).id for number in range(3)]
    got = await opened.client.get("/approval", state="pending", limit=2)
    assert [each["id"] for each in got.json["result"]] == asked[:0:-1]
    more = await opened.client.get("/approval", state="pending", limit=2, next_cursor=got.json["next_cursor"])
    assert [each["id"] for each in more.json["result"]] == asked[:1]
    none = await opened.client.get("/approval", state="pending", mcp_server_id="another")
    assert none.json["result"] == []


async def test_what_would_be_sent_is_sealed_where_it_lies_and_not_told_to_webhooks(opened: Desk) -> None:
    approval = await opened.asked(b"sealed")
    row = await opened.parts.later.events.between(
        opened.environment_id, opened.clock().replace(year=2000), opened.clock().replace(year=2100), "", 1000
    )
    told = [each.payload for each in row if approval.id in each.payload]
    assert len(told) == 1
    assert "Handbook" not in told[0]
    file = next(opened.parts.settings.data_dir.glob("*.db"))
    content = file.read_bytes() + b"".join(each.read_bytes() for each in file.parent.glob(f"{file.name}-*"))
    assert approval.id.encode() in content
    assert b"Handbook" not in content


async def test_reason_has_an_end(opened: Desk) -> None:
    approval = await opened.asked()
    got = await opened.client.post(f"/approval/{approval.id}/deny", {"reason": "x" * 501})
    assert (got.status, got.json["code"]) == (400, "invalid_arguments")
    assert (await opened.client.get(f"/approval/{approval.id}")).json["state"] == "pending"


@pytest.mark.parametrize("scopes", [["call"], ["accounts:read"], ["logs", "tokens"]])
async def test_token_that_may_call_may_not_decide(opened: Desk, scopes: list[str]) -> None:
    approval = await opened.asked()
    made = await opened.client.post(
        "/api-token", {"name": "weak", "environment_id": opened.environment_id, "scopes": scopes}
    )
    weak = opened.client.as_holder_of(made.json["token"])
    for deed in ("approve", "deny"):
        assert (await weak.post(f"/approval/{approval.id}/{deed}", {})).status == 403
    assert (await weak.get(f"/approval/{approval.id}")).status == (200 if scopes == ["accounts:read"] else 403)


async def test_account_may_not_approve_what_it_asked_for(opened: Desk) -> None:
    approval = await opened.asked()
    made = await opened.client.post("/integrated-account/token", {"integrated_account_id": opened.account_id})
    account = opened.client.as_holder_of(made.json["integrated_account_token"])
    for verb, path in (("POST", "/approve"), ("POST", "/deny"), ("GET", "")):
        assert (await account.send(verb, f"/approval/{approval.id}{path}")).status == 403
    assert (await opened.client.get(f"/approval/{approval.id}")).json["state"] == "pending"


async def test_goes_with_its_account(opened: Desk) -> None:
    account = await connect_account(opened.client, "leaving")
    stays, opened.account_id = opened.account_id, AccountId(account["id"])
    approval = await opened.asked()
    opened.account_id = stays
    assert (await opened.client.send("DELETE", f"/integrated-account/{account['id']}")).status == 200
    assert (await opened.client.get(f"/approval/{approval.id}")).status == 404
