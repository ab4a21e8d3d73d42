"""Deliveries: each event's way to each webhook that wants it, with every attempt that was made."""

from collections.abc import Sequence
from datetime import datetime

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.webhook import Attempt, Delivery, DeliveryState
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of

_ADD = Statement(
    "INSERT INTO deliveries (id, environment_id, webhook_id, event_id, event, state, attempts, started_at, next_at, "
    "created_at, updated_at) VALUES (:id, :environment_id, :webhook_id, :event_id, :event, :state, 0, :moment, "
    ":moment, :moment, :moment) ON CONFLICT (environment_id, webhook_id, event_id) DO NOTHING"
)
_GET = Statement(
    "SELECT id, environment_id, webhook_id, event_id, event, state, attempts, started_at, next_at, created_at, "
    "updated_at FROM deliveries WHERE environment_id = :environment_id AND id = :id"
)
_PAGE = Statement(
    "SELECT id, environment_id, webhook_id, event_id, event, state, attempts, started_at, next_at, created_at, "
    "updated_at FROM deliveries WHERE environment_id = :environment_id AND webhook_id = :webhook_id AND id < :before "
    "AND ONE_OF(state, :state) ORDER BY id DESC LIMIT :count"
)
_ATTEMPTS = Statement(
    "SELECT a.delivery_id, a.number, a.at, a.status, a.duration_ms, a.problem FROM deliveries d "
    "JOIN delivery_attempts a ON a.environment_id = d.environment_id AND a.delivery_id = d.id "
    "WHERE d.environment_id = :environment_id AND d.webhook_id = :webhook_id AND d.id >= :first AND d.id <= :last "
    "ORDER BY a.delivery_id, a.number"
)
_ADD_ATTEMPT = Statement(
    "INSERT INTO delivery_attempts (environment_id, delivery_id, number, at, status, duration_ms, problem) "
    "VALUES (:environment_id, :delivery_id, :number, :at, :status, :duration_ms, :problem)"
)
_MOVE = Statement(
    "UPDATE deliveries SET state = :state, attempts = :attempts, next_at = :next_at, updated_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id"
)
_RESTART = Statement(
    "UPDATE deliveries SET state = 'waiting', started_at = :moment, next_at = :moment, updated_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id"
)
_RESTART_ENDED = Statement(
    "UPDATE deliveries SET state = 'waiting', started_at = :moment, next_at = :moment, updated_at = :moment "
    "WHERE environment_id = :environment_id AND webhook_id = :webhook_id AND event_id = :event_id "
    "AND (state IN ('failed', 'dropped') OR (state = 'delivered' AND :even_delivered)) RETURNING id"
)
_DROP_ATTEMPTS = Statement(
    "DELETE FROM delivery_attempts WHERE environment_id = :environment_id AND delivery_id IN "
    "(SELECT id FROM deliveries WHERE environment_id = :environment_id AND webhook_id = :webhook_id)"
)
_DROP = Statement("DELETE FROM deliveries WHERE environment_id = :environment_id AND webhook_id = :webhook_id")


class Deliveries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, delivery: Delivery) -> bool:
        """Whether it is new: the same event goes to the same webhook once."""
        changed = await session.run(
            _ADD,
            id=delivery.id,
            environment_id=delivery.environment_id,
            webhook_id=delivery.webhook_id,
            event_id=delivery.event_id,
            event=delivery.event,
            state=delivery.state,
            moment=to_milliseconds(delivery.created_at),
        )
        return changed > 0

    async def get(self, environment_id: EnvironmentId, delivery_id: str) -> Delivery | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=delivery_id)
        return _read(row) if row else None

    async def page(
        self, environment_id: EnvironmentId, webhook_id: str, before: str, count: int, states: tuple[str, ...] = ()
    ) -> list[Delivery]:
        rows = await self._database.all(
            _PAGE,
            environment_id=environment_id,
            webhook_id=webhook_id,
            before=before,
            count=count,
            state=one_of(states),
        )
        return [_read(row) for row in rows]

    async def attempts(self, page: Sequence[Delivery]) -> dict[str, list[Attempt]]:
        """Delivery id → its attempts, for a page of one webhook's deliveries."""
        found: dict[str, list[Attempt]] = {each.id: [] for each in page}
        if not page:
            return found
        rows = await self._database.all(
            _ATTEMPTS,
            environment_id=page[0].environment_id,
            webhook_id=page[0].webhook_id,
            first=min(found),
            last=max(found),
        )
        for row in rows:
            attempt = Attempt(
                number=row[1], at=from_milliseconds(row[2]), status=row[3], duration_ms=row[4], problem=row[5]
            )
            found.setdefault(row[0], []).append(attempt)
        return found

    async def tried(
        self,
        session: Session,
        delivery: Delivery,
        attempt: Attempt,
        state: DeliveryState,
        next_at: datetime | None,
    ) -> None:
        """Write an attempt down, and what follows from it."""
        await session.run(
            _ADD_ATTEMPT,
            environment_id=delivery.environment_id,
            delivery_id=delivery.id,
            number=attempt.number,
            at=to_milliseconds(attempt.at),
            status=attempt.status,
            duration_ms=attempt.duration_ms,
            problem=attempt.problem,
        )
        await self._move(session, delivery, attempt.number, state, next_at, attempt.at)

    async def drop(self, session: Session, delivery: Delivery, moment: datetime) -> None:
        """Its webhook no longer takes anything."""
        await self._move(session, delivery, delivery.attempts, "dropped", None, moment)

    async def restart(self, session: Session, delivery: Delivery, moment: datetime) -> None:
        """A new round of attempts; those of earlier rounds stay."""
        await session.run(
            _RESTART, environment_id=delivery.environment_id, id=delivery.id, moment=to_milliseconds(moment)
        )

    async def restart_ended(
        self, session: Session, alike: Delivery, moment: datetime, *, even_delivered: bool
    ) -> str | None:
        """The id of the delivery of the same event to the same webhook, if it has ended and now begins anew."""
        row = await session.one(
            _RESTART_ENDED,
            environment_id=alike.environment_id,
            webhook_id=alike.webhook_id,
            event_id=alike.event_id,
            moment=to_milliseconds(moment),
            even_delivered=even_delivered,
        )
        return row[0] if row else None

    async def delete_of_webhook(self, session: Session, environment_id: EnvironmentId, webhook_id: str) -> None:
        await session.run(_DROP_ATTEMPTS, environment_id=environment_id, webhook_id=webhook_id)
        await session.run(_DROP, environment_id=environment_id, webhook_id=webhook_id)

    async def _move(
        self,
        session: Session,
        delivery: Delivery,
        attempts: int,
        state: DeliveryState,
        next_at: datetime | None,
        moment: datetime,
    ) -> None:
        await session.run(
            _MOVE,
            environment_id=delivery.environment_id,
            id=delivery.id,
            state=state,
            attempts=attempts,
            next_at=to_milliseconds(next_at) if next_at else None,
            moment=to_milliseconds(moment),
        )


def _read(row: Row) -> Delivery:
    return Delivery(
        id=row[0],
        environment_id=row[1],
        webhook_id=row[2],
        event_id=row[3],
        event=row[4],
        state=row[5],
        attempts=row[6],
        started_at=from_milliseconds(row[7]),
        next_at=from_milliseconds(row[8]) if row[8] is not None else None,
        created_at=from_milliseconds(row[9]),
        updated_at=from_milliseconds(row[10]),
    )
