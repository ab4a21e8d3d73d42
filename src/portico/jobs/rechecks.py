"""Accounts that do not work are tried again with growing pauses: a key may be mended at the vendor."""

from datetime import timedelta

from portico.gateway import connect
from portico.gateway.later import BROKEN, FIRST_RECHECK, system_caller
from portico.gateway.parts import Parts
from portico.jobs import schedule
from portico.jobs.outcome import DONE, Outcome
from portico.jobs.schedule import Dice
from portico.model.account import Account, AccountId
from portico.store.database import Session
from portico.store.jobs import Job

_ACT = "integrated_account.healed"


class Rechecker:
    def __init__(self, parts: Parts, dice: Dice) -> None:
        self._parts, self._dice = parts, dice

    async def recheck(self, job: Job) -> Outcome:
        """Harmless calls with all keys. Only good news is written: that it still fails is known."""
        parts = self._parts
        account = await parts.accounts.get(job.environment_id, AccountId(job.subject))
        if account is None or account.status not in BROKEN:
            return DONE
        proofs = await connect.prove(account, parts)
        if not proofs:
            return DONE
        if not all(proof.works for proof in proofs):
            tries = job.tries + 1
            pause = schedule.last_forever(schedule.RECHECK_PAUSES, tries, self._dice)
            return Outcome(again_at=parts.clock() + timedelta(seconds=pause), tries=tries)
        healed = connect.judged(account, proofs, parts)

        async def write(session: Session) -> None:
            await self._write(session, account, healed)

        return Outcome(write=write, after=lambda: parts.changes.apply("accounts"))

    async def _write(self, session: Session, account: Account, healed: Account) -> None:
        parts = self._parts
        if not await parts.accounts.update(session, healed):
            # Somebody changed it meanwhile; what was proved may no longer be its keys.
            again_at = parts.clock() + FIRST_RECHECK
            await parts.later.jobs.add(session, account.environment_id, "recheck", account.id, again_at)
            return
        caller = system_caller(account.environment_id)
        await parts.audit.add(session, caller, _ACT, account.id, parts.clock(), status=healed.status)
        await parts.later.account_changed(session, account.status, healed)
        await parts.changes.tell(session, "accounts")
