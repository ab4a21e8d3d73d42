"""What was changed about unified mappings, version by version: an environment integration's and an account's.

The newest version is what counts. Of each subject the last fifty are kept.
"""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.caller import Caller
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

KEPT = 50
LAST = 1 << 62
# How rows keep `restored_from`: a number as it is, but 0 says that none was put back, and so version 0 needs another.
_NOT_RESTORED, _RESTORED_TO_ZERO = 0, -1

_NEWEST = Statement(
    "SELECT number, override FROM override_versions "
    "WHERE environment_id = :environment_id AND subject_id = :subject_id ORDER BY number DESC LIMIT 1"
)
_ADD = Statement(
    "INSERT INTO override_versions (environment_id, subject_id, number, override, restored_from, changed_by, "
    "changed_by_name, created_at) VALUES (:environment_id, :subject_id, :number, :override, :restored_from, "
    ":changed_by, :changed_by_name, :created_at)"
)
_FORGET = Statement(
    "DELETE FROM override_versions WHERE environment_id = :environment_id AND subject_id = :subject_id "
    "AND number <= :number"
)
_PAGE = Statement(
    "SELECT number, override, restored_from, changed_by, changed_by_name, created_at FROM override_versions "
    "WHERE environment_id = :environment_id AND subject_id = :subject_id AND number < :before "
    "ORDER BY number DESC LIMIT :count"
)
_GET = Statement(
    "SELECT number, override, restored_from, changed_by, changed_by_name, created_at FROM override_versions "
    "WHERE environment_id = :environment_id AND subject_id = :subject_id AND number = :number"
)


class OverrideVersion(Struct, frozen=True, kw_only=True):
    """`restored_from`: the version that was put back with it; 0 is before there was any."""

    number: int
    override: dict[str, Any]
    restored_from: int | None
    changed_by: str
    changed_by_name: str
    created_at: datetime


class OverrideChange(Struct, frozen=True, kw_only=True):
    """What is to count from now on."""

    override: dict[str, Any]
    restored_from: int | None = None


class OverrideVersions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, session: Session, caller: Caller, subject_id: str, change: OverrideChange, moment: datetime
    ) -> None:
        """In the transaction that changed the subject, after its row was written, which keeps others out meanwhile.

        What is as it was is no version, unless it was put back.
        """
        of = {"environment_id": caller.environment_id, "subject_id": subject_id}
        text = msgspec.json.encode(change.override).decode()
        newest = await session.one(_NEWEST, **of)
        number: int = newest[0] if newest else 0
        present: dict[str, Any] = msgspec.json.decode(newest[1]) if newest else {}
        if present == change.override and change.restored_from is None:
            return
        await session.run(
            _ADD, **of, number=number + 1, override=text, restored_from=_kept(change.restored_from),
            changed_by=caller.token_id, changed_by_name=caller.name, created_at=to_milliseconds(moment),
        )  # fmt: skip
        await session.run(_FORGET, **of, number=number + 1 - KEPT)

    async def page(
        self, environment_id: EnvironmentId, subject_id: str, before: int, count: int
    ) -> list[OverrideVersion]:
        """Newest first."""
        rows = await self._database.all(
            _PAGE, environment_id=environment_id, subject_id=subject_id, before=before, count=count
        )
        return [_read(row) for row in rows]

    async def get(self, environment_id: EnvironmentId, subject_id: str, number: int) -> OverrideVersion | None:
        row = await self._database.one(
            _GET, environment_id=environment_id, subject_id=subject_id, number=min(number, LAST)
        )
        return _read(row) if row else None

    async def delete_of(self, session: Session, environment_id: EnvironmentId, subject_id: str) -> None:
        await session.run(_FORGET, environment_id=environment_id, subject_id=subject_id, number=LAST)


def _read(row: Row) -> OverrideVersion:
    return OverrideVersion(
        number=row[0],
        override=msgspec.json.decode(row[1]),
        restored_from=_restored(row[2]),
        changed_by=row[3],
        changed_by_name=row[4],
        created_at=from_milliseconds(row[5]),
    )


def _kept(restored_from: int | None) -> int:
    return _NOT_RESTORED if restored_from is None else restored_from or _RESTORED_TO_ZERO


def _restored(kept: int) -> int | None:
    return None if kept == _NOT_RESTORED else max(kept, 0)
