"""Another tenant's token, or a token of another account, on every address with what is ours: it looks as if there were
nothing, and nothing happens. The addresses are those that are served; one without a recipe fails."""

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from msgspec import structs

from portico.app import ENDPOINTS
from portico.faces.endpoint import Endpoint
from portico.faces.openapi_hot import hot_paths
from portico.store.ids import new_id
from tests.gateways import Client, Got
from tests.tenancy.recipes import BODIES, HOT, OPEN, Ids, address
from tests.tenancy.village import Tenant, Village, village

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = {401, 403, 404}
# Where an operator's rights reach over the walls: "environments and integrations, and tokens for any environment", and
# the users, who belong to none.
OF_OPERATORS = {
    "listEnvironments", "createEnvironment", "getEnvironment", "updateEnvironment", "listApiTokens", "createApiToken",
    "getKeys", "rotateKeys",
    "listUsers", "createUser", "getUser", "updateUser", "setUserPassword", "listUserSessions", "endUserSessions",
    "listAllSessions", "endUserSession", "listUserIdentities", "linkUser", "unlinkUser",
}  # fmt: skip
# Does what it can with many ids and says how many those were: of ours, as of nobody's, none.
OF_MANY = {"bulkDeleteIntegratedAccounts": b'{"success":true,"deleted":0}'}
# The vendor was asked, and cannot reach the gateway of a test.
ASK_THE_VENDOR = {"testVendorWebhook"}
# Their addresses name models, resources and integrations, which are everybody's.
OF_EVERYBODY = {"getUnifiedModelOfIntegration", "getUnifiedMethod", "getUnifiedMethodOfIntegration"}
# Query parameters that name somebody's things.
FILTERS = {"integrated_account_id": "account", "environment_id": "environment", "integration_id": "integration"}


class Wanted(NamedTuple):
    """One request about somebody's things."""

    verb: str
    address: str
    body: Any = None
    query: Mapping[str, str] = {}

    async def ask(self, client: Client) -> Got:
        return await client.send(self.verb, self.address, json=self.body, query=self.query)

    def names(self, ids: Ids) -> bool:
        """Whether it is about one of these things, more than as a filter of a list."""
        told = self.address + json.dumps(self.body)
        return any(each in told for each in ids.values())


def typed(endpoint: Endpoint, ids: Ids) -> Wanted:
    body = BODIES[endpoint.name](ids) if endpoint.body else None
    fields = structs.fields(endpoint.query) if endpoint.query else ()
    query = {each.name: ids[FILTERS[each.name]] for each in fields if each.name in FILTERS}
    return Wanted(endpoint.verb, address(endpoint.path, ids), body, query)


def hot(place: tuple[str, str], ids: Ids) -> Wanted:
    verb, path, body = HOT[place]
    return Wanted(verb, path.format(**ids), body)


def unknown(ids: Ids) -> dict[str, str]:
    """Ids of the same form that nobody has."""
    return {name: value[:4] + new_id()[4:] if "_" in value else new_id() for name, value in ids.items()}


def told(got: Got, ids: Ids) -> tuple[int, str]:
    """Status and sentence, with each id replaced by what it is."""
    sentence = got.content.decode()
    for name, value in ids.items():
        sentence = sentence.replace(value, f"<{name}>")
    value: Any = json.loads(sentence)
    return got.status, str(value.get("message") or value.get("error") or value)


def marks(tenant: Tenant) -> set[str]:
    """What an answer to somebody else may never hold."""
    return {*tenant.ids.values(), *tenant.secrets.values(), f"{tenant.name} secret", f"{tenant.name} project"}


def intruders(made: Village, *, with_operator: bool) -> dict[str, Client]:
    found = {
        "another tenant": made.theirs.client,
        "another tenant's account": made.theirs.account_client,
        "another account of ours": made.neighbour,
    }
    return found | ({"another tenant's operator": made.theirs.operator} if with_operator else {})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Village]:
    async with village(tmp_path_factory.mktemp("village")) as opened:
        yield opened


async def test_every_address_has_a_recipe() -> None:
    """Whoever adds one says in tests/tenancy/recipes.py how it is asked for what somebody owns."""
    assert [each.name for each in ENDPOINTS if each.body and each.name not in BODIES] == []
    assert sorted(BODIES.keys() - {each.name for each in ENDPOINTS if each.body}) == []
    documented = {(verb.upper(), path) for path, verbs in hot_paths().items() for verb in verbs if path not in OPEN}
    assert HOT.keys() == documented
    assert [path for path in OPEN if path not in hot_paths()] == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
async def test_nobody_else_gets_at_what_is_ours(made: Village, endpoint: Endpoint) -> None:
    wanted = typed(endpoint, made.ours.ids)
    before, calls = made.rows(), len(made.world.requests)
    is_named = wanted.names(made.ours.ids)
    for who, client in intruders(made, with_operator=endpoint.name not in OF_OPERATORS).items():
        if not is_named and client is made.neighbour:
            continue  # what it does is done to itself, in our own environment
        got = await wanted.ask(client)
        if is_named:
            is_none = got.content == OF_MANY.get(endpoint.name)
            assert got.status in REFUSED or is_none, f"{who}: {got.status} {got.content[:300]!r}"
        if got.status < 300:
            held = {mark for mark in marks(made.ours) if mark in got.content.decode()}
            assert held - set(wanted.query.values()) == set(), who
    if is_named:
        assert len(made.world.requests) == calls, "the vendor was called"
    assert made.rows() == before


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
async def test_what_is_ours_looks_as_what_is_nobodys(made: Village, endpoint: Endpoint) -> None:
    nobodys = unknown(made.ours.ids)
    foreign, none = typed(endpoint, made.ours.ids), typed(endpoint, nobodys)
    if not foreign.names(made.ours.ids):
        return  # a list or something new: there is nothing to be mistaken for
    for who, client in intruders(made, with_operator=endpoint.name not in OF_OPERATORS).items():
        assert told(await foreign.ask(client), made.ours.ids) == told(await none.ask(client), nobodys), who


@pytest.mark.parametrize(
    "endpoint",
    [each for each in ENDPOINTS if each.path.count("{") > 1 and each.name not in OF_OPERATORS | OF_EVERYBODY],
    ids=lambda each: each.name,
)
async def test_ones_own_account_is_no_way_to_things_of_another(made: Village, endpoint: Endpoint) -> None:
    """The first id of the address is theirs, and what it is said to hold is ours."""
    mixed = made.ours.ids | {name: made.theirs.ids[name] for name in ("account", "webhook")}
    before = made.rows()
    for client in (made.theirs.client, made.theirs.operator):
        got = await typed(endpoint, mixed).ask(client)
        assert got.status == 404, got.content
    assert made.rows() == before


@pytest.mark.parametrize("place", HOT, ids=" ".join)
async def test_nobody_else_calls_through_our_account(made: Village, place: tuple[str, str]) -> None:
    nobodys = unknown(made.ours.ids)
    before, calls = made.rows(), len(made.world.requests)
    for who, client in intruders(made, with_operator=True).items():
        got = await hot(place, made.ours.ids).ask(client)
        assert got.status in REFUSED, f"{who}: {got.status} {got.content[:300]!r}"
        assert told(got, made.ours.ids) == told(await hot(place, nobodys).ask(client), nobodys), who
    assert len(made.world.requests) == calls
    assert made.rows() == before


async def test_a_server_that_wants_a_token_takes_none_of_another_tenants(made: Village) -> None:
    account = f"/integrated-account/{made.ours.ids['account']}"
    body = {"name": "careful", "config": {"require_api_token_auth": True}}
    server = (await made.ours.client.post(f"{account}/mcp", body)).json
    ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"accept": "application/json, text/event-stream"}
    for who, client in intruders(made, with_operator=True).items():
        got = await client.send("POST", f"/mcp/{server['token']}", json=ask, headers=headers)
        assert got.status in REFUSED, f"{who}: {got.status} {got.content[:300]!r}"
    got = await made.ours.client.send("POST", f"/mcp/{server['token']}", json=ask, headers=headers)
    assert (got.status, "result" in got.json) == (200, True)


async def test_a_file_that_somebody_keeps_is_nobody_elses_argument(made: Village) -> None:
    arguments = {"purpose": "user_data", "file": {"file": made.ours.ids["file"]}}
    for client, account in ((made.theirs.client, made.theirs), (made.theirs.account_client, made.theirs)):
        calls = len(made.world.requests)
        path = f"/integrated-account/{account.ids['account']}/tools/create_a_openai_file"
        got = await client.post(path, arguments)
        assert got.json["is_error"]
        assert len(made.world.requests) == calls
    mine = f"/integrated-account/{made.ours.ids['account']}/tools/create_a_openai_file"
    assert not (await made.ours.client.post(mine, arguments)).json["is_error"]


async def test_the_same_requests_do_what_they_say_for_those_whose_things_they_are(made: Village) -> None:
    """Else every refusal above might only show that the recipes are wrong. Comes last: it leaves nothing standing."""
    for place in sorted(HOT, key=lambda each: each[0] == "DELETE"):
        calls = len(made.world.requests)
        got = await hot(place, made.ours.ids).ask(made.ours.client)
        assert len(made.world.requests) > calls, f"{place}: {got.status} {got.content[:300]!r}"
    kept = [each for each in ENDPOINTS if each.verb != "DELETE"]
    gone = sorted(
        (each for each in ENDPOINTS if each.verb == "DELETE"), key=lambda each: (each.path.count("/"), each.path)
    )
    order = [*kept, *reversed(gone)]
    # It blocks the account for all that follows but the account's own end.
    (panic,) = (each for each in ENDPOINTS if each.name == "panicIntegratedAccount")
    order.remove(panic)
    order.insert(next(at for at, each in enumerate(order) if each.name == "deleteIntegratedAccount"), panic)
    for endpoint in order:
        wanted = typed(endpoint, made.ours.ids)
        if wanted.names(made.ours.ids):
            got = await wanted.ask(made.ours.operator)
            is_asked = endpoint.name in ASK_THE_VENDOR and got.json.get("truto_is_remote_error")
            assert got.status < 300 or got.status == 409 or is_asked, (
                f"{endpoint.name}: {got.status} {got.content[:300]!r}"
            )
