"""How an installation is doing as a whole, in numbers: for whoever runs it, across all environments."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds
from portico.store.database import Database
from portico.store.statement import Statement

LATE_MILLISECONDS = 300_000
_ACCOUNTS = Statement("SELECT status, COUNT(*) FROM accounts GROUP BY status")
_LATE = Statement("SELECT COUNT(*) FROM jobs WHERE run_at < DATABASE_NOW - :late AND lease_until <= DATABASE_NOW")
_WEBHOOKS = Statement("SELECT COUNT(*) FROM webhooks WHERE is_active = FALSE AND disabled_reason <> ''")
_CLOCK = Statement("SELECT DATABASE_NOW")


class Survey(Struct, frozen=True, kw_only=True):
    """`late_jobs` should have been taken up five minutes ago; `ended_webhooks` were given up by Portico itself."""

    accounts: dict[str, int]
    late_jobs: int
    ended_webhooks: int
    clock: datetime


async def survey(database: Database) -> Survey:
    late = await database.one(_LATE, late=LATE_MILLISECONDS)
    ended, clock = await database.one(_WEBHOOKS), await database.one(_CLOCK)
    return Survey(
        accounts={row[0]: row[1] for row in await database.all(_ACCOUNTS)},
        late_jobs=late[0] if late else 0,
        ended_webhooks=ended[0] if ended else 0,
        clock=from_milliseconds(clock[0] if clock else 0),
    )
