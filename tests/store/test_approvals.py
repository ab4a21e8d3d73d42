"""Approvals in the store: decided once, used once, by nobody once their time is up."""

import asyncio
from datetime import datetime, timedelta

from msgspec import structs

from portico.model.account import AccountId
from portico.model.approval import Approval
from portico.store.approvals import Approvals, Chosen, Decision, Kept
from portico.store.database import Database
from portico.store.ids import new_id
from tests.store.rows import LATER, MOMENT, Home, make_home

YES, NO = Decision(is_yes=True, by="token-2", by_name="boss"), Decision(is_yes=False, by="token-2", by_name="boss")
TOO_LATE = LATER + timedelta(milliseconds=1)


def approval_of(home: Home, **changes: object) -> Approval:
    approval = Approval(
        id=new_id(), environment_id=home.id, account_id=AccountId("account"), server_id="server", client="a program",
        asked_by="server:1", asked_by_name="the server", tool="delete_things", title="Delete things", effect="destroy",
        digest=bytes(range(32)), shown={}, by_client=True, state="pending", reason="", decided_by="",
        decided_by_name="", created_at=MOMENT, expires_at=LATER, decided_at=None, used_at=None,
    )  # fmt: skip
    return structs.replace(approval, **changes)


async def added(database: Database, approval: Approval) -> Approval:
    async with database.transaction() as session:
        await Approvals(database).add(session, Kept(approval=approval, sealed=b"sealed"))
    return approval


async def decided(database: Database, approval: Approval, decision: Decision, moment: datetime = MOMENT) -> bool:
    async with database.transaction() as session:
        return await Approvals(database).decide(session, approval.environment_id, approval.id, decision, moment)


async def test_nothing_is_lost_on_the_way(database: Database) -> None:
    home = await make_home(database)
    approval = await added(database, approval_of(home))
    assert await Approvals(database).get(home.id, approval.id, MOMENT) == Kept(approval=approval, sealed=b"sealed")


async def test_is_decided_once(database: Database) -> None:
    home = await make_home(database)
    approval = await added(database, approval_of(home))
    assert await decided(database, approval, NO)
    assert not await decided(database, approval, YES)
    found = await Approvals(database).get(home.id, approval.id, MOMENT)
    assert found is not None
    assert (found.approval.state, found.approval.decided_by_name) == ("denied", "boss")


async def test_is_used_by_one_of_many(database: Database) -> None:
    home = await make_home(database)
    approval = await added(database, approval_of(home))
    rows = Approvals(database)
    assert not await rows.use(home.id, approval.id, MOMENT)
    assert await decided(database, approval, YES)
    used = await asyncio.gather(*(rows.use(home.id, approval.id, MOMENT) for _ in range(5)))
    assert sorted(used) == [False, False, False, False, True]


async def test_is_over_when_its_time_is_up(database: Database) -> None:
    home = await make_home(database)
    rows = Approvals(database)
    approval = await added(database, approval_of(home))
    assert not await decided(database, approval, YES, TOO_LATE)
    assert await decided(database, approval, YES)
    assert not await rows.use(home.id, approval.id, TOO_LATE)
    found = await rows.get(home.id, approval.id, TOO_LATE)
    assert found is not None
    assert found.approval.state == "expired"
    assert await rows.standing(home.id, "server", "server:1", approval.digest, TOO_LATE) is None


async def test_stands_for_the_very_call_of_the_very_caller(database: Database) -> None:
    home, other = await make_home(database), await make_home(database, "other")
    rows = Approvals(database)
    older = await added(database, approval_of(home))
    newer = await added(database, approval_of(home))

    async def standing(server_id: str = "server", asked_by: str = "server:1", digest: bytes = older.digest) -> str:
        found = await rows.standing(home.id, server_id, asked_by, digest, MOMENT)
        return found.approval.id if found else ""

    assert await standing() == newer.id
    assert await decided(database, older, YES)
    assert await standing() == older.id, "the one that can be used"
    assert await rows.use(home.id, older.id, MOMENT)
    assert await standing() == newer.id
    assert [await standing("x"), await standing(asked_by="x"), await standing(digest=b"x")] == ["", "", ""]
    assert await rows.standing(other.id, "server", "server:1", older.digest, MOMENT) is None


async def test_lists_by_what_they_are_now(database: Database) -> None:
    home = await make_home(database)
    rows = Approvals(database)
    pending = await added(database, approval_of(home))
    over = await added(database, approval_of(home, expires_at=MOMENT - timedelta(seconds=1), server_id="other"))
    denied = await added(database, approval_of(home, account_id="another"))
    assert await decided(database, denied, NO)

    async def listed(chosen: Chosen) -> list[str]:
        return [each.approval.id for each in await rows.page(home.id, chosen, "~", 10, MOMENT)]

    assert await listed(Chosen()) == [denied.id, over.id, pending.id]
    assert await listed(Chosen(states=("pending",))) == [pending.id]
    assert await listed(Chosen(states=("expired",))) == [over.id]
    assert await listed(Chosen(states=("expired", "denied"))) == [denied.id, over.id]
    assert await listed(Chosen(states=("denied",), account_ids=("another",))) == [denied.id]
    assert await listed(Chosen(server_ids=("other",))) == [over.id]
    async with database.transaction() as session:
        await rows.delete_of_account(session, home.id, "another")
    assert await listed(Chosen()) == [over.id, pending.id]
