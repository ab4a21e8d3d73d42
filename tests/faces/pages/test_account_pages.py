"""Accounts on admin pages: connected, mended, blocked and deleted as the API would; keys never shown."""

import re
from html import unescape

import pytest

from portico.model.account import AccountId
from portico.vault.signatures import make_secret
from tests.faces.pages.conftest import Office
from tests.gateways import connect_account

pytestmark = pytest.mark.asyncio(loop_scope="package")
KEYS = {"context.api_key": "sk-proj-typed-0123456789abcdef", "context.admin_key": "sk-admin-typed-0123456789abcdef"}


async def connected(office: Office, name: str) -> str:
    """The address of a new account's page."""
    await office.operator.open(office.at("/accounts/new"))
    got = await office.operator.submit(office.at("/accounts/new"), KEYS, do="connect", tenant_id=name)
    assert got.status == 303, office.operator.text
    return got.headers["location"].partition("?")[0]


async def test_connected_account_says_what_it_can_do_and_shows_no_key(office: Office) -> None:
    page = await connected(office, "typed")
    await office.operator.open(page)
    text = office.operator.text
    assert "typed active" in text
    assert "tools to look" in text
    assert "…cdef" in text
    assert not any(key in office.operator.page.content.decode() for key in KEYS.values())


async def test_what_was_typed_stays_where_it_was_refused_but_for_the_keys(office: Office) -> None:
    await office.operator.open(office.at("/accounts/new"))
    got = await office.operator.submit(office.at("/accounts/new"), do="connect", tenant_id="half <b>done</b>")
    assert got.status == 400
    assert "A key is missing" in office.operator.text
    assert office.operator.form(office.at("/accounts/new")).fields["tenant_id"] == "half <b>done</b>"
    await office.operator.submit(
        office.at("/accounts/new"), {"context.api_key": "sk-proj-secret"}, do="connect", tenant_id=" "
    )
    assert "sk-proj-secret" not in office.operator.page.content.decode()


async def test_what_stays_at_the_vendor_of_a_deleted_account_is_told(office: Office) -> None:
    account = await connect_account(office.client, "heard")
    path = f"/integrated-account/{account['id']}/vendor-webhook"
    assert (await office.client.post(path, {"secret": make_secret()})).status == 201
    page = office.at(f"/accounts/{account['id']}")
    await office.operator.open(page)
    await office.operator.submit(page, do="delete")
    await office.operator.follow()
    assert "its webhook endpoint could not be ended at the vendor" in office.operator.text


async def test_account_is_blocked_unblocked_renamed_and_deleted(office: Office) -> None:
    page = await connected(office, "short-lived")
    identity = page.rpartition("/")[2]
    for act, said, state in (("block", "blocked", "blocked"), ("unblock", "unblocked", "active")):
        await office.operator.open(page)
        await office.operator.submit(page, do=act)
        await office.operator.follow()
        assert f"The account is {said}" in office.operator.text
        assert (await office.client.get(f"/integrated-account/{identity}")).json["status"] == state
    await office.operator.submit(page, do="change", tenant_id="renamed")
    assert (await office.client.get(f"/integrated-account/{identity}")).json["tenant_id"] == "renamed"
    await office.operator.open(page)
    await office.operator.submit(page, do="delete")
    assert (await office.operator.open(page)).status == 404
    assert (await office.client.get("/audit")).json["result"][0]["actor_name"] == "omar"


async def test_key_that_was_refused_in_a_call_is_not_said_to_work(office: Office) -> None:
    page = await connected(office, "taken away")
    identity, parts = page.rpartition("/")[2], office.gateway.parts
    environment = await parts.operators.first_environment()
    assert environment is not None
    await office.operator.open(page)
    assert office.operator.text.count("cdef works") == 2
    await parts.states.note(await parts.lookup.connected(environment.id, AccountId(identity)), None, "project_key", 401)
    await office.operator.open(page)
    assert "project API key …cdef refused admin API key …cdef works" in office.operator.text
    assert (await office.client.delete(f"/integrated-account/{identity}")).status == 200


async def test_what_the_vendor_last_refused_is_told_with_the_scopes_that_the_key_lacks(office: Office) -> None:
    account = await connect_account(office.client, "narrow", api_key="sk-proj-readonly-narrow")
    await office.client.post("/proxy/files", {}, integrated_account_id=account["id"])
    await office.operator.open(office.at(f"/accounts/{account['id']}"))
    assert "Last refusal by the vendor files create: the key lacks api.files.write." in office.operator.text


async def test_account_token_is_shown_once(office: Office) -> None:
    page = await connected(office, "with-token")
    await office.operator.open(page)
    await office.operator.submit(page, do="token")
    assert "ptc_acc_" in office.operator.text
    await office.operator.open(page)
    assert "ptc_acc_" not in office.operator.text


async def test_list_is_filtered_and_says_when_nothing_is_like_that(office: Office) -> None:
    await office.viewer.open(office.at("/accounts?tenant_id=stage"))
    assert "stage active" in office.viewer.text
    await office.viewer.open(office.at("/accounts?status=needs_reauth"))
    assert "No account is like that" in office.viewer.text
    assert (await office.viewer.open(office.at("/accounts/nowhere"))).status == 404


async def test_an_empty_environment_says_what_to_do_first(office: Office) -> None:
    await office.stranger.open("/admin")
    await office.stranger.follow()
    assert "Nothing is connected yet" in office.stranger.text
    assert "Connect an account" in office.stranger.text


async def test_a_viewer_is_offered_nothing_that_changes_accounts(office: Office) -> None:
    await office.viewer.open(office.at(f"/accounts/{office.account_id}"))
    assert [form.action for form in office.viewer.forms] == ["/sign-out"]


async def test_a_leaked_account_is_stopped_and_each_key_told(office: Office) -> None:
    page = await connected(office, "leaked")
    await office.viewer.open(page)
    assert "A key has leaked" not in office.viewer.text
    await office.operator.open(page)
    got = await office.operator.submit(page, do="panic", panic_keys="nonsense")
    assert (got.status, 'role="alert"' in got.content.decode()) == (400, True)
    await office.operator.submit(page, do="panic", panic_keys="delete", reason="in a public repository")
    assert "What became of its keys" in office.operator.text
    account = (await office.client.get(f"/integrated-account/{page.rpartition('/')[2]}")).json
    assert account["status"] == "blocked"
    for fate in account["last_action_result"]["keys"].values():
        assert fate["message"] in office.operator.text
    assert (await office.operator.open(page)).status == 200  # and the page goes on telling it
    assert "blocked" in office.operator.text


async def test_an_account_is_stopped_without_touching_its_keys(office: Office) -> None:
    page = await connected(office, "only stopped")
    await office.operator.open(page)
    await office.operator.submit(page, do="panic", panic_keys="keep")
    assert "No key of it was touched" in office.operator.text


async def test_the_overview_leads_to_all_accounts_in_trouble(office: Office) -> None:
    made = [await connected(office, f"stopped-{number}") for number in range(9)]
    for page in made:
        identity = page.rpartition("/")[2]
        await office.client.patch(f"/integrated-account/{identity}", {"status": "blocked"})
    await office.viewer.open(office.at())
    assert sum(f"stopped-{number} blocked" in office.viewer.text for number in range(9)) == 8
    found = re.search(r'href="([^"]+)">All (\d+) in trouble', office.viewer.page.content.decode())
    assert found is not None
    assert int(found[2]) >= 9
    await office.viewer.open(unescape(found[1]))
    assert all(f"stopped-{number} blocked" in office.viewer.text for number in range(9))
    assert "stage active" not in office.viewer.text
    ids = [page.rpartition("/")[2] for page in made]
    assert (await office.client.post("/integrated-account/bulk-delete", {"ids": ids})).json["deleted"] == 9


async def test_the_bare_address_leads_to_where_one_begins(office: Office) -> None:
    await office.operator.open("/")
    await office.operator.follow()
    await office.operator.follow()
    assert "Overview of default" in office.operator.text


async def test_the_form_says_what_each_key_opens(office: Office) -> None:
    await office.operator.open(office.at("/accounts/new?integration=openai"))
    said = office.operator.text
    assert "It starts with sk-admin-; it opens" in said
    assert "billing, usage" in said
