"""ID tokens: everything that one must say and be signed with, each denied."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.faces.provider.gate import Gate
from tests.issuer import CLIENT, Json, b64, described, elliptic_key, rsa_key, signed

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_elliptic_signatures_are_taken(door: Gate) -> None:
    door.issuer.key, door.issuer.key_id = elliptic_key(), "two"
    assert (await door.come()).page.status == 303


def other(**changes: Any) -> Callable[[Json], Json]:
    """Claims with these instead; None leaves one out."""
    return lambda claims: {name: value for name, value in (claims | changes).items() if value is not None}


def shifted(**seconds: int) -> Callable[[Json], Json]:
    return lambda claims: claims | {name: claims["iat"] + each for name, each in seconds.items()}


SPOILT: dict[str, tuple[Callable[[Json], Json], str]] = {
    "another issuer": (other(iss="https://evil.example"), "another issuer's"),
    "no issuer": (other(iss=None), "another issuer's"),
    "another audience": (other(aud="another"), "for another program"),
    "audiences without ours": (other(aud=["one", "two"], azp=CLIENT), "for another program"),
    "several audiences and no azp": (other(aud=[CLIENT, "another"]), "azp"),
    "another azp": (other(azp="another"), "azp"),
    "expired": (shifted(iat=-400, exp=-61), "expired"),
    "no end": (other(exp=None), "when it was made and when it ends"),
    "an end that is no number": (other(exp="tomorrow"), "when it was made"),
    "an end that is true": (other(exp=True), "when it was made"),
    "no beginning": (other(iat=None), "when it was made"),
    "from the future": (shifted(iat=61, exp=400), "from the future"),
    "not before later": (shifted(nbf=61), "from the future"),
    "another nonce": (other(nonce="x" * 43), "another sign-in"),
    "no nonce": (other(nonce=None), "another sign-in"),
    "another access token": (other(at_hash="x" * 22), "at_hash"),
    "no subject": (other(sub=None), "whom it is about"),
    "empty subject": (other(sub=""), "whom it is about"),
    "subject of another kind": (other(sub=7), "whom it is about"),
}


@pytest.mark.parametrize("name", SPOILT)
async def test_token_that_says_something_wrong_is_refused(door: Gate, name: str) -> None:
    door.issuer.spoil, sentence = SPOILT[name]
    assert sentence in await door.refused()


@pytest.mark.parametrize("changes", [other(aud=[CLIENT]), other(aud=[CLIENT, "b"], azp=CLIENT), shifted(exp=1, nbf=30)])
async def test_token_that_says_it_in_another_allowed_way_is_taken(door: Gate, changes: Callable[[Json], Json]) -> None:
    door.issuer.spoil = changes
    assert (await door.come()).page.status == 303


def published_bytes(door: Gate) -> bytes:
    return door.issuer.shown_keys["keys"][0]["n"].encode()


FORGED: dict[str, tuple[Callable[[Gate], Callable[[Json, Json], str]], str]] = {
    "none": (lambda door: lambda claims, header: signed(claims, None, header | {"alg": "none"}), "three parts"),
    "none with a tail": (
        lambda door: lambda claims, header: signed(claims, None, header | {"alg": "none"}) + b64(b"x"),
        "signed with 'none'",
    ),
    "HS256 with the published key": (
        lambda door: lambda claims, header: signed(claims, published_bytes(door), header | {"alg": "HS256"}),
        "signed with 'HS256'",
    ),
    "RS512": (lambda door: lambda claims, header: signed(claims, rsa_key(), header | {"alg": "RS512"}), "'RS512'"),
    "another's key under the same name": (
        lambda door: lambda claims, header: signed(claims, rsa_key(1), header),
        "signature is wrong",
    ),
    "an elliptic key under the RSA key's name": (
        lambda door: lambda claims, header: signed(claims, elliptic_key(), header | {"alg": "ES256"}),
        "does not publish",
    ),
    "a key that nobody publishes": (
        lambda door: lambda claims, header: signed(claims, rsa_key(1), header | {"kid": "unknown"}),
        "does not publish",
    ),
    "its own key in the header": (
        lambda door: (
            lambda claims, header: signed(
                claims, rsa_key(1), header | {"kid": "own", "jwk": described(rsa_key(1), "own")}
            )
        ),
        "does not publish",
    ),
    "extensions": (lambda door: lambda claims, header: signed(claims, rsa_key(), header | {"crit": ["b64"]}), "extens"),
    "changed afterwards": (
        lambda door: lambda claims, header: changed(signed(claims, rsa_key(), header)),
        "signature is wrong",
    ),
    "not three parts": (lambda door: lambda claims, header: "a.b", "three parts"),
    "no JSON": (lambda door: lambda claims, header: f"{b64(b'x')}.{b64(b'{}')}.{b64(b'x')}", "header cannot be read"),
}


def changed(token: str) -> str:
    """Somebody else, under the signature that was made for another."""
    header, claims, signature = token.split(".")
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    return f"{header}.{b64(json.dumps(told | {'sub': 'somebody else'}).encode())}.{signature}"


@pytest.mark.parametrize("name", FORGED)
async def test_token_that_the_provider_has_not_signed_is_refused(door: Gate, name: str) -> None:
    make, sentence = FORGED[name]
    door.issuer.sign = make(door)
    assert sentence in await door.refused()


async def test_new_key_is_found_and_a_strange_one_looked_for_once_a_minute(door: Gate) -> None:
    await door.come()
    assert door.issuer.count("/keys") == 1
    door.issuer.key, door.issuer.key_id = elliptic_key(1), "next"
    assert "does not publish" in await door.refused()
    assert door.issuer.count("/keys") == 1
    door.clock.advance(seconds=61)
    assert (await door.come()).page.status == 303
    assert door.issuer.count("/keys") == 2
    door.clock.advance(seconds=61)
    door.issuer.header = {"kid": "strange"}
    for _ in range(3):
        await door.refused()
    assert door.issuer.count("/keys") == 3


async def test_key_that_is_published_no_more_ends_within_the_hour(door: Gate) -> None:
    await door.come()
    door.issuer.keys = [described(elliptic_key(), "other")]
    door.clock.advance(seconds=3601)
    assert "does not publish" in await door.refused()


@pytest.mark.parametrize(
    "described_key",
    [
        described(rsa_key(), "one", use="enc"),
        described(rsa_key(), "one", alg="RS512"),
        described(rsa_key(), "one", key_ops=["sign"]),
        described(rsa_key(2, 1024), "one"),
        {"kty": "oct", "kid": "one", "k": b64(b"shared")},
        described(elliptic_key(), "one", crv="P-384"),
    ],
    ids=["for encryption", "for RS512", "not for checking", "too short", "shared", "another curve"],
)
async def test_published_key_that_is_not_for_this_is_passed_over(door: Gate, described_key: Json) -> None:
    door.issuer.keys = [described_key]
    if described_key["kty"] == "RSA" and len(described_key["n"]) < 300:
        door.issuer.key = rsa_key(2, 1024)
    assert "does not publish" in await door.refused()


async def test_token_without_a_keys_name_is_taken_only_where_there_is_one_key(door: Gate) -> None:
    door.issuer.header = {"kid": None}
    assert (await door.come()).page.status == 303
    door.clock.advance(hours=2)
    door.issuer.keys = [described(rsa_key(), "one"), described(rsa_key(1), "two")]
    assert "does not publish" in await door.refused()
