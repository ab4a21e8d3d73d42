"""Webhooks: the addresses of an environment that hear of its events."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.webhook import Webhook
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_ADD = Statement(
    "INSERT INTO webhooks (id, environment_id, target_url, event_types, is_active, sealed, disabled_reason, "
    "last_success_at, created_by, created_at, updated_at) VALUES (:id, :environment_id, :target_url, :event_types, "
    ":is_active, :sealed, '', NULL, :created_by, :created_at, :updated_at)"
)
_GET = Statement(
    "SELECT id, environment_id, target_url, event_types, is_active, sealed, disabled_reason, last_success_at, "
    "created_by, created_at, updated_at FROM webhooks WHERE environment_id = :environment_id AND id = :id"
)
_PAGE = Statement(
    "SELECT id, environment_id, target_url, event_types, is_active, sealed, disabled_reason, last_success_at, "
    "created_by, created_at, updated_at FROM webhooks WHERE environment_id = :environment_id AND id < :before "
    "ORDER BY id DESC LIMIT :count"
)
_COUNT = Statement("SELECT COUNT(*) FROM webhooks WHERE environment_id = :environment_id")
# Null leaves a field as it is, so that two who change different things do not undo each other.
_CHANGE = Statement(
    "UPDATE webhooks SET target_url = COALESCE(:target_url, target_url), "
    "event_types = COALESCE(:event_types, event_types), is_active = COALESCE(:is_active, is_active), "
    "disabled_reason = CASE WHEN :is_active IS NULL THEN disabled_reason ELSE '' END, updated_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id"
)
_ROTATE = Statement(
    "UPDATE webhooks SET sealed = :sealed, updated_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id AND sealed = :seen"
)
_DISABLE = Statement(
    "UPDATE webhooks SET is_active = FALSE, disabled_reason = :reason, updated_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id AND is_active = TRUE"
)
_SUCCEEDED = Statement(
    "UPDATE webhooks SET last_success_at = :moment WHERE environment_id = :environment_id AND id = :id"
)
_DELETE = Statement("DELETE FROM webhooks WHERE environment_id = :environment_id AND id = :id")


class Webhooks:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, webhook: Webhook) -> None:
        await session.run(
            _ADD,
            id=webhook.id,
            environment_id=webhook.environment_id,
            target_url=webhook.target_url,
            event_types=_text(webhook.event_types),
            is_active=webhook.is_active,
            sealed=webhook.sealed,
            created_by=webhook.created_by,
            created_at=to_milliseconds(webhook.created_at),
            updated_at=to_milliseconds(webhook.updated_at),
        )

    async def get(self, environment_id: EnvironmentId, webhook_id: str) -> Webhook | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=webhook_id)
        return _read(row) if row else None

    async def page(self, environment_id: EnvironmentId, before: str, count: int) -> list[Webhook]:
        rows = await self._database.all(_PAGE, environment_id=environment_id, before=before, count=count)
        return [_read(row) for row in rows]

    async def all_of(self, session: Session, environment_id: EnvironmentId, most: int) -> Sequence[Webhook]:
        rows = await session.all(_PAGE, environment_id=environment_id, before="~", count=most)
        return [_read(row) for row in rows]

    async def count(self, session: Session, environment_id: EnvironmentId) -> int:
        row = await session.one(_COUNT, environment_id=environment_id)
        return row[0] if row else 0

    async def change(
        self,
        session: Session,
        webhook: Webhook,
        moment: datetime,
        *,
        target_url: str | None = None,
        event_types: Sequence[str] | None = None,
        is_active: bool | None = None,
    ) -> bool:
        """None leaves a field as it is. Switching on or off by hand forgets why Portico switched it off."""
        changed = await session.run(
            _CHANGE,
            environment_id=webhook.environment_id,
            id=webhook.id,
            moment=to_milliseconds(moment),
            target_url=target_url,
            event_types=None if event_types is None else _text(event_types),
            is_active=is_active,
        )
        return changed > 0

    async def rotate(self, session: Session, webhook: Webhook, sealed: bytes, moment: datetime) -> bool:
        """False when somebody else rotated it meanwhile."""
        changed = await session.run(
            _ROTATE,
            environment_id=webhook.environment_id,
            id=webhook.id,
            sealed=sealed,
            seen=webhook.sealed,
            moment=to_milliseconds(moment),
        )
        return changed > 0

    async def disable(self, session: Session, webhook: Webhook, reason: str, moment: datetime) -> bool:
        """Switch it off; whether this call was the one that did."""
        changed = await session.run(
            _DISABLE,
            environment_id=webhook.environment_id,
            id=webhook.id,
            reason=reason,
            moment=to_milliseconds(moment),
        )
        return changed > 0

    async def note_success(self, session: Session, webhook: Webhook, moment: datetime) -> None:
        await session.run(
            _SUCCEEDED, environment_id=webhook.environment_id, id=webhook.id, moment=to_milliseconds(moment)
        )

    async def delete(self, session: Session, environment_id: EnvironmentId, webhook_id: str) -> bool:
        return await session.run(_DELETE, environment_id=environment_id, id=webhook_id) > 0


def _text(names: Sequence[str]) -> str:
    return msgspec.json.encode(names).decode()


def _read(row: Row) -> Webhook:
    return Webhook(
        id=row[0],
        environment_id=row[1],
        target_url=row[2],
        event_types=tuple(msgspec.json.decode(row[3])),
        is_active=bool(row[4]),
        sealed=bytes(row[5]),
        disabled_reason=row[6],
        last_success_at=from_milliseconds(row[7]) if row[7] is not None else None,
        created_by=row[8],
        created_at=from_milliseconds(row[9]),
        updated_at=from_milliseconds(row[10]),
    )
