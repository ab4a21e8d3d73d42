"""Accounts in the store, on both engines: kept as they are, found by what they are, never changed behind one's back."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from portico.model.account import Account, AccountId
from portico.store.accounts import AccountFilter, Accounts
from portico.store.database import Database
from portico.store.installations import Installations, Wish
from tests.store.rows import LATER, MOMENT, Home, account_of, add_accounts, make_home

ANY = AccountFilter()


@pytest.fixture
async def home(database: Database) -> Home:
    return await make_home(database)


async def found(database: Database, account: Account) -> Account:
    present = await Accounts(database).get(account.environment_id, account.id)
    assert present is not None
    return present


async def written(database: Database, account: Account) -> bool:
    async with database.transaction() as session:
        return await Accounts(database).update(session, account)


async def test_account_comes_back_as_it_was_put_in(database: Database, home: Home) -> None:
    account = account_of(home)
    await add_accounts(database, account)
    assert await found(database, account) == account


async def test_account_without_anything_optional_comes_back_so(database: Database, home: Home) -> None:
    plain = structs.replace(account_of(home), last_error=None, last_forbidden_error=None, last_action_result=None,
                            sealed=b"", context={}, held={}, base_url="", is_sandbox=False, override={})  # fmt: skip
    await add_accounts(database, plain)
    assert await found(database, plain) == plain


async def test_account_of_another_environment_is_not_there(database: Database, home: Home) -> None:
    other = await make_home(database, "other")
    account = account_of(home)
    await add_accounts(database, account)
    accounts = Accounts(database)
    assert await accounts.get(other.id, account.id) is None
    assert await accounts.page(other.id, "~", 10, ANY) == []
    assert await accounts.ids_of_tenant(other.id, account.tenant_id) == []
    async with database.transaction() as session:
        assert await accounts.ids_of_installation(session, other.id, home.installation.id) == []
        assert not await accounts.delete(session, other.id, account.id)
        assert not await accounts.update(session, structs.replace(account, environment_id=other.id, tenant_id="x"))
        assert not await accounts.move(
            session, structs.replace(account, environment_id=other.id), "blocked", LATER, None
        )
    assert await found(database, account) == account


async def test_deleted_account_is_gone_and_only_that_one(database: Database, home: Home) -> None:
    gone, kept = account_of(home), account_of(home)
    await add_accounts(database, gone, kept)
    async with database.transaction() as session:
        assert await Accounts(database).delete(session, home.id, gone.id)
        assert not await Accounts(database).delete(session, home.id, gone.id)
    assert [each.id for each in await Accounts(database).page(home.id, "~", 10, ANY)] == [kept.id]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["c", "b", "a"]),
    ({"tenant_id": ("acme",)}, ["b", "a"]),
    ({"tenant_id": ("ac",)}, []),
    ({"tenant_id": ("' OR 1=1 --",)}, []),
    ({"status": ("blocked",)}, ["c"]),
    ({"integration": ("openai",)}, ["c", "b", "a"]),
    ({"integration": ("other",)}, []),
    ({"tenant_id": ("bolt", "acme")}, ["c", "b", "a"]),
    ({"tenant_id": ("acme,bolt",)}, []),
    ({"tenant_id": ("%", "acm_", "a")}, []),
    ({"status": ("blocked", "active"), "tenant_id": ("acme",)}, ["b", "a"]),
    ({"is_sandbox": True}, ["b", "a"]),
    ({"is_sandbox": False}, ["c"]),
    ({"created_after": MOMENT}, ["c", "b"]),
    ({"created_before": MOMENT}, []),
    ({"created_before": MOMENT + timedelta(milliseconds=1)}, ["a"]),
    ({"updated_after": MOMENT, "updated_before": LATER + timedelta(seconds=1)}, ["c"]),
    ({"tenant_id": ("acme",), "is_sandbox": True, "created_after": MOMENT}, ["b"]),
]


@pytest.mark.parametrize(("wanted", "names"), FILTERS, ids=[str(wanted) for wanted, _ in FILTERS])
async def test_filters_narrow_together(
    database: Database, home: Home, wanted: dict[str, Any], names: list[str]
) -> None:
    rows = {
        "a": account_of(home),
        "b": structs.replace(account_of(home), created_at=MOMENT + timedelta(milliseconds=1)),
        "c": structs.replace(
            account_of(home, "bolt"), status="blocked", is_sandbox=False, created_at=LATER, updated_at=LATER
        ),
    }
    await add_accounts(database, *rows.values())
    by_id = {row.id: name for name, row in rows.items()}
    shown = await Accounts(database).page(home.id, "~", 10, AccountFilter(**wanted))
    assert [by_id[row.id] for row in shown] == names


async def test_pages_go_down_the_ids_without_gap_or_repetition(database: Database, home: Home) -> None:
    rows = [account_of(home) for _ in range(25)]
    await add_accounts(database, *rows)
    seen: list[AccountId] = []
    before = "~"
    while page := await Accounts(database).page(home.id, before, 7, ANY):
        seen += [each.id for each in page]
        before = page[-1].id
        await add_accounts(database, account_of(home))  # newer ones come in front and disturb nothing
    assert seen == sorted((row.id for row in rows), reverse=True)


async def test_change_is_written_with_a_new_revision(database: Database, home: Home) -> None:
    account = account_of(home)
    await add_accounts(database, account)
    changed = structs.replace(
        account, tenant_id="new", status="blocked", context={}, sealed=b"new", held={}, base_url="", is_sandbox=False,
        override={}, unified_override={}, last_error=None, last_forbidden_error=None, last_action_result=None,
        updated_at=LATER,
    )  # fmt: skip
    assert await written(database, changed)
    assert await found(database, account) == structs.replace(changed, revision=2)


async def test_change_of_what_somebody_else_has_changed_is_not_written(database: Database, home: Home) -> None:
    account = account_of(home)
    await add_accounts(database, account)
    assert await written(database, structs.replace(account, tenant_id="first"))
    assert not await written(database, structs.replace(account, tenant_id="second"))
    assert (await found(database, account)).tenant_id == "first"


@pytest.mark.parametrize("deed", ["move", "note"])
async def test_change_does_not_undo_what_a_call_has_noted_meanwhile(database: Database, home: Home, deed: str) -> None:
    account, accounts = account_of(home), Accounts(database)
    await add_accounts(database, account)
    async with database.transaction() as session:
        if deed == "move":
            assert await accounts.move(session, account, "needs_reauth", LATER, {"message": "401"})
        else:
            await accounts.note_forbidden(session, account, {"resource": "batches"}, LATER)
    assert not await written(database, structs.replace(account, tenant_id="late"))


async def test_of_many_who_move_an_account_at_once_one_does(database: Database, home: Home) -> None:
    account, accounts = account_of(home), Accounts(database)
    await add_accounts(database, account)

    async def move() -> bool:
        async with database.transaction() as session:
            return await accounts.move(session, account, "needs_reauth", LATER, None)

    assert sorted(await asyncio.gather(*(move() for _ in range(10)))) == [False] * 9 + [True]


async def test_account_follows_its_installation(database: Database, home: Home) -> None:
    account = account_of(home)
    await add_accounts(database, account)
    async with database.transaction() as session:
        await Installations(database).update(
            session, home.id, home.installation.id, LATER, Wish(is_enabled=False, override={"label": "Ours"})
        )
    present = await found(database, account)
    assert not present.is_enabled
    assert present.installation_override == {"label": "Ours"}
    async with database.transaction() as session:
        assert await Accounts(database).ids_of_installation(session, home.id, home.installation.id) == [account.id]
    assert await Accounts(database).ids_of_tenant(home.id, "acme") == [account.id]
