"""The root key: found or made, checked against the database, refused when it is missing, wrong or open to others."""

import base64
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from portico import clock
from portico.gateway.keyring import Keyring, open_keyring
from portico.gateway.roots import KEY_FILE, KeyRefused
from portico.model.account import EnvironmentId
from portico.settings import Settings
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.keys import Keys
from portico.store.migrate import migrate
from portico.store.statement import Statement
from portico.vault.envelope import CannotOpen, LocalRoot, Place, new_root_key, parse_root_key

PLACE = Place("test", "environment-1", "rows.sealed:1")


@pytest.fixture
def bare(tmp_path: Path) -> Settings:
    """Settings without any root key."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
async def sqlite(tmp_path: Path) -> Database:
    opened = await open_database("", tmp_path / "data")
    await migrate(opened)
    return opened


async def opened_keyring(settings: Settings, database: Database) -> Keyring:
    return await open_keyring(settings, database, clock.now)


async def refusal(settings: Settings, database: Database) -> str:
    with pytest.raises(KeyRefused) as refused:
        await opened_keyring(settings, database)
    return refused.value.sentence


async def test_first_start_makes_a_key_file_that_only_its_owner_can_read(bare: Settings, sqlite: Database) -> None:
    before = os.umask(0)
    try:
        await opened_keyring(bare, sqlite)
    finally:
        os.umask(before)
    path = bare.data_dir / KEY_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(parse_root_key(path.read_text())) == 32
    assert [each.name for each in bare.data_dir.iterdir() if "key" in each.name] == [KEY_FILE]  # no draft is left
    await sqlite.close()


async def test_next_start_opens_what_the_first_one_sealed(bare: Settings, sqlite: Database) -> None:
    sealed = await (await opened_keyring(bare, sqlite)).seal(b"secret", PLACE)
    assert await (await opened_keyring(bare, sqlite)).open(sealed, PLACE) == b"secret"
    await sqlite.close()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o666, 0o610, 0o601])
async def test_key_file_that_others_can_reach_is_refused(bare: Settings, sqlite: Database, mode: int) -> None:
    await opened_keyring(bare, sqlite)
    (bare.data_dir / KEY_FILE).chmod(mode)
    assert "chmod 600" in await refusal(bare, sqlite)
    await sqlite.close()


async def test_lost_key_file_is_refused_and_not_made_anew(bare: Settings, sqlite: Database) -> None:
    await opened_keyring(bare, sqlite)
    (bare.data_dir / KEY_FILE).unlink()
    assert "gone" in await refusal(bare, sqlite)
    assert not (bare.data_dir / KEY_FILE).exists()
    await sqlite.close()


@pytest.mark.parametrize("text", ["", "\n", "not a key", base64.b64encode(b"short").decode()])
async def test_key_file_without_a_key_is_refused(bare: Settings, sqlite: Database, text: str) -> None:
    path = bare.data_dir / KEY_FILE
    path.touch(0o600)
    path.write_text(text)
    assert "32 bytes" in await refusal(bare, sqlite)
    await sqlite.close()


async def test_key_file_named_in_the_settings_that_cannot_be_read_is_refused(bare: Settings, sqlite: Database) -> None:
    missing = replace(bare, master_key_file=str(bare.data_dir / "nowhere"))
    assert "cannot be read" in await refusal(missing, sqlite)
    binary = bare.data_dir / "binary"
    binary.touch(0o600)
    binary.write_bytes(b"\xff\xfe" * 16)
    assert "cannot be read" in await refusal(replace(bare, master_key_file=str(binary)), sqlite)
    await sqlite.close()


async def test_wrong_key_is_refused_where_data_exist(bare: Settings, database: Database) -> None:
    await opened_keyring(replace(bare, master_key=new_root_key()), database)
    sentence = await refusal(replace(bare, master_key=new_root_key()), database)
    assert "not the one that this database was written with" in sentence


async def test_malformed_key_is_refused_without_repeating_it(bare: Settings, database: Database) -> None:
    sentence = await refusal(replace(bare, master_key="my-canary-password"), database)
    assert "PORTICO_MASTER_KEY" in sentence
    assert "canary" not in sentence


async def test_key_given_in_the_settings_goes_before_a_file(bare: Settings, sqlite: Database) -> None:
    await opened_keyring(bare, sqlite)
    assert "not the one" in await refusal(replace(bare, master_key=new_root_key()), sqlite)
    same = (bare.data_dir / KEY_FILE).read_text()
    assert await opened_keyring(replace(bare, master_key=same), sqlite)
    await sqlite.close()


@pytest.mark.parametrize(
    "between", ["{0},{1}", "{0}\n{1}\n", "{0} {1}", " {0} ,\r\n# the old one, kept for backups\n\t{1},"]
)
async def test_several_keys_may_stand_in_the_settings_as_in_a_file(
    bare: Settings, sqlite: Database, between: str
) -> None:
    await opened_keyring(bare, sqlite)
    old, new = (bare.data_dir / KEY_FILE).read_text().strip(), new_root_key()
    keyring = await opened_keyring(replace(bare, master_key=between.format(new, old)), sqlite)
    assert keyring.roots.ids() == [LocalRoot(parse_root_key(key)).id for key in (new, old)]
    await sqlite.close()


async def test_a_new_key_in_a_file_leaves_its_remarks_alone(bare: Settings, sqlite: Database) -> None:
    await opened_keyring(bare, sqlite)
    path = bare.data_dir / KEY_FILE
    remarked = f"# of the first start\n{path.read_text()}"
    path.write_text(remarked)
    roots = (await opened_keyring(bare, sqlite)).roots
    (old,) = roots.ids()
    new = roots.add_to_file()
    assert (roots.ids(), path.read_text().partition("\n")[2]) == ([new.id, old], remarked)
    await sqlite.close()


async def test_one_malformed_key_among_several_is_refused_with_how_they_are_separated(
    bare: Settings, sqlite: Database
) -> None:
    sentence = await refusal(replace(bare, master_key=f"{new_root_key()};{new_root_key()}"), sqlite)
    assert "a comma, a space or the end of a line between two" in sentence
    await sqlite.close()


@pytest.mark.postgres
async def test_postgresql_demands_a_key_that_replicas_can_share(bare: Settings, database: Database) -> None:
    if database.dialect == "postgres":
        assert "PORTICO_MASTER_KEY" in await refusal(bare, database)
        assert not (bare.data_dir / KEY_FILE).exists()
    else:
        assert await opened_keyring(bare, database)


async def test_environments_have_keys_of_their_own(bare: Settings, database: Database) -> None:
    keyring = await opened_keyring(replace(bare, master_key=new_root_key()), database)
    sealed = await keyring.seal(b"secret", PLACE)
    with pytest.raises(CannotOpen):
        await keyring.open(sealed, PLACE._replace(environment_id="environment-2"))
    await keyring.seal(b"secret", PLACE._replace(environment_id="environment-2"))
    rows = await database.all(Statement("SELECT environment_id, wrapped FROM data_keys ORDER BY environment_id"))
    assert [row[0] for row in rows] == ["environment-1", "environment-2"]
    assert bytes(rows[0][1]) != bytes(rows[1][1])


async def test_a_data_key_moved_to_another_environment_opens_nothing(bare: Settings, database: Database) -> None:
    settings = replace(bare, master_key=new_root_key())
    sealed = await (await opened_keyring(settings, database)).seal(b"secret", PLACE)
    await database.run(Statement("UPDATE data_keys SET environment_id = 'environment-2'"))
    keyring = await opened_keyring(settings, database)
    for environment in ("environment-1", "environment-2"):
        with pytest.raises(CannotOpen):
            await keyring.open(sealed, PLACE._replace(environment_id=environment))


async def test_any_flipped_bit_of_a_stored_data_key_is_refused(bare: Settings, database: Database) -> None:
    settings = replace(bare, master_key=new_root_key())
    sealed = await (await opened_keyring(settings, database)).seal(b"secret", PLACE)
    stored = await Keys(database).newest(EnvironmentId("environment-1"))
    assert stored is not None
    write = Statement("UPDATE data_keys SET wrapped = :wrapped")
    for bit in range(0, len(stored.wrapped) * 8, 7):
        damaged = bytearray(stored.wrapped)
        damaged[bit // 8] ^= 1 << bit % 8
        await database.run(write, wrapped=bytes(damaged))
        with pytest.raises(CannotOpen):
            await (await opened_keyring(settings, database)).open(sealed, PLACE)
    await database.run(write, wrapped=stored.wrapped)
    assert await (await opened_keyring(settings, database)).open(sealed, PLACE) == b"secret"


async def test_no_key_is_stored_in_the_clear(bare: Settings, database: Database) -> None:
    root = new_root_key()
    await (await opened_keyring(replace(bare, master_key=root), database)).seal(b"secret", PLACE)
    raw = parse_root_key(root)
    stored = [
        *await database.all(Statement("SELECT pepper FROM root_keys")),
        *await database.all(Statement("SELECT wrapped FROM data_keys")),
    ]
    assert len(stored) == 2
    assert not any(raw in bytes(row[0]) for row in stored)


async def test_the_pepper_of_tokens_is_not_the_root_key(bare: Settings, database: Database) -> None:
    root = new_root_key()
    keyring = await opened_keyring(replace(bare, master_key=root), database)
    assert len(keyring.pepper) == 32
    assert keyring.pepper != parse_root_key(root)
