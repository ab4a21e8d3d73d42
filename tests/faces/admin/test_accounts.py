"""/integrated-account: connected in every spelling, keys in their slots, proved before they are believed."""

from typing import Any

import pytest

from portico.app import Portico
from portico.gateway import connect
from portico.gateway.connect import base_url_of
from portico.sandbox.faults import Fault, FaultRule
from portico.sandbox.state import World
from tests.faces.admin.conftest import CLOSED
from tests.faces.admin.documented import Watched
from tests.faces.admin.tenants import Tenant, failures, said
from tests.gateways import connect_account

PROJECT, ADMIN = "sk-proj-acme", "sk-admin-acme"


async def connected(client: Watched, context: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
    keys = {"api_key": PROJECT} if context is None else context
    return said(
        await client.post(
            "/integrated-account", {"tenant_id": "acme", "integration": "openai", "context": keys, **body}
        ),
        201,
    )


def present(account: dict[str, Any]) -> list[str]:
    return [name for name, key in account["keys"].items() if key["present"]]


async def test_an_account_is_connected_and_shown(admin: Watched, world: World) -> None:
    organization = world.organization("acme").id
    account = await connected(admin, {"api_key": PROJECT, "admin_key": ADMIN, "organization": organization})
    assert account["status"] == "active"
    assert account["tenant_id"] == "acme"
    assert account["context"] == {"organization": organization}
    assert present(account) == ["project_key", "admin_key"]
    assert account["last_error"] is None
    assert account["last_action_result"]["keys"]["project_key"]["works"]
    assert account["last_action_run_result"] == account["last_action_result"]
    assert account["created_at"] == "2026-11-02T12:00:00.000Z"
    assert account["integration"]["name"] == account["environment_integration"]["integration_id"] == "openai"
    assert said(await admin.get(f"/integrated-account/{account['id']}")) == account
    assert said(await admin.get("/integrated-account"))["result"] == [account]


SPELLINGS: list[tuple[dict[str, Any], list[str]]] = [
    ({"api_key": PROJECT}, ["project_key"]),
    ({"project_key": PROJECT}, ["project_key"]),
    ({"project_api_key": PROJECT}, ["project_key"]),
    ({"openai_api_key": PROJECT}, ["project_key"]),
    ({"api_key": "sk-svcacct-acme"}, ["project_key"]),
    ({"api_key": "sk-acme-user-key"}, ["project_key"]),
    ({"api_key": f"  {PROJECT}\n"}, ["project_key"]),
    ({"admin_key": ADMIN}, ["admin_key"]),
    ({"admin_api_key": ADMIN}, ["admin_key"]),
    ({"openai_admin_key": ADMIN}, ["admin_key"]),
    ({"api_key": ADMIN}, ["admin_key"]),  # an admin key in the usual field finds its own slot
    ({"admin_key": PROJECT}, ["project_key"]),
    ({"api_key": PROJECT, "admin_key": ADMIN}, ["project_key", "admin_key"]),
    ({"api_key": ADMIN, "admin_key": PROJECT}, ["project_key", "admin_key"]),  # and both when they were mixed up
    ({"api_key": PROJECT, "project_key": PROJECT}, ["project_key"]),
    ({"api_key": PROJECT, "admin_key": ""}, ["project_key"]),
    ({"api_key": PROJECT, "admin_key": None, "organization": None, "base_url": None}, ["project_key"]),
]


@pytest.mark.parametrize(("context", "slots"), SPELLINGS, ids=[str(context) for context, _ in SPELLINGS])
async def test_keys_find_their_slots_however_they_are_called(
    admin: Watched, context: dict[str, Any], slots: list[str]
) -> None:
    account = await connected(admin, context)
    assert account["status"] == "active", account["last_error"]
    assert present(account) == slots
    assert None not in account["context"].values()
    for resource, slot in (("files", "project_key"), ("projects", "admin_key")):
        got = await admin.get(f"/proxy/{resource}", integrated_account_id=account["id"])
        assert got.status == (200 if slot in slots else 409), got.content
        if got.status == 409:
            assert got.json["code"] == "key_missing"
            assert slot.partition("_")[0] in got.sentence


CONTEXTS: dict[str, tuple[Any, str]] = {
    "empty": ({}, "context"),
    "no key": ({"organization": "org-1"}, "context"),
    "empty key": ({"api_key": ""}, "context"),
    "blank key": ({"api_key": "  "}, "context"),
    "null key": ({"api_key": None}, "context"),
    "number": ({"api_key": 5}, "context.api_key"),
    "list": ({"api_key": [PROJECT]}, "context.api_key"),
    "object": ({"api_key": {"value": PROJECT}}, "context.api_key"),
    "organization no text": ({"api_key": PROJECT, "organization": 5}, "context.organization"),
    "two spellings of one": ({"api_key": PROJECT, "project_key": "sk-proj-other"}, "context.project_key"),
    "no object": ("sk-proj-acme", "context"),
}


@pytest.mark.parametrize(("context", "place"), CONTEXTS.values(), ids=CONTEXTS.keys())
async def test_a_context_without_a_usable_key_is_refused(admin: Watched, context: Any, place: str) -> None:
    body = {"tenant_id": "acme", "integration": "openai", "context": context}
    assert place in failures(await admin.post("/integrated-account", body))
    assert said(await admin.get("/integrated-account"))["result"] == []


UNSENDABLE = {
    "line end inside": "sk-proj-a\r\nX-Evil: 1",
    "nul": "sk-proj-a\0b",
    "umlaut": "sk-proj-ä",
    "invisible space": "sk-proj-a\u200bb",
    "bullets of a copied picture": "sk-proj-••••••••",
}


@pytest.mark.parametrize("text", UNSENDABLE.values(), ids=UNSENDABLE.keys())
async def test_what_no_header_can_carry_is_refused_where_it_stands(admin: Watched, text: str) -> None:
    for name in ("api_key", "admin_key", "organization", "project"):
        body = {"tenant_id": "acme", "integration": "openai", "context": {"api_key": PROJECT, name: text}}
        problems = failures(await admin.post("/integrated-account", body))
        assert any(path.startswith("context.") and "no header" in problem for path, problem in problems.items())
        assert text not in str(problems)


PROOFS: list[tuple[dict[str, str], dict[str, Any], str, str]] = [
    ({"api_key": "sk-proj-revoked-acme"}, {}, "validation_error", "project_key could not be proved"),
    ({"admin_key": "sk-admin-invalid-acme"}, {}, "validation_error", "admin_key could not be proved"),
    ({"api_key": PROJECT, "admin_key": "sk-admin-expired-acme"}, {}, "validation_error", "admin_key"),
    ({"api_key": "sk-proj-restricted-files-acme"}, {}, "active", ""),  # 403 to the proof: it is a key all the same
    ({"api_key": PROJECT, "organization": "org-of-somebody-else"}, {}, "validation_error", "project_key"),
    ({"api_key": PROJECT}, {"base_url": CLOSED}, "validation_error", "could not be reached"),
]


@pytest.mark.parametrize(("context", "more", "status", "words"), PROOFS, ids=[str(case[:3]) for case in PROOFS])
async def test_a_key_is_believed_only_after_a_harmless_call(
    admin: Watched, context: dict[str, str], more: dict[str, Any], status: str, words: str
) -> None:
    account = await connected(admin, context, **more)
    assert account["status"] == status
    assert words in (account["last_error"] or {"message": ""})["message"]
    assert said(await admin.get(f"/integrated-account/{account['id']}"))["status"] == status


async def test_a_vendor_that_hangs_keeps_nobody_waiting_for_a_connection(
    admin: Watched, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "PROOF_SECONDS", 0.2)
    world.faults.append(FaultRule(Fault("delay", "60")))
    account = await connected(admin)
    assert account["status"] == "validation_error"
    assert "The vendor did not answer within 0.2 seconds" in account["last_error"]["message"]


async def test_a_proof_sends_one_harmless_call_for_each_key(admin: Watched, world: World) -> None:
    await connected(admin, {"api_key": PROJECT, "admin_key": ADMIN})
    seen = [(each.verb, each.raw_path) for each in world.requests]
    assert seen == [("GET", "/v1/models"), ("GET", "/v1/organization/projects")]


ADDRESSES: list[tuple[str, bool]] = [
    (CLOSED, True),
    (f"{CLOSED}/", True),
    (f" {CLOSED} ", True),
    ("https://evil.example/v1", False),
    ("https://api.openai.com", False),
    ("https://api.openai.com/v1/../v2", False),
    ("https://api.openai.com/v1?x=1", False),
    ("https://api.openai.com/v1#x", False),
    ("https://user@api.openai.com/v1", False),
    ("https://api.openai.com.evil.example/v1", False),
    ("https://api.openai.com:8443/v1", False),
    ("http://api.openai.com/v1", False),
    ("HTTPS://API.OPENAI.COM/v1", False),
    ("http://127.0.0.1:1/v1", False),
    ("http://169.254.169.254/latest/meta-data", False),
    ("file:///etc/passwd", False),
    ("//api.openai.com/v1", False),
    ("api.openai.com/v1", False),
    (" https://evil.example/v1#https://api.openai.com/v1", False),
]


@pytest.mark.parametrize("place", ["base_url", "context"])
async def test_a_base_url_is_one_of_those_allowed(admin: Watched, place: str) -> None:
    for url, is_allowed in ADDRESSES:
        context = {"api_key": PROJECT} if place == "base_url" else {"api_key": PROJECT, "base_url": url}
        body = {"tenant_id": "acme", "integration": "openai", "context": context}
        got = await admin.post("/integrated-account", body | ({"base_url": url} if place == "base_url" else {}))
        if is_allowed:
            account = said(got, 201)
            assert account["base_url"] == CLOSED
            assert "base_url" not in account["context"]
        else:
            assert (got.status, got.json["code"]) == (400, "forbidden_address"), url
            assert "PORTICO_ALLOWED_BASE_URLS" in got.sentence


async def test_the_vendors_own_regions_are_allowed(held: Portico) -> None:
    integration = held.parts.views.shipped["openai"].integration
    assert "https://eu.api.openai.com/v1" in integration.base_urls
    for url in integration.base_urls:
        assert base_url_of(integration, f"{url}/", held.parts) == url
    assert base_url_of(integration, "", held.parts) == ""


async def test_an_account_is_connected_by_the_id_of_an_installed_integration(admin: Watched, other: Tenant) -> None:
    first = await connected(admin)
    body = {"tenant_id": "b", "environment_integration_id": first["environment_integration_id"],
            "context": {"api_key": PROJECT}}  # fmt: skip
    second = said(await admin.post("/integrated-account", body), 201)
    assert second["environment_integration_id"] == first["environment_integration_id"]
    assert (await other.client.post("/integrated-account", body)).status == 404


@pytest.mark.parametrize(("body", "status"), [
    ({"tenant_id": "a", "context": {}}, 400),
    ({"tenant_id": "a", "integration": "nobody", "context": {"api_key": "x"}}, 404),
    ({"tenant_id": "a", "environment_integration_id": "nowhere", "context": {"api_key": "x"}}, 404),
    ({"tenant_id": "", "integration": "openai", "context": {"api_key": "x"}}, 400),
    ({"tenant_id": " ", "integration": "openai", "context": {"api_key": "x"}}, 400),
    ({"integration": "openai", "context": {"api_key": "x"}}, 400),
])  # fmt: skip
async def test_an_account_needs_a_tenant_and_an_integration(admin: Watched, body: Any, status: int) -> None:
    assert (await admin.post("/integrated-account", body)).status == status


async def test_a_tenant_may_have_many_accounts(admin: Watched) -> None:
    ids = {(await connect_account(admin))["id"] for _ in range(3)}
    assert len(said(await admin.get("/integrated-account", tenant_id="acme"))["result"]) == len(ids) == 3


async def test_an_account_shows_the_end_of_its_keys_and_nothing_of_short_ones(admin: Watched) -> None:
    account = await connected(admin, {"api_key": "sk-proj-a-long-enough-acme", "admin_key": "sk-admin-short"})
    assert account["keys"]["project_key"]["hint"] == "…acme"
    assert account["keys"]["admin_key"]["hint"] == "…"


async def test_capabilities_tell_what_the_accounts_own_keys_allow(admin: Watched) -> None:
    account = await connected(admin, {"api_key": PROJECT})
    told = said(await admin.get(f"/integrated-account/{account['id']}/capabilities"))
    assert told["account"] == {
        "id": account["id"], "status": "active", "authentication_method": "api_key", "is_blocked": False,
        "keys": ["project_key"],
    }  # fmt: skip
    resources = {each["resource"] for each in told["proxy"]}
    assert {"files", "projects", "responses"} <= resources
    one = said(await admin.get(f"/integrated-account/{account['id']}/capabilities", resource="files", methods="read"))
    assert [each["method"] for each in one["proxy"][0]["methods"]] == ["list", "get"]
    assert len(one["proxy"]) == 1
    said(await admin.get(f"/integrated-account/{account['id']}/capabilities", type="unified"))
    assert "type" in failures(await admin.get(f"/integrated-account/{account['id']}/capabilities", type="x"))


async def test_a_region_is_kept_as_it_was_said_and_other_ways_to_sign_in_are_refused(admin: Watched) -> None:
    body = {"tenant_id": "abroad", "integration": "openai", "context": {"api_key": "sk-proj-abroad"}}
    made = said(await admin.post("/integrated-account", {**body, "region": "eu"}), 201)
    assert said(await admin.get(f"/integrated-account/{made['id']}"))["region"] == "eu"
    changed = said(await admin.patch(f"/integrated-account/{made['id']}", {"tenant_id": "home"}))
    assert changed["region"] == "eu"
    for odd in ({"region": "mars"}, {"authentication_method": "oauth2"}):
        got = await admin.post("/integrated-account", {**body, **odd})
        assert (got.status, [each["path"] for each in got.json["details"]["failures"]]) == (400, list(odd))
