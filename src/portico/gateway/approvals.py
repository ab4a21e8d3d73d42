"""A hand on the brake: calls that wait until somebody says yes.

An approval is asked for with the call's very arguments; it can be given or refused once, by somebody else than whoever
asked, and lets exactly one call through before its time is up. What it shows is sealed, and nothing of it is told to
webhooks but what is to be done by whom.
"""

from datetime import timedelta
from typing import Any

import msgspec
from msgspec import structs

from portico.clock import Clock, iso
from portico.errors import AlreadyDecided, NotFound
from portico.gateway.keyring import Keyring
from portico.gateway.later import Later
from portico.model.account import EnvironmentId
from portico.model.approval import Approval, Wanted
from portico.model.caller import Caller
from portico.shapes import Json
from portico.store.approvals import Approvals as Rows
from portico.store.approvals import Chosen, Decision, Kept
from portico.store.audit import Audit
from portico.store.database import Database, Session
from portico.store.ids import new_id
from portico.vault.envelope import Place

LIFE = timedelta(hours=1)
LONGEST_REASON = 500
_DEEDS = {True: "approval.approved", False: "approval.denied"}


class Approvals:
    def __init__(self, database: Database, keyring: Keyring, audit: Audit, later: Later, clock: Clock) -> None:
        self._database, self._rows, self._keyring = database, Rows(database), keyring
        self._audit, self._later, self._clock = audit, later, clock

    async def ask(self, caller: Caller, wanted: Wanted) -> Approval:
        """Have somebody asked. Webhooks hear of it with the same transaction."""
        moment = self._clock()
        approval = Approval(
            **structs.asdict(wanted), id=new_id(), environment_id=caller.environment_id, asked_by=caller.token_id,
            asked_by_name=caller.name, state="pending", reason="", decided_by="", decided_by_name="",
            created_at=moment, expires_at=moment + LIFE, decided_at=None, used_at=None,
        )  # fmt: skip
        sealed = await self._keyring.seal(msgspec.json.encode(wanted.shown), _place(approval))
        async with self._database.transaction() as session:
            await self._rows.add(session, Kept(approval=approval, sealed=sealed))
            payload = about(approval)
            await self._later.announce(session, approval.environment_id, "approval:requested", payload)
        return approval

    async def find(self, environment_id: EnvironmentId, approval_id: str) -> Approval:
        kept = await self._rows.get(environment_id, approval_id, self._clock())
        if kept is None:
            raise NotFound(f"There is no approval {approval_id!r}.")
        return await self._opened(kept)

    async def page(self, environment_id: EnvironmentId, chosen: Chosen, before: str, count: int) -> list[Approval]:
        """Newest first."""
        rows = await self._rows.page(environment_id, chosen, before, count, self._clock())
        return [await self._opened(kept) for kept in rows]

    async def waiting(self, environment_id: EnvironmentId, most: int) -> int:
        """How many wait for a decision, counted up to `most`."""
        return await self._rows.waiting(environment_id, self._clock(), most)

    async def standing(self, caller: Caller, server_id: str, digest: bytes) -> Approval | None:
        """What this caller has been told, or will be, about this very call."""
        kept = await self._rows.standing(caller.environment_id, server_id, caller.token_id, digest, self._clock())
        return await self._opened(kept) if kept else None

    async def approve(self, caller: Caller, approval_id: str, reason: str = "") -> Approval:
        return await self.decide(caller, approval_id, is_yes=True, reason=reason)

    async def deny(self, caller: Caller, approval_id: str, reason: str = "") -> Approval:
        return await self.decide(caller, approval_id, is_yes=False, reason=reason)

    async def decide(self, caller: Caller, approval_id: str, *, is_yes: bool, reason: str) -> Approval:
        """What was decided is told with the same transaction. AlreadyDecided where it is too late for that."""
        approval = await self.find(caller.environment_id, approval_id)
        moment = self._clock()
        decision = Decision(is_yes=is_yes, by=caller.token_id, by_name=caller.name, reason=reason)
        async with self._database.transaction() as session:
            done = await self._rows.decide(session, caller.environment_id, approval_id, decision, moment)
            if done:
                await self._audit.add(session, caller, _DEEDS[is_yes], approval_id, moment, tool=approval.tool)
                state = "approved" if is_yes else "denied"
                decided = structs.replace(
                    approval, state=state, reason=reason, decided_by=caller.token_id, decided_by_name=caller.name,
                    decided_at=moment,
                )  # fmt: skip
                await self._later.announce(session, caller.environment_id, "approval:decided", about(decided))
        found = await self.find(caller.environment_id, approval_id)
        if not done:
            raise AlreadyDecided(
                f"This approval is {found.state} already; it can be decided once, while it is pending."
            )
        return found

    async def use(self, approval: Approval) -> bool:
        """Let one call through. True for exactly one caller of those that try."""
        return await self._rows.use(approval.environment_id, approval.id, self._clock())

    async def delete_of_account(self, session: Session, environment_id: EnvironmentId, account_id: str) -> None:
        await self._rows.delete_of_account(session, environment_id, account_id)

    async def _opened(self, kept: Kept) -> Approval:
        shown: Any = msgspec.json.decode(await self._keyring.open(kept.sealed, _place(kept.approval)))
        return structs.replace(kept.approval, shown=shown)


def about(approval: Approval) -> Json:
    """An approval as events tell of it: who wants what done, and nothing of what would be sent."""
    told: Json = {
        "id": approval.id,
        "integrated_account_id": approval.account_id,
        "mcp_server_id": approval.server_id,
        "tool": approval.tool,
        "title": approval.title,
        "effect": approval.effect,
        "client": approval.client,
        "asked_by": approval.asked_by_name,
        "state": approval.state,
        "created_at": iso(approval.created_at),
        "expires_at": iso(approval.expires_at),
    }
    if approval.decided_at is None:
        return told
    decided = {"decided_by": approval.decided_by_name, "reason": approval.reason}
    return told | decided | {"decided_at": iso(approval.decided_at)}


def sealed_place(environment_id: EnvironmentId, approval_id: str) -> Place:
    return Place("approval", environment_id, f"approvals.sealed:{approval_id}")


def _place(approval: Approval) -> Place:
    return sealed_place(approval.environment_id, approval.id)
