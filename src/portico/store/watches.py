"""Watches: what is being looked at at vendors until it is over."""

from datetime import datetime
from typing import Any

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import AccountId, EnvironmentId
from portico.model.operation import Wait
from portico.model.watch import Watch, WatchState
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of

_ADD = Statement(
    "INSERT INTO watches (id, environment_id, account_id, resource, method, object_id, arguments, wait, state, "
    "vendor_status, facts, problem, looks, created_by, created_at, updated_at, expires_at, ended_at) VALUES (:id, "
    ":environment_id, :account_id, :resource, :method, :object_id, :arguments, :wait, 'watching', '', '{}', '', 0, "
    ":created_by, :moment, :moment, :expires_at, NULL) "
    "ON CONFLICT (environment_id, account_id, resource, method, object_id) WHERE state = 'watching' DO NOTHING"
)
_GET = Statement(
    "SELECT id, environment_id, account_id, resource, method, object_id, arguments, wait, state, vendor_status, facts, "
    "problem, looks, created_by, created_at, updated_at, expires_at, ended_at FROM watches "
    "WHERE environment_id = :environment_id AND id = :id"
)
_PAGE = Statement(
    "SELECT id, environment_id, account_id, resource, method, object_id, arguments, wait, state, vendor_status, facts, "
    "problem, looks, created_by, created_at, updated_at, expires_at, ended_at FROM watches "
    "WHERE environment_id = :environment_id AND ONE_OF(account_id, :account_id) AND id < :before "
    "AND ONE_OF(state, :state) ORDER BY id DESC LIMIT :count"
)
_GOING = Statement(
    "SELECT id, environment_id, account_id, resource, method, object_id, arguments, wait, state, vendor_status, facts, "
    "problem, looks, created_by, created_at, updated_at, expires_at, ended_at FROM watches "
    "WHERE environment_id = :environment_id AND account_id = :account_id AND object_id = :object_id "
    "AND state = 'watching'"
)
_LOOKED = Statement(
    "UPDATE watches SET state = :state, vendor_status = :vendor_status, facts = :facts, problem = :problem, "
    "looks = looks + :looked, updated_at = :moment, ended_at = :ended_at "
    "WHERE environment_id = :environment_id AND id = :id AND state = 'watching'"
)
_DELETE_OF_ACCOUNT = Statement(
    "DELETE FROM watches WHERE environment_id = :environment_id AND account_id = :account_id"
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a look at the object said."""

    state: WatchState = "watching"
    vendor_status: str = ""
    facts: dict[str, Any] = {}
    problem: str = ""
    looked: bool = True


class Watches:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, watch: Watch) -> bool:
        """False where the same object is being watched already."""
        changed = await session.run(
            _ADD,
            id=watch.id,
            environment_id=watch.environment_id,
            account_id=watch.account_id,
            resource=watch.resource,
            method=watch.method,
            object_id=watch.object_id,
            arguments=_text(watch.arguments),
            wait=_text(watch.wait),
            created_by=watch.created_by,
            moment=to_milliseconds(watch.created_at),
            expires_at=to_milliseconds(watch.expires_at),
        )
        return changed > 0

    async def get(self, environment_id: EnvironmentId, watch_id: str) -> Watch | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=watch_id)
        return _read(row) if row else None

    async def page(
        self,
        environment_id: EnvironmentId,
        account_ids: tuple[str, ...],
        before: str,
        count: int,
        states: tuple[str, ...] = (),
    ) -> list[Watch]:
        """Newest first; of all accounts and in every state where none is named."""
        rows = await self._database.all(
            _PAGE,
            environment_id=environment_id,
            account_id=one_of(account_ids),
            before=before,
            count=count,
            state=one_of(states),
        )
        return [_read(row) for row in rows]

    async def going(
        self, session: Session, environment_id: EnvironmentId, account_id: AccountId, object_id: str
    ) -> list[Watch]:
        """Those that wait for this object of the vendor's."""
        rows = await session.all(_GOING, environment_id=environment_id, account_id=account_id, object_id=object_id)
        return [_read(row) for row in rows]

    async def looked(self, session: Session, watch: Watch, seen: Seen, moment: datetime) -> bool:
        """False when the watch was over already: an end is written once."""
        changed = await session.run(
            _LOOKED,
            environment_id=watch.environment_id,
            id=watch.id,
            state=seen.state,
            vendor_status=seen.vendor_status,
            facts=_text(seen.facts),
            problem=seen.problem,
            looked=int(seen.looked),
            moment=to_milliseconds(moment),
            ended_at=None if seen.state == "watching" else to_milliseconds(moment),
        )
        return changed > 0

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> None:
        await session.run(_DELETE_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _read(row: Row) -> Watch:
    return Watch(
        id=row[0],
        environment_id=row[1],
        account_id=row[2],
        resource=row[3],
        method=row[4],
        object_id=row[5],
        arguments=msgspec.json.decode(row[6]),
        wait=msgspec.json.decode(row[7], type=Wait),
        state=row[8],
        vendor_status=row[9],
        facts=msgspec.json.decode(row[10]),
        problem=row[11],
        looks=row[12],
        created_by=row[13],
        created_at=from_milliseconds(row[14]),
        updated_at=from_milliseconds(row[15]),
        expires_at=from_milliseconds(row[16]),
        ended_at=from_milliseconds(row[17]) if row[17] is not None else None,
    )
