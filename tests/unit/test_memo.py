"""A memo: what was written comes back, sealed on the disk, and what cannot be opened is as good as nothing."""

import stat
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from portico import clock
from portico.gateway.keyring import Keyring, open_keyring
from portico.gateway.memo import Memo
from portico.settings import Settings
from portico.store.engines import open_database
from portico.store.migrate import migrate


@pytest.fixture
async def keyring(tmp_path: Path) -> AsyncGenerator[Keyring]:
    database = await open_database("", tmp_path)
    await migrate(database)
    yield await open_keyring(Settings(data_dir=tmp_path), database, clock.now)
    await database.close()


async def test_a_memo_comes_back_and_cannot_be_read_on_the_disk(tmp_path: Path, keyring: Keyring) -> None:
    path = tmp_path / "demo.sealed"
    assert await Memo(path, "environment-1", keyring).read() == b""
    for said in (b"canary-of-the-first-start", b"canary-of-the-second"):
        await Memo(path, "environment-1", keyring).write(said)
        assert await Memo(path, "environment-1", keyring).read() == said
    assert b"canary" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("change", ["cut", "empty", "another", "elsewhere"])
async def test_a_memo_that_cannot_be_opened_tells_nothing(tmp_path: Path, keyring: Keyring, change: str) -> None:
    path = tmp_path / "demo.sealed"
    await Memo(path, "environment-1", keyring).write(b"canary")
    sealed = path.read_bytes()
    if change == "elsewhere":
        path = path.rename(tmp_path / "other.sealed")
    elif change != "another":
        path.write_bytes({"cut": sealed[:-1], "empty": b""}[change])
    environment_id = "environment-2" if change == "another" else "environment-1"
    assert await Memo(path, environment_id, keyring).read() == b""
