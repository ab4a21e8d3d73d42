"""Keys that a vendor shows once: past the model to one person, or under a name; told only where that was wanted."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from portico.gateway.people import NewPerson, add_person
from portico.model.account import EnvironmentId
from portico.model.person import Role
from portico.store.statement import Statement
from tests.faces.mcp.speaker import Json
from tests.faces.oauth.browser import Browser
from tests.gateways import Client
from tests.toolbox.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")
SERVICE_ACCOUNT, ADMIN_KEY = "create_a_openai_project_service_account", "create_a_openai_admin_api_key"
ONBOARD, ROTATE, PROJECT = "openai_onboard_team", "openai_rotate_service_account_key", "create_a_openai_project"
PASSWORD = "long enough for tests"
KEY = re.compile(r"sk-[A-Za-z0-9_-]{20,}")
_SEALED = Statement("SELECT sealed FROM handed_secrets UNION ALL SELECT sealed FROM stored_secrets")


async def project(desk: Desk, name: str) -> str:
    return (await desk.value(PROJECT, {"name": name}))["id"]


async def made(desk: Desk, name: str, **more: Any) -> Json:
    """What stands in the place of a new service account's key."""
    asked = {"project_id": await project(desk, name), "name": name, **more}
    return (await desk.value(SERVICE_ACCOUNT, asked))["api_key"]["value"]


async def opened(desk: Desk, link: str) -> str:
    """The key behind a link, as a person without a name gets it."""
    browser = Browser(desk.stage.gateway)
    assert (await browser.open(link)).status == 200
    assert not KEY.search(browser.text)
    got = await browser.submit()
    assert (got.status, got.headers["cache-control"]) == (200, "no-store")
    found = KEY.search(browser.text)
    assert found
    return found[0]


async def acts(desk: Desk, act: str) -> list[Json]:
    listed = (await desk.stage.client.get("/audit", limit="200")).json["result"]
    return [each for each in listed if each["act"] == act]


async def person(desk: Desk, name: str, role: Role, *environments: str) -> Browser:
    seen = frozenset(EnvironmentId(each) for each in environments)
    parts = desk.stage.gateway.parts
    await add_person(parts, NewPerson(name=name, password=PASSWORD, role=role, environments=seen))
    browser = Browser(desk.stage.gateway)
    assert (await browser.sign_in(name, PASSWORD)).status == 303
    return browser


async def environment_of(desk: Desk) -> str:
    return (await desk.stage.gateway.parts.lookup.caller(desk.stage.client.token or "")).environment_id


async def stranger(desk: Desk, name: str) -> tuple[Client, str]:
    environment = (await desk.stage.client.post("/environment", {"name": name})).json["id"]
    token = await desk.stage.client.post("/api-token", {"name": "theirs", "environment_id": environment})
    return desk.stage.client.as_holder_of(token.json["token"]), environment


async def test_key_reaches_a_person_and_no_model(desk: Desk) -> None:
    for run in (desk.tool, desk.mcp.call):
        result = await run(SERVICE_ACCOUNT, {"project_id": await project(desk, "linked"), "name": "linked"})
        shown = (result.get("structured") or result["structuredContent"])["api_key"]["value"]
        assert set(shown) == {"link", "ends_in", "expires_at", "sign_in", "note"}
        assert not KEY.search(str(result))
        key = await opened(desk, shown["link"])
        assert key not in str(result)
        assert key.endswith(shown["ends_in"].removeprefix("…"))
        assert (await desk.stage.direct("GET", "models", key)).status == 200


async def test_looking_at_a_link_spends_nothing_and_opening_it_spends_it(desk: Desk) -> None:
    link = (await made(desk, "once"))["link"]
    first, second = Browser(desk.stage.gateway), Browser(desk.stage.gateway)
    for _ in range(3):
        assert (await first.open(link)).status == 200
        assert (await second.open(link)).status == 200
    await first.submit()
    assert KEY.search(first.text)
    for again in (await second.submit(), await second.open(link), await first.open(link)):
        assert again.status == 410
        assert not KEY.search(again.content.decode())
    assert "have the key revoked" in first.text


async def test_two_at_once_see_it_once(desk: Desk) -> None:
    link = (await made(desk, "race"))["link"]
    browsers = [Browser(desk.stage.gateway) for _ in range(4)]
    for each in browsers:
        await each.open(link)
    statuses = sorted(got.status for got in await asyncio.gather(*(each.submit() for each in browsers)))
    assert statuses == [200, 410, 410, 410]


async def test_form_of_another_site_opens_nothing(desk: Desk) -> None:
    browser = Browser(desk.stage.gateway)
    await browser.open((await made(desk, "forged"))["link"])
    assert (await browser.submit(form_token="wrong")).status == 403
    await browser.open(browser.path)
    assert (await browser.submit(headers={"origin": "https://evil.example"})).status == 403
    await browser.open(browser.path)
    assert (await browser.submit()).status == 200


async def test_link_ends_and_a_wrong_one_leads_nowhere(desk: Desk) -> None:
    link = (await made(desk, "late"))["link"]
    wrong = link[:-1] + ("0" if link[-1] != "0" else "1")
    for each in (wrong, link + "0", link.rpartition("/")[0] + "/x"):
        assert (await Browser(desk.stage.gateway).open(each)).status == 404
    browser = Browser(desk.stage.gateway)
    await browser.open(link)
    desk.time.clock.advance(minutes=61)
    assert (await browser.submit()).status == 404
    assert (await browser.open(link)).status == 404
    assert "unknown or has expired" in browser.text


async def test_who_saw_it_is_recorded(desk: Desk) -> None:
    link = (await made(desk, "noted"))["link"]
    await opened(desk, link)
    seen, linked = (await acts(desk, "secret.seen"))[0], (await acts(desk, "secret.linked"))[0]
    assert seen["target"] == linked["target"]
    assert "whoever had the link" in str(seen)
    grace = await person(desk, "grace", "operator", await environment_of(desk))
    await grace.open((await made(desk, "noted too"))["link"])
    await grace.submit()
    assert "grace" in str((await acts(desk, "secret.seen"))[0])
    trail = str((await desk.stage.client.get("/audit", limit="200")).json)
    assert not KEY.search(trail)
    assert "ptc_once_" not in trail


async def test_only_whoever_is_signed_in_and_may_opens_it_where_that_is_wanted(desk: Desk) -> None:
    server = await desk.maker.server(secrets={"way": "link", "sign_in": True, "minutes": 30})
    asked = {"project_id": await project(desk, "signed"), "name": "signed"}
    shown = (await server.value(SERVICE_ACCOUNT, asked))["api_key"]["value"]
    assert shown["sign_in"] is True
    home = await environment_of(desk)
    _, elsewhere = await stranger(desk, "elsewhere")
    nobody = Browser(desk.stage.gateway)
    got = await nobody.open(shown["link"])
    assert (got.status, got.headers["location"][:14]) == (303, "/sign-in?next=")
    viewer = await person(desk, "viewer", "viewer", home)
    foreigner = await person(desk, "foreigner", "operator", elsewhere)
    assert (await viewer.open(shown["link"])).status == 403
    assert (await foreigner.open(shown["link"])).status == 404
    ours = await person(desk, "ours", "operator", home)
    await ours.open(shown["link"])
    elsewhere_too = replace(ours)
    await elsewhere_too.submit("/sign-out")
    assert (await ours.submit()).headers["location"][:14] == "/sign-in?next="
    ours = Browser(desk.stage.gateway)
    await ours.sign_in("ours", PASSWORD)
    await ours.open(shown["link"])
    await ours.submit()
    assert KEY.search(ours.text)


async def test_server_may_want_keys_told(desk: Desk) -> None:
    server = await desk.maker.server(secrets="reveal")
    value = await server.value(SERVICE_ACCOUNT, {"project_id": await project(desk, "told"), "name": "told"})
    assert KEY.fullmatch(value["api_key"]["value"])
    assert (await acts(desk, "secret.revealed"))[0]["facts"]["ends_in"].endswith(value["api_key"]["value"][-4:])
    assert "link" not in (await server.tools())[SERVICE_ACCOUNT]["description"]
    linking = await desk.mcp.tools()
    assert "opens once" in linking[SERVICE_ACCOUNT]["description"]
    assert "opens once" not in linking[PROJECT]["description"]


async def test_one_tool_or_field_may_differ(desk: Desk) -> None:
    rules = {"way": "store", "tools": {SERVICE_ACCOUNT: "link", f"{ADMIN_KEY}.value": "reveal"}}
    server = await desk.maker.server(secrets=rules)
    asked = {"project_id": await project(desk, "mixed"), "name": "mixed"}
    assert "link" in (await server.value(SERVICE_ACCOUNT, asked))["api_key"]["value"]
    assert KEY.fullmatch((await server.value(ADMIN_KEY, {"name": "mixed"}))["value"])
    assert (
        "stored"
        in (await server.value("openai_onboard_team", {"name": "mixed team", "service_account": "bot"}))[
            "service_account"
        ]["api_key"]["value"]
    )


@pytest.mark.parametrize(
    ("rules", "where", "told"),
    [
        ({"way": "link", "minutes": 0}, "config.secrets.minutes", "1 to 10080"),
        ({"tools": {"no_such_tool": "link"}}, "config.secrets.tools.no_such_tool", "no tool"),
        ({"tools": {PROJECT: "link"}}, f"config.secrets.tools.{PROJECT}", SERVICE_ACCOUNT),
        (
            {"tools": {f"{SERVICE_ACCOUNT}.name": "link"}},
            f"config.secrets.tools.{SERVICE_ACCOUNT}.name",
            "api_key.value",
        ),
        ("whisper", "config.secrets", "reveal"),
        ({"shout": True}, "config.secrets", "reveal"),
    ],
)
async def test_rules_that_mean_nothing_are_refused(desk: Desk, rules: Any, where: str, told: str) -> None:
    refused = await desk.maker.refused(secrets=rules)
    assert told in str(refused), refused
    assert any(path.startswith(where) for path in refused), refused


async def test_whoever_asks_without_a_server_says_how(desk: Desk) -> None:
    asked = {"project_id": await project(desk, "asked"), "name": "asked"}
    assert KEY.fullmatch((await desk.value(SERVICE_ACCOUNT, asked, secrets="reveal"))["api_key"]["value"])
    assert "stored" in (await desk.value(SERVICE_ACCOUNT, asked, secrets="store"))["api_key"]["value"]
    path = f"/integrated-account/{desk.stage.account_id}/tools/{SERVICE_ACCOUNT}"
    got = await desk.stage.client.post(path, asked, secrets="whisper")
    assert (got.status, got.json["details"]["failures"][0]["allowed"]) == (400, "reveal, link, store")


async def test_key_is_stored_under_a_name_and_used_by_it(desk: Desk) -> None:
    shown = await made(desk, "depot", store_as="Depot bot")
    assert (shown["stored"], set(shown)) == ("Depot bot", {"stored", "ends_in", "note"})
    client = desk.stage.client
    listed = (await client.get("/stored-secret")).json["result"][0]
    assert (listed["name"], listed["about"]) == ("Depot bot", f"{SERVICE_ACCOUNT} api_key.value")
    got = await client.post(
        "/integrated-account",
        {"tenant_id": "depot", "integration": "openai", "context": {"api_key": {"stored": "Depot bot"}}},
    )
    assert (got.status, got.json["status"]) == (201, "active"), got.content
    assert "Depot bot" in str((await acts(desk, "integrated_account.created"))[0])
    path = f"/integrated-account/{got.json['id']}"
    answered = await client.get("/proxy/models", integrated_account_id=got.json["id"])
    assert answered.status == 200
    changed = await client.patch(path, {"context": {"api_key": {"stored": "Depot bot"}}})
    assert (changed.status, changed.json["status"]) == (200, "active")
    assert not KEY.search(str(listed) + str(got.json) + str(changed.json))


async def test_name_that_cannot_be_had_is_refused_before_anything_is_made(desk: Desk) -> None:
    await made(desk, "taken", store_as="taken")
    project_id = await project(desk, "taken too")
    desk.stage.clear()
    for name in ("taken", "../up", " x", "x" * 200, 7):
        refusal = await desk.refusal(SERVICE_ACCOUNT, {"project_id": project_id, "name": "x", "store_as": name})
        assert "store_as" in str(refusal), refusal
    assert [each.verb for each in desk.stage.seen() if each.verb == "POST"] == []


async def test_stored_without_a_name_gets_one_and_never_anothers(desk: Desk) -> None:
    asked = {"project_id": await project(desk, "named"), "name": "night/shift"}
    names = [
        (await desk.value(SERVICE_ACCOUNT, asked, secrets="store"))["api_key"]["value"]["stored"] for _ in range(3)
    ]
    assert names == ["night-shift", "night-shift-2", "night-shift-3"]


async def test_stored_secret_is_linked_replaced_and_deleted(desk: Desk) -> None:
    client = desk.stage.client
    first, second = "sk-proj-" + "a" * 30 + "wxyz", "sk-proj-" + "b" * 30 + "1234"
    assert (await client.post("/stored-secret", {"name": "by-hand", "value": first})).json["ends_in"] == "…wxyz"
    assert (await client.post("/stored-secret", {"name": "by-hand", "value": second})).status == 409
    got = await client.post("/stored-secret", {"name": "by-hand", "value": second, "replace": True})
    assert (got.status, got.json["ends_in"]) == (201, "…1234")
    made_link = (await client.post("/stored-secret/by-hand/link", {"minutes": 5})).json
    assert await opened(desk, made_link["url"]) == second
    assert (await client.post("/stored-secret/by-hand/link", {"minutes": 0})).status == 400
    assert (await client.get("/stored-secret/by-hand")).json["updated_at"]
    assert (await client.delete("/stored-secret/by-hand")).json == {"name": "by-hand"}
    for gone in (await client.get("/stored-secret/by-hand"), await client.delete("/stored-secret/by-hand")):
        assert gone.status == 404
    for wrong in ({"name": "a/b", "value": "x"}, {"name": "a", "value": ""}, {"name": "a", "value": "x" * 10_001}):
        assert (await client.post("/stored-secret", wrong)).status == 400


async def test_context_takes_stored_secrets_only_where_keys_belong(desk: Desk) -> None:
    await desk.stage.client.post("/stored-secret", {"name": "misplaced", "value": "sk-proj-" + "c" * 40})
    base = {"tenant_id": "x", "integration": "openai"}
    for context in (
        {"organization_id": {"stored": "misplaced"}, "api_key": "sk-proj-x"},
        {"api_key": {"stored": "no such name"}},
        {"api_key": {"stored": 7}},
        {"api_key": {"stored": "misplaced", "and": "more"}},
    ):
        got = await desk.stage.client.post("/integrated-account", {**base, "context": context})
        assert got.status == 400, got.content
        assert "stored" in got.content.decode()


async def test_account_token_uses_and_sees_no_stored_secret(desk: Desk) -> None:
    client = desk.stage.client
    await client.post("/stored-secret", {"name": "not yours", "value": "sk-proj-" + "d" * 40})
    token = await client.post("/integrated-account/token", {"integrated_account_id": desk.stage.account_id})
    holder = client.as_holder_of(token.json["integrated_account_token"])
    assert (await holder.get("/stored-secret")).status == 403
    got = await holder.patch("/integrated-account/me", {"context": {"api_key": {"stored": "not yours"}}})
    assert got.status == 403


async def test_selected_fields_do_not_lose_the_key(desk: Desk) -> None:
    asked = {"project_id": await project(desk, "slim"), "name": "slim", "fields": "id"}
    value = await desk.value(SERVICE_ACCOUNT, asked)
    assert (set(value), "link" in value["api_key"]["value"]) == ({"id", "api_key"}, True)
    told = await desk.value(SERVICE_ACCOUNT, asked, secrets="reveal")
    assert set(told) == {"id"}


async def test_dry_run_makes_nothing_to_hand_over(desk: Desk) -> None:
    before = len(await acts(desk, "secret.linked"))
    asked = {"project_id": await project(desk, "dry"), "name": "dry", "dry_run": True}
    await desk.value(SERVICE_ACCOUNT, asked)
    plan = await desk.value(ONBOARD, {"name": "dry team", "service_account": "bot", "dry_run": True})
    assert plan["dry_run"] is True
    assert len(await acts(desk, "secret.linked")) == before


async def test_team_is_onboarded_with_its_key_behind_a_link(desk: Desk) -> None:
    asked = {"name": "Alpha", "service_account": "ci", "idempotency_key": "alpha-1"}
    value = await desk.mcp.value(ONBOARD, asked)
    shown = value["service_account"]["api_key"]["value"]
    again = await desk.mcp.value(ONBOARD, asked)
    assert again["service_account"]["api_key"]["value"] == shown
    assert not KEY.search(str(value))
    assert (await desk.stage.direct("GET", "models", await opened(desk, shown["link"]))).status == 200


async def test_rotated_key_takes_the_place_of_the_old_one_under_its_name(desk: Desk) -> None:
    project_id = await project(desk, "turning")
    asked = {"project_id": project_id, "name": "turner", "store_as": "turner"}
    account = await desk.value(SERVICE_ACCOUNT, asked)
    before = account["api_key"]["value"]["ends_in"]
    rotated = await desk.value(
        ROTATE, {"project_id": project_id, "service_account_id": account["id"], "store_as": "turner"}
    )
    shown = rotated["new_key"]["value"]
    assert (shown["stored"], shown["ends_in"] == before) == ("turner", False)
    stored = (await desk.stage.client.get("/stored-secret/turner")).json
    assert stored["ends_in"] == shown["ends_in"]
    await desk.stage.client.post("/stored-secret", {"name": "foreign", "value": "e" * 40})
    refusal = await desk.refusal(
        ROTATE, {"project_id": project_id, "service_account_id": account["id"], "store_as": "foreign"}
    )
    assert "store_as" in str(refusal)


async def test_what_is_rolled_back_leaves_no_link(desk: Desk) -> None:
    project_id = await project(desk, "failing")
    account = await desk.value(SERVICE_ACCOUNT, {"project_id": project_id, "name": "failing"})
    linked, withdrawn = len(await acts(desk, "secret.linked")), len(await acts(desk, "secret.link_withdrawn"))
    desk.stage.fault("status=500", path="/v1/organization/projects", verb="DELETE", times=1)
    refusal = await desk.refusal(ROTATE, {"project_id": project_id, "service_account_id": account["id"]})
    assert "rolled" in str(refusal) or "undone" in str(refusal), refusal
    assert len(await acts(desk, "secret.linked")) == linked + 1
    assert len(await acts(desk, "secret.link_withdrawn")) == withdrawn + 1


async def test_nothing_lies_about_in_the_clear(desk: Desk) -> None:
    key = "sk-proj-" + "f" * 40
    await desk.stage.client.post("/stored-secret", {"name": "sealed", "value": key})
    await desk.stage.client.post("/stored-secret/sealed/link", {})
    rows = await desk.stage.gateway.parts.database.all(_SEALED)
    assert all(b"sk-" not in bytes(row[0]) for row in rows)


async def test_links_of_a_deleted_account_lead_nowhere(desk: Desk) -> None:
    client = desk.stage.client
    body = {"tenant_id": "leaver", "integration": "openai", "context": {"admin_key": "sk-admin-leaver"}}
    account_id = (await client.post("/integrated-account", body)).json["id"]
    got = await client.post(f"/integrated-account/{account_id}/tools/{ADMIN_KEY}", {"name": "leaver"})
    link = got.json["structured"]["value"]["link"]
    assert (await Browser(desk.stage.gateway).open(link)).status == 200
    await client.delete(f"/integrated-account/{account_id}")
    assert (await Browser(desk.stage.gateway).open(link)).status == 404
