"""/connect: a customer connects their account by a link that works once; nobody else can, and nobody twice."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portico.errors import InvalidArguments
from portico.faces.web.visit import form_token
from portico.gateway import linking
from portico.settings import Settings
from tests.faces.oauth.browser import HOST, Browser
from tests.faces.pages.conftest import Office
from tests.gateways import open_client, open_gateway

on_office = pytest.mark.asyncio(loop_scope="package")
PROJECT, ADMIN = "sk-proj-linked-0123456789abcdef", "sk-admin-linked-0123456789abcdef"


async def made(office: Office, **body: Any) -> dict[str, Any]:
    got = await office.client.post("/link-token", body)
    assert got.status == 201, got.content
    return got.json


async def opened(office: Office, **body: Any) -> Browser:
    browser = Browser(office.gateway)
    got = await browser.open((await made(office, **body))["url"])
    assert got.status == 200, browser.text
    return browser


async def accounts_of(office: Office, tenant: str) -> list[Any]:
    return (await office.client.get("/integrated-account", tenant_id=tenant)).json["result"]


@on_office
async def test_customer_connects_and_learns_what_works_and_what_is_missing(office: Office) -> None:
    browser = await opened(office, tenant_id="linked <b>", redirect_uri="https://app.example/done?a=1")
    assert "For linked <b>." in browser.text
    policy = browser.page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    got = await browser.submit("/connect", {"context.api_key": PROJECT})
    assert got.status == 200, browser.text
    account = (await accounts_of(office, "linked <b>"))[0]
    assert account["status"] == "active"
    assert "was given: " in browser.text
    assert "operations wait for it" in browser.text
    assert f"result=success&amp;integration=openai&amp;integrated_account_id={account['id']}" in got.content.decode()
    assert PROJECT not in got.content.decode()
    again = Browser(office.gateway)
    assert (await again.open(browser.path)).status == 410
    assert "used already" in again.text


@on_office
async def test_new_account_has_what_was_known_before_and_what_the_page_says_wins(office: Office) -> None:
    known = {"organization": "org-known", "project": "proj_known"}
    browser = await opened(office, tenant_id="known", integration="openai", context=known, region="eu")
    await browser.submit("/connect", {"context.api_key": PROJECT, "context.project": "proj_said"})
    (account,) = await accounts_of(office, "known")
    assert account["region"] == "eu"
    assert account["context"] | {"organization": "org-known", "project": "proj_said"} == account["context"]


@on_office
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"tenant_id": "x", "integration": "openai", "context": {"api_key": PROJECT, "note": "n"}}, "context.api_key"),
        ({"tenant_id": "x", "context": {"organization": "org-known"}}, "integration"),
        ({"tenant_id": "x", "integration": "openai", "region": "moon"}, "region"),
    ],
    ids=["a key", "of no vendor in particular", "a region that there is not"],
)
async def test_what_no_link_may_know_is_refused(office: Office, body: dict[str, Any], path: str) -> None:
    got = await office.client.post("/link-token", body)
    assert (got.status, [each["path"] for each in got.json["details"]["failures"]]) == (400, [path])
    assert PROJECT not in got.content.decode()


@on_office
async def test_link_for_an_account_that_is_there_brings_nothing_along(office: Office) -> None:
    account = office.account_id
    got = await office.client.post("/link-token", {"integrated_account_id": account, "context": {"note": "n"}})
    assert (got.status, "new account" in got.sentence) == (400, True)
    got = await office.client.post("/link-token", {"integrated_account_id": account, "region": "eu"})
    assert got.status == 201


@on_office
@pytest.mark.parametrize(
    ("field", "asked", "empty"),
    [
        ("scopes", ["api.model.read"], []),
        ("truto_static_gate_id", "gate", ""),
    ],
)
async def test_what_could_not_be_kept_is_refused_with_what_to_do(
    office: Office, field: str, asked: Any, empty: Any
) -> None:
    got = await office.client.post("/link-token", {"tenant_id": "x", field: asked})
    assert got.status == 400
    (failure,) = got.json["details"]["failures"]
    assert failure["path"] == field
    assert "eave it out" in failure["problem"]
    assert (await office.client.post("/link-token", {"tenant_id": "x", field: empty})).status == 201


@on_office
async def test_unified_model_of_a_link_is_taken_as_the_reference_takes_it(office: Office) -> None:
    for told in ({"environment_unified_model_id": ["user-directory"]}, {"unified_model_id": "user-directory"}):
        assert (await office.client.post("/link-token", {"tenant_id": "x", **told})).status == 201


@on_office
async def test_key_in_the_wrong_field_finds_its_place(office: Office) -> None:
    browser = await opened(office, tenant_id="swapped")
    await browser.submit("/connect", {"context.api_key": ADMIN})
    keys = (await accounts_of(office, "swapped"))[0]["keys"]
    assert [name for name, key in keys.items() if key["present"]] == ["admin_key"]


@on_office
async def test_form_without_a_key_is_refused_and_the_link_stays_good(office: Office) -> None:
    browser = await opened(office, tenant_id="empty")
    assert (await browser.submit("/connect")).status == 400
    assert "No key was given: fill in at least one of the fields below." in browser.text
    assert await accounts_of(office, "empty") == []
    assert (await browser.submit("/connect", {"context.api_key": PROJECT})).status == 200


@on_office
async def test_wrong_key_is_kept_as_an_error_that_only_the_same_page_can_mend(office: Office) -> None:
    browser = await opened(office, tenant_id="mistyped")
    assert (await browser.submit("/connect", {"context.api_key": "not-a-key"})).status == 422
    first = (await accounts_of(office, "mistyped"))[0]
    assert first["status"] == "validation_error"
    assert "Connect OpenAI" in browser.text
    assert "The project API key could not be proved" in browser.text
    forged = await browser.submit("/connect", {"context.api_key": PROJECT}, again="ptc_relink_forged")
    assert forged.status == 410
    await _back_to_the_form(office, browser, first["id"])


async def _back_to_the_form(office: Office, browser: Browser, account_id: str) -> None:
    text = dict(part.split("=") for part in browser.path.partition("?")[2].split("&"))["link_token"]
    link = await linking.find(text, office.gateway.parts)
    again = linking.continuation(link, office.gateway.parts)
    visitor = Browser(office.gateway)
    proof = form_token(text, office.gateway.parts.keyring.pepper)
    sent = {"content-type": "application/x-www-form-urlencoded", "origin": f"https://{HOST}"}
    content = f"form_token={proof}&again={again}&context.api_key={PROJECT}".encode()
    for status in (200, 410):  # what works needs no mending
        got = await visitor.send("POST", f"/connect?link_token={text}", content, sent)
        assert got.status == status, visitor.text
    found = await accounts_of(office, "mistyped")
    assert [(each["id"], each["status"]) for each in found] == [(account_id, "active")]


@on_office
@pytest.mark.parametrize("keeps", [False, True])
async def test_reconnecting_keeps_the_id_and_drops_other_keys_unless_they_are_to_stay(
    office: Office, keeps: bool
) -> None:
    tenant = f"again {keeps}"
    browser = await opened(office, tenant_id=tenant)
    await browser.submit("/connect", {"context.api_key": PROJECT, "context.admin_key": ADMIN})
    account = (await accounts_of(office, tenant))[0]
    browser = await opened(office, integrated_account_id=account["id"], persist_previous_context=keeps)
    assert (await browser.submit("/connect", {"context.api_key": "sk-proj-renewed-0123456789fresh"})).status == 200
    found = await accounts_of(office, tenant)
    assert [each["id"] for each in found] == [account["id"]]
    assert found[0]["keys"]["project_key"]["hint"] == "…resh"
    assert found[0]["keys"]["admin_key"]["present"] is keeps


@on_office
async def test_link_for_an_account_that_was_deleted_asks_nobody_for_a_key(office: Office) -> None:
    await (await opened(office, tenant_id="leaving")).submit("/connect", {"context.api_key": PROJECT})
    account = (await accounts_of(office, "leaving"))[0]
    link = (await made(office, integrated_account_id=account["id"]))["url"]
    assert (await office.client.delete(f"/integrated-account/{account['id']}")).status == 200
    browser = Browser(office.gateway)
    assert (await browser.open(link)).status == 410
    assert browser.forms == []


@on_office
async def test_form_of_another_site_connects_nothing(office: Office) -> None:
    browser = await opened(office, tenant_id="forged")
    got = await browser.submit("/connect", {"context.api_key": PROJECT}, headers={"origin": "https://evil.example"})
    assert got.status == 403
    assert await accounts_of(office, "forged") == []


@on_office
@pytest.mark.parametrize("text", ["", "ptc_link_made-up", "ptc_api_x", "<script>"])
async def test_invented_link_is_refused_as_a_page(office: Office, text: str) -> None:
    browser = Browser(office.gateway)
    got = await browser.open(f"/connect?link_token={text}")
    assert (got.status, got.headers["content-type"]) == (410, "text/html; charset=utf-8")
    assert "Ask for a new one" in browser.text


@on_office
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, "exactly one"),
        ({"tenant_id": "a", "integrated_account_id": "b"}, "exactly one"),
        ({"tenant_id": "a", "redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"tenant_id": "a", "redirect_uri": "http://elsewhere.example/"}, "redirect_uri"),
    ],
)
async def test_link_that_makes_no_sense_is_not_made(office: Office, body: dict[str, str], problem: str) -> None:
    got = await office.client.post("/link-token", body)
    assert got.status == 400
    assert problem in got.sentence


async def test_of_fifty_at_once_exactly_one_connects(
    database_url: str, settings: Settings, sandbox_url: str, tmp_path: Path
) -> None:
    wanted = replace(
        settings, data_dir=tmp_path, database_url=database_url, vendor_base_urls=(f"openai={sandbox_url}/v1",)
    )
    async with AsyncExitStack() as stack:
        gateway = await open_gateway(stack, wanted)
        client = await stack.enter_async_context(open_client(gateway))
        text = (await client.post("/link-token", {"tenant_id": "raced", "integration": "openai"})).json["link_token"]
        link = await linking.find(text, gateway.parts)
        outcomes = await asyncio.gather(
            *(linking.redeem(link, {"api_key": PROJECT}, "", gateway.parts) for _ in range(50)), return_exceptions=True
        )
        refused = [each for each in outcomes if isinstance(each, linking.LinkRefused)]
        assert (len(refused), len(outcomes)) == (49, 50)
        assert len((await client.get("/integrated-account")).json["result"]) == 1


def test_redirects_lead_to_sites_or_to_this_computer() -> None:
    linking.check_redirect("https://app.example/done")
    linking.check_redirect("http://127.0.0.1:3000/done")
    with pytest.raises(InvalidArguments):
        linking.check_redirect("https://app.example/#part")
