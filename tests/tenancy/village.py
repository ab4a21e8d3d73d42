"""Two environments side by side: in the one there is one of everything that a tenant can own, the other wants in."""

import sqlite3
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portico.app import Portico, build
from portico.catalog.load import load_folder
from portico.gateway.bootstrap import make_first_token
from portico.gateway.people import NewPerson, add_person
from portico.model.account import AccountId, EnvironmentId
from portico.model.approval import Wanted
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from portico.model.grant import Grant
from portico.model.server import ServerId
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.store.grants import GrantsOfServers
from portico.store.ids import new_id
from portico.store.sessions import begun
from tests.conftest import MASTER_KEY, HeldClock
from tests.gateways import Client, Got, connect_account, migrate_ahead

Json = dict[str, Any]
OPENAI = Path(__file__).parents[2] / "src" / "portico" / "integrations" / "openai" / "catalog"
# Tables in which it is written down that somebody asked, whatever they were told.
WRITTEN_DOWN = {"requests", "metered", "quota_use"}
# Nobody listens there: a delivery is attempted and fails.
DEAF = "http://127.0.0.1:9/hook"


@dataclass
class Tenant:
    """An environment, who may speak for it, and the ids of what is in it by what they are."""

    name: str
    environment_id: str
    operator: Client
    client: Client
    account_client: Client
    ids: dict[str, str] = field(default_factory=dict[str, str])
    # What is shown once and opens something.
    secrets: dict[str, str] = field(default_factory=dict[str, str])


@dataclass
class Village:
    gateway: Portico
    world: World
    sandbox_url: str
    database: Path
    clock: HeldClock
    ours: Tenant
    theirs: Tenant
    # Speaks for another account of our own environment.
    neighbour: Client

    def rows(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """All that is stored of ours, by table. A table without an environment's id belongs to nobody."""
        found: dict[str, list[tuple[Any, ...]]] = {}
        with closing(sqlite3.connect(self.database)) as database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                columns = {row[1] for row in database.execute(f"PRAGMA table_info({name})")}
                if "environment_id" in columns and name not in WRITTEN_DOWN:
                    query = f"SELECT * FROM {name} WHERE environment_id = ? ORDER BY 1, 2"
                    found[name] = database.execute(query, (self.ours.environment_id,)).fetchall()
        return found


@asynccontextmanager
async def village(folder: Path) -> AsyncGenerator[Village]:
    world, clock = World(), HeldClock()
    with running(world) as sandbox_url:
        settings = Settings(
            data_dir=folder,
            master_key=MASTER_KEY,
            public_url="https://portico.test",
            vendor_base_urls=(f"openai={sandbox_url}/v1",),
            allowed_webhook_urls=("http://127.0.0.1:9",),
            oidc_issuer="https://login.example",
            oidc_client_id="portico",
        )
        migrate_ahead(settings)
        gateway = await build(settings, clock=clock)
        gateway.parts.lookup.listen(gateway.parts.changes)
        try:
            first = Client(gateway, await make_first_token(gateway.parts, "operator"))
            ours, theirs = [await _settle(gateway, first, name) for name in ("ours", "theirs")]
            neighbour = await connect_account(ours.client, "neighbour")
            made = Village(
                gateway, world, sandbox_url, folder / "portico.db", clock, ours, theirs,
                await _for_account(ours.client, neighbour["id"]),
            )  # fmt: skip
            for tenant in (ours, theirs):
                await _furnish(made, tenant)
            yield made
        finally:
            await gateway.stop()


async def _settle(gateway: Portico, first: Client, name: str) -> Tenant:
    """An environment with an account in it."""
    environment_id = _made(await first.post("/environment", {"name": name}))["id"]
    body = {"name": f"{name} token", "environment_id": environment_id}
    every = ["operator", "tokens", "accounts", "call", "logs"]
    operator = first.as_holder_of(_made(await first.post("/api-token", body | {"scopes": every}))["token"])
    usual = _made(await first.post("/api-token", body))
    client = first.as_holder_of(usual["token"])
    account = await connect_account(client, name)
    tenant = Tenant(name, environment_id, operator, client, await _for_account(client, account["id"]))
    spare = await connect_account(client, f"{name}-spare")
    tenant.ids |= {"environment": environment_id, "account": account["id"], "spare": spare["id"], "token": usual["id"]}
    tenant.secrets["token"] = usual["token"]
    return tenant


async def _for_account(client: Client, account_id: str) -> Client:
    made = _made(await client.post("/integrated-account/token", {"integrated_account_id": account_id}))
    return client.as_holder_of(made["integrated_account_token"])


async def _furnish(made: Village, tenant: Tenant) -> None:
    client, ids = tenant.client, tenant.ids
    account = f"/integrated-account/{ids['account']}"
    brought = {"name": f"{tenant.name}_papers", "config": await definition(made)}
    ids["integration"] = _made(await tenant.operator.post("/integration", brought))["id"]
    ids["installation"] = _made(await client.post("/environment-integration", {"integration": "openai"}))["id"]
    note = {"entity_type": "integration", "entity_id": "openai", "type": "note", "content": f"{tenant.name} note"}
    ids["documentation"] = _made(await client.post("/documentation", note))["id"]
    change = {"user-directory": {"users": {"every": {"says": f"{tenant.name} people"}}}}
    for place in (account, f"/environment-integration/{ids['installation']}"):
        _made(await client.patch(place, {"unified_model_override": change}), 200)
    server = _made(await client.post(f"{account}/mcp", {"name": f"{tenant.name} server"}))
    ids["server"], tenant.secrets["server"] = server["id"], server["token"]
    ids["approval"] = await another_approval(made.gateway, tenant)
    ids["grant"] = await _grant(made.gateway, tenant)
    quota = {"applies_to": "environment", "measure": "requests", "period": "month", "maximum": 1_000_000}
    ids["quota"] = _made(await client.post("/quota", quota))["id"]
    ids["user"], ids["session"] = await _user(made.gateway, tenant)
    webhook = _made(await client.post("/webhook", {"target_url": DEAF, "event_types": ["*"]}))
    ids["webhook"] = webhook["id"]
    _made(await client.post("/webhook/test", {"id": webhook["id"]}))
    await made.gateway.worker.run_due()
    ids["delivery"] = (await client.get(f"/webhook/{webhook['id']}/deliveries")).json["result"][0]["id"]
    _made(await client.post(f"{account}/vendor-webhook", {}))
    proxied = {"integrated_account_id": ids["account"]}
    made.world.pace = 1000.0  # so that the watch of it is not over before the tests are
    ids["response"] = (
        await client.post(
            "/proxy/responses", {"model": "gpt-4o", "input": f"{tenant.name} secret", "background": True}, **proxied
        )
    ).json["id"]
    watch = {"id": ids["response"], "tool": "get_single_openai_response_by_id"}
    ids["watch"] = _made(await client.post(f"{account}/watch", watch))["id"]
    ids["project"] = _made(await client.post("/proxy/projects", {"name": f"{tenant.name} project"}, **proxied), 200)[
        "id"
    ]
    kept = await _keep(client, f"{tenant.name} file")
    ids["file"], tenant.secrets["file"] = kept["id"], kept["url"].rpartition("/")[2]
    ids["stored"] = f"{tenant.name}-key"
    tenant.secrets["stored"] = f"sk-proj-stored-by-{tenant.name}"
    _made(await client.post("/stored-secret", {"name": ids["stored"], "value": tenant.secrets["stored"]}))
    await made.gateway.parts.recorder.flush()
    ids["call"] = (await tenant.operator.get("/log", limit="1")).json["result"][0]["id"]


async def definition(made: Village) -> Json:
    """A small vendor of one's own."""
    label = load_folder(OPENAI).integration.label
    return {
        "label": f"{label} papers",
        "base_url": f"{made.sandbox_url}/v1",
        "context": {"api_key": {"label": "Key", "secret": True}},
        "credentials": {"key": {"label": "key", "field": "api_key", "headers": {"Authorization": "Bearer {api_key}"}}},
        "rules": {"credential": [{"path": "/**", "use": "key"}]},
        "resources": {"papers": {"list": {"call": "GET /models", "says": "List papers.", "title": "List papers"}}},
    }


async def _grant(gateway: Portico, tenant: Tenant) -> str:
    """A program that a person let in to the server."""
    parts, environment_id = gateway.parts, EnvironmentId(tenant.environment_id)
    person = await add_person(
        parts,
        NewPerson(name=tenant.name, password=f"{tenant.name}-long-password", environments=frozenset([environment_id])),
    )
    now = parts.clock()
    grant = Grant(
        id=new_id(), environment_id=environment_id, account_id=AccountId(tenant.ids["account"]),
        server_id=ServerId(tenant.ids["server"]), address=b"address", person_id=person.id, client_id="client",
        client_name="program", redirect_host="127.0.0.1", scopes=frozenset({"mcp:read"}), created_at=now, used_at=now,
        expires_at=now.replace(year=now.year + 1),
    )  # fmt: skip
    async with parts.database.transaction() as session:
        await GrantsOfServers(parts.database).add(session, grant)
    return grant.id


async def _user(gateway: Portico, tenant: Tenant) -> tuple[str, str]:
    """Somebody who is signed in, and the id of their session."""
    parts = gateway.parts
    wanted = NewPerson(name=f"{tenant.name} user", password=f"{tenant.name}-long-password")
    person, now = await add_person(parts, wanted), parts.clock()
    session = begun(tenant.name.encode() * 8, now, now.replace(year=now.year + 1), "tests")
    async with parts.database.transaction() as transaction:
        await parts.sessions.add(transaction, person.id, session)
    return person.id, session.id


async def another_approval(gateway: Portico, tenant: Tenant) -> str:
    """A call through the server that waits for somebody's yes."""
    caller = Caller(
        environment_id=EnvironmentId(tenant.environment_id), token_id=f"server:{tenant.ids['server']}",
        name=tenant.name, scopes=ACCOUNT_TOKEN_SCOPES, account_id=AccountId(tenant.ids["account"]),
    )  # fmt: skip
    wanted = Wanted(
        account_id=AccountId(tenant.ids["account"]), server_id=tenant.ids["server"], client="program", tool="a_tool",
        title=f"{tenant.name} secret", effect="destroy", digest=b"digest", shown={"request": {"method": "DELETE"}},
    )  # fmt: skip
    return (await gateway.parts.approvals.ask(caller, wanted)).id


async def _keep(client: Client, text: str) -> Json:
    content = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="kept.txt"\r\n\r\n'
        + text.encode()
        + b"\r\n--b--"
    )
    got = await client.send(
        "POST", "/file", content=content, headers={"content-type": "multipart/form-data; boundary=b"}
    )
    return _made(got)


def _made(got: Got, *more: int) -> Json:
    assert got.status in {200, 201, 202, *more}, got.content
    return got.json
