"""`portico doctor` on the provider where people sign in: each mistake made here on purpose, found, and told."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portico import clock
from portico.cli.looks import provider
from portico.cli.looks.finding import Finding
from portico.settings import Settings
from tests.issuer import CLIENT, Issuer, described, elliptic_key, issuing, rsa_key


@pytest.fixture(scope="module")
def issuing_one() -> Generator[Issuer]:
    with issuing(clock.now) as made:
        yield made


@pytest.fixture
def issuer(issuing_one: Issuer) -> Issuer:
    issuing_one.reset()
    return issuing_one


def settings(issuer: Issuer, **changes: Any) -> Settings:
    return replace(Settings(oidc_issuer=issuer.url, oidc_client_id=CLIENT, oidc_new_people="viewer"), **changes)


def first(findings: list[Finding]) -> tuple[bool, str]:
    return findings[0].is_well, f"{findings[0].found} {findings[0].mend}"


async def test_nothing_is_said_where_people_sign_in_with_passwords() -> None:
    assert provider.settings_look(Settings()) == []
    assert await provider.look(Settings()) == []


async def test_provider_as_it_should_be_is_well(issuer: Issuer) -> None:
    issuer.keys = [described(rsa_key(), "a"), described(elliptic_key(), "b")]
    found = provider.settings_look(settings(issuer)) + await provider.look(settings(issuer))
    assert [(each.what, each.is_well) for each in found] == [
        ("sign-in provider", True), ("sign-in provider answers", True), ("sign-in provider's clock", True),
    ]  # fmt: skip
    assert found[1].found == "with 2 keys for ES256 and RS256"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"oidc_client_id": ""}, "PORTICO_OIDC_CLIENT_ID"),
        ({"oidc_client_secret_file": "/nowhere/secret"}, "PORTICO_OIDC_CLIENT_SECRET_FILE"),
        ({"oidc_issuer": "https://accounts.google.com"}, "Everybody on earth"),
    ],
)
async def test_mistake_in_the_settings_is_found_without_asking_anybody(
    issuer: Issuer, changes: dict[str, Any], told: str
) -> None:
    is_well, text = first(provider.settings_look(settings(issuer, **changes)))
    assert (is_well, told in text) == (False, True)


async def test_provider_that_lets_nobody_new_in_is_said(issuer: Issuer) -> None:
    is_well, text = first(provider.settings_look(settings(issuer, oidc_new_people="off")))
    assert (is_well, "Nobody new" in text) == (True, True)


async def test_provider_that_is_another_is_found(issuer: Issuer) -> None:
    issuer.metadata = {"issuer": "https://another.example"}
    assert first(await provider.look(settings(issuer)))[0] is False


async def test_provider_that_is_away_is_found(issuer: Issuer) -> None:
    issuer.answers["/.well-known/openid-configuration"] = (503, {})
    assert "answers 503" in first(await provider.look(settings(issuer)))[1]


async def test_keys_that_cannot_be_used_are_found(issuer: Issuer) -> None:
    issuer.keys = [{"kty": "oct", "kid": "one", "k": "x"}]
    is_well, text = first(await provider.look(settings(issuer)))
    assert (is_well, "publishes no key that can be used" in text) == (False, True)


@pytest.mark.parametrize("minutes", [-5, 5])
async def test_clock_that_is_wrong_is_found(issuer: Issuer, minutes: int) -> None:
    issuer.moment = lambda: clock.now() + timedelta(minutes=minutes)
    found = (await provider.look(settings(issuer)))[1]
    assert (found.is_well, "NTP" in found.mend) == (False, True)
