"""Accounts are looked at without anybody's call: those that work, so that a key that was taken away at the vendor is
noticed; those that do not, with growing pauses, because a key may be mended there."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from msgspec import structs

from portico.clock import iso
from portico.errors import NeedsReauth
from portico.gateway import backoff, connect, following
from portico.gateway.connect import Proof
from portico.gateway.later import BROKEN, FIRST_RECHECK, LANE_OF_RECHECKS, system_caller
from portico.gateway.parts import Parts
from portico.jobs import schedule
from portico.jobs.outcome import DONE, Outcome
from portico.jobs.schedule import Dice
from portico.model.account import Account, AccountId
from portico.model.operation import Credential
from portico.store.database import Session
from portico.store.jobs import Job

HEALED, REFUSED = "integrated_account.healed", "integrated_account.key_refused"
# Longer than that no vendor takes for the harmless call; others wait for their turn meanwhile.
PATIENCE_SECONDS = 30.0
# Earlier than agreed by up to this part of the pause, never later, so that not all accounts come at once.
SPREAD = 0.2
# What cannot be told now is asked again soon, and no later than the next regular look.
_SOON_SECONDS, _GROWTH = 300.0, 2.0
_UNAUTHORIZED = 401


class Rechecker:
    def __init__(self, parts: Parts, dice: Dice) -> None:
        self._parts, self._dice = parts, dice
        self._interval_seconds = parts.settings.recheck_hours * 3600

    async def recheck(self, job: Job) -> Outcome:
        account = await self._parts.accounts.get(job.environment_id, AccountId(job.subject))
        if account is None:
            return DONE
        if job.run_at_ms == 0:  # an account from before there were regular looks
            return self._in(self._interval_seconds * self._dice())
        if account.status in BROKEN:
            return await self._mended(job, account)
        return await self._regular(job, account)

    async def _regular(self, job: Job, account: Account) -> Outcome:
        """One harmless call with one key, the others in turn: each of them within the interval."""
        credentials = await self._credentials(account)
        pause = self._pause(max(len(credentials), 1))
        if account.status != "active" or not account.is_enabled or not credentials:
            return self._in(pause)
        place = job.tries % len(credentials)
        proof = await self._proof(account, credentials[place])
        if proof is not None and proof.works:
            return self._in(pause, tries=(place + 1) % len(credentials))
        if proof is None or proof.status != _UNAUTHORIZED:
            # It says nothing of the key that the vendor is away; `tries` still tells whose turn it is.
            failures = job.tries // len(credentials)
            soon = backoff.growing(_SOON_SECONDS, _GROWTH, pause, failures, self._dice)
            return self._in(min(soon, pause), tries=job.tries + len(credentials))
        return self._written(account, self._refused(account, proof), REFUSED)

    async def _mended(self, job: Job, account: Account) -> Outcome:
        """Harmless calls with all keys. Only good news is written: that it still fails is known."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                proofs: Sequence[Proof] = await connect.prove(account, self._parts)
        except (TimeoutError, NeedsReauth):
            proofs = []
        if not proofs or not all(proof.works for proof in proofs):
            return self._still_broken(job)
        healed = await following.follow(connect.judged(account, list(proofs), self._parts), self._parts)
        if healed.status != "active":
            return self._still_broken(job)
        return self._written(account, healed, HEALED)

    def _still_broken(self, job: Job) -> Outcome:
        tries = job.tries + 1
        return self._in(schedule.last_forever(schedule.RECHECK_PAUSES, tries, self._dice), tries=tries)

    async def _credentials(self, account: Account) -> list[Credential]:
        view = await self._parts.views.of(account)
        return [each for each in view.integration.credentials if each.field in account.held and each.proof]

    async def _proof(self, account: Account, credential: Credential) -> Proof | None:
        """None where it cannot be told."""
        parts = self._parts
        try:
            secrets = await parts.secrets.open(account)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await connect.prove_one(await parts.lookup.connect(account), credential, secrets, parts)
        except (TimeoutError, NeedsReauth):
            return None

    def _refused(self, account: Account, proof: Proof) -> Account:
        moment = self._parts.clock()
        error = {
            "message": f"The vendor refused the account's {proof.credential} (401): {proof.message}",
            "credential": proof.credential,
            "occurred_at": iso(moment),
        }
        return structs.replace(account, status="needs_reauth", last_error=error, updated_at=moment)

    def _pause(self, keys: int) -> float:
        return self._interval_seconds / keys * (1 - SPREAD * self._dice())

    def _in(self, seconds: float, *, tries: int = 0) -> Outcome:
        return Outcome(again_at=self._parts.clock() + timedelta(seconds=seconds), tries=tries)

    def _written(self, before: Account, after: Account, act: str) -> Outcome:
        """The job goes on whatever comes of it: soon where the account does not work, else at its next regular time."""
        parts, moment = self._parts, self._parts.clock()
        again_at = moment + (FIRST_RECHECK if after.status in BROKEN else timedelta(seconds=self._pause(1)))

        async def write(session: Session) -> None:
            if not await parts.accounts.update(session, after):
                # Somebody changed it meanwhile; what was proved may no longer be its keys.
                await parts.later.jobs.add(
                    session, before.environment_id, "recheck", before.id, moment + FIRST_RECHECK, lane=LANE_OF_RECHECKS
                )
                return
            caller = system_caller(before.environment_id)
            await parts.audit.add(session, caller, act, before.id, moment, status=after.status)
            await parts.later.account_changed(session, before.status, after)
            await parts.changes.tell(session, "accounts")

        return Outcome(again_at=again_at, write=write, after=lambda: parts.changes.apply("accounts"))
