"""A backup put back: into an empty database of either engine, all of it or nothing, proved before it is kept."""

from collections.abc import Mapping
from typing import LiteralString

from portico.errors import Refusal
from portico.gateway.backup import Backup, BackupRefused, End, Rows, Table, Tell, tables
from portico.gateway.heartbeat import LIVING_SECONDS
from portico.gateway.keyring import check_data_keys
from portico.gateway.roots import Roots
from portico.store.database import Database, Session
from portico.store.migrate import apply_all, apply_more, is_begun, known_migrations
from portico.store.replicas import Replicas
from portico.store.statement import Statement
from portico.store.tables import PASSING, Filler, count, drop_all, empty


class NotEmpty(Refusal):
    """The database to restore into holds data already; say --replace to throw them away."""

    status = 409
    code = "not_empty"


class StillServing(Refusal):
    """The database to restore into is being served; stop every `portico serve` on it first."""

    status = 409
    code = "still_serving"


async def restore(backup: Backup, database: Database, roots: Roots, tell: Tell, *, replace: bool) -> dict[str, int]:
    """How many rows of each table there are now. Killed or refused anywhere, the database is what it was before."""
    known = known_migrations()
    if backup.header.schema > known[-1].number:
        raise BackupRefused(
            f"The backup has schema {backup.header.schema}, this Portico knows up to {known[-1].number}; install "
            f"Portico {backup.header.version} or newer."
        )
    await backup.prove(roots)
    async with database.transaction() as session:
        await database.lock_schema(session)
        await _check_target(database, session, replace=replace)
        await drop_all(session, known)
        await apply_all(session, [each for each in known if each.number <= backup.header.schema])
        counted = await _fill(backup, database, session, tell)
        await _check_counts(session, backup, counted)
        await apply_more(session, [each for each in known if each.number > backup.header.schema])
        await session.run(_RELEASE_JOBS)
        await check_data_keys(session, database, roots)
    return counted


async def _check_target(database: Database, session: Session, *, replace: bool) -> None:
    if not await is_begun(database, session):
        return
    if await database.columns(session, "replicas"):
        living = await Replicas(database).living(LIVING_SECONDS)
        if living:
            raise StillServing(
                f"The database to restore into is being served by {', '.join(each.host for each in living)}; stop that "
                "first (a process that was killed is forgotten after fifteen seconds)."
            )
    if not replace and await database.columns(session, "environments") and await session.one(_ANYTHING):
        raise NotEmpty


async def _fill(backup: Backup, database: Database, session: Session, tell: Tell) -> dict[str, int]:
    known = tables(backup.header)
    names: dict[str, LiteralString] = {str(each): each for each in known}
    await empty(session, known)  # of what migrations put in
    total, counted = sum(backup.header.tables.values()), dict[str, int]()
    filler: Filler | None = None
    name = ""
    for frame in backup.frames():
        if isinstance(frame, Table):
            name = frame.name
            # Backups of 0.1.0 may hold the same table twice.
            filler = None if name in counted else await _filler(database, session, names, frame)
            counted.setdefault(name, 0)
        elif isinstance(frame, Rows) and filler is not None:
            await filler.put(session, frame.rows)
            counted[name] += len(frame.rows)
            tell(sum(counted.values()), total, name)
        elif isinstance(frame, End) and frame.tables == counted:
            return counted
    raise BackupRefused(f"{backup.path} ends before all that it promises is there.")


async def _filler(database: Database, session: Session, names: Mapping[str, LiteralString], frame: Table) -> Filler:
    try:
        return await Filler.of(database, session, names[frame.name], frame.columns)
    except KeyError as problem:
        raise BackupRefused(f"The backup has {frame.name} with {problem}, which this Portico does not know.") from None


async def _check_counts(session: Session, backup: Backup, counted: Mapping[str, int]) -> None:
    """What was put in is what is there."""
    for name in tables(backup.header):
        if name in PASSING:
            continue
        found = await count(session, name)
        if found != counted.get(name, 0):
            raise BackupRefused(f"{name} has {found} rows after the restore instead of {counted.get(name, 0)}.")


_RELEASE_JOBS = Statement("UPDATE jobs SET lease_until = 0")
_ANYTHING = Statement("SELECT 1 FROM environments LIMIT 1")
