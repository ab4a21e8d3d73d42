"""The root key in a real OpenBao server: everything that Portico asks of Vault's Transit engine, and its refusals."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from portico import clock
from portico.errors import KeysUnavailable
from portico.gateway.keyring import Keyring, open_keyring
from portico.gateway.roots import KeyRefused
from portico.gateway.transit import Transit, open_transit
from portico.settings import Settings
from portico.store.database import Database
from portico.vault.envelope import CannotOpen, Place
from tests.conftest import HeldClock
from tests.keys.conftest import opened as opened_house
from tests.keys.vault import TOKEN, running_vault
from tests.outside.client_envs import NotInstallable
from tests.outside.openbao import Bao, exchange, running_bao

pytestmark = [pytest.mark.outside, pytest.mark.programs, pytest.mark.timeout(600)]
PLACE = Place("test", "environment-1", "rows.sealed:1")
BOUND = b"environment-1"
KEY = "transit/keys/portico"


@pytest.fixture(scope="module")
def _bao(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bao]:
    try:
        with running_bao(tmp_path_factory.mktemp("bao")) as bao:
            yield bao
    except NotInstallable as problem:
        pytest.skip(f"the real OpenBao: {problem}")


@pytest.fixture
def bao(_bao: Bao) -> Bao:
    """With a new key in its first version."""
    if _bao.ask("GET", KEY)[0] == 200:
        _bao.done("POST", f"{KEY}/config", {"deletion_allowed": True})
        _bao.done("DELETE", KEY)
    _bao.done("POST", KEY, {})
    return _bao


@pytest.fixture
def kept(tmp_path: Path, bao: Bao) -> Settings:
    return Settings(data_dir=tmp_path / "data", vault_url=bao.url, vault_token=bao.token)


@pytest.fixture
async def transit(kept: Settings) -> AsyncGenerator[Transit]:
    service = Transit(kept)
    yield service
    await service.close()


async def opened(settings: Settings, database: Database) -> Keyring:
    service = open_transit(settings)
    try:
        return await open_keyring(settings, database, clock.now, service)
    except BaseException:
        if service is not None:
            await service.close()
        raise


async def test_what_was_sealed_opens_after_both_have_been_restarted(
    kept: Settings, bao: Bao, database: Database
) -> None:
    first = await opened(kept, database)
    sealed = await first.seal(b"secret", PLACE)
    await first.close()
    bao.stop()
    with pytest.raises(KeysUnavailable, match="cannot be reached"):
        await opened(kept, database)
    bao.start()
    with pytest.raises((KeyRefused, KeysUnavailable), match="503: Vault is sealed"):
        await opened(kept, database)
    bao.unseal()
    second = await opened(kept, database)
    assert await second.open(sealed, PLACE) == b"secret"
    await second.close()


async def test_it_is_noticed_that_the_server_was_sealed_went_away_and_came_back(
    kept: Settings, bao: Bao, database: Database
) -> None:
    keyring = await opened(kept, database)
    await keyring.seal(b"secret", PLACE)
    bao.seal()
    await keyring.check()
    assert "503: Vault is sealed" in keyring.trouble
    bao.stop()
    await keyring.check()
    assert "cannot be reached" in keyring.trouble
    bao.start()
    bao.unseal()
    await keyring.check()
    assert keyring.trouble == ""
    await keyring.close()


async def test_what_was_wrapped_for_one_place_does_not_open_in_another(transit: Transit) -> None:
    root = await transit.newest()
    wrapped = await root.wrap(b"k" * 32, BOUND)
    assert await root.unwrap(wrapped, BOUND) == b"k" * 32
    spoilt = wrapped[:-8] + (b"AAAAAAAA" if wrapped[-8:] != b"AAAAAAAA" else b"BBBBBBBB")
    for bytes_, bound in ((wrapped, b"environment-2"), (spoilt, BOUND), (b"vault:v1:AAAA", BOUND), (b"junk", BOUND)):
        with pytest.raises(CannotOpen):
            await root.unwrap(bytes_, bound)


async def test_old_versions_open_and_new_ones_wrap_after_a_rotation(transit: Transit, kept: Settings, bao: Bao) -> None:
    old = await transit.newest()
    wrapped = await old.wrap(b"k" * 32, BOUND)
    with pytest.raises(KeyRefused, match=r"\(403: 1 error occurred: \* permission denied\); rotate it there with"):
        await transit.rotate()
    mighty = Transit(replace(kept, vault_token=bao.root_token))
    new = await mighty.rotate()
    await mighty.close()
    assert (old.id, new.id) == ("vault:transit/portico:v1", "vault:transit/portico:v2")
    assert await old.unwrap(wrapped, BOUND) == b"k" * 32
    assert (await transit.of(new.id).wrap(b"k" * 32, BOUND)).startswith(b"vault:v2:")
    assert (await old.wrap(b"k" * 32, BOUND)).startswith(b"vault:v1:")


async def test_all_data_keys_go_over_to_a_new_version_while_the_gateway_runs(
    settings: Settings, bao: Bao, clock: HeldClock, database_url: str, sandbox_url: str
) -> None:
    vaulted = replace(
        settings, database_url=database_url, master_key="", vault_url=bao.url, vault_token=bao.root_token,
        vendor_base_urls=(f"openai={sandbox_url}/v1",),
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        house = await opened_house(stack, vaulted, clock)
        begun = await house.begin("root")
        assert begun.root_key == "vault:transit/portico:v2"
        assert (await house.run()).state == "settling"
        assert (await house.settle()).state == "done"
    bao.done("POST", f"{KEY}/config", {"min_decryption_version": 2})
    async with AsyncExitStack() as stack:
        house = await opened_house(stack, vaulted, clock)
        assert not house.parts.keyring.trouble


async def test_a_version_that_the_server_no_longer_opens_is_told_from_a_wrong_key(
    kept: Settings, transit: Transit, bao: Bao, database: Database
) -> None:
    keyring = await opened(kept, database)
    await keyring.close()
    bao.done("POST", f"{KEY}/rotate", {})
    bao.done("POST", f"{KEY}/config", {"min_decryption_version": 2})
    with pytest.raises(KeysUnavailable, match=r"too old.* needs every version .* lower its min_decryption_version"):
        await opened(kept, database)
    with pytest.raises(KeysUnavailable, match=r"no such key version.* go over to the newest"):
        await transit.of("vault:transit/portico:v1").wrap(b"k" * 32, BOUND)
    bao.done("POST", f"{KEY}/config", {"min_decryption_version": 1, "min_encryption_version": 2})
    with pytest.raises(KeysUnavailable, match=r"less than the minimum encryption key version.* go over to the newest"):
        await transit.of("vault:transit/portico:v1").wrap(b"k" * 32, BOUND)
    await (await opened(kept, database)).close()


async def test_a_key_that_is_gone_is_told_from_a_wrong_one(kept: Settings, bao: Bao, database: Database) -> None:
    await (await opened(kept, database)).close()
    bao.done("POST", f"{KEY}/config", {"deletion_allowed": True})
    bao.done("DELETE", KEY)
    with pytest.raises(KeysUnavailable, match=r"encryption key not found.*or restore the key"):
        await opened(kept, database)
    bao.done("POST", KEY, {})
    with pytest.raises(KeyRefused, match="not the one that this database was written with"):
        await opened(kept, database)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"vault_token": "wrong"}, "403: permission denied"),
        ({"vault_key": "nowhere"}, "403: 1 error occurred"),
        ({"vault_mount": "elsewhere"}, "403: "),
        ({"vault_namespace": "nowhere"}, "403: |has no key"),
    ],
)
async def test_a_start_that_is_refused_says_what_to_mend(
    kept: Settings, database: Database, change: dict[str, str], told: str
) -> None:
    with pytest.raises(KeyRefused, match=told):
        await opened(replace(kept, **change), database)


async def test_a_key_that_is_not_there_is_said_to_be_missing(kept: Settings, bao: Bao, database: Database) -> None:
    for change in ({"vault_key": "nowhere"}, {"vault_mount": "elsewhere"}):
        with pytest.raises(KeyRefused, match="make it with `vault write -f"):
            await opened(replace(kept, vault_token=bao.root_token, **change), database)


async def test_a_token_lives_on_while_it_is_tended_and_its_end_is_noticed(
    kept: Settings, bao: Bao, database: Database
) -> None:
    token = bao.new_token()
    transit = Transit(replace(kept, vault_token=token))
    before = _end(bao, token)
    transit._renewed_at -= 301  # pyright: ignore[reportPrivateUsage] -- five minutes later
    await transit.tend()
    assert _end(bao, token) > before
    keyring = await opened(replace(kept, vault_token=token), database)
    bao.done("POST", "auth/token/revoke-self", {}, token=token)
    await keyring.check()
    assert "403: permission denied" in keyring.trouble
    await keyring.close()
    await transit.close()


def _end(bao: Bao, token: str) -> str:
    return bao.done("GET", "auth/token/lookup-self", token=token)["data"]["expire_time"]


async def test_each_namespace_has_keys_of_its_own(kept: Settings, bao: Bao) -> None:
    bao.done("POST", "sys/namespaces/team-a", {})
    bao.done("POST", "sys/mounts/transit", {"type": "transit"}, namespace="team-a")
    bao.done("POST", KEY, {}, namespace="team-a")
    mighty = replace(kept, vault_token=bao.root_token)
    inside, outside = Transit(replace(mighty, vault_namespace="team-a")), Transit(mighty)
    wrapped = await (await inside.newest()).wrap(b"k" * 32, BOUND)
    assert await (await inside.newest()).unwrap(wrapped, BOUND) == b"k" * 32
    with pytest.raises(CannotOpen):
        await (await outside.newest()).unwrap(wrapped, BOUND)
    await inside.close()
    await outside.close()


async def test_its_certificate_counts_only_where_its_authority_was_named(kept: Settings, bao: Bao) -> None:
    secure = replace(kept, vault_url=bao.secure_url)
    named, unnamed = Transit(replace(secure, vault_ca_file=bao.certificate)), Transit(secure)
    root = await named.newest()
    assert await root.unwrap(await root.wrap(b"k" * 32, BOUND), BOUND) == b"k" * 32
    with pytest.raises(KeysUnavailable, match=r"cannot be reached at https://localhost.*PORTICO_VAULT_CA_FILE"):
        await unnamed.newest()
    await named.close()
    await unnamed.close()


async def test_the_double_of_the_everyday_tests_answers_as_the_server_does(bao: Bao) -> None:
    """Statuses, reasons and values of whatever Portico can meet, one after the other, from both."""
    real = await _talk(bao.port, bao.new_token(policies=["root"]))
    async with running_vault() as double:
        played = await _talk(int(double.url.rpartition(":")[2]), TOKEN)
    assert played == real


async def _talk(port: int, token: str) -> list[Any]:
    told: list[Any] = []

    async def ask(verb: str, path: str, body: Any = None, as_token: str = token) -> Any:
        status, answer = await asyncio.to_thread(exchange, port, verb, path, body, {"X-Vault-Token": as_token})
        data: dict[str, Any] = answer.get("data") or {}
        values = {name: data[name] for name in ("latest_version", "key_version", "plaintext") if name in data}
        told.append((verb, path, status, answer.get("errors"), values, data.get("ciphertext", "")[:9]))
        return data

    async def decrypt(ciphertext: str, bound: bytes = BOUND, key: str = "portico") -> None:
        body = {"ciphertext": ciphertext, "associated_data": _text(bound)}
        await ask("POST", f"transit/decrypt/{key}", body)

    async def encrypt(version: int) -> str:
        body = {"plaintext": _text(b"k" * 32), "associated_data": _text(BOUND), "key_version": version}
        return (await ask("POST", "transit/encrypt/portico", body)).get("ciphertext", "")

    for path in (KEY, "transit/keys/nowhere", "elsewhere/keys/portico"):
        await ask("GET", path)
    await ask("GET", KEY, None, "wrong")
    first = await encrypt(1)
    await encrypt(9)
    await decrypt(first)
    await decrypt(first, b"elsewhere")
    await decrypt(first, BOUND, "nowhere")
    for spoilt in (first.replace("v1", "v9"), "vault:v1:AAAA", "vault:v1:?", "junk"):
        await decrypt(spoilt)
    await ask("POST", f"{KEY}/rotate", {})
    await decrypt(first)
    await encrypt(1)
    await encrypt(0)
    again = await ask("POST", "transit/rewrap/portico", {"ciphertext": first, "associated_data": _text(BOUND)})
    await decrypt(again.get("ciphertext", ""))
    await ask("POST", f"{KEY}/config", {"min_decryption_version": 2})
    await decrypt(first)
    await encrypt(1)
    await ask("POST", f"{KEY}/config", {"min_decryption_version": 1, "min_encryption_version": 2})
    await decrypt(first)
    await encrypt(1)
    await ask("POST", "auth/token/renew-self", {})
    return told


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
