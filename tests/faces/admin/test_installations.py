"""/environment-integration: which integrations an environment uses, what it changes about them, and that this holds."""

import asyncio
from typing import Any

import pytest

from portico.store.statement import Statement
from tests.conftest import HeldClock
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said
from tests.gateways import connect_account

PATH = "/environment-integration"


@pytest.fixture
async def installed(admin: Watched) -> dict[str, Any]:
    return said(await admin.post(PATH, {"integration": "openai"}))


async def overridden(client: Watched, installed: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    return said(await client.patch(f"{PATH}/{installed['id']}", {"override": override}))


async def test_an_integration_is_installed_once_and_shown(admin: Watched, installed: dict[str, Any]) -> None:
    assert installed["integration"]["name"] == installed["integration_id"] == "openai"
    assert (installed["is_enabled"], installed["show_in_catalog"], installed["override"]) == (True, True, {})
    again = said(await admin.post(PATH, {"integration_id": "openai", "is_enabled": False}))
    assert again == installed
    assert said(await admin.get(f"{PATH}/{installed['id']}")) == installed
    assert said(await admin.get(PATH))["result"] == [installed]


async def test_it_can_be_installed_with_everything_set(admin: Watched) -> None:
    wish = {"is_enabled": False, "show_in_catalog": False, "override": {"label": "Our OpenAI"}}
    made = said(await admin.post(PATH, {"integration": "openai", **wish}))
    assert {name: made[name] for name in wish} == wish


@pytest.mark.parametrize(("body", "status"), [
    ({}, 400), ({"integration": "nobody"}, 404), ({"integration": "openai", "override": {"base_url": "x"}}, 400),
    ({"integration": 5}, 400), ({"integration": "openai", "is_enabled": "yes"}, 400),
])  # fmt: skip
async def test_what_cannot_be_installed_is_refused(admin: Watched, body: Any, status: int) -> None:
    assert (await admin.post(PATH, body)).status == status
    assert said(await admin.get(PATH))["result"] == []


async def test_a_change_leaves_alone_what_it_does_not_mention(
    admin: Watched, installed: dict[str, Any], clock: HeldClock
) -> None:
    clock.advance(seconds=1)
    address = f"{PATH}/{installed['id']}"
    hidden = said(await admin.patch(address, {"show_in_catalog": False}))
    assert hidden == installed | {"show_in_catalog": False, "updated_at": "2026-11-02T12:00:01.000Z"}
    await overridden(admin, installed, {"label": "A", "tags": {"x": "y"}})
    replaced = await overridden(admin, installed, {"label": "B"})
    assert (replaced["override"], replaced["show_in_catalog"]) == ({"label": "B"}, False)
    assert said(await admin.patch(address, {"override": {}}))["override"] == {}


async def test_changes_at_once_are_all_kept(admin: Watched, installed: dict[str, Any]) -> None:
    changes: list[dict[str, Any]] = [{"is_enabled": False}, {"show_in_catalog": False}, {"override": {"label": "Ours"}}]
    await asyncio.gather(*(admin.patch(f"{PATH}/{installed['id']}", change) for change in changes))
    found = said(await admin.get(f"{PATH}/{installed['id']}"))
    assert (found["is_enabled"], found["show_in_catalog"], found["override"]) == (False, False, {"label": "Ours"})


async def test_those_who_install_at_once_get_the_same(admin: Watched) -> None:
    answers = await asyncio.gather(*(admin.post(PATH, {"integration": "openai"}) for _ in range(6)))
    assert len({said(answer)["id"] for answer in answers}) == 1
    entries = said(await admin.get("/audit"))["result"]
    assert sum(each["act"] == "environment_integration.created" for each in entries) == 1


FILTERS = {
    "": True,
    "integration_id=openai": True,
    "integration[name]=openai": True,
    "integration[in]=other,openai": True,
    "integration.name[in]=other,another": False,
    "integration.category=ai": True,
    "integration.category[in]=crm,hris": False,
    "is_enabled[eq]=true&show_in_catalog=true": True,
    "is_enabled=false": False,
    "show_in_catalog=false": False,
    "integration_id=other": False,
}


@pytest.mark.parametrize(("query", "is_there"), FILTERS.items(), ids=str)
async def test_filters(admin: Watched, installed: dict[str, Any], query: str, is_there: bool) -> None:
    assert said(await admin.get(f"{PATH}?{query}"))["result"] == ([installed] if is_there else [])


async def test_calls_stop_while_an_integration_is_switched_off(admin: Watched, installed: dict[str, Any]) -> None:
    account = await connect_account(admin)
    said(await admin.patch(f"{PATH}/{installed['id']}", {"is_enabled": False}))
    refused = await admin.get("/proxy/files", integrated_account_id=account["id"])
    assert (refused.status, refused.json["code"]) == (503, "account_blocked")
    assert "switched off" in refused.sentence
    body = {"tenant_id": "b", "integration": "openai", "context": {"api_key": "sk-proj-acme"}}
    assert (await admin.post("/integrated-account", body)).json["code"] == "integration_disabled"
    said(await admin.patch(f"{PATH}/{installed['id']}", {"is_enabled": True}))
    assert (await admin.get("/proxy/files", integrated_account_id=account["id"])).status == 200


BAD_OVERRIDES: list[tuple[dict[str, Any], str]] = [
    ({"base_url": "https://evil.example"}, "override.base_url"),
    ({"credentials": {}}, "override.credentials"),
    ({"name": "x"}, "override.name"),
    ({"label": 5}, "override."),
    ({"tags": "x"}, "override."),
    ({"tags": {"a": 1}}, "override."),
    ({"documentation": ["x"]}, "override."),
    ({"resources": "x"}, "override.resources"),
    ({"resources": {"nothing": {}}}, "override.resources.nothing"),
    ({"resources": {"files": "x"}}, "override.resources.files"),
    ({"resources": {"files": {"nothing": {}}}}, "override.resources.files.nothing"),
    ({"resources": {"files": {"list": {"path": "/evil"}}}}, "override.resources.files.list.path"),
    ({"resources": {"files": {"list": {"credential": "admin_key"}}}}, "override.resources.files.list.credential"),
    ({"resources": {"files": {"list": {"effect": "harmless"}}}}, "override.resources.files.list"),
    ({"resources": {"files": {"list": {"tags": "x"}}}}, "override.resources.files.list"),
    ({"resources": {"files": {"list": 5}}}, "override.resources.files.list"),
]


@pytest.mark.parametrize(("override", "place"), BAD_OVERRIDES, ids=[str(each) for each, _ in BAD_OVERRIDES])
async def test_an_override_that_cannot_be_is_refused_where_it_is_wrong(
    admin: Watched, installed: dict[str, Any], override: dict[str, Any], place: str
) -> None:
    assert place in failures(await admin.patch(f"{PATH}/{installed['id']}", {"override": override}))
    assert said(await admin.get(f"{PATH}/{installed['id']}")) == installed
    account = await connect_account(admin)
    own = failures(await admin.patch(f"/integrated-account/{account['id']}", {"integration_override": override}))
    assert f"integration_{place}" in own


async def described(client: Watched, account: dict[str, Any]) -> str:
    query = {"resource": "files", "methods": "list"}
    told = said(await client.get(f"/integrated-account/{account['id']}/capabilities", **query))
    return told["proxy"][0]["methods"][0]["description"]


def saying(words: str) -> dict[str, Any]:
    return {"resources": {"files": {"list": {"says": words}}}}


async def test_an_override_holds_for_accounts_of_its_environment_and_theirs_goes_over_it(
    admin: Watched, other: Tenant, installed: dict[str, Any]
) -> None:
    account, sibling, foreign = [await connect_account(each) for each in (admin, admin, other.client)]
    usual = await described(admin, account)
    await overridden(admin, installed, saying("Ours."))
    said(await admin.patch(f"/integrated-account/{sibling['id']}", {"integration_override": saying("Its own.")}))
    assert await described(admin, account) == "Ours."
    assert await described(admin, sibling) == "Its own."
    assert await described(other.client, foreign) == usual
    await overridden(admin, installed, {})
    assert await described(admin, account) == usual
    assert await described(admin, sibling) == "Its own."


async def test_an_area_of_ones_own_narrows_what_servers_offer(admin: Watched, installed: dict[str, Any]) -> None:
    account = await connect_account(admin)
    changed = {"tags": ["ours"], "title": "Every\u202e file\n of all"}
    await overridden(admin, installed, {"resources": {"files": {"list": changed}}})
    servers = f"/integrated-account/{account['id']}/mcp"
    told = said(await admin.post(f"{servers}/preview", {"name": "ours", "config": {"tags": ["ours"]}}))
    assert [(each["name"], each["title"]) for each in told["listed"]] == [
        ("list_all_openai_files", "Every file of all")
    ]
    refused = await admin.post(servers, {"name": "ours", "config": {"tags": ["theirs"]}})
    assert refused.json["details"]["failures"][0]["allowed"].endswith(", ours")


async def test_an_override_changes_what_a_token_may_do(operator: Watched) -> None:
    """Whoever declares a reading call to be a writing one takes it away from tokens that may only read."""
    account = await connect_account(operator)
    token = said(await operator.post("/api-token", {"name": "reader", "scopes": ["call:read"]}), 201)
    reader = operator.as_holder_of(token["token"])
    assert (await reader.get("/proxy/files", integrated_account_id=account["id"])).status == 200
    installed = said(await operator.get(PATH))["result"][0]
    await overridden(operator, installed, {"resources": {"files": {"list": {"effect": "write"}}}})
    assert (await reader.get("/proxy/files", integrated_account_id=account["id"])).status == 403


async def test_an_override_of_what_a_newer_catalog_no_longer_has_does_not_block_its_accounts(
    admin: Watched, installed: dict[str, Any]
) -> None:
    account = await connect_account(admin)
    old = '{"resources": {"gone": {"list": {"says": "x"}}, "files": {"gone": {"says": "x"}, "list": {"says": "y"}}}}'
    write = Statement("UPDATE installations SET override = :override WHERE id = :id")
    await admin.gateway.parts.database.run(write, override=old, id=installed["id"])
    assert await described(admin, account) == "y"
    assert (await admin.get("/proxy/files", integrated_account_id=account["id"])).status == 200


async def test_a_removed_integration_takes_its_accounts_along(
    admin: Watched, other: Tenant, installed: dict[str, Any]
) -> None:
    accounts = [await connect_account(admin, tenant) for tenant in ("a", "b")]
    foreign = await connect_account(other.client)
    assert said(await admin.delete(f"{PATH}/{installed['id']}")) == {"id": installed["id"]}
    assert said(await admin.get(PATH))["result"] == []
    assert said(await admin.get("/integrated-account"))["result"] == []
    for account in accounts:
        assert (await admin.get("/proxy/files", integrated_account_id=account["id"])).status == 404
    assert (await other.client.get("/proxy/files", integrated_account_id=foreign["id"])).status == 200
    assert (await admin.delete(f"{PATH}/{installed['id']}")).status == 404


async def test_removing_and_connecting_at_once_never_fails_on_our_side(
    admin: Watched, installed: dict[str, Any]
) -> None:
    body = {"tenant_id": "a", "environment_integration_id": installed["id"], "context": {"api_key": "sk-proj-acme"}}
    answers = await asyncio.gather(
        *(admin.post("/integrated-account", body) for _ in range(4)), admin.delete(f"{PATH}/{installed['id']}")
    )
    assert {answer.status for answer in answers} <= {200, 201, 404, 409}
    left = said(await admin.get(PATH))["result"]
    assert bool(said(await admin.get("/integrated-account"))["result"]) <= bool(left)


async def test_a_foreign_one_looks_like_none(admin: Watched, other: Tenant, installed: dict[str, Any]) -> None:
    for verb, body in (("GET", None), ("PATCH", {"is_enabled": False}), ("DELETE", None)):
        foreign = await other.client.send(verb, f"{PATH}/{installed['id']}", json=body)
        assert foreign.status == 404
    assert said(await admin.get(f"{PATH}/{installed['id']}")) == installed
