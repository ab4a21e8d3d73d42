"""Every address that changes something leaves an entry in the audit trail; what is refused leaves none, and without the
entry the act does not happen. The addresses are those that are served; one that is new here is tried by itself."""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from portico.app import ENDPOINTS
from portico.errors import Unavailable
from portico.faces.endpoint import Endpoint
from portico.model.account import EnvironmentId
from portico.model.person import PersonId
from portico.store.ids import new_id
from portico.store.sessions import begun
from portico.store.statement import Statement
from tests.gateways import Client, Got
from tests.tenancy.test_walls import OF_MANY, REFUSED, typed
from tests.tenancy.village import WRITTEN_DOWN, Village, another_approval, definition, village

pytestmark = pytest.mark.asyncio(loop_scope="module")
# POST for the length of what is asked; nothing of ours is changed by it.
# Nor do calls of the vendor's: the request log has those.
ONLY_LOOKS = {"previewMcpServer", "testVendorWebhook", "testUnifiedOverride", "runBatch"}
# Its time of asking is written down where nobody undoes it; counters that tell caches to look again mean nothing.
NOT_COMPARED = WRITTEN_DOWN | {"changes", "replicas"}
_WRITTEN = Statement("SELECT id, actor, act FROM audit")


class Written(NamedTuple):
    id: str
    actor: str
    act: str


async def _another_approval(made: Village) -> None:
    made.ours.ids["approval"] = await another_approval(made.gateway, made.ours)


async def _switched_on(made: Village) -> None:
    await made.ours.operator.patch(f"/webhook/{made.ours.ids['webhook']}", {"is_active": True})


async def _signed_in(made: Village) -> None:
    parts, now = made.gateway.parts, made.clock()
    session = begun(new_id().encode(), now, now.replace(year=now.year + 1), "tests")
    async with parts.database.transaction() as transaction:
        await parts.sessions.add(transaction, PersonId(made.ours.ids["user"]), session)
    made.ours.ids["session"] = session.id


async def _linked(made: Village) -> None:
    await made.ours.operator.post(f"/user/{made.ours.ids['user']}/identity", {"subject": "somebody at the provider"})


async def _uninstalled(made: Village) -> None:
    installed = (await made.ours.operator.get("/environment-integration")).json["result"]
    for each in installed:
        if each["integration"]["name"] != "openai":
            await made.ours.operator.delete(f"/environment-integration/{each['id']}")


# What has to be so before an act can be tried, where acts tried earlier have changed it.
FIRST: Mapping[str, Callable[[Village], Awaitable[None]]] = {
    "denyCall": _another_approval,
    "replayWebhookEvents": _switched_on,
    "replayWebhookDelivery": _switched_on,
    "unlinkUser": _linked,
    "endUserSession": _signed_in,
    "endUserSessions": _signed_in,
    "deleteIntegration": _uninstalled,
}


async def body_of(made: Village, endpoint: Endpoint) -> Any:
    """That of the recipe, or where it asks for what is there already, or is refused as it is, another."""
    if endpoint.name == "createIntegration":
        return {"name": "another", "config": await definition(made)}
    if endpoint.name == "createEnvironmentIntegration":
        return {"integration_id": made.ours.ids["integration"]}
    if endpoint.name == "startWatch":
        return {"id": "resp_another", "tool": "get_single_openai_response_by_id"}
    return typed(endpoint, made.ours.ids).body


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Village]:
    async with village(tmp_path_factory.mktemp("audited")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def onlooker(made: Village) -> Client:
    """May read the log, and nothing else."""
    got = await made.ours.operator.post("/api-token", {"name": "onlooker", "scopes": ["logs"]})
    return made.ours.client.as_holder_of(got.json["token"])


def changing() -> list[Endpoint]:
    """In an order in which each finds what it needs: what ends things comes last, the narrowest of it first."""
    kept = [each for each in ENDPOINTS if each.verb not in {"GET", "DELETE"} and each.name != "panicIntegratedAccount"]
    panic = [each for each in ENDPOINTS if each.name == "panicIntegratedAccount"]
    gone = [each for each in ENDPOINTS if each.verb == "DELETE"]
    gone.sort(key=lambda each: (-each.path.count("/"), each.path.startswith("/integrated-account"), each.path))
    ends = [each for each in gone if each.name in {"deleteIntegratedAccount", "deleteEnvironmentIntegration"}]
    ends.sort(key=lambda each: each.name, reverse=True)
    return [*kept, *(each for each in gone if each not in ends), *panic, *ends]


def everything(made: Village) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(made.database)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: database.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()
            for name in names
            if name not in NOT_COMPARED
        }


async def entries(made: Village) -> list[Written]:
    return [Written(*row) for row in await made.gateway.parts.database.all(_WRITTEN)]


async def ask(made: Village, endpoint: Endpoint, client: Client) -> Got:
    wanted = typed(endpoint, made.ours.ids)
    return await wanted._replace(body=await body_of(made, endpoint)).ask(client)


async def fail(*_: Any, **__: Any) -> None:
    raise Unavailable


@pytest.mark.parametrize("endpoint", changing(), ids=lambda each: each.name)
async def test_each_act_is_written_down_and_does_not_happen_without_it(
    made: Village, onlooker: Client, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = made.ours.account_client if endpoint.name == "updateOwnIntegratedAccount" else made.ours.operator
    await refused(made, endpoint, onlooker)
    if first := FIRST.get(endpoint.name):
        await first(made)
    if endpoint.name not in ONLY_LOOKS:
        before = everything(made)
        with monkeypatch.context() as patch:
            patch.setattr(made.gateway.parts.audit, "add", fail)
            got = await ask(made, endpoint, client)
        assert got.status == 503, f"{got.status} {got.content[:300]!r}"
        after = everything(made)
        assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
    known = set(await entries(made))
    got = await ask(made, endpoint, client)
    assert got.status < 300 or endpoint.name in ONLY_LOOKS, f"{got.status} {got.content[:300]!r}"
    written = set(await entries(made)) - known
    if endpoint.name in ONLY_LOOKS:
        assert written == set()
        return
    assert written, "nothing was written down"
    caller = await made.gateway.parts.lookup.caller(client.token or "")
    assert {each.actor for each in written} == {caller.token_id}


async def refused(made: Village, endpoint: Endpoint, onlooker: Client) -> None:
    """By a token of another tenant, and by one that may only look at the log."""
    wanted = typed(endpoint, made.ours.ids)
    before = await entries(made)
    if endpoint.scope is not None:
        assert (await wanted.ask(onlooker)).status in REFUSED
    if wanted.names(made.ours.ids) and endpoint.scope != "operator":
        got = await wanted.ask(made.theirs.client)
        assert got.status in REFUSED or got.content == OF_MANY.get(endpoint.name), got.content[:300]
    assert await entries(made) == before


async def test_the_chain_of_every_environment_holds_after_all_of_it(made: Village) -> None:
    for tenant in (made.ours, made.theirs):
        assert await made.gateway.parts.audit.first_broken(EnvironmentId(tenant.environment_id)) is None


async def test_keeping_a_file_is_written_down_and_nothing_of_it_stays_without_that(
    made: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No typed endpoint, so it is not among those above."""
    client, path = made.theirs.client, "/file?filename=a.txt"
    headers = {"content-type": "text/plain"}
    before = everything(made)
    with monkeypatch.context() as patch:
        patch.setattr(made.gateway.parts.audit, "add", fail)
        assert (await client.send("POST", path, content=b"kept", headers=headers)).status == 503
    assert everything(made) == before
    known = set(await entries(made))
    assert (await client.send("POST", path, content=b"kept", headers=headers)).status == 201
    assert {each.act for each in set(await entries(made)) - known} == {"file.kept"}


async def test_watches_that_are_there_already_or_are_over_add_nothing(made: Village) -> None:
    theirs = made.theirs
    path = f"/integrated-account/{theirs.ids['account']}/watch"
    known = set(await entries(made))
    body = {"id": theirs.ids["response"], "tool": "get_single_openai_response_by_id"}
    assert (await theirs.client.post(path, body)).json["id"] == theirs.ids["watch"]
    assert set(await entries(made)) == known
    for _ in range(2):
        assert (await theirs.client.delete(f"{path}/{theirs.ids['watch']}")).json["state"] == "canceled"
    assert [each.act for each in set(await entries(made)) - known] == ["watch.stopped"]
