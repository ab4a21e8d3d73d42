"""The whole way on both engines; and a gateway without passwords, from its very first visit on."""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

from portico.faces.web.visit import form_token
from portico.gateway.people import NewPerson, add_person, find_person
from portico.gateway.signing_in import make_setup_code
from tests.conftest import HeldClock
from tests.faces.oauth.browser import ORIGIN, Browser
from tests.faces.oauth.program import PASSWORD
from tests.faces.provider.gate import HOME, gate
from tests.faces.provider.test_leaving import tell, token
from tests.issuer import issuing


async def test_coming_in_twice_at_once_leaving_and_being_ended_go_well(database_url: str, tmp_path: Path) -> None:
    clock = HeldClock()
    with issuing(clock) as issuer:
        async with gate(issuer, tmp_path, clock, database_url=database_url, oidc_new_people="owner") as door:
            issuer.claims |= {"sid": "s1"}
            browsers = [door.browser() for _ in range(3)]
            links = [issuer.authorize(await door.leave(each)) for each in browsers]
            got = await asyncio.gather(*(each.open(link) for each, link in zip(browsers, links, strict=True)))
            assert [each.status for each in got] == [303] * 3
            assert len(await door.parts.people.all()) == 1
            first, *rest = browsers
            await first.open(HOME)
            await first.submit("/sign-out")
            assert "You are signed out" in first.text
            assert [(await each.open(HOME)).status for each in rest] == [200, 200]
            assert (await tell(door, token(door, sid="s1"))).status == 200
            assert [(await each.open(HOME)).status for each in rest] == [303, 303]


async def test_without_passwords_the_first_owner_comes_by_the_claim(tmp_path: Path) -> None:
    clock = HeldClock()
    with issuing(clock) as issuer:
        async with gate(issuer, tmp_path, clock, passwords="off", oidc_role_claim="roles") as door:
            stranger = Browser(door.gateway)
            await stranger.open("/sign-in")
            assert "Sign in with Larkfield" in stranger.text
            assert "Setup code" not in stranger.text
            assert "Password" not in stranger.text
            issuer.claims |= {"roles": ["owner"]}
            browser = await door.come()
            await browser.follow()
            assert "You are an owner" in browser.text
            assert (await find_person(door.parts, "ada@corp.example")).role == "owner"


async def test_without_passwords_no_form_takes_one(tmp_path: Path) -> None:
    clock = HeldClock()
    with issuing(clock) as issuer:
        async with gate(issuer, tmp_path, clock, passwords="off", oidc_new_people="owner") as door:
            code = await make_setup_code(door.parts)
            for do in ("set-up", ""):
                visitor = Browser(door.gateway)
                await visitor.open("/sign-in")
                fields = {"do": do, "code": code, "name": "olga", "password": PASSWORD}
                await post(visitor, "/sign-in", fields)
                assert (visitor.page.status, "Nobody signs in here with a password" in visitor.text) == (403, True)
                if do:
                    assert await door.parts.people.any() is False
                    await add_person(door.parts, NewPerson(name="olga", password=PASSWORD, role="owner"))
            browser = await door.come()
            await post(browser, "/admin/me", {"do": "password", "old": PASSWORD, "new": PASSWORD})
            assert (browser.page.status, "Nobody signs in here with a password" in browser.text) == (403, True)


async def post(browser: Browser, path: str, fields: dict[str, str]) -> None:
    """A form that no page has."""
    pepper = browser.gateway.parts.keyring.pepper
    fields |= {"form_token": form_token(browser.cookie.partition("=")[2], pepper)}
    sent = {"content-type": "application/x-www-form-urlencoded", "origin": ORIGIN}
    await browser.send("POST", path, urlencode(fields).encode(), sent)


async def test_nobody_but_an_owner_is_the_first_to_come_in(tmp_path: Path) -> None:
    """Or the setup code would open nothing any more, and nobody could make an owner here."""
    clock = HeldClock()
    with issuing(clock) as issuer:
        async with gate(issuer, tmp_path, clock) as door:
            assert "no owner yet" in (await door.come()).text
            code = await make_setup_code(door.parts)
            browser = door.browser()
            await browser.open("/sign-in")
            assert "Sign in with Larkfield" in browser.text
            got = await browser.submit("/sign-in", code=code, name="olga", password=PASSWORD)
            assert got.status == 303
            assert (await door.come()).page.status == 303
