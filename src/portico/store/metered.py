"""What was used, added up by day (of UTC), in the transaction that writes the rows: by account and its tenant, MCP
server and model."""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, get_args

from msgspec import Struct, structs

from portico.model.account import EnvironmentId
from portico.model.request import RequestRow
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

By = Literal["day", "account", "tenant", "server", "model"]
BY: tuple[By, ...] = get_args(By)
_ADD = Statement(
    "INSERT INTO metered (environment_id, account_id, tenant_id, server_id, day, model, requests, input_tokens, "
    "cached_tokens, output_tokens, estimated, unpriced, cost_nanos) VALUES (:environment_id, :account_id, :tenant_id, "
    ":server_id, :day, :model, :requests, :input_tokens, :cached_tokens, :output_tokens, :estimated, :unpriced, "
    ":cost_nanos) ON CONFLICT (environment_id, account_id, day, model, tenant_id, server_id) DO UPDATE SET "
    "requests = metered.requests + :requests, "
    "input_tokens = metered.input_tokens + :input_tokens, cached_tokens = metered.cached_tokens + :cached_tokens, "
    "output_tokens = metered.output_tokens + :output_tokens, estimated = metered.estimated + :estimated, "
    "unpriced = metered.unpriced + :unpriced, cost_nanos = metered.cost_nanos + :cost_nanos"
)
_DAYS = Statement(
    "SELECT day, model, SUM(requests), SUM(input_tokens), SUM(cached_tokens), SUM(output_tokens), SUM(estimated), "
    "SUM(unpriced), SUM(cost_nanos) FROM metered WHERE environment_id = :environment_id AND account_id = :account_id "
    "AND day >= :first AND day <= :last GROUP BY day, model ORDER BY day, model"
)

# What is not told apart is one: the empty text.
_SUMS = Statement(
    "SELECT CASE WHEN :by_day = 1 THEN day ELSE '' END, CASE WHEN :by_account = 1 THEN account_id ELSE '' END, "
    "CASE WHEN :by_tenant = 1 THEN tenant_id ELSE '' END, CASE WHEN :by_server = 1 THEN server_id ELSE '' END, "
    "CASE WHEN :by_model = 1 THEN model ELSE '' END, SUM(requests), SUM(input_tokens), SUM(cached_tokens), "
    "SUM(output_tokens), SUM(estimated), SUM(unpriced), SUM(cost_nanos) FROM metered "
    "WHERE environment_id = :environment_id AND day >= :first AND day <= :last "
    "AND (:account_id = '' OR account_id = :account_id) AND (:tenant_id = '' OR tenant_id = :tenant_id) "
    "AND (:server_id = '' OR server_id = :server_id) AND (:model = '' OR model = :model) "
    "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5 LIMIT :most"
)


class MeteredDay(Struct):
    """An account's day with one model ("": calls that name none). Only what was sent to the vendor counts.

    `estimated`: requests whose tokens were guessed. `unpriced`: requests with tokens and without a price, so that
    their cost is missing in `cost_nanos` (billionths of a US dollar).
    """

    day: str
    model: str
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    estimated: int = 0
    unpriced: int = 0
    cost_nanos: int = 0


class UseFilter(Struct, frozen=True, kw_only=True):
    """Whose use, from which day to which, both included. What is empty is not asked for."""

    first: str
    last: str
    account_id: str = ""
    tenant_id: str = ""
    server_id: str = ""
    model: str = ""


class Sum(Struct, frozen=True, kw_only=True):
    """What was used by whoever is named here; what it was not told apart by is empty, also in `used`."""

    account_id: str
    tenant_id: str
    server_id: str
    used: MeteredDay


class Metered:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def days(self, environment_id: EnvironmentId, account_id: str, first: str, last: str) -> list[MeteredDay]:
        """From the first day to the last, both included, the oldest first."""
        rows = await self._database.all(
            _DAYS, environment_id=environment_id, account_id=account_id, first=first, last=last
        )
        return [_read(row) for row in rows]

    async def sums(self, environment_id: EnvironmentId, where: UseFilter, by: Collection[By], most: int) -> list[Sum]:
        """What was used, told apart by these; at most so many rows."""
        split = {f"by_{name}": int(name in by) for name in BY}
        wanted = structs.asdict(where)
        rows = await self._database.all(_SUMS, environment_id=environment_id, **wanted, **split, most=most)
        return [_sum(row) for row in rows]


class Whose(NamedTuple):
    """By what the rows of a day are told apart."""

    environment_id: EnvironmentId
    account_id: str
    tenant_id: str
    server_id: str
    day: str
    model: str


async def add(session: Session, rows: Sequence[RequestRow]) -> None:
    sums = added_up(rows)
    if sums:
        # Always in one order, so that two processes that write the same days cannot block each other.
        await session.run_many(_ADD, [whose._asdict() | structs.asdict(sums[whose]) for whose in sorted(sums)])


def added_up(rows: Sequence[RequestRow]) -> dict[Whose, MeteredDay]:
    sums: dict[Whose, MeteredDay] = {}
    for row in rows:
        if not row.vendor_status:
            continue
        day = row.moment.date().isoformat()
        whose = Whose(row.environment_id, row.account_id, row.tenant_id, row.server_id, day, row.model)
        one = sums.setdefault(whose, MeteredDay(day=day, model=row.model))
        one.requests += 1
        one.input_tokens += row.input_tokens
        one.cached_tokens += row.cached_tokens
        one.output_tokens += row.output_tokens
        one.estimated += row.is_estimated
        one.unpriced += row.cost_nanos is None and row.input_tokens + row.output_tokens > 0
        one.cost_nanos += row.cost_nanos or 0
    return sums


def _sum(row: Row) -> Sum:
    used = MeteredDay(row[0], row[4], *map(int, row[5:]))
    return Sum(account_id=row[1], tenant_id=row[2], server_id=row[3], used=used)


def _read(row: Row) -> MeteredDay:
    # PostgreSQL's sums are of a type of their own.
    return MeteredDay(row[0], row[1], *map(int, row[2:]))
