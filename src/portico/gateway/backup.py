"""The whole database in one file, written while everything runs, and read back on either engine.

A file is a line that says what it is, then frames (four bytes of length, a compressed msgpack value), then a checksum
and a signature. Secrets stay sealed in it; it names the root key that opens them and never holds one.
"""

import hashlib
import hmac
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, LiteralString

import msgspec
from msgspec import Struct

from portico.clock import Clock, from_milliseconds, iso
from portico.errors import Refusal
from portico.gateway.keyring import Keyring, open_pepper
from portico.gateway.later import system_caller
from portico.gateway.parts import Parts
from portico.gateway.roots import KeyRefused, Roots
from portico.store.database import Database, Snapshot
from portico.store.keys import RootKey, read_root
from portico.store.migrate import LEDGER, known_migrations
from portico.store.survey import BACKUP_MADE
from portico.store.tables import PASSING, tables_of
from portico.vault import envelope
from portico.version import VERSION

_KIND = b"PORTICO-BACKUP "
MAGIC = _KIND + b"1\n"
_LENGTH_BYTES, _DIGEST_BYTES = 4, 32
_LONGEST_FRAME = 1 << 30
_READ_BYTES = 1 << 20
_MOST_ROWS, _LARGE_BYTES = 500, 2_000_000

Tell = Callable[[int, int, str], None]


class BackupRefused(Refusal):
    """This file cannot be used as a backup."""

    status = 409
    code = "backup_refused"


class Header(Struct, frozen=True, kw_only=True):
    version: str
    schema: int
    engine: str
    created_at: str
    root_key: str
    pepper: bytes
    tables: dict[str, int]


class Table(Struct, frozen=True, kw_only=True, tag="table"):
    name: str
    columns: tuple[str, ...]


class Rows(Struct, frozen=True, kw_only=True, tag="rows"):
    rows: list[list[Any]]


class End(Struct, frozen=True, kw_only=True, tag="end"):
    tables: dict[str, int]


Frame = Table | Rows | End
_header, _frame = msgspec.msgpack.Decoder(Header), msgspec.msgpack.Decoder(Frame)


class _Writer:
    def __init__(self, file: BinaryIO, pepper: bytes) -> None:
        self._file = file
        self._sum, self._signed = hashlib.sha256(), hmac.new(_signing_key(pepper), digestmod=hashlib.sha256)
        self._write(MAGIC)

    def add(self, value: Struct) -> int:
        content = zlib.compress(msgspec.msgpack.encode(value), 1)
        self._write(len(content).to_bytes(_LENGTH_BYTES) + content)
        return len(content)

    def close(self) -> None:
        self._file.write(self._sum.digest() + self._signed.digest())
        self._file.flush()
        os.fsync(self._file.fileno())

    def _write(self, content: bytes) -> None:
        self._file.write(content)
        self._sum.update(content)
        self._signed.update(content)


async def write(database: Database, keyring: Keyring, path: Path, clock: Clock, tell: Tell) -> Header:
    """Everything as it is at one moment. The file appears under its name only once it is whole."""
    draft = path.with_name(f"{path.name}.part")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                async with database.snapshot() as snapshot:
                    header = await _describe(database, snapshot, clock)
                    await _write_all(_Writer(file, keyring.pepper), header, snapshot, tell)
                file.flush()
                os.fsync(descriptor)  # a name that a power cut leaves with nothing behind it is no backup
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as problem:
        raise BackupRefused(f"{path} cannot be used: {problem.strerror or problem}.") from problem
    return header


async def note(parts: Parts, path: Path, header: Header) -> None:
    """In the trail, as everything that takes data away: who looks for the last backup finds it there."""
    environment = await parts.operators.first_environment()
    if environment is None:
        return
    async with parts.database.transaction() as session:
        await parts.audit.add(
            session, system_caller(environment.id), BACKUP_MADE, path.name, parts.clock(),
            schema=header.schema, rows=sum(header.tables.values()), root_key=header.root_key,
        )  # fmt: skip


async def _describe(database: Database, snapshot: Snapshot, clock: Clock) -> Header:
    roots = [each for each in await _roots(snapshot) if each.superseded_at is None]
    if not roots or roots[0].pepper is None:
        raise BackupRefused("This database has no root key yet; there is nothing to back up.")
    tables = _kept()
    await snapshot.begin(LEDGER)
    return Header(
        version=VERSION,
        schema=max(row[0] for row in await snapshot.take(_MOST_ROWS)),
        engine=database.dialect,
        created_at=iso(clock()),
        root_key=roots[0].id,
        pepper=roots[0].pepper,
        tables={str(name): await snapshot.count(name) for name in tables},
    )


async def _roots(snapshot: Snapshot) -> Sequence[RootKey]:
    await snapshot.begin("root_keys")
    return [read_root(row) for row in await snapshot.take(_MOST_ROWS)]


def _kept() -> list[LiteralString]:
    return [each for each in tables_of(known_migrations()) if each not in PASSING]


async def _write_all(writer: _Writer, header: Header, snapshot: Snapshot, tell: Tell) -> None:
    writer.add(header)
    done, total = 0, sum(header.tables.values())
    counted: dict[str, int] = {}
    for name in _kept():
        counted[str(name)] = 0
        writer.add(Table(name=str(name), columns=await snapshot.begin(name)))
        count = 4
        while rows := await snapshot.take(count):
            size = writer.add(Rows(rows=[list(row) for row in rows]))
            # Few at a time where rows are large, so that the memory it takes does not depend on what is in them.
            count = max(1, count // 2) if size > _LARGE_BYTES else min(_MOST_ROWS, count * 2)
            counted[str(name)] += len(rows)
            done += len(rows)
            tell(done, total, name)
    writer.add(End(tables=counted))
    writer.close()


class Backup:
    """A file that has been read through: its checksum holds, it is whole, and it has not been changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header = _checked(path)

    async def prove(self, roots: Roots) -> None:
        """Raises KeyRefused where the key that it needs is not at hand, BackupRefused where somebody changed it."""
        header = self.header
        root = RootKey(
            id=header.root_key, pepper=header.pepper, check_value=None, created_at=from_milliseconds(0),
            superseded_at=None, retired_at=None,
        )  # fmt: skip
        if roots.get(header.root_key) is None:
            raise KeyRefused(
                f"This backup was made under the root key {header.root_key}, which is not at hand: give it in "
                "PORTICO_MASTER_KEY or PORTICO_MASTER_KEY_FILE, beside any other."
            )
        pepper = await open_pepper(root, roots)
        _check_signature(self.path, pepper)

    def frames(self) -> Iterator[Frame]:
        with self.path.open("rb") as file:
            contents = _contents(file, self.path.stat().st_size)
            next(contents)
            for content in contents:
                yield _frame.decode(content)


def tables(header: Header) -> list[LiteralString]:
    """Those that the schema of the backup has."""
    return tables_of([each for each in known_migrations() if each.number <= header.schema])


def _checked(path: Path) -> Header:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            _check_kind(path, file.read(len(MAGIC)))
            file.seek(0)
            digest = hashlib.sha256()
            for piece in _pieces(file, size - 2 * _DIGEST_BYTES):
                digest.update(piece)
            if file.read(_DIGEST_BYTES) != digest.digest():
                raise BackupRefused(f"{path} is damaged or cut short: its checksum does not fit. Take another copy.")
            file.seek(0)
            return _header.decode(next(_contents(file, size)))
    except OSError as problem:
        raise BackupRefused(f"{path} cannot be read: {problem.strerror}.") from None
    except (msgspec.DecodeError, zlib.error, StopIteration, ValueError):
        raise BackupRefused(f"{path} is not a backup that this version of Portico can read.") from None


def _check_kind(path: Path, begin: bytes) -> None:
    if not begin.startswith(_KIND):
        raise BackupRefused(f"{path} is no backup of Portico.")
    if begin != MAGIC:
        raise BackupRefused(f"{path} was made by a newer Portico than {VERSION}, in another form: install that one.")


def _check_signature(path: Path, pepper: bytes) -> None:
    signed = hmac.new(_signing_key(pepper), digestmod=hashlib.sha256)
    with path.open("rb") as file:
        for piece in _pieces(file, path.stat().st_size - 2 * _DIGEST_BYTES):
            signed.update(piece)
        file.seek(-_DIGEST_BYTES, os.SEEK_END)
        if not hmac.compare_digest(file.read(_DIGEST_BYTES), signed.digest()):
            raise BackupRefused(f"{path} was changed after it was made; it is not restored.")


def _pieces(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size > 0 and (piece := file.read(min(size, _READ_BYTES))):
        size -= len(piece)
        yield piece


def _contents(file: BinaryIO, size: int) -> Iterator[bytes]:
    file.seek(len(MAGIC))
    end = size - 2 * _DIGEST_BYTES
    while file.tell() < end:
        length = int.from_bytes(file.read(_LENGTH_BYTES))
        if length > _LONGEST_FRAME:
            raise ValueError(length)
        yield zlib.decompress(file.read(length))


def _signing_key(pepper: bytes) -> bytes:
    return envelope.derive(pepper, "sign backups")
