"""How a session from the provider ends: like any other, there too on request, and when the provider says so."""

from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.faces.oauth.browser import HOST, Browser
from tests.faces.provider.gate import HOME, Gate
from tests.gateways import Got, exchange
from tests.issuer import CLIENT, Json, rsa_key, signed

pytestmark = pytest.mark.asyncio(loop_scope="package")
EVENTS: Json = {"http://schemas.openid.net/event/backchannel-logout": {}}


async def test_session_ends_after_twelve_idle_hours_and_after_seven_days(door: Gate) -> None:
    idle, busy = await door.come(), await door.come()
    for _ in range(15):
        door.clock.advance(hours=11)
        assert (await busy.open(HOME)).status == 200
    assert (await idle.open(HOME)).status == 303
    door.clock.advance(hours=4)
    assert (await busy.open(HOME)).status == 303


async def test_signing_out_offers_to_sign_out_at_the_provider(door: Gate) -> None:
    browser = await door.come()
    stolen = Browser(door.gateway, cookie=browser.cookie)
    await browser.open(HOME)
    got = await browser.submit("/sign-out")
    assert (got.status, "You are signed out" in browser.text) == (200, True)
    assert (await stolen.open(HOME)).status == 303
    link = next(part for part in got.content.decode().split('"') if part.startswith(door.issuer.url))
    told = dict(parse_qsl(urlsplit(unescape(link)).query))
    assert told["client_id"] == CLIENT
    assert told["post_logout_redirect_uri"] == "https://portico.test/sign-in"
    assert told["id_token_hint"].count(".") == 2


async def test_provider_without_such_an_address_and_local_sessions_sign_out_as_ever(door: Gate) -> None:
    door.issuer.metadata = {"end_session_endpoint": None}
    browser = await door.come()
    await browser.open(HOME)
    got = await browser.submit("/sign-out")
    assert (got.status, got.headers["location"]) == (303, "/sign-in")


def token(door: Gate, **changes: Any) -> str:
    claims = door.issuer.made({"events": EVENTS, "jti": "1", "sub": "sub-ada"}) | changes
    return door.issuer.signed({name: value for name, value in claims.items() if value is not None})


async def tell(door: Gate, text: str, kind: str = "application/x-www-form-urlencoded") -> Got:
    content = urlencode({"logout_token": text}).encode()
    headers = {"host": HOST, "content-type": kind, "content-length": str(len(content))}
    return await exchange(door.gateway, "POST", "/sign-in/ended", "", headers, content)


async def test_provider_ends_one_session_or_all_of_a_person(door: Gate) -> None:
    door.issuer.claims |= {"sid": "s1"}
    first = await door.come()
    door.issuer.claims |= {"sid": "s2"}
    second = await door.come()
    door.issuer.claims = {"sub": "sub-bob", "email": "bob@corp.example", "sid": "s3"}
    other = await door.come()
    got = await tell(door, token(door, sub=None, sid="s1"))
    assert (got.status, got.headers["cache-control"]) == (200, "no-store")
    assert [(await each.open(HOME)).status for each in (first, second, other)] == [303, 200, 200]
    assert (await door.acts())[0] == "user.signed_out_by_provider"
    assert (await tell(door, token(door, sid="s3"))).status == 200
    assert [(await each.open(HOME)).status for each in (second, other)] == [200, 200]
    assert (await tell(door, token(door))).status == 200
    assert [(await each.open(HOME)).status for each in (second, other)] == [303, 200]


REFUSED: dict[str, Callable[[Gate], str]] = {
    "no token": lambda door: "",
    "nonsense": lambda door: "a.b.c",
    "no events": lambda door: token(door, events=None),
    "another event": lambda door: token(door, events={"http://x": {}}),
    "an ID token": lambda door: token(door, nonce="n"),
    "nobody": lambda door: token(door, sub=None),
    "another audience": lambda door: token(door, aud="another"),
    "another issuer": lambda door: token(door, iss="https://evil.example"),
    "expired": lambda door: token(door, iat=1, exp=2),
    "old": lambda door: token(door, iat=int(door.clock().timestamp()) - 601),
    "no end": lambda door: token(door, exp=None),
    "not signed": lambda door: signed(door.issuer.made({"events": EVENTS, "sub": "sub-ada"}), None, {"alg": "none"}),
    "signed by another": lambda door: signed(
        door.issuer.made({"events": EVENTS, "sub": "sub-ada"}), rsa_key(1), {"alg": "RS256", "kid": "one"}
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_nobody_else_ends_a_session(door: Gate, name: str) -> None:
    browser = await door.come()
    got = await tell(door, REFUSED[name](door))
    told: Json = got.json
    assert (got.status, told["error"]) == (400, "invalid_request")
    assert (await browser.open(HOME)).status == 200


async def test_logout_token_is_a_form_and_nothing_else(door: Gate) -> None:
    assert (await tell(door, token(door), "application/json")).status == 400
