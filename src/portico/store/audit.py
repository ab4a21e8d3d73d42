"""The audit trail: every administrative act, written in the act's own transaction, each row chained to the last."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.caller import Caller
from portico.store.database import Database, Row, Session
from portico.store.ids import new_id
from portico.store.statement import Statement, one_of

_HEAD = Statement(
    "SELECT number, hash FROM audit_heads WHERE environment_id = :environment_id",
    postgres="SELECT number, hash FROM audit_heads WHERE environment_id = :environment_id FOR UPDATE",
)
_START = Statement(
    "INSERT INTO audit_heads (environment_id, number, hash) VALUES (:environment_id, 0, :hash) "
    "ON CONFLICT (environment_id) DO NOTHING"
)
_MOVE = Statement("UPDATE audit_heads SET number = :number, hash = :hash WHERE environment_id = :environment_id")
_ADD = Statement(
    "INSERT INTO audit (id, environment_id, number, at, actor, actor_name, act, target, facts, previous, hash) VALUES "
    "(:id, :environment_id, :number, :at, :actor, :actor_name, :act, :target, :facts, :previous, :hash)"
)
_PAGE = Statement(
    "SELECT id, environment_id, number, at, actor, actor_name, act, target, facts, previous, hash FROM audit "
    "WHERE environment_id = :environment_id AND number < :before AND ONE_OF(actor, :actor) "
    "AND (:act = '' OR act = :act OR act LIKE :acts ESCAPE '!') AND ONE_OF(target, :target) "
    "AND at > :after AND at < :until ORDER BY number DESC LIMIT :count"
)
_FROM = Statement(
    "SELECT id, environment_id, number, at, actor, actor_name, act, target, facts, previous, hash FROM audit "
    "WHERE environment_id = :environment_id AND number > :after ORDER BY number LIMIT :count"
)
_NOTHING = b"\0" * 32
LAST = 1 << 62


class AuditEntry(Struct, frozen=True, kw_only=True):
    id: str
    environment_id: EnvironmentId
    number: int
    at: datetime
    actor: str
    actor_name: str
    act: str
    target: str
    facts: dict[str, Any]
    previous: bytes
    hash: bytes


class AuditFilter(Struct, frozen=True, kw_only=True):
    """What is empty is not asked for. `act` may be a whole one or the group before its dot, such as api_token."""

    actor: tuple[str, ...] = ()
    act: str = ""
    target: tuple[str, ...] = ()
    after: datetime | None = None
    until: datetime | None = None


ANY = AuditFilter()


class Checked(Struct, frozen=True, kw_only=True):
    """How far the chain was followed, and the first entry that does not follow from the one before it."""

    entries: int
    hash: bytes
    first_broken: int | None


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, session: Session, caller: Caller, act: str, target: str, moment: datetime, **facts: Any
    ) -> None:
        """Write one act down. In the transaction that does it: without this row the act does not happen."""
        await session.run(_START, environment_id=caller.environment_id, hash=_NOTHING)
        head = await session.one(_HEAD, environment_id=caller.environment_id)
        number, previous = (head[0] + 1, bytes(head[1])) if head else (1, _NOTHING)
        values: dict[str, Any] = {
            "id": new_id(),
            "environment_id": caller.environment_id,
            "number": number,
            "at": to_milliseconds(moment),
            "actor": caller.token_id,
            "actor_name": caller.name,
            "act": act,
            "target": target,
            "facts": msgspec.json.encode(facts, order="sorted").decode(),
        }
        link = chain(previous, values)
        await session.run(_ADD, **values, previous=previous, hash=link)
        await session.run(_MOVE, environment_id=caller.environment_id, number=number, hash=link)

    async def page(
        self, environment_id: EnvironmentId, before: int, count: int, where: AuditFilter = ANY
    ) -> list[AuditEntry]:
        """Newest first."""
        group = where.act.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        rows = await self._database.all(
            _PAGE,
            environment_id=environment_id,
            before=before,
            count=count,
            actor=one_of(where.actor),
            act=where.act,
            acts=f"{group}.%",
            target=one_of(where.target),
            after=-1 if where.after is None else to_milliseconds(where.after),
            until=LAST if where.until is None else to_milliseconds(where.until),
        )
        return [_read(row) for row in rows]

    async def first_broken(self, environment_id: EnvironmentId) -> int | None:
        """The number of the first entry that does not follow from the one before it; None where the chain holds."""
        return (await self.check(environment_id)).first_broken

    async def check(self, environment_id: EnvironmentId) -> Checked:
        """Follow the chain from its beginning to its head."""
        previous, number = _NOTHING, 0
        while rows := await self._database.all(_FROM, environment_id=environment_id, after=number, count=1000):
            for row in rows:
                values: dict[str, Any] = dict(zip(_CHAINED, row[:9], strict=True))
                if row[2] != number + 1 or bytes(row[9]) != previous or bytes(row[10]) != chain(previous, values):
                    return Checked(entries=number, hash=previous, first_broken=number + 1)
                previous, number = bytes(row[10]), row[2]
        head = await self._database.one(_HEAD_READ, environment_id=environment_id)
        holds = number == 0 if head is None else (head[0], bytes(head[1])) == (number, previous)
        return Checked(entries=number, hash=previous, first_broken=None if holds else number + 1)


_HEAD_READ = Statement("SELECT number, hash FROM audit_heads WHERE environment_id = :environment_id")
_CHAINED = ("id", "environment_id", "number", "at", "actor", "actor_name", "act", "target", "facts")


def chain(previous: bytes, values: dict[str, Any]) -> bytes:
    return hashlib.sha256(previous + msgspec.json.encode([values[name] for name in _CHAINED])).digest()


def _read(row: Row) -> AuditEntry:
    return AuditEntry(
        id=row[0],
        environment_id=row[1],
        number=row[2],
        at=from_milliseconds(row[3]),
        actor=row[4],
        actor_name=row[5],
        act=row[6],
        target=row[7],
        facts=msgspec.json.decode(row[8]),
        previous=bytes(row[9]),
        hash=bytes(row[10]),
    )
