"""Quotas, and how much of each is used in the window that is open: one row that all replicas add to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from msgspec import Struct, structs

from portico.clock import from_milliseconds, to_milliseconds
from portico.errors import AlreadyExists
from portico.model.account import EnvironmentId
from portico.model.quota import Bearer, Measure, Quota, window_of
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of


def _spelled(text: LiteralString) -> Statement:
    """With the word in capitals filled in."""
    return Statement(
        text.replace(
            "COLUMNS",
            "id, environment_id, bearer, subject, measure, period, maximum, created_by, created_at, updated_at",
        )
    )


_ADD = Statement(
    "INSERT INTO quotas (id, environment_id, bearer, subject, measure, period, maximum, created_by, created_at, "
    "updated_at) VALUES (:id, :environment_id, :bearer, :subject, :measure, :period, :maximum, :created_by, "
    ":created_at, :updated_at) ON CONFLICT (environment_id, bearer, subject, measure, period) DO NOTHING"
)
_ALL = _spelled("SELECT COLUMNS FROM quotas WHERE environment_id = :environment_id ORDER BY id")
_GET = _spelled("SELECT COLUMNS FROM quotas WHERE environment_id = :environment_id AND id = :id")
_PAGE = _spelled(
    "SELECT COLUMNS FROM quotas WHERE environment_id = :environment_id AND id < :before "
    "AND ONE_OF(bearer, :bearer) AND ONE_OF(subject, :subject) AND ONE_OF(measure, :measure) "
    "AND ONE_OF(period, :period) ORDER BY id DESC LIMIT :count"
)
_CHANGE = Statement(
    "UPDATE quotas SET maximum = :maximum, updated_at = :updated_at WHERE environment_id = :environment_id AND id = :id"
)
_DELETE = Statement("DELETE FROM quotas WHERE environment_id = :environment_id AND id = :id")
_DELETE_USE = Statement("DELETE FROM quota_use WHERE environment_id = :environment_id AND quota_id = :id")
_OF_SUBJECT = _spelled(
    "SELECT COLUMNS FROM quotas WHERE environment_id = :environment_id AND bearer = :bearer AND subject = :subject "
    "ORDER BY id"
)
# Also of the quotas that each of its kind has for itself.
_DELETE_USE_OF_SUBJECT = Statement(
    "DELETE FROM quota_use WHERE environment_id = :environment_id AND subject = :subject AND quota_id IN "
    "(SELECT id FROM quotas WHERE environment_id = :environment_id AND bearer = :bearer)"
)
_TELL_AGAIN = Statement("UPDATE quota_use SET told = 0 WHERE environment_id = :environment_id AND quota_id = :id")
_USED = Statement(
    "SELECT used, told FROM quota_use WHERE environment_id = :environment_id AND quota_id = :quota_id "
    "AND subject = :subject AND began_at = :began_at"
)
_TAKE = Statement(
    "INSERT INTO quota_use (environment_id, quota_id, subject, began_at, ends_at, used, told) "
    "VALUES (:environment_id, :quota_id, :subject, :began_at, :ends_at, :amount, 0) "
    "ON CONFLICT (environment_id, quota_id, subject, began_at) DO UPDATE SET used = quota_use.used + :amount "
    "WHERE quota_use.used + :amount <= :maximum RETURNING used, told"
)
_ADD_USE = Statement(
    "INSERT INTO quota_use (environment_id, quota_id, subject, began_at, ends_at, used, told) "
    "VALUES (:environment_id, :quota_id, :subject, :began_at, :ends_at, :amount, 0) "
    "ON CONFLICT (environment_id, quota_id, subject, began_at) DO UPDATE SET used = quota_use.used + :amount "
    "RETURNING used, told"
)
_TOLD = Statement(
    "UPDATE quota_use SET told = :level WHERE environment_id = :environment_id AND quota_id = :quota_id "
    "AND subject = :subject AND began_at = :began_at AND told < :level"
)
_USE_PAGE = Statement(
    "SELECT subject, used FROM quota_use WHERE environment_id = :environment_id AND quota_id = :quota_id "
    "AND began_at = :began_at AND (used < :used OR (used = :used AND subject > :subject)) "
    "ORDER BY used DESC, subject LIMIT :count"
)


def _since(subject: LiteralString, amount: LiteralString) -> Statement:
    """What was used since the window began, before there was the quota: by the sums of the days."""
    text: LiteralString = (
        "INSERT INTO quota_use (environment_id, quota_id, subject, began_at, ends_at, used, told) "
        "SELECT :environment_id, :quota_id, SUBJECT, CAST(:began_at AS BIGINT), CAST(:ends_at AS BIGINT), SUM(AMOUNT), "
        "0 FROM metered WHERE environment_id = :environment_id AND day >= :first "
        "AND (:subject = '' OR SUBJECT = :subject) AND (:bearer = 'environment' OR SUBJECT <> '') GROUP BY 3 "
        "ON CONFLICT (environment_id, quota_id, subject, began_at) DO NOTHING"
    )
    return Statement(text.replace("SUBJECT", subject).replace("AMOUNT", amount))


_SUBJECTS: dict[Bearer, LiteralString] = {
    "environment": "''", "tenant": "tenant_id", "account": "account_id", "server": "server_id",
}  # fmt: skip
_AMOUNTS: dict[Measure, LiteralString] = {
    "requests": "requests", "tokens": "input_tokens + output_tokens", "spend": "cost_nanos",
}  # fmt: skip
_SINCE = {
    (bearer, measure): _since(subject, amount)
    for bearer, subject in _SUBJECTS.items()
    for measure, amount in _AMOUNTS.items()
}
MOST = 1 << 62


class UseKey(Struct, frozen=True):
    """One counter: a quota's, for one subject, in one window."""

    environment_id: EnvironmentId
    quota_id: str
    subject: str
    began_at: int
    ends_at: int


class Use(Struct, frozen=True):
    """`told` is the percentage that webhooks have heard of."""

    used: int
    told: int


class Quotas:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, quota: Quota) -> None:
        """With what was used of it since its window began."""
        values = structs.asdict(quota)
        for name in ("created_at", "updated_at"):
            values[name] = to_milliseconds(values[name])
        if not await session.run(_ADD, **values):
            raise AlreadyExists("There is a quota of this measure and period for this already; change that one.")
        window = window_of(quota.period, quota.created_at)
        if quota.period != "minute":
            await session.run(
                _SINCE[quota.bearer, quota.measure],
                environment_id=quota.environment_id,
                quota_id=quota.id,
                bearer=quota.bearer,
                subject=quota.subject,
                began_at=to_milliseconds(window.began_at),
                ends_at=to_milliseconds(window.ends_at),
                first=window.began_at.date().isoformat(),
            )

    async def all(self, environment_id: EnvironmentId) -> list[Quota]:
        return [_read(row) for row in await self._database.all(_ALL, environment_id=environment_id)]

    async def get(self, environment_id: EnvironmentId, quota_id: str) -> Quota | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=quota_id)
        return _read(row) if row else None

    async def page(
        self, environment_id: EnvironmentId, before: str, count: int, where: Mapping[str, tuple[str, ...]]
    ) -> list[Quota]:
        """Newest first. `where`: bearer, subject, measure, period; what is empty is not asked for."""
        asked = {name: one_of(wanted) for name, wanted in where.items()}
        rows = await self._database.all(_PAGE, environment_id=environment_id, before=before, count=count, **asked)
        return [_read(row) for row in rows]

    async def change(self, session: Session, quota: Quota) -> bool:
        """Only how much it is. What was told of the old maximum is told anew of this one."""
        await session.run(_TELL_AGAIN, environment_id=quota.environment_id, id=quota.id)
        return bool(
            await session.run(
                _CHANGE,
                environment_id=quota.environment_id,
                id=quota.id,
                maximum=quota.maximum,
                updated_at=to_milliseconds(quota.updated_at),
            )
        )

    async def delete(self, session: Session, environment_id: EnvironmentId, quota_id: str) -> bool:
        await session.run(_DELETE_USE, environment_id=environment_id, id=quota_id)
        return bool(await session.run(_DELETE, environment_id=environment_id, id=quota_id))

    async def of(self, session: Session, environment_id: EnvironmentId, bearer: Bearer, subject: str) -> list[Quota]:
        """What is said of one tenant, account or server alone."""
        whose = {"environment_id": environment_id, "bearer": bearer, "subject": subject}
        return [_read(row) for row in await session.all(_OF_SUBJECT, **whose)]

    async def delete_of(
        self, session: Session, environment_id: EnvironmentId, bearer: Bearer, subject: str
    ) -> list[Quota]:
        """What was said of one tenant, account or server that is gone; what is said of each of them stays."""
        found = await self.of(session, environment_id, bearer, subject) if subject else []
        for quota in found:
            await self.delete(session, environment_id, quota.id)
        await session.run(_DELETE_USE_OF_SUBJECT, environment_id=environment_id, bearer=bearer, subject=subject)
        return found

    async def use(self, key: UseKey) -> Use:
        values = structs.asdict(key)
        del values["ends_at"]
        row = await self._database.one(_USED, **values)
        return Use(row[0], row[1]) if row else Use(0, 0)

    async def take(self, key: UseKey, amount: int, maximum: int) -> Use | None:
        """Use that much of it if there is that much left; None where there is not."""
        if amount > maximum:
            return None
        async with self._database.transaction() as session:
            row = await session.one(_TAKE, **structs.asdict(key), amount=amount, maximum=maximum)
        return Use(row[0], row[1]) if row else None

    async def give_back(self, amounts: Mapping[UseKey, int]) -> None:
        async with self._database.transaction() as session:
            await add_use(session, {key: -amount for key, amount in amounts.items()})

    async def note_told(self, session: Session, key: UseKey, level: int) -> bool:
        """Whether nobody else has told it."""
        values = structs.asdict(key)
        del values["ends_at"]
        return bool(await session.run(_TOLD, **values, level=level))

    async def uses(self, quota: Quota, moment: datetime, after: tuple[int, str], count: int) -> list[tuple[str, int]]:
        """(subject, how much), the most first, in the window of that moment. `after`: the last of the page before."""
        rows = await self._database.all(
            _USE_PAGE,
            environment_id=quota.environment_id,
            quota_id=quota.id,
            began_at=to_milliseconds(window_of(quota.period, moment).began_at),
            used=after[0],
            subject=after[1],
            count=count,
        )
        return [(row[0], row[1]) for row in rows]


def key_of(quota: Quota, subject: str, moment: datetime) -> UseKey:
    window = window_of(quota.period, moment)
    return UseKey(
        quota.environment_id,
        quota.id,
        subject,
        to_milliseconds(window.began_at),
        to_milliseconds(window.ends_at),
    )


async def add_use(session: Session, amounts: Mapping[UseKey, int]) -> dict[UseKey, Use]:
    """Always in one order, so that two processes that add to the same counters cannot block each other."""
    found: dict[UseKey, Use] = {}
    for key in sorted(amounts, key=structs.astuple):
        row = await session.one(_ADD_USE, **structs.asdict(key), amount=amounts[key])
        if row:
            found[key] = Use(row[0], row[1])
    return found


def _read(row: Sequence[Any] | Row) -> Quota:
    values = dict(zip(Quota.__struct_fields__, row, strict=True))
    for name in ("created_at", "updated_at"):
        values[name] = from_milliseconds(values[name])
    return Quota(**values)
