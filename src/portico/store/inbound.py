"""What vendors were told to send us, and which of their messages have come already."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import AccountId, EnvironmentId
from portico.model.webhook import InboundEndpoint
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement

_GET = Statement(
    "SELECT account_id, environment_id, vendor_id, url, event_types, sealed, created_at, last_received_at "
    "FROM inbound_endpoints WHERE environment_id = :environment_id AND account_id = :account_id"
)
_SET = Statement(
    "INSERT INTO inbound_endpoints (account_id, environment_id, vendor_id, url, event_types, sealed, created_at, "
    "last_received_at) VALUES (:account_id, :environment_id, :vendor_id, :url, :event_types, :sealed, :created_at, "
    "NULL) ON CONFLICT (account_id) DO UPDATE SET vendor_id = :vendor_id, url = :url, event_types = :event_types, "
    "sealed = :sealed, created_at = :created_at WHERE inbound_endpoints.sealed = :seen"
)
_DELETE = Statement("DELETE FROM inbound_endpoints WHERE environment_id = :environment_id AND account_id = :account_id")
_RECEIVED = Statement(
    "INSERT INTO inbound_messages (environment_id, account_id, message_id, received_at, object_id) "
    "VALUES (:environment_id, :account_id, :message_id, :moment, :object_id) "
    "ON CONFLICT (environment_id, account_id, message_id) DO NOTHING"
)
_TOUCH = Statement(
    "UPDATE inbound_endpoints SET last_received_at = :moment "
    "WHERE environment_id = :environment_id AND account_id = :account_id"
)
_HEARD = Statement(
    "SELECT 1 FROM inbound_messages WHERE environment_id = :environment_id AND account_id = :account_id "
    "AND object_id = :object_id AND received_at >= :since LIMIT 1"
)


class Inbound:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, environment_id: EnvironmentId, account_id: AccountId) -> InboundEndpoint | None:
        row = await self._database.one(_GET, environment_id=environment_id, account_id=account_id)
        return read(row) if row else None

    async def set(self, session: Session, endpoint: InboundEndpoint, before: InboundEndpoint | None) -> bool:
        """The account's endpoint from now on; False where another than `before` (None: any) is there meanwhile."""
        changed = await session.run(
            _SET,
            account_id=endpoint.account_id,
            environment_id=endpoint.environment_id,
            vendor_id=endpoint.vendor_id,
            url=endpoint.url,
            event_types=_text(endpoint.event_types),
            sealed=endpoint.sealed,
            created_at=to_milliseconds(endpoint.created_at),
            seen=before.sealed if before else b"",
        )
        return changed > 0

    async def delete(self, session: Session, environment_id: EnvironmentId, account_id: AccountId) -> None:
        await session.run(_DELETE, environment_id=environment_id, account_id=account_id)

    async def take(
        self, session: Session, endpoint: InboundEndpoint, message_id: str, object_id: str, moment: datetime
    ) -> bool:
        """Whether this message is new. Vendors repeat themselves; what they say is done once."""
        values = {
            "environment_id": endpoint.environment_id,
            "account_id": endpoint.account_id,
            "moment": to_milliseconds(moment),
        }
        is_new = await session.run(_RECEIVED, **values, message_id=message_id, object_id=object_id) > 0
        if is_new:
            await session.run(_TOUCH, **values)
        return is_new

    async def has_heard(
        self, environment_id: EnvironmentId, account_id: AccountId, object_id: str, since: datetime
    ) -> bool:
        values = {"environment_id": environment_id, "account_id": account_id, "object_id": object_id}
        return await self._database.one(_HEARD, **values, since=to_milliseconds(since)) is not None


def read(row: Row) -> InboundEndpoint:
    return InboundEndpoint(
        account_id=row[0],
        environment_id=row[1],
        vendor_id=row[2],
        url=row[3],
        event_types=tuple(msgspec.json.decode(row[4])),
        sealed=bytes(row[5]),
        created_at=from_milliseconds(row[6]),
        last_received_at=from_milliseconds(row[7]) if row[7] is not None else None,
    )


def _text(names: Sequence[str]) -> str:
    return msgspec.json.encode(names).decode()
