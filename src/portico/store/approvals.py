"""Approvals: calls that wait for somebody's yes, and what was decided. Decided once, used once."""

from datetime import datetime

from msgspec import Struct

from portico.clock import from_milliseconds, to_milliseconds
from portico.model.account import EnvironmentId
from portico.model.approval import Approval, ApprovalState
from portico.store.database import Database, Row, Session
from portico.store.statement import Statement, one_of

_ADD = Statement(
    "INSERT INTO approvals (id, environment_id, account_id, server_id, asked_by, asked_by_name, client, tool, title, "
    "effect, digest, sealed, by_client, state, reason, decided_by, decided_by_name, created_at, expires_at, "
    "decided_at, used_at) VALUES (:id, :environment_id, :account_id, :server_id, :asked_by, :asked_by_name, :client, "
    ":tool, :title, :effect, :digest, :sealed, :by_client, 'pending', '', '', '', :created_at, :expires_at, NULL, NULL)"
)
_GET = Statement(
    "SELECT id, environment_id, account_id, server_id, asked_by, asked_by_name, client, tool, title, effect, digest, "
    "sealed, by_client, state, reason, decided_by, decided_by_name, created_at, expires_at, decided_at, used_at "
    "FROM approvals WHERE environment_id = :environment_id AND id = :id"
)
_PAGE = Statement(
    "SELECT id, environment_id, account_id, server_id, asked_by, asked_by_name, client, tool, title, effect, digest, "
    "sealed, by_client, state, reason, decided_by, decided_by_name, created_at, expires_at, decided_at, used_at "
    "FROM approvals WHERE environment_id = :environment_id AND id < :before "
    "AND ONE_OF(account_id, :account_id) AND ONE_OF(server_id, :server_id) "
    # One that nobody used in time is no longer what its row says.
    "AND ONE_OF(CASE WHEN expires_at <= :moment AND state IN ('pending', 'approved') THEN 'expired' ELSE state END, "
    ":state) ORDER BY id DESC LIMIT :count"
)
_WAITING = Statement(
    "SELECT COUNT(*) FROM (SELECT id FROM approvals WHERE environment_id = :environment_id AND state = 'pending' "
    "AND expires_at > :moment LIMIT :most) AS waiting"
)
# One that is approved comes first: it can be used. Who refused what their own program wanted can be asked again.
_STANDING = Statement(
    "SELECT id, environment_id, account_id, server_id, asked_by, asked_by_name, client, tool, title, effect, digest, "
    "sealed, by_client, state, reason, decided_by, decided_by_name, created_at, expires_at, decided_at, used_at "
    "FROM approvals WHERE environment_id = :environment_id AND server_id = :server_id "
    "AND digest = :digest AND asked_by = :asked_by AND expires_at > :moment "
    "AND (state IN ('pending', 'approved') OR state = 'denied' AND decided_by <> asked_by) "
    "ORDER BY CASE WHEN state = 'approved' THEN 0 ELSE 1 END, id DESC LIMIT 1"
)
_DECIDE = Statement(
    "UPDATE approvals SET state = :state, reason = :reason, decided_by = :decided_by, "
    "decided_by_name = :decided_by_name, decided_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id AND state = 'pending' AND expires_at > :moment"
)
_USE = Statement(
    "UPDATE approvals SET state = 'used', used_at = :moment "
    "WHERE environment_id = :environment_id AND id = :id AND state = 'approved' AND expires_at > :moment"
)
_DELETE_OF_ACCOUNT = Statement(
    "DELETE FROM approvals WHERE environment_id = :environment_id AND account_id = :account_id"
)


class Kept(Struct, frozen=True, kw_only=True):
    """An approval as it is stored: what is shown of it is sealed."""

    approval: Approval
    sealed: bytes


class Chosen(Struct, frozen=True, kw_only=True):
    """Which approvals are to be listed; empty: all. An expired one is no longer what its row says."""

    account_ids: tuple[str, ...] = ()
    server_ids: tuple[str, ...] = ()
    states: tuple[ApprovalState, ...] = ()


class Decision(Struct, frozen=True, kw_only=True):
    """Who said yes or no, and why."""

    is_yes: bool
    by: str
    by_name: str
    reason: str = ""


class Approvals:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session: Session, kept: Kept) -> None:
        approval = kept.approval
        await session.run(
            _ADD,
            id=approval.id,
            environment_id=approval.environment_id,
            account_id=approval.account_id,
            server_id=approval.server_id,
            asked_by=approval.asked_by,
            asked_by_name=approval.asked_by_name,
            client=approval.client,
            tool=approval.tool,
            title=approval.title,
            effect=approval.effect,
            digest=approval.digest,
            sealed=kept.sealed,
            by_client=int(approval.by_client),
            created_at=to_milliseconds(approval.created_at),
            expires_at=to_milliseconds(approval.expires_at),
        )

    async def get(self, environment_id: EnvironmentId, approval_id: str, moment: datetime) -> Kept | None:
        row = await self._database.one(_GET, environment_id=environment_id, id=approval_id)
        return _read(row, moment) if row else None

    async def page(
        self, environment_id: EnvironmentId, chosen: Chosen, before: str, count: int, moment: datetime
    ) -> list[Kept]:
        """Newest first."""
        rows = await self._database.all(
            _PAGE,
            environment_id=environment_id,
            account_id=one_of(chosen.account_ids),
            server_id=one_of(chosen.server_ids),
            state=one_of(chosen.states),
            before=before,
            count=count,
            moment=to_milliseconds(moment),
        )
        return [_read(row, moment) for row in rows]

    async def waiting(self, environment_id: EnvironmentId, moment: datetime, most: int) -> int:
        """How many wait for a decision, counted up to `most`."""
        row = await self._database.one(
            _WAITING, environment_id=environment_id, moment=to_milliseconds(moment), most=most
        )
        return row[0] if row else 0

    async def standing(
        self, environment_id: EnvironmentId, server_id: str, asked_by: str, digest: bytes, moment: datetime
    ) -> Kept | None:
        """What was asked or decided about this very call, as long as it holds and was not used."""
        row = await self._database.one(
            _STANDING,
            environment_id=environment_id,
            server_id=server_id,
            asked_by=asked_by,
            digest=digest,
            moment=to_milliseconds(moment),
        )
        return _read(row, moment) if row else None

    async def decide(
        self, session: Session, environment_id: EnvironmentId, approval_id: str, decision: Decision, moment: datetime
    ) -> bool:
        """False where somebody else was first, or it was too late."""
        changed = await session.run(
            _DECIDE,
            environment_id=environment_id,
            id=approval_id,
            state="approved" if decision.is_yes else "denied",
            reason=decision.reason,
            decided_by=decision.by,
            decided_by_name=decision.by_name,
            moment=to_milliseconds(moment),
        )
        return changed > 0

    async def use(self, environment_id: EnvironmentId, approval_id: str, moment: datetime) -> bool:
        """True for exactly one caller, if it was approved and its time is not up."""
        changed = await self._database.run(
            _USE, environment_id=environment_id, id=approval_id, moment=to_milliseconds(moment)
        )
        return changed > 0

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: str) -> None:
        await session.run(_DELETE_OF_ACCOUNT, environment_id=environment_id, account_id=account_id)


def _read(row: Row, moment: datetime) -> Kept:
    expires_at = from_milliseconds(row[18])
    is_over = row[13] in {"pending", "approved"} and expires_at <= moment
    approval = Approval(
        id=row[0],
        environment_id=row[1],
        account_id=row[2],
        server_id=row[3],
        asked_by=row[4],
        asked_by_name=row[5],
        client=row[6],
        tool=row[7],
        title=row[8],
        effect=row[9],
        digest=bytes(row[10]),
        shown={},
        by_client=bool(row[12]),
        state="expired" if is_over else row[13],
        reason=row[14],
        decided_by=row[15],
        decided_by_name=row[16],
        created_at=from_milliseconds(row[17]),
        expires_at=expires_at,
        decided_at=from_milliseconds(row[19]) if row[19] is not None else None,
        used_at=from_milliseconds(row[20]) if row[20] is not None else None,
    )
    return Kept(approval=approval, sealed=bytes(row[11]))
