"""A gateway with its sandbox and a connected account, shared by the tests of one module; and what the sandbox saw."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import structs
from yarl import URL

from portico import clock as clocks
from portico.app import Portico
from portico.clock import Clock, Pause
from portico.gateway.connect import with_context
from portico.gateway.tracing import Tracing
from portico.model.account import Account, AccountId, EnvironmentId
from portico.sandbox.faults import FaultRule, from_body
from portico.sandbox.ledger import Entry
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.store.ids import new_id
from portico.upstream.transport import Transport
from tests.gateways import Client, Got, connect_account, open_client, open_gateway

# Thirty-two bytes that protect nothing.
MASTER_KEY = "a2V5IGZvciB0ZXN0cyBvbmx5LCBkbyBub3QgdXNlISE="
PROJECT_KEY, ADMIN_KEY = "sk-proj-stage", "sk-admin-stage"


@dataclass
class Stage:
    gateway: Portico
    client: Client
    world: World
    sandbox_url: str
    account_id: str

    async def proxy(self, verb: str, path: str, *, query: Any = None, **more: Any) -> Got:
        """A Proxy call for the stage's account. `query` may be a list of pairs or a mapping."""
        pairs = {"integrated_account_id": self.account_id, **dict(query or {})}
        return await self.client.send(verb, f"/proxy/{path}", query=pairs, **more)

    async def custom(self, verb: str, path: str, *, query: Any = None, **more: Any) -> Got:
        pairs = {"integrated_account_id": self.account_id, **dict(query or {})}
        return await self.client.send(verb, f"/custom/{path}", query=pairs, **more)

    async def passthrough(self, verb: str, path: str, **more: Any) -> Got:
        return await self.client.send(verb, f"/passthrough/{self.account_id}/{path}", **more)

    async def tool(self, name: str, arguments: Any = None, *, account_id: str = "") -> Any:
        """What the tools endpoint answers: content, structured, is_error, meta."""
        path = f"/integrated-account/{account_id or self.account_id}/tools/{name}"
        got = await self.client.post(path, arguments or {})
        assert got.status == 200, got.content
        return got.json

    async def value(self, name: str, arguments: Any = None) -> Any:
        """What a tool gives that goes well."""
        result = await self.tool(name, arguments)
        assert not result["is_error"], result["structured"]
        return result["structured"]

    async def refusal(self, name: str, arguments: Any = None) -> Any:
        """What a tool says that is refused."""
        result = await self.tool(name, arguments)
        assert result["is_error"], result["structured"]
        return result["structured"]

    async def direct(
        self, verb: str, path: str, key: str = PROJECT_KEY, *, content: bytes = b"", **headers: str
    ) -> Got:
        """The same asked of the sandbox itself, with the account's key."""
        sent = {"Authorization": f"Bearer {key}"} | {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(
                verb, URL(f"{self.sandbox_url}/v1/{path}", encoded=True), data=content or None, headers=sent
            ) as answer,
        ):
            return Got(
                answer.status, {name.lower(): value for name, value in answer.headers.items()}, await answer.read()
            )

    def fault(self, fault: str, *, path: str = "/v1/", verb: str | None = None, times: int | None = None) -> FaultRule:
        """Spoil requests to come; `clear` ends it."""
        match = {"path": path} | ({"verb": verb} if verb else {})
        rule = from_body({"fault": fault, "match": match} | ({"times": times} if times else {}))
        self.world.faults.append(rule)
        return rule

    def clear(self) -> None:
        self.world.faults.clear()
        self.world.requests.clear()

    def seen(self, path: str = "/v1/") -> list[Entry]:
        """What came to the sandbox since the last `clear`, oldest first."""
        return [entry for entry in self.world.requests if entry.raw_path.startswith(path)]

    @property
    def last(self) -> Entry:
        return self.world.requests[-1]

    def last_headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.last.headers}


@asynccontextmanager
async def open_stage(
    folder: Path,
    *,
    tenant: str = "stage",
    base_urls: Sequence[str] = (),
    transport: Transport | None = None,
    clock: Clock = clocks.now,
    pause: Callable[[World], Pause] | None = None,
    tracing: Tracing | None = None,
    **changes: Any,
) -> AsyncGenerator[Stage]:
    """`base_urls` are allowed for more accounts; `pause` makes time pass; `changes` are settings.

    The tenant `demo` has a story of its own.
    """
    world = World()
    with running(world) as sandbox_url:
        settings = Settings(
            data_dir=folder,
            master_key=MASTER_KEY,
            vendor_base_urls=(f"openai={sandbox_url}/v1",),
            allowed_base_urls=tuple(base_urls),
            **changes,
        )
        async with AsyncExitStack() as stack:
            made: Any = {"clock": clock, "transport": transport, "tracing": tracing}
            gateway = await open_gateway(stack, settings, pause=pause(world) if pause else clocks.pause, **made)
            client = await stack.enter_async_context(open_client(gateway))
            account = await connect_account(client, tenant)
            yield Stage(gateway, client, world, sandbox_url, account["id"])


async def plant(stage: Stage, base_url: str, **changes: Any) -> str:
    """Another account like the stage's at that base URL, put there without a proof; its id."""
    caller = await stage.gateway.parts.lookup.caller(stage.client.token or "")
    parts = stage.gateway.parts
    first = await parts.accounts.get(EnvironmentId(caller.environment_id), AccountId(stage.account_id))
    assert first is not None
    account: Account = structs.replace(first, id=AccountId(new_id()), base_url=base_url, **changes)
    context = first.context | await parts.secrets.open(first)
    account = await with_context(account, (await parts.views.of(first)).integration, context, parts)
    async with parts.database.transaction() as session:
        await parts.accounts.add(session, account)
    return account.id
