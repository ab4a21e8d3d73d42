"""What the operator says of a sign-in provider: what can be meant, and each mistake by its setting's name."""

from pathlib import Path
from typing import Any

import pytest

from portico.gateway.oidc.configured import Configured, origin_of, read
from portico.settings import BadSetting, Settings

ISSUER = "https://login.example/realms/staff"


def configured(**changes: Any) -> Configured:
    given: dict[str, Any] = {"oidc_issuer": ISSUER, "oidc_client_id": "portico"}
    found = read(Settings(**(given | changes)))
    assert found is not None
    return found


def test_without_an_issuer_there_are_passwords_alone() -> None:
    assert read(Settings(oidc_client_id="portico")) is None


def test_defaults_let_nobody_new_in() -> None:
    found = configured()
    assert (found.new_people, found.links_by_email, found.role_of) == (None, False, {})
    assert found.label == "login.example"
    assert found.scopes == ("openid", "profile", "email")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"passwords": "off", "oidc_issuer": ""}, "PORTICO_PASSWORDS"),
    ({"oidc_client_id": ""}, "PORTICO_OIDC_CLIENT_ID"),
    ({"oidc_issuer": "login.example"}, "PORTICO_OIDC_ISSUER"),
    ({"oidc_issuer": "https://login.example/?a=b"}, "PORTICO_OIDC_ISSUER"),
    ({"oidc_issuer": "https://u:p@login.example"}, "PORTICO_OIDC_ISSUER"),
    ({"oidc_issuer": "http://login.example"}, "plain http"),
    ({"oidc_issuer": "http://10.0.0.1", "oidc_allowed_urls": ("http://10.0.0.2",)}, "plain http"),
    ({"oidc_allowed_urls": ("keycloak:8080",)}, "PORTICO_OIDC_ALLOWED_URLS"),
    ({"oidc_allowed_urls": ("http://keycloak:8080/auth",)}, "PORTICO_OIDC_ALLOWED_URLS"),
    ({"oidc_role_claim": "roles", "oidc_roles": ("admins",)}, "PORTICO_OIDC_ROLES"),
    ({"oidc_role_claim": "roles", "oidc_roles": ("admins=root",)}, "owner"),
    ({"oidc_role_claim": "roles", "oidc_roles": ("=owner",)}, "PORTICO_OIDC_ROLES"),
]


@pytest.mark.parametrize(("changes", "named"), REFUSED)
def test_mistake_is_refused_by_the_name_of_its_setting(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSetting, match=named):
        configured(**changes)


def test_plain_http_is_for_this_computer_and_for_origins_that_the_operator_names() -> None:
    assert configured(oidc_issuer="http://127.0.0.1:8080").may_fetch("http://127.0.0.1:8080/token")
    found = configured(oidc_issuer="http://idp:80/x", oidc_allowed_urls=("http://idp",))
    assert found.may_fetch("http://idp/token")
    assert not found.may_fetch("http://idp:81/token")
    assert not configured().may_fetch("http://login.example/token")
    assert configured().may_fetch("https://anywhere.example/token?a=b")


def test_only_the_issuers_own_origin_and_those_named_may_be_private() -> None:
    found = configured(oidc_allowed_urls=("http://keycloak:8080",))
    assert [found.is_trusted(url) for url in (f"{ISSUER}/token", "https://LOGIN.example:443/x")] == [True, True]
    assert found.is_trusted("http://keycloak:8080/keys")
    others = ("https://login.example:444/x", "http://login.example/x", "https://login.example.evil.example/x")
    assert [found.is_trusted(url) for url in others] == [False] * 3


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example/x?y", "https://a.example:443"),
        ("http://a.example:8080", "http://a.example:8080"),
        ("https://a.example:99999", "https://a.example:0"),
        ("https://good.example@evil.example/", "https://evil.example:443"),
    ],
)
def test_origin_names_its_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_values_with_an_equals_sign_can_mean_a_role() -> None:
    found = configured(oidc_role_claim="groups", oidc_roles=("cn=admins,dc=x=owner", " staff = Viewer "))
    assert found.role_of == {"cn=admins,dc=x": "owner", "staff": "viewer"}
    assert found.highest(["staff", "cn=admins,dc=x"]) == "owner"
    assert found.highest(["nobody"]) is None


def test_secret_in_a_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    found = configured(oidc_client_secret_file=str(path))
    with pytest.raises(BadSetting, match="PORTICO_OIDC_CLIENT_SECRET_FILE"):
        found.client_secret()
    for text in ("first\n", "second\n"):
        path.write_text(text)
        assert found.client_secret() == text.strip()
    path.write_text("\n")
    with pytest.raises(BadSetting, match="empty"):
        found.client_secret()
    assert "canary" not in repr(configured(oidc_client_secret="canary"))
