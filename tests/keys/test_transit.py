"""A root key that stays in Vault: it wraps and unwraps over the wire, is cached for a while, and refused when away."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from portico import clock
from portico.errors import KeysUnavailable
from portico.gateway import keyring as keyrings
from portico.gateway.keyring import Keyring, open_keyring
from portico.gateway.roots import KeyRefused
from portico.gateway.transit import Transit, open_transit
from portico.settings import Settings
from portico.store.database import Database
from portico.vault.envelope import CannotOpen, Place
from tests.faults.certificates import server_context
from tests.keys.vault import TOKEN, Vault, running_vault

PLACE = Place("test", "environment-1", "rows.sealed:1")


@pytest.fixture
async def vault() -> AsyncGenerator[Vault]:
    async with running_vault() as running:
        yield running


@pytest.fixture
def vaulted(tmp_path: Path, vault: Vault) -> Settings:
    return Settings(data_dir=tmp_path / "data", vault_url=vault.url, vault_token=TOKEN)


async def opened(settings: Settings, database: Database) -> Keyring:
    service = open_transit(settings)
    try:
        return await open_keyring(settings, database, clock.now, service)
    except BaseException:
        if service is not None:
            await service.close()
        raise


async def test_what_was_sealed_opens_after_a_restart_and_no_key_file_is_made(
    vaulted: Settings, database: Database
) -> None:
    first = await opened(vaulted, database)
    sealed = await first.seal(b"secret", PLACE)
    second = await opened(vaulted, database)
    assert await second.open(sealed, PLACE) == b"secret"
    assert second.pepper == first.pepper
    assert not list(vaulted.data_dir.glob("*.key"))
    for each in (first, second):
        await each.close()


async def test_a_data_key_is_unwrapped_once_and_then_remembered(
    vaulted: Settings, vault: Vault, database: Database
) -> None:
    keyring = await opened(vaulted, database)
    sealed = await keyring.seal(b"secret", PLACE)
    before = len(vault.asked)
    for _ in range(20):
        await keyring.open(sealed, PLACE)
    assert len(vault.asked) == before
    await keyring.close()


async def test_while_vault_is_away_reads_go_on_for_the_cache_time_and_then_are_refused_with_503(
    vaulted: Settings, vault: Vault, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring = await opened(vaulted, database)
    sealed = await keyring.seal(b"secret", PLACE)
    vault.is_sealed = True
    assert await keyring.open(sealed, PLACE) == b"secret"
    later = keyrings.time.monotonic() + 301
    monkeypatch.setattr(keyrings.time, "monotonic", lambda: later)
    with pytest.raises(KeysUnavailable, match="503: Vault is sealed") as refused:
        await keyring.open(sealed, PLACE)
    assert refused.value.status == 503
    assert "sealed" in keyring.trouble
    vault.is_sealed = False
    assert await keyring.open(sealed, PLACE) == b"secret"
    assert keyring.trouble == ""
    await keyring.close()


async def test_the_look_at_the_keys_notices_that_vault_went_away_and_came_back(
    vaulted: Settings, vault: Vault, database: Database
) -> None:
    keyring = await opened(vaulted, database)
    vault.is_sealed = True
    await keyring.check()
    assert keyring.trouble
    vault.is_sealed = False
    await keyring.check()
    assert not keyring.trouble
    await keyring.close()


async def test_a_start_without_vault_is_refused(vaulted: Settings, database: Database) -> None:
    with pytest.raises(KeysUnavailable, match="cannot be reached"):
        await opened(replace(vaulted, vault_url="http://127.0.0.1:1"), database)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"vault_token": "wrong"}, "403: permission denied"),
        ({"vault_key": "nowhere"}, "has no key 'nowhere'"),
        ({"vault_mount": "elsewhere"}, "has no key 'portico' in its engine 'elsewhere'"),
        ({"vault_token": ""}, "no token"),
        ({"vault_token": "", "vault_token_file": "/nowhere/token"}, "cannot be read"),
    ],
)
async def test_a_start_that_vault_refuses_says_what_to_mend(
    vaulted: Settings, database: Database, change: dict[str, str], told: str
) -> None:
    with pytest.raises((KeyRefused, KeysUnavailable), match=told):
        await opened(replace(vaulted, **change), database)


async def test_the_token_is_read_anew_from_its_file_each_time(
    vaulted: Settings, vault: Vault, database: Database, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    keyring = await opened(replace(vaulted, vault_token="", vault_token_file=str(path)), database)
    vault.token = "hvs.renewed"
    path.write_text("hvs.renewed")
    await keyring.check()
    assert not keyring.trouble
    await keyring.close()


async def test_a_token_of_its_own_is_renewed_now_and_then(vaulted: Settings, vault: Vault) -> None:
    transit = Transit(vaulted)
    await transit.tend()
    assert vault.asked == []
    transit._renewed_at -= 301  # pyright: ignore[reportPrivateUsage] -- five minutes later
    await transit.tend()
    assert vault.asked == ["POST /v1/auth/token/renew-self"]
    await transit.close()


async def test_the_namespace_goes_along(vaulted: Settings, vault: Vault) -> None:
    transit = Transit(replace(vaulted, vault_namespace="team-a"))
    await transit.newest()
    assert vault.namespaces == ["team-a"]
    await transit.close()


async def test_what_was_wrapped_for_one_place_does_not_open_in_another(vaulted: Settings) -> None:
    transit = Transit(vaulted)
    root = await transit.newest()
    wrapped = await root.wrap(b"k" * 32, b"environment-1")
    assert await root.unwrap(wrapped, b"environment-1") == b"k" * 32
    with pytest.raises(CannotOpen):
        await root.unwrap(wrapped, b"environment-2")
    with pytest.raises(CannotOpen):
        await root.unwrap(b"vault:v1:AAAA", b"environment-1")
    await transit.close()


async def test_a_version_that_is_no_longer_opened_is_told_from_a_wrong_key(
    vaulted: Settings, vault: Vault, database: Database
) -> None:
    await (await opened(vaulted, database)).close()
    vault.versions[2] = b"2" * 32
    vault.oldest_to_decrypt = 2
    with pytest.raises(KeysUnavailable, match=r"too old.* lower its min_decryption_version"):
        await opened(vaulted, database)
    vault.oldest_to_decrypt, vault.versions[1] = 1, b"1" * 32
    with pytest.raises(KeyRefused, match="not the one that this database was written with"):
        await opened(vaulted, database)


async def test_a_version_that_wraps_no_longer_is_said_to_be_left_for_a_newer_one(
    vaulted: Settings, vault: Vault
) -> None:
    transit = Transit(vaulted)
    old = await transit.newest()
    vault.versions[2], vault.oldest_to_encrypt = b"2" * 32, 2
    with pytest.raises(
        KeysUnavailable, match=r"less than the minimum.* go over to the newest with `portico keys rotate"
    ):
        await old.wrap(b"k" * 32, b"environment-1")
    assert (await (await transit.newest()).wrap(b"k" * 32, b"environment-1")).startswith(b"vault:v2:")
    await transit.close()


async def test_a_refused_rotation_says_how_to_do_it_there(vaulted: Settings, vault: Vault) -> None:
    vault.may_rotate = False
    transit = Transit(vaulted)
    with pytest.raises(KeyRefused, match=r"\(403: 1 error occurred: \* permission denied\); rotate it there with"):
        await transit.rotate()
    await transit.close()


@pytest.mark.parametrize("content", [None, "", "no certificate"])
async def test_a_file_without_certificates_is_refused_by_its_name(
    vaulted: Settings, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "authorities.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(KeyRefused, match=r"PORTICO_VAULT_CA_FILE, .*authorities.pem, holds no certificates"):
        open_transit(replace(vaulted, vault_ca_file=str(path)))


async def test_a_certificate_counts_only_where_its_authority_was_named(vaulted: Settings, tmp_path: Path) -> None:
    async with running_vault(server_context(tmp_path)) as vault:
        secure = replace(vaulted, vault_url=vault.url)
        named, unnamed = Transit(replace(secure, vault_ca_file=str(tmp_path / "server.pem"))), Transit(secure)
        assert (await named.newest()).id == "vault:transit/portico:v1"
        with pytest.raises(KeysUnavailable, match=r"cannot be reached at https://localhost.*PORTICO_VAULT_CA_FILE"):
            await unnamed.newest()
        await named.close()
        await unnamed.close()
