"""The way to the provider and back: state, browser, code, and where somebody goes afterwards."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.faces.oauth.browser import Browser
from tests.faces.provider.gate import HOME, Gate
from tests.issuer import CLIENT, Json

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_somebody_comes_in_through_the_provider_and_goes_where_they_wanted(door: Gate) -> None:
    door.issuer.claims |= {"sub": "sub-new", "email": "new@corp.example"}
    browser = door.browser()
    await browser.open("/sign-in?next=%2Fadmin%2Fme")
    assert "Sign in with Larkfield" in browser.text
    before = browser.cookie
    asked = await door.leave(browser)
    assert (asked["response_type"], asked["client_id"], asked["from"]) == ("code", CLIENT, "metadata")
    assert asked["scope"] == "openid profile email"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == "https://portico.test/sign-in/callback"
    got = await door.back(browser, asked)
    assert (got.status, got.headers["location"]) == (303, HOME)
    assert browser.cookie != before
    await browser.follow()
    assert "Signed in as new@corp.example" in browser.text
    assert (await door.acts())[:3] == ["user.signed_in", "user.linked", "user.created"]
    assert (await Browser(door.gateway, cookie=before).open(HOME)).status == 303


async def test_same_subject_is_the_same_person_whatever_it_is_called_by_then(door: Gate) -> None:
    await door.come()
    door.issuer.claims = {"sub": "sub-ada", "email": "ada.newname@corp.example", "email_verified": True}
    browser = await door.come()
    await browser.follow()
    assert "Signed in as ada@corp.example" in browser.text


async def test_state_nonce_and_challenge_are_new_each_time(door: Gate) -> None:
    browser = door.browser()
    first, second = await door.leave(browser), await door.leave(browser)
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name]


async def test_two_tabs_can_sign_in_at_once(door: Gate) -> None:
    browser = door.browser()
    first, _ = await door.leave(browser), await door.leave(browser)
    assert (await door.back(browser, first)).status == 303


ANSWERS: dict[str, tuple[Json, str]] = {
    "another issuer's": ({"iss": "https://evil.example"}, "not one of Larkfield's"),
    "nobody's": ({"iss": None}, "not one of Larkfield's"),
    "without a code": ({"code": None}, "without a code"),
    "a no": ({"code": None, "error": "access_denied", "error_description": "<b>call 555</b>"}, "access_denied"),
    "an odd no": ({"code": None, "error": "<b>call 555</b>"}, "(an error)"),
    "a code that it does not know": ({"code": "made-up"}, "invalid_grant"),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_answer_that_lets_nobody_in_is_told_on_the_sign_in_page(door: Gate, name: str) -> None:
    door.issuer.answer, sentence = ANSWERS[name]
    text = await door.refused()
    assert sentence in text
    assert "555" not in text


async def test_code_of_another_issuer_is_never_sent_to_the_token_address(door: Gate) -> None:
    door.issuer.answer = {"iss": "https://evil.example"}
    await door.refused()
    assert door.issuer.count("/token") == 0


async def test_answer_works_once_and_only_in_the_browser_that_asked(door: Gate) -> None:
    """Nobody is signed in as somebody else by a link that somebody made (login CSRF)."""
    attacker, victim = door.browser(), door.browser()
    await victim.open("/sign-in")
    link = door.issuer.authorize(await door.leave(attacker))
    got = await victim.open(link)
    assert (got.status, "not begun in this browser" in victim.text) == (403, True)
    assert (await victim.open(HOME)).status == 303
    assert (await attacker.open(link)).status == 303
    again = await attacker.open(link)
    assert again.status == 403


@pytest.mark.parametrize("state", ["", "nonsense", "ptc_sso_x", None])
async def test_answer_without_our_state_is_refused(door: Gate, state: str | None) -> None:
    door.issuer.answer = {"state": state}
    assert "not begun in this browser" in await door.refused()


async def test_answer_with_something_twice_is_refused(door: Gate) -> None:
    browser = door.browser()
    link = door.issuer.authorize(await door.leave(browser))
    await browser.open(link + "&code=another")
    assert "twice" in browser.text


async def test_sign_in_is_good_for_ten_minutes(door: Gate) -> None:
    browser = door.browser()
    asked = await door.leave(browser)
    door.clock.advance(minutes=10)
    assert (await door.back(browser, asked)).status == 403


async def test_code_of_another_sign_in_is_refused_by_its_challenge(door: Gate) -> None:
    """A stolen code is worth nothing in a thief's own sign-in (PKCE)."""
    victim, thief = door.browser(), door.browser()
    stolen = dict(parse_qsl(urlsplit(door.issuer.authorize(await door.leave(victim))).query))["code"]
    own = await door.leave(thief)
    door.issuer.answer = {"code": stolen}
    got = await door.back(thief, own)
    assert (got.status, "invalid_grant" in thief.text) == (403, True)


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_nobody_is_sent_elsewhere_afterwards(door: Gate, after: str) -> None:
    browser = await door.come(after=after)
    assert (browser.page.status, browser.page.headers["location"]) == (303, "/admin")


async def test_another_sites_link_leads_to_our_own_page_first(door: Gate) -> None:
    browser = door.browser()
    got = await browser.open("/sign-in/provider?next=%2Fadmin", **{"Sec-Fetch-Site": "cross-site"})
    assert (got.status, got.headers["location"]) == (303, "/sign-in?next=%2Fadmin")
    assert (await browser.open("/sign-in/provider", **{"Sec-Fetch-Site": "same-origin"})).status == 303
    assert browser.page.headers["location"].startswith(door.issuer.url)


async def test_whoever_is_in_already_is_not_sent_to_the_provider(door: Gate) -> None:
    browser = await door.come()
    got = await browser.open("/sign-in/provider?next=%2Faccess")
    assert got.headers["location"] == "/access"


async def test_coming_to_the_door_too_often_is_stopped(door: Gate) -> None:
    browser = door.browser()
    found = [(await browser.open("/sign-in/provider")).status for _ in range(61)]
    assert found == [303] * 60 + [429]
    door.clock.advance(minutes=2)


async def test_nothing_secret_stands_on_the_page_in_the_trail_or_in_the_database(door: Gate) -> None:
    await door.come()
    rows: list[Any] = []
    for table in ("provider_sessions", "begun_sign_ins", "identities", "audit"):
        async with door.parts.database.snapshot() as snapshot:
            await snapshot.begin(table)
            rows += await snapshot.take(1000)
    kept = str(rows)
    assert "sub-ada" in kept
    # A token begins with an object, encoded; three letters alone come up in random bytes now and then.
    assert re.search(r"eyJ[\w-]{10,}\.", kept) is None
    assert not any(asked["state"] in kept or asked["nonce"] in kept for asked in door.issuer.asked)
