"""Root keys: where a new one comes from, who has to hold it first, and what was kept before they had names."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from portico.errors import KeysUnavailable
from portico.gateway.keyring import open_keyring
from portico.gateway.resealing import PLACES
from portico.gateway.roots import KeyRefused
from portico.model.account import EnvironmentId
from portico.settings import Settings
from portico.store.engines import open_database
from portico.store.migrate import known_migrations, migrate
from portico.store.replicas import Replica, Replicas
from portico.store.statement import Statement
from portico.vault.envelope import DataKey, LocalRoot, Place, derive, new_data_key, new_root_key, parse_root_key
from tests.conftest import HeldClock
from tests.gateways import connect_account
from tests.keys.conftest import House, opened
from tests.keys.vault import TOKEN, running_vault

_WRAPPERS = Statement("SELECT DISTINCT wrapper FROM data_keys WHERE retired_at IS NULL")
_DATA_KEYS = Statement("SELECT id, superseded_at, retired_at, wrapped FROM data_keys ORDER BY created_at, id")
_SEALED = Statement("SELECT id, sealed FROM accounts ORDER BY id")


async def test_the_root_key_waits_for_a_replica_that_does_not_hold_it(house: House) -> None:
    replicas = Replicas(house.parts.database)
    await replicas.tell(Replica(id="other", host="other:1", version="0", root_keys=("local:old",)))
    begun = await house.begin("root")
    waiting = await house.run()
    assert waiting.state == "waiting"
    assert "other:1 does not hold the root key" in waiting.note
    assert begun.root_key not in {row[0] for row in await house.parts.database.all(_WRAPPERS)}
    await replicas.tell(Replica(id="other", host="other:1", version="0", root_keys=("local:old", begun.root_key)))
    assert (await house.run()).state == "settling"


async def test_without_a_new_root_key_at_hand_it_says_how_to_give_one(
    house_settings: Settings, clock: HeldClock
) -> None:
    async with AsyncExitStack() as stack:
        alone = replace(house_settings, master_key=house_settings.master_key.partition(",")[0])
        house = await opened(stack, alone, clock)
        with pytest.raises(KeyRefused, match="before the old one in it, separated by a comma"):
            await house.begin("root")
        assert (await house.begin("data")).root_key == ""


async def test_a_key_file_is_given_a_new_key_and_keeps_the_old_one(
    house_settings: Settings, clock: HeldClock, database_url: str
) -> None:
    path = house_settings.data_dir / "root.key"
    path.touch(0o600)
    path.write_text(house_settings.master_key.partition(",")[0] + "\n")
    settings = replace(house_settings, master_key="", master_key_file=str(path))
    async with AsyncExitStack() as stack:
        house = await opened(stack, settings, clock)
        neighbour = await opened(stack, settings, clock)
        account = await connect_account(house.client)
        await house.begin()
        assert (await house.run()).state == "settling"
        assert len(path.read_text().split()) == 2
        assert path.stat().st_mode & 0o077 == 0
        await neighbour.parts.changes.look()
        got = await neighbour.client.get("/proxy/models", integrated_account_id=account["id"])
        assert got.status == 200


async def test_vault_is_given_a_new_version_and_a_local_key_can_move_into_vault(
    house_settings: Settings, clock: HeldClock
) -> None:
    async with running_vault() as vault, AsyncExitStack() as stack:
        first = await opened(stack, replace(house_settings, master_key=house_settings.master_key[:44]), clock)
        account = await connect_account(first.client)
        both = replace(first.settings, vault_url=vault.url, vault_token=TOKEN)
        house = await opened(stack, both, clock)
        assert (await house.begin("root")).root_key == "vault:transit/portico:v1"
        assert (await house.run()).state == "settling"
        assert (await house.begin("root")).root_key == "vault:transit/portico:v2"
        assert (await house.run()).state == "settling"
        assert await house.parts.database.all(_WRAPPERS) == [("vault:transit/portico:v2",)]
        alone = await opened(stack, replace(both, master_key=""), clock)
        assert await alone.call(account) == 200
        vault.may_rotate = False
        with pytest.raises(KeyRefused, match="vault write -f transit/keys/portico/rotate"):
            await house.begin("root")


async def test_a_data_key_under_a_root_key_that_is_not_held_is_told_and_never_guessed(house: House) -> None:
    await connect_account(house.client)
    await house.parts.database.run(Statement("UPDATE data_keys SET wrapper = 'local:elsewhere'"))
    environment = await house.parts.operators.first_environment()
    keyring = await open_keyring(house.settings, house.parts.database, house.clock)
    row = await house.parts.database.one(_SEALED)
    with pytest.raises(KeysUnavailable, match="does not hold the root key local:elsewhere"):
        await keyring.open(bytes(row[1]), next(iter(PLACES.values()))(_row(environment.id, row)))


def _row(environment_id: EnvironmentId, row: Any) -> Any:
    from portico.store.sealed import SealedRow

    return SealedRow(environment_id=environment_id, keys={"id": row[0]}, sealed=bytes(row[1]))


async def test_every_column_of_sealed_values_takes_part(house: House) -> None:
    """A table with sealed values that is not listed would keep old keys alive for ever."""
    if house.parts.database.dialect == "sqlite":
        asked = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE p.name = 'sealed'"
    else:
        asked = (
            "SELECT table_name FROM information_schema.columns WHERE column_name = 'sealed' AND table_schema = 'public'"
        )
    rows = await house.parts.database.all(Statement(asked))  # pyright: ignore[reportArgumentType] -- a test's own text
    assert {row[0] for row in rows} == {table.name for table in PLACES}


async def test_a_database_from_before_root_keys_had_names_goes_on_with_its_tokens_and_secrets(
    settings: Settings, empty_database_url: str, clock: HeldClock
) -> None:
    """As the first versions left it: a check value, data keys wrapped by `local`, a pepper derived from the root."""
    migrations = known_migrations()
    database = await open_database(empty_database_url, settings.data_dir)
    await migrate(database, [each for each in migrations if each.number <= 4])
    root = LocalRoot(parse_root_key(settings.master_key))
    check = await root.wrap(b"portico root key check", b"keyring")
    await database.run(
        Statement("INSERT INTO keyring (id, check_value, created_at) VALUES (1, :check_value, 0)"), check_value=check
    )
    key_id, key = new_data_key()
    wrapped = await root.wrap(key, b"environment-1\x1f" + key_id)
    await database.run(
        Statement(
            "INSERT INTO data_keys (id, environment_id, wrapped, wrapper, created_at) "
            "VALUES (:id, 'environment-1', :wrapped, 'local', 0)"
        ),
        id=key_id,
        wrapped=wrapped,
    )
    place = Place("test", "environment-1", "rows.sealed:1")
    sealed = DataKey(key_id, key).seal(b"secret", place)
    await migrate(database)
    for _ in range(2):
        keyring = await open_keyring(settings, database, clock)
        assert await keyring.open(sealed, place) == b"secret"
        assert keyring.pepper == derive(parse_root_key(settings.master_key), "token pepper")
    with pytest.raises(KeyRefused):
        await open_keyring(replace(settings, master_key=new_root_key()), database, clock)
    await database.close()
