"""Settings: every variable is read, every bad value is refused by name, and no secret can be printed by accident."""

from dataclasses import fields
from pathlib import Path

import pytest

from portico.settings import BadSetting, Settings, variable


def test_without_any_variable_every_setting_has_a_value_that_works() -> None:
    settings = Settings.read({})
    assert settings.database_url == ""
    assert settings.data_dir.name == "portico"
    assert settings.log_level == "info"
    assert settings.extra_base_urls() == ()


READ = {
    "database_url": ("postgresql://u:p@host/db", "postgresql://u:p@host/db"),
    "data_dir": ("/var/lib/portico", Path("/var/lib/portico")),
    "master_key": ("abc", "abc"),
    "master_key_file": ("/run/secrets/key", "/run/secrets/key"),
    "vault_url": ("https://vault.example:8200", "https://vault.example:8200"),
    "vault_key": ("our-key", "our-key"),
    "vault_mount": ("crypto", "crypto"),
    "vault_namespace": ("team", "team"),
    "vault_token": ("hvs.token\n", "hvs.token"),
    "vault_token_file": ("/run/vault/token", "/run/vault/token"),
    "vault_ca_file": ("/etc/ssl/ours.pem", "/etc/ssl/ours.pem"),
    "public_url": ("https://portico.example", "https://portico.example"),
    "bootstrap_token": ("a-token\n", "a-token"),
    "log_level": ("WARNING", "warning"),
    "log_format": ("json", "json"),
    "allowed_base_urls": (
        " https://a.example/v1/, http://10.0.0.1:8000 ,",
        ("https://a.example/v1", "http://10.0.0.1:8000"),
    ),
    "vendor_base_urls": ("openai=http://127.0.0.1:8701/v1/", ("openai=http://127.0.0.1:8701/v1",)),
    "allowed_webhook_urls": ("http://127.0.0.1", ("http://127.0.0.1",)),
    "job_lease_seconds": ("5", 5.0),
    "drain_seconds": ("3", 3.0),
    "grace_seconds": ("4", 4.0),
    "recheck_hours": ("0.5", 0.5),
    "oauth_cimd": ("FILES", "files"),
    "oauth_registration": ("off", "off"),
    "oauth_app_schemes": ("zed, cursor", ("zed", "cursor")),
    "passwords": ("OFF", "off"),
    "oidc_issuer": ("https://login.example/", "https://login.example/"),
    "oidc_client_id": ("portico", "portico"),
    "oidc_client_secret": ("a-secret\n", "a-secret"),
    "oidc_client_secret_file": ("/run/secrets/oidc", "/run/secrets/oidc"),
    "oidc_label": ("Our company", "Our company"),
    "oidc_scopes": ("openid, groups", ("openid", "groups")),
    "oidc_allowed_urls": ("http://keycloak:8080/", ("http://keycloak:8080",)),
    "oidc_email_domains": ("a.example,b.example", ("a.example", "b.example")),
    "oidc_link_by_email": ("on", "on"),
    "oidc_new_people": ("Viewer", "viewer"),
    "oidc_environments": ("*", ("*",)),
    "oidc_again_days": ("7", 7.0),
    "oidc_role_claim": ("realm_access.roles", "realm_access.roles"),
    "oidc_roles": ("admins=owner, staff=viewer", ("admins=owner", "staff=viewer")),
    "trusted_proxies": ("2", 2),
    "connect_timeout_seconds": ("2.5", 2.5),
    "answer_timeout_seconds": ("30", 30.0),
    "idle_timeout_seconds": ("1e2", 100.0),
    "reshape_limit_bytes": ("1024", 1024),
    "file_limit_bytes": ("1000", 1000),
    "fetch": ("OFF", "off"),
    "fetch_limit_bytes": ("1000", 1000),
    "fetch_types": ("image/, audio/", ("image/", "audio/")),
    "replay_hours": ("48", 48),
    "log_days": ("7", 7),
    "log_body_days": ("2", 2),
    "log_body_bytes": ("100", 100),
}


def test_the_table_of_this_test_is_complete() -> None:
    assert set(READ) == {each.name for each in fields(Settings)}


@pytest.mark.parametrize(("name", "text", "value"), [(name, *pair) for name, pair in READ.items()], ids=READ)
def test_variable_is_read(name: str, text: str, value: object) -> None:
    assert getattr(Settings.read({variable(name): text}), name) == value


@pytest.mark.parametrize("name", READ)
def test_an_empty_variable_counts_as_absent(name: str) -> None:
    for empty in ("", " ", "\n"):
        assert getattr(Settings.read({variable(name): empty}), name) == getattr(Settings.read({}), name)


REFUSED = [
    ("LOG_LEVEL", "loud", "debug, info, warning or error"),
    ("LOG_FORMAT", "xml", "text or json"),
    ("CONNECT_TIMEOUT_SECONDS", "soon", "number above 0"),
    ("CONNECT_TIMEOUT_SECONDS", "0", "number above 0"),
    ("ANSWER_TIMEOUT_SECONDS", "-1", "number above 0"),
    ("IDLE_TIMEOUT_SECONDS", "inf", "number above 0"),
    ("IDLE_TIMEOUT_SECONDS", "nan", "number above 0"),
    ("RESHAPE_LIMIT_BYTES", "1.5", "whole number above 0"),
    ("REPLAY_HOURS", "24h", "whole number above 0"),
    ("LOG_DAYS", "0", "whole number above 0"),
    ("LOG_DAYS", "99999999", "at most 36500"),
    ("REPLAY_HOURS", "9" * 20, "at most 87600"),
    ("FILE_LIMIT_BYTES", "9" * 20, "at most"),
    ("DRAIN_SECONDS", "-1", "a number of 0 or more"),
    ("TRUSTED_PROXIES", "-1", "a whole number of 0 or more"),
    ("DATABASE_URL", "mysql://u:p@host/db", "postgresql://"),
    ("DATABASE_URL", "portico.db", "sqlite:///"),
    ("PUBLIC_URL", "portico.example", "https://host"),
    ("PUBLIC_URL", "https://portico.example?a=b", "https://host"),
    ("PUBLIC_URL", "https://user@portico.example", "https://host"),
    ("VAULT_URL", "ftp://vault.example", "https://host"),
    ("ALLOWED_BASE_URLS", "https://a.example, b.example", "https://host"),
    ("ALLOWED_WEBHOOK_URLS", "10.0.0.1", "https://host"),
    ("OAUTH_APP_SCHEMES", "cursor, javascript", "schemes of desktop programs"),
    ("OAUTH_APP_SCHEMES", "cursor://callback", "schemes of desktop programs"),
    ("VENDOR_BASE_URLS", "http://127.0.0.1/v1", "integration=URL"),
    ("VENDOR_BASE_URLS", "openai=127.0.0.1", "integration=URL"),
    ("VENDOR_BASE_URLS", "openai=", "integration=URL"),
    ("VENDOR_BASE_URLS", "=http://127.0.0.1/v1", "integration=URL"),
]


@pytest.mark.parametrize(("name", "text", "allowed"), REFUSED)
def test_a_bad_value_is_refused_with_its_variable_and_what_is_allowed(name: str, text: str, allowed: str) -> None:
    with pytest.raises(BadSetting) as refused:
        Settings.read({f"PORTICO_{name}": text})
    assert f"PORTICO_{name}" in refused.value.sentence
    assert allowed in refused.value.sentence


@pytest.mark.parametrize("name", ["drain_seconds", "trusted_proxies"])
def test_none_at_all_may_be_said_where_that_is_the_default(name: str) -> None:
    assert getattr(Settings.read({variable(name): "0"}), name) == 0


def test_public_url_is_kept_without_a_slash_at_its_end() -> None:
    assert Settings.read({"PORTICO_PUBLIC_URL": "https://portico.example/"}).public_url == "https://portico.example"


def test_address_of_the_database_is_refused_without_repeating_its_password() -> None:
    with pytest.raises(BadSetting) as refused:
        Settings.read({"PORTICO_DATABASE_URL": "mysql://u:canary@host/db"})
    assert "canary" not in refused.value.sentence


def test_a_vendors_default_address_can_be_replaced_and_is_then_allowed() -> None:
    settings = Settings.read(
        {"PORTICO_VENDOR_BASE_URLS": "openai=http://127.0.0.1:1/v1", "PORTICO_ALLOWED_BASE_URLS": "https://a.example"}
    )
    assert settings.default_base_url("openai") == "http://127.0.0.1:1/v1"
    assert settings.default_base_url("another") == ""
    assert settings.extra_base_urls() == ("https://a.example", "http://127.0.0.1:1/v1")


def test_data_folder_follows_the_users_and_may_begin_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert Settings.read({}).data_dir == Path("/home/someone/.local/share/portico")
    assert Settings.read({"PORTICO_DATA_DIR": "~/here"}).data_dir == Path("/home/someone/here")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert Settings.read({}).data_dir == Path("/data/portico")


def test_printed_settings_hold_no_secret() -> None:
    given = {
        "MASTER_KEY": "root-canary",
        "BOOTSTRAP_TOKEN": "token-canary",
        "DATABASE_URL": "postgresql://u:canary@h/d",
        "VAULT_TOKEN": "vault-canary",
        "OIDC_CLIENT_SECRET": "client-canary",
    }
    settings = Settings.read({f"PORTICO_{name}": text for name, text in given.items()})
    assert "canary" not in repr(settings)
    assert "canary" not in f"{settings}"


def test_every_setting_says_what_it_means() -> None:
    assert all(each.metadata["meaning"].endswith(".") for each in fields(Settings))
