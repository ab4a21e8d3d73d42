"""Who somebody from the provider is here: linked, made or turned away, and in which role each time they come."""

import asyncio
from typing import Any

import pytest

from portico.gateway.people import change_person, disable_person, enable_person, find_person
from portico.gateway.signing_in import sessions_of
from portico.model.person import Person
from tests.faces.oauth.browser import Browser
from tests.faces.oauth.program import PASSWORD, person, signed_in
from tests.faces.provider.gate import HOME, Gate
from tests.issuer import Json

pytestmark = pytest.mark.asyncio(loop_scope="package")


def called(name: str, **more: Any) -> Json:
    return {"sub": f"sub-{name}", "email": f"{name}@corp.example", "email_verified": True, **more}


async def found(door: Gate, name: str) -> Person:
    return await find_person(door.parts, f"{name}@corp.example")


async def test_unknown_people_are_turned_away_unless_the_operator_lets_them_in(door: Gate) -> None:
    door.issuer.claims = called("unknown")
    door.set(oidc_new_people="off")
    assert "no such user" in await door.refused()
    assert await door.parts.people.called("unknown@corp.example") is None


async def test_new_people_get_the_role_and_the_environments_that_the_operator_says(door: Gate) -> None:
    first = await door.parts.operators.first_environment()
    assert first is not None
    cases: list[tuple[str, tuple[str, ...], set[str]]] = [
        ("viewer", (first.name,), {first.id}),
        ("operator", (first.id,), {first.id}),
        ("operator", ("*",), {first.id}),
        ("viewer", (), set()),
        ("owner", ("*",), set()),
    ]
    for number, (role, names, seen) in enumerate(cases):
        door.issuer.claims = called(f"new-{number}")
        door.set(oidc_new_people=role, oidc_environments=names)
        await door.come()
        made = await found(door, f"new-{number}")
        assert (made.role, set(made.environments)) == (role, seen)
    door.issuer.claims = called("new-9")
    door.set(oidc_environments=("nowhere",))
    assert "PORTICO_OIDC_ENVIRONMENTS names 'nowhere'" in await door.refused()


async def test_an_address_alone_makes_nobody_the_user_of_that_name(door: Gate) -> None:
    """The one takeover that matters: an account elsewhere that calls itself like an owner here."""
    await person(door.gateway, "boss@corp.example")
    for verified in (True, False, "true", 1, None):
        door.issuer.claims = called("thief", email="boss@corp.example", email_verified=verified)
        assert "already who is not linked" in await door.refused()
    door.set(oidc_link_by_email="on")
    for verified in (False, "true", 1, None):
        door.issuer.claims = called("thief", email="boss@corp.example", email_verified=verified)
        assert "already who is not linked" in await door.refused()


async def test_verified_address_links_where_the_operator_has_it_so_and_ends_the_password(door: Gate) -> None:
    first = await door.parts.operators.first_environment()
    assert first is not None
    await person(door.gateway, "Linked@corp.example", "operator", first.id)
    old = await signed_in(door.gateway, "linked@corp.example")
    assert "Present password" in (await old.open(HOME)).content.decode()
    door.set(oidc_link_by_email="on", oidc_new_people="off")
    door.issuer.claims = called("linked")
    browser = await door.come()
    await browser.follow()
    assert "Signed in as Linked@corp.example" in browser.text
    assert (await old.open(HOME)).status == 303
    for guess in (PASSWORD, "", "nobody"):
        assert (await Browser(door.gateway).sign_in("linked@corp.example", guess)).status == 403
    assert "user.linked" in await door.acts()
    page = (await browser.open(HOME)).content.decode()
    assert ("Present password" in page, door.issuer.url in page) == (False, True)
    door.issuer.claims = called("other", email="linked@corp.example")
    assert "already who is not linked" in await door.refused()


@pytest.mark.parametrize(
    ("claims", "welcome"),
    [
        (called("in"), True),
        (called("caps", email="Caps@CORP.example"), True),
        (called("out", email="out@other.example"), False),
        (called("below", email="below@sub.corp.example"), False),
        (called("behind", email="behind@corp.example.evil.example"), False),
        (called("two", email="two@corp.example@evil.example"), False),
        (called("unverified", email_verified=False), False),
        (called("unsaid", email_verified=None), False),
        (called("none", email=None), False),
        (called("list", email=["list@corp.example"]), False),
    ],
    ids=["in", "caps", "out", "below", "behind", "two", "unverified", "unsaid", "none", "list"],
)
async def test_only_verified_addresses_of_the_domains_come_in(door: Gate, claims: Json, welcome: bool) -> None:
    door.set(oidc_email_domains=("corp.example",))
    door.issuer.claims = claims
    if welcome:
        assert (await door.come()).page.status == 303
    else:
        assert "addresses at corp.example" in await door.refused()


async def test_known_person_whose_address_left_the_domain_stays_out(door: Gate) -> None:
    door.issuer.claims = called("mover")
    await door.come()
    door.set(oidc_email_domains=("corp.example",))
    door.issuer.claims = called("mover", email="mover@other.example")
    assert "addresses at corp.example" in await door.refused()


async def test_disabled_person_stays_out_until_an_owner_lets_them_in(door: Gate) -> None:
    door.issuer.claims = called("leaver")
    await door.come()
    leaver = await found(door, "leaver")
    await disable_person(door.parts, leaver)
    assert "kept out" in await door.refused()
    await enable_person(door.parts, leaver)
    assert (await door.come()).page.status == 303


async def test_names_come_from_the_best_there_is(door: Gate) -> None:
    cases: list[tuple[Json, str]] = [
        ({"sub": "n1", "preferred_username": "n.one", "email": "e1@x.example"}, "n.one"),
        ({"sub": "n2", "email": "e2@x.example"}, "e2@x.example"),
        ({"sub": "n3", "name": "N Three"}, "N Three"),
        ({"sub": "n4", "name": "\u202eN", "preferred_username": 7}, "n4 at Larkfield"),
        (
            {"sub": "n5", "preferred_username": "n.five", "email": "e5@x.example", "email_verified": True},
            "e5@x.example",
        ),
    ]
    for claims, name in cases:
        door.issuer.claims = claims
        await door.come()
        assert (await find_person(door.parts, name)).name == name


async def test_what_the_token_leaves_out_is_asked_for_and_must_be_about_the_same_person(door: Gate) -> None:
    door.issuer.claims = {"sub": "sub-thin"}
    door.issuer.userinfo = called("thin")
    await door.come()
    assert await found(door, "thin")
    assert door.issuer.count("/userinfo") == 1
    door.issuer.claims, door.issuer.userinfo = {"sub": "sub-thin"}, called("somebody-else")
    assert "somebody else" in await door.refused()
    door.issuer.claims = called("full")
    await door.come()
    assert door.issuer.count("/userinfo") == 2


async def test_address_and_its_being_verified_come_from_the_same_place(door: Gate) -> None:
    """Or a token's unverified address would be taken for the verified one of the user page."""
    door.set(oidc_role_claim="roles", oidc_email_domains=("corp.example",))
    door.issuer.claims = {"sub": "sub-mixed", "email": "mixed@corp.example"}
    door.issuer.userinfo = {"sub": "sub-mixed", "email": "m@x.example", "email_verified": True, "roles": "viewer"}
    assert "addresses at corp.example" in await door.refused()


@pytest.mark.parametrize(
    ("name", "claims", "role"),
    [
        ("roles", {"roles": ["viewer", "owner", "x"]}, "owner"),
        ("roles", {"roles": "operator"}, "operator"),
        ("realm_access.roles", {"realm_access": {"roles": ["viewer"]}}, "viewer"),
        ("https://corp.example/roles", {"https://corp.example/roles": ["operator"]}, "operator"),
        ("roles", {"roles": ["Owner"]}, None),
        ("roles", {"roles": {"owner": True}}, None),
        ("roles", {"roles": [["owner"]]}, None),
        ("roles", {"roles": "viewer operator"}, None),
        ("roles.deep", {"roles": ["owner"]}, None),
        ("roles", {}, None),
    ],
)
async def test_role_is_what_the_claim_says_and_without_one_nobody_comes_in(
    door: Gate, name: str, claims: Json, role: str | None
) -> None:
    door.set(oidc_role_claim=name)
    who = f"claimed-{role}"
    door.issuer.claims = called(who, **claims)
    if role is None:
        assert "none of the roles" in await door.refused()
        assert await door.parts.people.called(f"{who}@corp.example") is None
    else:
        await door.come()
        assert (await found(door, who)).role == role


async def test_role_follows_the_claim_at_each_sign_in(door: Gate) -> None:
    door.set(oidc_role_claim="groups", oidc_roles=("admins=owner", "ops=operator", "staff=viewer"))
    for group, role in (("staff", "viewer"), ("admins", "owner"), ("ops", "operator"), ("admins", "owner")):
        door.issuer.claims = called("riser", groups=["unknown", group])
        await door.come()
        person_now = await found(door, "riser")
        assert person_now.role == role
        assert role == "owner" or person_now.environments
    assert "user.updated" in await door.acts()


async def test_role_taken_away_ends_the_sessions_and_the_role(door: Gate) -> None:
    door.set(oidc_role_claim="groups")
    door.issuer.claims = called("fired", groups=["owner"])
    before = await door.come()
    assert (await before.open(HOME)).status == 200
    door.issuer.claims = called("fired", groups=[])
    assert "none of the roles" in await door.refused()
    assert (await before.open(HOME)).status == 303
    fired = await found(door, "fired")
    assert (fired.role, await sessions_of(door.parts, fired)) == ("viewer", [])
    assert (await door.acts())[0] == "user.role_withdrawn"
    await door.refused()
    assert (await door.acts()).count("user.role_withdrawn") == 1
    door.issuer.claims = called("fired", groups=["operator"])
    await door.come()
    assert (await found(door, "fired")).role == "operator"


async def test_last_owner_keeps_the_role_that_a_claim_takes_away(door: Gate) -> None:
    door.set(oidc_role_claim="groups")
    door.issuer.claims = called("last", groups=["owner"])
    browser = await door.come()
    for each in await door.parts.people.all():
        if each.role == "owner" and each.name != "last@corp.example":
            await change_person(door.parts, each, "operator")
    door.issuer.claims = called("last", groups=["viewer"])
    assert (await door.come()).page.status == 303
    assert (await found(door, "last")).role == "owner"
    assert "user.role_kept" in await door.acts()
    door.issuer.claims = called("last", groups=[])
    assert "none of the roles" in await door.refused()
    assert (await found(door, "last")).role == "owner"
    assert (await browser.open(HOME)).status == 200
    await change_person(door.parts, await find_person(door.parts, "keeper"), "owner")


async def test_one_who_comes_twice_at_once_is_one_person(door: Gate) -> None:
    door.issuer.claims = called("twice")
    browsers = [door.browser() for _ in range(4)]
    links = [door.issuer.authorize(await door.leave(each)) for each in browsers]
    got = await asyncio.gather(*(each.open(link) for each, link in zip(browsers, links, strict=True)))
    assert [each.status for each in got] == [303] * 4
    twice = await found(door, "twice")
    assert len(await door.parts.identities.of_person(twice.id)) == 1
    assert len(await sessions_of(door.parts, twice)) == 4
