"""Users linked with the provider by an owner, and unlinked again: over the API, on their page and from a terminal."""

import pytest
import pytest_asyncio

from portico.gateway.people import find_person
from tests.faces.oauth.browser import Browser
from tests.faces.oauth.program import PASSWORD, person, signed_in
from tests.faces.provider.gate import HOME, Gate
from tests.gateways import Client, open_client

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest_asyncio.fixture(loop_scope="package")
async def client(door: Gate) -> Client:
    async with open_client(door.gateway) as made:
        return made


async def test_linked_user_signs_in_at_the_provider_alone_until_unlinked(door: Gate, client: Client) -> None:
    nina = await person(door.gateway, "nina")
    before = await signed_in(door.gateway, "nina")
    path = f"/user/{nina.id}/identity"
    assert (await client.get(path)).json["result"] == []
    made = await client.post(path, {"subject": " sub-nina "})
    assert (made.status, made.json["issuer"], made.json["subject"], made.json["email"]) == (
        201, door.issuer.url, "sub-nina", None,
    )  # fmt: skip
    assert (await before.open(HOME)).status == 303
    assert (await Browser(door.gateway).sign_in("nina", PASSWORD)).status == 403
    door.set(oidc_new_people="off")
    door.issuer.claims = {"sub": "sub-nina", "email": "nina@corp.example"}
    browser = await door.come()
    await browser.follow()
    assert "Signed in as nina" in browser.text
    assert [each["email"] for each in (await client.get(path)).json["result"]] == ["nina@corp.example"]
    assert (await client.delete(path)).json == {"unlinked": 1}
    assert (await browser.open(HOME)).status == 303
    assert "no such user" in await door.refused()
    assert (await client.delete(path)).json == {"unlinked": 0}
    assert [each for each in await door.acts() if each.startswith("user.u")] == ["user.unlinked"]
    assert (await client.post(f"/user/{nina.id}/password", {"password": PASSWORD})).status == 200
    assert (await Browser(door.gateway).sign_in("nina", PASSWORD)).status == 303


async def test_subject_and_user_are_linked_once(door: Gate, client: Client) -> None:
    one, two = await person(door.gateway, "one"), await person(door.gateway, "two")
    assert (await client.post(f"/user/{one.id}/identity", {"subject": "sub-1"})).status == 201
    got = await client.post(f"/user/{two.id}/identity", {"subject": "sub-1"})
    assert (got.status, "that subject is 'one'" in got.sentence) == (409, True)
    got = await client.post(f"/user/{one.id}/identity", {"subject": "sub-2"})
    assert (got.status, "linked with another subject" in got.sentence) == (409, True)
    assert (await Browser(door.gateway).sign_in("two", PASSWORD)).status == 303


@pytest.mark.parametrize("subject", ["", "  ", "x" * 256, "a\x07b"])
async def test_subject_that_no_token_could_have_is_refused(door: Gate, client: Client, subject: str) -> None:
    keeper = await find_person(door.parts, "keeper")
    assert (await client.post(f"/user/{keeper.id}/identity", {"subject": subject})).status == 400


async def test_owner_links_and_unlinks_on_the_users_page(door: Gate, client: Client) -> None:
    paul = await person(door.gateway, "paul", "viewer")
    owner = await signed_in(door.gateway, "keeper")
    page = f"/admin/users/{paul.id}"
    await owner.open(page)
    form = next(each for each in owner.forms if "subject" in each.fields)
    assert form.action == page
    await owner.submit(page, do="link", subject="sub-paul")
    await owner.follow()
    assert "sub-paul" in owner.text
    assert "signs in at the provider now" in owner.text
    await owner.submit(page, do="unlink")
    await owner.follow()
    assert "is unlinked" in owner.text
    assert await door.parts.identities.of_person(paul.id) == []
