"""What vendors say was used and spent, by account and day: each look at a day replaces what the one before it found."""

from collections.abc import Mapping
from typing import Any

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import AccountId, EnvironmentId
from portico.model.reporting import ReportedDay, ReportedRow
from portico.store.database import Database, Session
from portico.store.statement import Statement

_PUT_DAY = Statement(
    "INSERT INTO reported_days (environment_id, account_id, day, looks, is_final, narrowed, reported_at) VALUES "
    "(:environment_id, :account_id, :day, :looks, :is_final, :narrowed, :reported_at) "
    "ON CONFLICT (environment_id, account_id, day) DO UPDATE SET looks = :looks, is_final = :is_final, "
    "narrowed = :narrowed, reported_at = :reported_at"
)
_CLEAR = Statement(
    "DELETE FROM reported WHERE environment_id = :environment_id AND account_id = :account_id AND day = :day"
)
_ADD = Statement(
    "INSERT INTO reported (environment_id, account_id, day, kind, item, amounts, cost_nanos) VALUES "
    "(:environment_id, :account_id, :day, :kind, :item, :amounts, :cost_nanos)"
)
_DAYS = Statement(
    "SELECT day, looks, is_final, narrowed, reported_at FROM reported_days WHERE environment_id = :environment_id "
    "AND account_id = :account_id AND day >= :first AND day <= :last ORDER BY day"
)
_ROWS = Statement(
    "SELECT day, kind, item, amounts, cost_nanos FROM reported WHERE environment_id = :environment_id "
    "AND account_id = :account_id AND day >= :first AND day <= :last ORDER BY day, kind, item"
)
_DELETE_DAYS = Statement(
    "DELETE FROM reported_days WHERE environment_id = :environment_id AND account_id = :account_id"
)
_DELETE_ROWS = Statement("DELETE FROM reported WHERE environment_id = :environment_id AND account_id = :account_id")
_texts = msgspec.json.Decoder(dict[str, str])
_numbers = msgspec.json.Decoder(dict[str, int])


class Reported:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, session: Session, day: ReportedDay) -> None:
        """Instead of whatever was known of that day."""
        whose = {"environment_id": day.environment_id, "account_id": day.account_id, "day": day.day}
        await session.run(
            _PUT_DAY,
            **whose,
            looks=day.looks,
            is_final=day.is_final,
            narrowed=_json(day.narrowed),
            reported_at=to_milliseconds(day.reported_at),
        )
        await session.run(_CLEAR, **whose)
        if day.rows:
            await session.run_many(_ADD, [whose | _values(row) for row in day.rows])

    async def days(
        self, environment_id: EnvironmentId, account_id: AccountId, first: str, last: str
    ) -> list[ReportedDay]:
        """From the first day to the last, both included, the oldest first."""
        asked = {"environment_id": environment_id, "account_id": account_id, "first": first, "last": last}
        rows: dict[str, list[ReportedRow]] = {}
        for day, kind, item, amounts, cost in await self._database.all(_ROWS, **asked):
            row = ReportedRow(kind=kind, item=item, amounts=_numbers.decode(amounts), cost_nanos=cost)
            rows.setdefault(day, []).append(row)
        return [
            ReportedDay(
                environment_id=environment_id,
                account_id=account_id,
                day=row[0],
                looks=row[1],
                is_final=bool(row[2]),
                narrowed=_texts.decode(row[3]),
                reported_at=from_milliseconds(row[4]),
                rows=tuple(rows.get(row[0], ())),
            )
            for row in await self._database.all(_DAYS, **asked)
        ]

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> None:
        for statement in (_DELETE_DAYS, _DELETE_ROWS):
            await session.run(statement, environment_id=environment_id, account_id=account_id)


def _values(row: ReportedRow) -> dict[str, Any]:
    return {"kind": row.kind, "item": row.item, "amounts": _json(row.amounts), "cost_nanos": row.cost_nanos}


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(dict(value), order="sorted").decode()
