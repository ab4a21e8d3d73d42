"""Webhooks: the addresses of an environment that hear of its events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

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
_UPDATE = Statement(
    "UPDATE webhooks SET target_url = :target_url, event_types = :event_types, is_active = :is_active, "
    "sealed = :sealed, disabled_reason = :disabled_reason, updated_at = :updated_at "
    "WHERE environment_id = :environment_id AND id = :id"
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
            **_values(webhook),
            created_by=webhook.created_by,
            created_at=to_milliseconds(webhook.created_at),
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

    async def update(self, session: Session, webhook: Webhook) -> None:
        await session.run(_UPDATE, **_values(webhook), disabled_reason=webhook.disabled_reason)

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


def _values(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "environment_id": webhook.environment_id,
        "target_url": webhook.target_url,
        "event_types": msgspec.json.encode(webhook.event_types).decode(),
        "is_active": webhook.is_active,
        "sealed": webhook.sealed,
        "updated_at": to_milliseconds(webhook.updated_at),
    }


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
