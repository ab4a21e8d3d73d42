"""What was used, added up by account, day (of UTC) and model, in the transaction that writes the rows."""

from collections.abc import Sequence

from msgspec import Struct, structs

from portico.model.account import EnvironmentId
from portico.model.request import RequestRow
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO metered (environment_id, account_id, day, model, requests, input_tokens, cached_tokens, "
    "output_tokens, estimated, unpriced, cost_nanos) VALUES (:environment_id, :account_id, :day, :model, :requests, "
    ":input_tokens, :cached_tokens, :output_tokens, :estimated, :unpriced, :cost_nanos) "
    "ON CONFLICT (environment_id, account_id, day, model) DO UPDATE SET requests = metered.requests + :requests, "
    "input_tokens = metered.input_tokens + :input_tokens, cached_tokens = metered.cached_tokens + :cached_tokens, "
    "output_tokens = metered.output_tokens + :output_tokens, estimated = metered.estimated + :estimated, "
    "unpriced = metered.unpriced + :unpriced, cost_nanos = metered.cost_nanos + :cost_nanos"
)
_DAYS = Statement(
    "SELECT environment_id, account_id, day, model, requests, input_tokens, cached_tokens, output_tokens, estimated, "
    "unpriced, cost_nanos FROM metered WHERE environment_id = :environment_id AND account_id = :account_id "
    "AND day >= :first AND day <= :last ORDER BY day, model"
)


class MeteredDay(Struct, kw_only=True):
    """One account's day with one model ("": calls that name none). Only what was sent to the vendor counts.

    `estimated`: requests whose tokens were guessed. `unpriced`: requests with tokens and without a price, so that
    their cost is missing in `cost_nanos` (billionths of a US dollar).
    """

    environment_id: EnvironmentId
    account_id: str
    day: str
    model: str
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    estimated: int = 0
    unpriced: int = 0
    cost_nanos: int = 0


class Metered:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def days(self, environment_id: EnvironmentId, account_id: str, first: str, last: str) -> list[MeteredDay]:
        """From the first day to the last, both included, the oldest first."""
        rows = await self._database.all(
            _DAYS, environment_id=environment_id, account_id=account_id, first=first, last=last
        )
        return [_read(row) for row in rows]


async def add(session: Session, rows: Sequence[RequestRow]) -> None:
    sums = added_up(rows)
    if sums:
        # Always in one order, so that two processes that write the same days cannot block each other.
        await session.run_many(_ADD, [structs.asdict(sums[key]) for key in sorted(sums)])


def added_up(rows: Sequence[RequestRow]) -> dict[tuple[str, str, str, str], MeteredDay]:
    sums: dict[tuple[str, str, str, str], MeteredDay] = {}
    for row in rows:
        if not row.vendor_status:
            continue
        day = row.moment.date().isoformat()
        key = (row.environment_id, row.account_id, day, row.model)
        if key not in sums:
            sums[key] = MeteredDay(
                environment_id=row.environment_id, account_id=row.account_id, day=day, model=row.model
            )
        one = sums[key]
        one.requests += 1
        one.input_tokens += row.input_tokens
        one.cached_tokens += row.cached_tokens
        one.output_tokens += row.output_tokens
        one.estimated += row.is_estimated
        one.unpriced += row.cost_nanos is None and row.input_tokens + row.output_tokens > 0
        one.cost_nanos += row.cost_nanos or 0
    return sums


def _read(row: Row) -> MeteredDay:
    return MeteredDay(**dict(zip(MeteredDay.__struct_fields__, row, strict=True)))
