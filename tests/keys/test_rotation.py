"""New root and data keys for everything that is sealed, while it is read and written, from wherever it was cut off."""

import asyncio
import random
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from portico.app import build
from portico.gateway import rotation
from portico.gateway.files import Kept
from portico.gateway.keyring import open_keyring
from portico.gateway.roots import KeyRefused
from portico.gateway.rotation import RotationUnderWay
from portico.settings import Settings
from portico.store.statement import Statement
from tests.conftest import HeldClock
from tests.gateways import connect_account, pieces
from tests.keys.conftest import House, opened

_WRAPPERS = Statement("SELECT DISTINCT wrapper FROM data_keys WHERE retired_at IS NULL")
_DATA_KEYS = Statement("SELECT id, superseded_at, retired_at, wrapped FROM data_keys ORDER BY created_at, id")
_SEALED = Statement("SELECT id, sealed FROM accounts ORDER BY id")


async def everything_sealed(house: House) -> dict[str, Any]:
    """Something in every table that holds sealed values."""
    account = await connect_account(house.client)
    await house.client.patch(f"/integrated-account/{account['id']}", {"log_bodies": True})
    assert await house.call(account) == 200
    (row,) = (await house.client.get("/log", has_bodies="true")).json["result"]
    hook = await house.client.post("/webhook", {"target_url": "http://127.0.0.1:9/hook", "event_types": ["*"]})
    assert hook.status == 201, hook.content
    registered = await house.client.post(f"/integrated-account/{account['id']}/vendor-webhook", {})
    assert registered.status in {200, 201}, registered.content
    kept = await house.client.send(
        "POST", "/webhook", json={"target_url": "http://127.0.0.1:9/b", "event_types": ["*"]},
        headers={"idempotency-key": "one"},
    )  # fmt: skip
    assert kept.status == 201
    caller = await house.parts.lookup.caller(house.client.token or "")
    shelf = house.parts.shelf
    described = Kept(
        environment_id=caller.environment_id, account_id=account["id"], name="a", content_type="text/plain",
        life=timedelta(days=2),
    )  # fmt: skip
    linked = await shelf.keep(described, pieces(b"x" * 3_000_000))
    return {
        "account": account,
        "shelf": shelf,
        "file": linked.file,
        "hook": hook.json,
        "kept": kept.json,
        "row": row["id"],
    }


async def test_every_sealed_value_gets_new_keys_and_still_opens(house: House) -> None:
    made = await everything_sealed(house)
    before = {bytes(row[1])[1:9] for row in await house.parts.database.all(_SEALED)}
    begun = await house.begin()
    ended = await house.run()
    assert (ended.id, ended.state, ended.note) == (begun.id, "settling", "")
    assert ended.done == ended.total >= 8  # account, bodies, two webhooks, an inbound endpoint, a replay, three pieces
    after = {bytes(row[1])[1:9] for row in await house.parts.database.all(_SEALED)}
    assert not before & after
    assert await house.parts.database.all(_WRAPPERS) == [(begun.root_key,)]
    assert await house.call(made["account"]) == 200
    assert b"".join([piece async for piece in made["shelf"].read(made["file"])]) == b"x" * 3_000_000
    logged = (await house.client.get(f"/log/{made['row']}")).json
    assert logged["response"]["body"]["object"] == "list"
    again = await house.client.send(
        "POST", "/webhook", json={"target_url": "http://127.0.0.1:9/b", "event_types": ["*"]},
        headers={"idempotency-key": "one"},
    )  # fmt: skip
    assert again.json == made["kept"]
    rotated = await house.client.post(f"/webhook/{made['hook']['id']}/rotate", {"keep_old_hours": 1})
    assert rotated.status == 200, rotated.content


async def test_tokens_stay_valid_under_a_new_root_key(house: House) -> None:
    await house.begin("root")
    await house.run()
    reopened = await open_keyring(house.settings, house.parts.database, house.clock)
    assert reopened.pepper == house.parts.keyring.pepper


async def test_old_keys_are_destroyed_after_an_hour_and_not_before(house: House) -> None:
    account = await connect_account(house.client)
    begun = await house.begin()
    await house.run()
    house.clock.advance(minutes=58)
    assert (await house.run()).state == "settling"
    keys = await house.parts.database.all(_DATA_KEYS)
    assert [bool(row[1]) for row in keys] == [True, False]
    assert all(bytes(row[3]) for row in keys)
    ended = await house.settle()
    assert (ended.state, ended.note) == ("done", "")
    old, new = await house.parts.database.all(_DATA_KEYS)
    assert old[2] is not None
    assert bytes(old[3]) == b""
    assert new[2] is None
    states = {each["id"]: each["state"] for each in (await rotation.status(house.parts))["root_keys"]}
    assert sorted(states.values()) == ["in use", "retired"]
    assert states[begun.root_key] == "in use"
    assert await house.call(account) == 200


async def test_the_new_root_key_alone_opens_everything_afterwards(
    house: House, house_settings: Settings, clock: HeldClock
) -> None:
    account = await connect_account(house.client)
    await house.begin()
    await house.run()
    old, new = house_settings.master_key.split(",")
    async with AsyncExitStack() as stack:
        later = await opened(stack, replace(house_settings, master_key=new), clock)
        got = await later.client.get("/proxy/models", integrated_account_id=account["id"])
        assert got.status == 200
    with pytest.raises(KeyRefused, match="not the one that this database was written with"):
        await build(replace(house_settings, master_key=old), clock=clock)


async def test_a_value_written_under_an_old_key_meanwhile_is_found_before_that_key_goes(house: House) -> None:
    """Somebody who had read a row before the rotation writes it back after it."""
    account = await connect_account(house.client)
    row = await house.parts.database.one(_SEALED)
    await house.begin("data")
    await house.run()
    await house.parts.database.run(
        Statement("UPDATE accounts SET sealed = :sealed WHERE id = :id"), sealed=bytes(row[1]), id=row[0]
    )
    house.parts.changes.apply("accounts")
    assert await house.call(account) == 200
    assert (await house.settle()).state == "done"
    house.parts.changes.apply("accounts")
    assert await house.call(account) == 200


async def test_a_damaged_value_stops_nothing_and_keeps_only_its_own_key(house: House) -> None:
    await connect_account(house.client, "acme")
    await connect_account(house.client, "bolt")
    row = await house.parts.database.one(_SEALED)
    damaged = bytes(row[1])[:-1] + bytes([bytes(row[1])[-1] ^ 1])
    await house.parts.database.run(
        Statement("UPDATE accounts SET sealed = :sealed WHERE id = :id"), sealed=damaged, id=row[0]
    )
    await house.begin("data")
    ended = await house.run()
    assert ended.state == "settling"
    assert "1 values could not be opened" in ended.note
    assert "1 old keys are still used" in (await house.settle()).note


async def test_nothing_fails_while_keys_are_rotated(house: House) -> None:
    """Reads, writes, new accounts and new environments' first keys all the while, two rotations one after another."""
    accounts = [await connect_account(house.client, f"tenant-{number}") for number in range(3)]
    failed: list[Any] = []
    done = asyncio.Event()

    async def read(number: int) -> None:
        while not done.is_set():
            status = await house.call(accounts[number % len(accounts)])
            failed.extend([status] if status != 200 else [])

    async def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            account = accounts[number % len(accounts)]
            change = {"context": {"api_key": f"sk-proj-tenant-{number}"}}
            got = await house.client.patch(f"/integrated-account/{account['id']}", change)
            failed.extend([got.content] if got.status != 200 else [])
            key = {"idempotency-key": f"key-{number}"}
            body = {"tenant_id": f"new-{number}", "integration": "openai", "context": {"api_key": "sk-proj-new"}}
            made = await house.client.send("POST", "/integrated-account", json=body, headers=key)
            failed.extend([made.content] if made.status != 201 else [])

    work = [asyncio.create_task(each) for each in (*(read(number) for number in range(3)), write())]
    for what in ("all", "data"):
        await house.begin(what)  # pyright: ignore[reportArgumentType] -- the words themselves
        assert (await house.run()).state == "settling"
    done.set()
    await asyncio.gather(*work)
    assert failed == []
    assert (await house.settle()).state == "done"
    for account in accounts:
        house.parts.changes.apply("accounts")
        assert await house.call(account) == 200


async def test_a_rotation_cut_off_anywhere_is_carried_on_to_its_end(house: House) -> None:
    """Cancelled at random moments, as a killed process would leave it, until it comes through."""
    accounts = [await connect_account(house.client, f"tenant-{number}") for number in range(3)]
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    await house.begin()
    cuts = 0
    while (await house.last()).state != "settling":
        task = asyncio.create_task(rotation.carry_on(await house.last(), house.parts))
        for _ in range(dice.randrange(1, 100) + cuts * 25):
            await asyncio.sleep(0)
        cuts += not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await house.parts.database.run(Statement("UPDATE jobs SET run_at = 0, lease_until = 0 WHERE kind = 'rotate'"))
    assert (await house.settle()).state == "done", f"seed {seed}"
    house.parts.changes.apply("accounts")
    for account in accounts:
        assert await house.call(account) == 200, f"seed {seed}"


async def test_only_one_rotation_runs_at_a_time(house: House) -> None:
    await house.begin("data")
    with pytest.raises(RotationUnderWay):
        await house.begin("data")
    await house.run()
    assert (await house.begin("data")).state == "waiting"
