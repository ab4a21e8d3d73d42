"""What the provider publishes and answers: kept, guarded, and told in a sentence where it cannot be used."""

from typing import Any

import pytest

from tests.faces.provider.gate import Gate
from tests.issuer import Json, issuing

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_public_client_and_one_that_posts_its_secret_come_in(door: Gate) -> None:
    door.issuer.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert (await door.come()).page.status == 303
    door.reset()
    door.issuer.secret = ""
    door.set(oidc_client_secret="")
    assert (await door.come()).page.status == 303


async def test_nothing_of_the_provider_is_asked_without_a_visitor(door: Gate) -> None:
    assert (await door.browser().open("/sign-in")).status == 200
    assert door.issuer.seen == []


METADATA: dict[str, tuple[tuple[int, Any] | None, Json, str]] = {
    "not there": ((404, {}), {}, "answers 404"),
    "no JSON": ((200, b"<html>"), {}, "no JSON"),
    "a list": ((200, b"[]"), {}, "no JSON"),
    "moved": ((302, {}), {}, "answers 302"),
    "without end": ((200, b" " * 1_100_000), {}, "cannot be reached"),
    "another issuer": (None, {"issuer": "https://evil.example"}, "must be the same to the letter"),
    "a slash more": (None, {"issuer": "SLASH"}, "must be the same to the letter"),
    "no authorization address": (None, {"authorization_endpoint": None}, "authorization_endpoint"),
    "a script": (None, {"authorization_endpoint": "javascript:alert(1)"}, "authorization_endpoint"),
    "a broken line": (None, {"authorization_endpoint": "https://a.example/\r\nx: y"}, "authorization_endpoint"),
    "plain http elsewhere": (None, {"token_endpoint": "http://elsewhere.example/token"}, "token_endpoint"),
    "a file": (None, {"jwks_uri": "file:///etc/passwd"}, "jwks_uri"),
    "only HS256": (None, {"id_token_signing_alg_values_supported": ["HS256"]}, "neither RS256 nor ES256"),
}


@pytest.mark.parametrize("name", METADATA)
async def test_provider_that_publishes_nonsense_is_told_in_a_sentence(door: Gate, name: str) -> None:
    answer, changes, sentence = METADATA[name]
    if answer is not None:
        door.issuer.answers["/.well-known/openid-configuration"] = answer
    door.issuer.metadata = changes if changes.get("issuer") != "SLASH" else {"issuer": f"{door.issuer.url}/"}
    browser = door.browser()
    got = await browser.open("/sign-in/provider")
    assert (got.status, sentence in browser.text, "location" in got.headers) == (502, True, False), browser.text
    assert door.issuer.count("/elsewhere") == 0


async def test_what_is_published_is_asked_once_an_hour_and_kept_while_the_provider_is_away(door: Gate) -> None:
    for _ in range(3):
        await door.come()
    assert (door.issuer.count("/.well-known/openid-configuration"), door.issuer.count("/keys")) == (1, 1)
    door.issuer.answers = {"/.well-known/openid-configuration": (500, {}), "/keys": (500, {})}
    door.clock.advance(hours=2)
    assert (await door.come()).page.status == 303
    door.clock.advance(hours=23)
    got = await door.browser().open("/sign-in/provider")
    assert got.status == 502


async def test_addresses_beside_the_issuers_own_are_asked_only_on_the_open_internet(door: Gate) -> None:
    """The provider itself may be private because the operator named it; where it points to may not."""
    with issuing(door.clock) as inner:
        door.issuer.metadata = {"jwks_uri": f"{inner.url}/keys".replace("http://127.0.0.1", "https://127.0.0.1")}
        assert "private address" in await door.refused()
        door.reset()
        door.issuer.metadata = {"jwks_uri": f"{inner.url}/keys"}
        browser = door.browser()
        await browser.open("/sign-in/provider")
        assert "jwks_uri" in browser.text
        assert inner.seen == []
        door.clock.advance(hours=25)
        door.set(oidc_allowed_urls=(inner.url,))
        inner.key, inner.key_id = door.issuer.key, door.issuer.key_id
        assert (await door.come()).page.status == 303
        assert inner.seen == [("GET", "/keys")]


NO_TOKEN: list[tuple[tuple[int, Any], str]] = [
    ((200, {}), "has sent no ID token"),
    ((200, b"nothing"), "no JSON"),
    ((500, b"<html>"), "status 500"),
    ((400, {"error": "invalid_grant"}), "invalid_grant"),
    ((400, {"error": "<script>"}), "status 400"),
    ((302, {}), "status 302"),
]


@pytest.mark.parametrize(("answer", "sentence"), NO_TOKEN)
async def test_token_address_that_gives_none_is_told(door: Gate, answer: tuple[int, Any], sentence: str) -> None:
    door.issuer.answers["/token"] = answer
    assert sentence in await door.refused()
    assert door.issuer.count("/elsewhere") == 0


async def test_wrong_secret_is_told(door: Gate) -> None:
    door.set(oidc_client_secret="another")
    assert "invalid_client" in await door.refused()
