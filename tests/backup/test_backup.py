"""A backup is one moment of a database that goes on being written; put back on either engine, its calls work again."""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from portico.app import build
from portico.gateway import backup
from portico.gateway.backup import Backup, BackupRefused, Table, write
from portico.gateway.restore import NotEmpty, StillServing, restore
from portico.gateway.roots import KeyRefused, read_roots
from portico.sandbox.state import World
from portico.settings import Settings
from portico.store.engines import open_database
from portico.store.migrate import LEDGER, known_migrations, schema_of
from portico.store.replicas import Replica, Replicas
from portico.store.statement import Statement
from portico.store.tables import PASSING, tables_of
from portico.vault.envelope import new_root_key
from tests.conftest import ENGINES, MASTER_KEY
from tests.gateways import Client, connect_account, open_client, open_gateway
from tests.postgres import PostgresServer

_NAMES = Statement("SELECT name FROM environments ORDER BY name")
_TABLES = Statement(
    "SELECT name FROM sqlite_master WHERE type = 'table'",
    postgres="SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
)


def silent(_done: int, _total: int, _what: str = "") -> None:
    """Nobody looks on."""


@dataclass
class Source:
    settings: Settings
    client: Client
    account: dict[str, Any]

    @property
    def parts(self) -> Any:
        return self.client.gateway.parts

    async def write(self, path: Path) -> Backup:
        await write(self.parts.database, self.parts.keyring, path, self.parts.clock, silent)
        return Backup(path)


@pytest.fixture
async def source(settings: Settings, database_url: str, sandbox_url: str) -> AsyncGenerator[Source]:
    async with AsyncExitStack() as stack:
        chosen = replace(settings, database_url=database_url, vendor_base_urls=(f"openai={sandbox_url}/v1",))
        gateway = await open_gateway(stack, chosen)
        client = await stack.enter_async_context(open_client(gateway))
        yield Source(chosen, client, await connect_account(client))


@dataclass(frozen=True)
class Written:
    """A backup that nobody changes, of a gateway that is gone."""

    path: Path
    settings: Settings
    token: str

    @property
    def backup(self) -> Backup:
        return Backup(self.path)

    def copied(self, folder: Path) -> Path:
        """To be spoiled."""
        return Path(shutil.copyfile(self.path, folder / "all.portico"))


@pytest.fixture(scope="module")
def written(
    engine: str,
    request: pytest.FixtureRequest,
    running_world: tuple[World, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Written:
    """A backup of a database on each engine in turn: one of each for all tests that only read it."""
    folder = tmp_path_factory.mktemp("written")
    with target(engine, request, folder, is_migrated=True) as url:
        return asyncio.run(_write_one(folder, url, running_world[1]))


async def _write_one(folder: Path, url: str, sandbox_url: str) -> Written:
    settings = Settings(
        data_dir=folder, master_key=MASTER_KEY, database_url=url, vendor_base_urls=(f"openai={sandbox_url}/v1",)
    )
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(await open_gateway(stack, settings)))
        source = Source(settings, client, await connect_account(client))
        return Written((await source.write(folder / "all.portico")).path, settings, client.token or "")


@contextmanager
def target(engine: str, request: pytest.FixtureRequest, folder: Path, *, is_migrated: bool) -> Generator[str]:
    """A database that is empty, or has the newest schema and nothing in it."""
    if engine == "sqlite":
        if is_migrated:
            shutil.copyfile(request.getfixturevalue("migrated_sqlite"), folder / "restored.db")
        yield f"sqlite:///{folder}/restored.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database(request.getfixturevalue("migrated_postgres") if is_migrated else "template1") as url:
        yield url


@pytest.fixture(params=ENGINES)
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """An empty database, on each engine in turn, whichever the source is on."""
    with target(request.param, request, tmp_path, is_migrated=False) as url:
        yield url


@pytest.fixture(params=ENGINES)
def begun_url(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[str]:
    """One that Portico has been at before."""
    with target(request.param, request, tmp_path, is_migrated=True) as url:
        yield url


async def put_back(saved: Backup, url: str, settings: Settings, **options: bool) -> dict[str, int]:
    database = await open_database(url, settings.data_dir)
    roots = read_roots(settings, is_shared=True, has_data=True)
    try:
        return await restore(saved, database, roots, silent, **{"replace": False, **options})
    finally:
        await database.close()


async def test_calls_tokens_and_audit_go_on_after_a_restore_on_either_engine(
    source: Source, target_url: str, tmp_path: Path
) -> None:
    saved = await source.write(tmp_path / "all.portico")
    counted = await put_back(saved, target_url, source.settings)
    assert counted["accounts"] == 1
    assert counted == {name: count for name, count in saved.header.tables.items() if name in counted}
    async with AsyncExitStack() as stack:
        restored = await open_gateway(stack, replace(source.settings, database_url=target_url))
        client = Client(restored, source.client.token)
        got = await client.get("/proxy/models", integrated_account_id=source.account["id"])
        assert got.status == 200, got.content
        environment = await restored.parts.operators.first_environment()
        assert environment is not None
        assert await restored.parts.audit.first_broken(environment.id) is None
        assert (await client.get(f"/integrated-account/{source.account['id']}")).json["status"] == "active"


async def test_what_was_logged_metered_and_stored_is_there_after_a_restore(
    source: Source, target_url: str, tmp_path: Path
) -> None:
    """Tables that a later migration made anew among them."""
    asked = {"model": "gpt-4o", "input": "Say: kept"}
    account_id = source.account["id"]
    assert (await source.client.post("/proxy/responses", asked, integrated_account_id=account_id)).status == 200
    form = b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\n\r\nkept\r\n--b--\r\n'
    headers = {"content-type": "multipart/form-data; boundary=b"}
    kept = (await source.client.send("POST", "/file", content=form, headers=headers)).json
    await source.parts.recorder.flush()
    logged = (await source.client.get("/log")).json["result"]
    saved = await source.write(tmp_path / "all.portico")
    assert {name for name in ("requests", "metered", "files", "file_pieces") if not saved.header.tables[name]} == set()
    await put_back(saved, target_url, source.settings)
    async with AsyncExitStack() as stack:
        restored = await open_gateway(stack, replace(source.settings, database_url=target_url))
        client = Client(restored, source.client.token)
        assert (await client.get("/log")).json["result"] == logged
        assert (await client.get(urlsplit(str(kept["url"])).path)).content == b"kept"


async def test_every_table_is_in_a_backup_once(source: Source, tmp_path: Path) -> None:
    saved = await source.write(tmp_path / "all.portico")
    there = {row[0] for row in await source.parts.database.all(_TABLES)}
    names = [frame.name for frame in saved.frames() if isinstance(frame, Table)]
    assert sorted(names) == sorted(there - PASSING - {LEDGER})


async def test_backup_that_holds_a_table_twice_is_put_back_all_the_same(
    source: Source, target_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 0.1.0 wrote them, without the files."""
    tables = [each for each in tables_of(known_migrations()) if each not in {"files", "replicas"}]
    monkeypatch.setattr(backup, "_kept", lambda: [*tables, "api_tokens"])
    saved = await source.write(tmp_path / "all.portico")
    assert (await put_back(saved, target_url, source.settings))["api_tokens"] == 1


async def test_a_backup_under_load_is_one_moment(source: Source, tmp_path: Path, target_url: str) -> None:
    """Every new account comes with its audit row: a backup that mixed two moments would have one without the other."""
    done = asyncio.Event()
    made: list[str] = []

    async def writer(number: int) -> None:
        while not done.is_set():
            got = await source.client.post("/environment", {"name": f"env-{number}-{len(made)}"})
            assert got.status == 201, got.content
            made.append(got.json["id"])

    work = [asyncio.create_task(writer(number)) for number in range(3)]
    saved: list[Backup] = []
    for number in range(3):
        before = len(made)
        saved.append(await source.write(tmp_path / f"{number}.portico"))
        async with asyncio.timeout(5):
            while len(made) < before + 3:  # noqa: ASYNC110 -- the writers go on while it is written
                await asyncio.sleep(0)
    done.set()
    await asyncio.gather(*work)
    sizes = [each.header.tables["environments"] for each in saved]
    assert sizes == sorted(set(sizes))
    await put_back(saved[1], target_url, source.settings)
    database = await open_database(target_url, tmp_path)
    names = {row[0] for row in await database.all(_NAMES)}
    told = await database.all(Statement("SELECT facts FROM audit WHERE act = 'environment.created'"))
    assert len(names) == sizes[1]
    assert len(told) == sizes[1] - 1  # the first one came by itself
    await database.close()


async def test_the_file_holds_no_secret_and_only_its_owner_can_read_it(written: Written) -> None:
    saved = written.backup
    assert saved.path.stat().st_mode & 0o077 == 0
    rows = b"".join(repr(frame).encode() for frame in saved.frames())
    for secret in ("sk-proj-acme", "sk-admin-acme", written.settings.master_key, written.token):
        assert secret.encode() not in rows + saved.path.read_bytes()
    assert saved.header.root_key.startswith("local:")


async def test_a_wrong_or_missing_key_is_refused_and_nothing_is_written(
    written: Written, tmp_path: Path, target_url: str
) -> None:
    saved = written.backup
    with pytest.raises(KeyRefused, match=f"under the root key {saved.header.root_key}, which is not at hand"):
        await put_back(saved, target_url, replace(written.settings, master_key=new_root_key()))
    database = await open_database(target_url, tmp_path)
    assert await schema_of(database) == 0
    await database.close()


async def test_a_database_with_data_is_refused_unless_told(written: Written, begun_url: str) -> None:
    other = replace(written.settings, database_url=begun_url, master_key=new_root_key())
    await (await build(other)).stop()
    with pytest.raises(NotEmpty, match="--replace"):
        await put_back(written.backup, begun_url, written.settings)
    assert (await put_back(written.backup, begun_url, written.settings, replace=True))["accounts"] == 1


async def test_a_database_that_is_served_is_refused(written: Written, tmp_path: Path, begun_url: str) -> None:
    database = await open_database(begun_url, tmp_path)
    await Replicas(database).tell(Replica(id="a", host="there:7", version="0", root_keys=()))
    with pytest.raises(StillServing, match="there:7"):
        await put_back(written.backup, begun_url, written.settings, replace=True)
    await database.close()


@pytest.mark.parametrize("place", [0, 20, 200, -40, -1])
async def test_a_damaged_file_is_refused(written: Written, tmp_path: Path, place: int) -> None:
    path = written.copied(tmp_path)
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    roots = read_roots(written.settings, is_shared=True, has_data=True)
    with pytest.raises(BackupRefused, match=r"no backup of Portico|checksum|was changed"):
        await Backup(path).prove(roots)


@pytest.mark.parametrize("kept", [0, 5, 30, 500, -1])
async def test_a_file_cut_short_is_refused(written: Written, tmp_path: Path, kept: int) -> None:
    path = written.copied(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BackupRefused):
        Backup(path)


def test_a_file_of_a_newer_form_is_told_as_that(written: Written, tmp_path: Path) -> None:
    path = written.copied(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"PORTICO-BACKUP 1", b"PORTICO-BACKUP 2", 1))
    with pytest.raises(BackupRefused, match="made by a newer Portico"):
        Backup(path)


async def test_a_file_whose_checksum_was_made_to_fit_is_refused_all_the_same(written: Written, tmp_path: Path) -> None:
    """Whoever can change a file can count its checksum anew, but cannot sign it without the root key."""
    import hashlib

    path = written.copied(tmp_path)
    content = path.read_bytes()
    body, signature = content[:-64], content[-32:]
    forged = body + b"\0\0\0\x08" + __import__("zlib").compress(b"")
    path.write_bytes(forged + hashlib.sha256(forged).digest() + signature)
    with pytest.raises(BackupRefused, match="was changed after it was made"):
        await Backup(path).prove(read_roots(written.settings, is_shared=True, has_data=True))


async def test_a_backup_cut_off_leaves_no_file_and_the_one_before_as_it_was(source: Source, tmp_path: Path) -> None:
    path = tmp_path / "all.portico"
    await source.write(path)
    before = path.read_bytes()

    def stop(_done: int, _total: int, _what: str = "") -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await write(source.parts.database, source.parts.keyring, path, source.parts.clock, stop)
    assert path.read_bytes() == before
    assert [each for each in os.listdir(tmp_path) if each.endswith(".part")] == []


async def test_a_place_where_no_backup_can_be_written_is_named(source: Source, tmp_path: Path) -> None:
    with pytest.raises(BackupRefused, match="no folder/backup cannot be used: No such file"):
        await source.write(tmp_path / "no folder" / "backup")


async def test_a_disk_that_is_full_leaves_no_file_and_is_said(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BackupRefused, match="No space left"):
        await source.write(tmp_path / "backup")
    assert not [each for each in os.listdir(tmp_path) if each.startswith("backup")]


async def test_a_restore_cut_off_leaves_the_database_as_it_was(source: Source, tmp_path: Path, target_url: str) -> None:
    saved = await source.write(tmp_path / "all.portico")
    await put_back(saved, target_url, source.settings)
    later = await source.client.post("/environment", {"name": "later"})
    assert later.status == 201
    saved = await source.write(tmp_path / "later.portico")
    database = await open_database(target_url, tmp_path)
    before = await database.all(_NAMES)

    def stop(done: int, total: int, _what: str = "") -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    roots = read_roots(source.settings, is_shared=True, has_data=True)
    with pytest.raises(KeyboardInterrupt):
        await restore(saved, database, roots, stop, replace=True)
    assert await database.all(_NAMES) == before
    await restore(saved, database, roots, silent, replace=True)
    assert len(await database.all(_NAMES)) == len(before) + 1
    await database.close()


async def test_a_backup_of_a_newer_schema_is_refused_with_what_to_install(written: Written, tmp_path: Path) -> None:
    saved = written.backup
    from msgspec import structs

    saved.header = structs.replace(saved.header, schema=9999, version="99.0")
    with pytest.raises(BackupRefused, match=r"schema 9999.*install Portico 99\.0 or newer"):
        await put_back(saved, f"sqlite:///{tmp_path}/new.db", written.settings)
