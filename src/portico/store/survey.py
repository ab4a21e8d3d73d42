"""How an installation is doing as a whole, in numbers: for whoever runs it, across all environments."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds
from portico.errors import Unavailable
from portico.store.database import Database
from portico.store.statement import Statement

LATE_MILLISECONDS = 300_000
# The act of the audit trail that says so.
BACKUP_MADE = "backup.made"
_BACKUP = Statement("SELECT MAX(at) FROM audit WHERE act = :act")
_ACCOUNTS = Statement("SELECT status, COUNT(*) FROM accounts GROUP BY status")
_LATE = Statement("SELECT COUNT(*) FROM jobs WHERE run_at < DATABASE_NOW - :late AND lease_until <= DATABASE_NOW")
_WEBHOOKS = Statement("SELECT COUNT(*) FROM webhooks WHERE is_active = FALSE AND disabled_reason <> ''")
# 0: as many as one likes.
_CONNECTIONS = Statement(
    "SELECT 0",
    postgres="SELECT CAST(current_setting('max_connections') AS INTEGER) "
    "- CAST(current_setting('superuser_reserved_connections') AS INTEGER)",
)
_READ_ONLY = Statement("SELECT 'off'", postgres="SELECT current_setting('transaction_read_only')")
_DAMAGE = Statement("PRAGMA quick_check(1)", postgres="SELECT 'ok'")
_CLOCK = Statement("SELECT DATABASE_NOW")
_BACKLOG = Statement(
    "SELECT kind, COUNT(*), SUM(CASE WHEN lease_until > DATABASE_NOW THEN 1 ELSE 0 END), "
    "SUM(CASE WHEN run_at <= DATABASE_NOW AND lease_until <= DATABASE_NOW THEN 1 ELSE 0 END), "
    "MIN(CASE WHEN lease_until <= DATABASE_NOW THEN run_at END) FROM jobs GROUP BY kind ORDER BY kind"
)


class Survey(Struct, frozen=True, kw_only=True):
    """`late_jobs` should have been taken up five minutes ago; `ended_webhooks` were given up by Portico itself;
    `backup_at` is when the last backup was made with Portico's own command."""

    accounts: dict[str, int]
    late_jobs: int
    ended_webhooks: int
    clock: datetime
    backup_at: datetime | None


class Backlog(Struct, frozen=True, kw_only=True):
    """The jobs of one kind: all that are planned, those that a worker holds, those whose time has come."""

    kind: str
    planned: int
    under_way: int
    due: int
    next_at: datetime | None


async def survey(database: Database) -> Survey:
    late = await database.one(_LATE, late=LATE_MILLISECONDS)
    ended, clock = await database.one(_WEBHOOKS), await database.one(_CLOCK)
    backup = await database.one(_BACKUP, act=BACKUP_MADE)
    return Survey(
        accounts={row[0]: row[1] for row in await database.all(_ACCOUNTS)},
        late_jobs=late[0] if late else 0,
        ended_webhooks=ended[0] if ended else 0,
        clock=from_milliseconds(clock[0] if clock else 0),
        backup_at=from_milliseconds(backup[0]) if backup and backup[0] is not None else None,
    )


async def takes_writes(database: Database) -> bool:
    """A standby of PostgreSQL does not."""
    row = await database.one(_READ_ONLY)
    return row is None or row[0] == "off"


async def connections(database: Database) -> int:
    """How many the server gives to all its clients together; 0 where it does not count them."""
    row = await database.one(_CONNECTIONS)
    return int(row[0]) if row else 0


async def damage(database: Database) -> str:
    """What is wrong inside SQLite's file; empty where it is whole. Reads all of it."""
    try:
        row = await database.one(_DAMAGE)
    except Unavailable as problem:
        return problem.sentence
    return "" if row is None or row[0] == "ok" else str(row[0])


async def backlog(database: Database) -> list[Backlog]:
    return [
        Backlog(
            kind=row[0], planned=int(row[1]), under_way=int(row[2]), due=int(row[3]),
            next_at=from_milliseconds(row[4]) if row[4] is not None else None,
        )
        for row in await database.all(_BACKLOG)
    ]  # fmt: skip
