"""Tokens, environments, users and sessions on admin pages."""

from urllib.parse import urlencode

import pytest

from tests.faces.oauth.browser import ORIGIN, Browser
from tests.faces.oauth.program import PASSWORD, person, signed_in
from tests.faces.pages.conftest import Office

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_token_is_shown_once_works_and_is_revoked(office: Office) -> None:
    page = office.at("/tokens")
    await office.operator.open(page)
    await office.operator.submit(page, do="create", name="from a page", scopes="accounts:read", life="1")
    token = next(word for word in office.operator.text.split() if word.startswith("ptc_api_"))
    mine = office.client.as_holder_of(token)
    assert (await mine.get("/integrated-account")).status == 200
    made = (await office.client.get("/api-token", name="from a page")).json["result"][0]
    assert made["scopes"] == ["accounts:read"]
    assert made["expires_at"] is not None
    await office.operator.open(page)
    assert token not in office.operator.text
    await office.operator.submit(page, do="revoke", token=made["id"])
    assert (await mine.get("/integrated-account")).status == 401


async def test_token_never_has_more_than_its_maker(office: Office) -> None:
    page = office.at("/tokens")
    await office.operator.open(page)
    got = await office.operator.submit(page, do="create", name="greedy", scopes="operator")
    assert (got.status, "cannot grant scopes" in office.operator.text) == (403, True)


async def test_owner_makes_and_renames_environments_and_others_do_not(office: Office) -> None:
    page = "/admin/environments"
    await office.owner.open(page)
    await office.owner.submit(page, do="create", name="Third", id=None, new_name=None)
    await office.owner.follow()
    assert "Third" in office.owner.text
    await office.owner.submit(page, do="create", name="Third")
    assert (office.owner.page.status, "already" in office.owner.text) == (409, True)
    await office.operator.open(page)
    assert "Third" not in office.operator.text
    assert "Rename" not in office.operator.text


async def test_owner_adds_a_user_who_signs_in_and_is_kept_out_again(office: Office) -> None:
    await office.owner.open("/admin/users")
    await office.owner.submit("/admin/users", do="create", name="nina", role="viewer", environments=office.environment)
    found = [word for word in office.owner.text.split() if word.count("-") == 3 and len(word) == 23]
    nina = Browser(office.gateway)
    await nina.sign_in("nina", found[0])
    await nina.open(office.at("/accounts"))
    assert nina.page.status == 200
    users = (await office.client.get("/user")).json["result"]
    page = f"/admin/users/{next(each['id'] for each in users if each['name'] == 'nina')}"
    await office.owner.open(page)
    assert "An unknown program" in office.owner.text
    await office.owner.submit(page, do="change", role="operator", environments=office.elsewhere)
    assert (await nina.open(office.at("/accounts"))).status == 404
    await office.owner.open(page)
    await office.owner.submit(page, do="disable")
    assert (await nina.open(office.at("/accounts"))).status == 303
    acts = [each["act"] for each in (await office.client.get("/audit")).json["result"] if each["actor_name"] == "olga"]
    assert {"user.created", "user.updated", "user.disabled"} <= set(acts)


async def test_sessions_are_seen_and_ended_one_by_one(office: Office) -> None:
    await person(office.gateway, "many")
    here, there = await signed_in(office.gateway, "many"), await signed_in(office.gateway, "many")
    await here.open("/admin/me")
    assert here.text.count("An unknown program") == 2
    other = next(form for form in here.forms if "session" in form.fields)
    await here.submit("/admin/me", do="end", session=other.fields["session"])
    assert (await there.open("/admin/me")).status == 303
    await here.open("/admin/me")
    assert here.text.count("An unknown program") == 1


async def test_owner_sees_everybodys_sessions_and_ends_one(office: Office) -> None:
    here = await signed_in(office.gateway, "vera")
    await office.owner.open("/admin/users")
    assert "Who is signed in" in office.owner.text
    listed = (await office.client.get("/session")).json["result"]
    newest = next(each for each in listed if each["user_name"] == "vera")
    token = office.owner.form("/admin/users").fields["form_token"]
    sent = {"do": "end", "form_token": token, "user": newest["user_id"], "session": newest["id"]}
    headers = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}
    await office.owner.send("POST", "/admin/users", urlencode(sent).encode(), headers)
    assert office.owner.page.status == 303
    assert (await here.open("/admin/me")).headers["location"].startswith("/sign-in")
    after = (await office.client.get("/session")).json["result"]
    assert newest["id"] not in [each["id"] for each in after]
    assert (await office.client.get("/session", limit=1)).json["result_count"] == 1


async def test_own_password_needs_the_old_one_and_ends_other_sessions(office: Office) -> None:
    await person(office.gateway, "careful")
    here, there = await signed_in(office.gateway, "careful"), await signed_in(office.gateway, "careful")
    await here.open("/admin/me")
    got = await here.submit("/admin/me", do="password", old="not it", new="another long one")
    assert (got.status, "not your present password" in here.text) == (403, True)
    await here.submit("/admin/me", do="password", old=PASSWORD, new="another long one")
    await here.follow()
    assert "The password is set" in here.text
    assert (await there.open("/admin/me")).status == 303
    assert (await Browser(office.gateway).sign_in("careful", "another long one")).status == 303
