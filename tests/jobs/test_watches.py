"""Watches: looked at ever more rarely until the vendor's object is over, whatever happens to vendor and account."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any

import pytest

from portico.clock import iso
from portico.store.operators import Taking
from portico.store.statement import Statement
from tests.gateways import Got
from tests.jobs.conftest import Plant
from tests.jobs.receiver import LONGEST_SECONDS

_EXPIRE = Statement("UPDATE jobs SET lease_until = 1")
_JOBS = Statement("SELECT COUNT(*) FROM jobs WHERE kind = 'watch'")
_DAY_SECONDS = 86_400


async def batch(plant: Plant, account: dict[str, Any]) -> str:
    """A batch under way at the vendor; turning its clock by a day ends it."""
    line = (
        '{"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": {"model": "gpt-5.4-mini", "input": "x"}}'
    )
    boundary = "b"
    fields = f'--{boundary}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    fields += f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{line}\r\n'
    file = await plant.client.send(
        "POST", "/proxy/files", query={"integrated_account_id": account["id"]},
        content=f"{fields}--{boundary}--\r\n".encode(),
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )  # fmt: skip
    assert file.status < 300, file.content
    body = {"input_file_id": file.json["id"], "endpoint": "/v1/responses", "completion_window": "24h"}
    made = await plant.proxy("POST", "batches", account, body)
    assert made.status < 300, made.content
    return made.json["id"]


async def watch(plant: Plant, account: dict[str, Any], identity: str, **body: Any) -> Got:
    given = {"id": identity, "resource": "batches"} | body
    return await plant.client.post(f"/integrated-account/{account['id']}/watch", given)


async def started(plant: Plant, account: dict[str, Any], identity: str, **body: Any) -> dict[str, Any]:
    got = await watch(plant, account, identity, **body)
    assert got.status == 201, got.content
    return got.json


async def found(plant: Plant, watched: dict[str, Any]) -> dict[str, Any]:
    got = await plant.client.get(f"/integrated-account/{watched['integrated_account_id']}/watch/{watched['id']}")
    return got.json


async def turn(plant: Plant, steps: int, seconds: float = 300) -> None:
    for _ in range(steps):
        await plant.run(seconds=seconds)


def looks(plant: Plant, identity: str) -> int:
    return plant.seen(f"/v1/batches/{identity}")


async def test_finished_job_is_told_with_its_facts_and_without_its_keys(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    watched = await started(plant, account, identity)
    await plant.run()
    assert (await found(plant, watched))["state"] == "watching"
    plant.world.advance(_DAY_SECONDS)
    await plant.run(seconds=6)
    (told,) = plant.receiver.at("/hook")
    assert told.event == "job:completed"
    payload = told.json["payload"]
    assert (payload["object_id"], payload["status"], payload["problem"]) == (identity, "completed", "")
    assert (payload["resource"], payload["method"]) == ("batches", "get")
    assert payload["tenant_id"] == "acme"
    assert payload["facts"]["request_counts"] == {"total": 1, "completed": 1, "failed": 0}
    over = await found(plant, watched)
    assert (over["state"], over["status"], over["looks"]) == ("completed", "completed", 2)
    assert over["ended_at"] is not None
    await turn(plant, 3)
    assert looks(plant, identity) == 2


async def test_job_that_ends_badly_is_told_as_failed(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    await started(plant, account, identity)
    await plant.run()
    await plant.proxy("POST", f"batches/cancel?id={identity}&integrated_account_id={account['id']}", account)
    plant.world.advance(_DAY_SECONDS)
    await plant.run(seconds=6)
    (told,) = plant.receiver.at("/hook")
    assert (told.event, told.json["payload"]["status"]) == ("job:failed", "cancelled")


async def test_looks_grow_rarer_and_never_rarer_than_five_minutes(plant: Plant) -> None:
    account = await plant.account()
    plant.world.pace = 1e9
    identity = await batch(plant, account)
    await started(plant, account, identity)
    moments: list[float] = []
    for second in range(0, 3600, 5):
        before = looks(plant, identity)
        await plant.run()
        if looks(plant, identity) > before:
            moments.append(second)
        plant.clock.advance(seconds=5)
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses[0] == 5
    assert all(later >= earlier - 5 for earlier, later in itertools.pairwise(pauses))
    assert 290 <= pauses[-1] <= 305
    assert len(moments) < 25


async def test_same_job_is_watched_once_however_often_it_is_asked_for(plant: Plant) -> None:
    account = await plant.account()
    identity = await batch(plant, account)
    made = await asyncio.gather(*(started(plant, account, identity) for _ in range(5)))
    by_tool = await started(plant, account, identity, resource="", tool="create_a_openai_batch")
    assert len({each["id"] for each in [*made, by_tool]}) == 1
    await plant.run()
    assert looks(plant, identity) == 1


async def test_two_replicas_never_look_at_a_job_at_once(plant: Plant, replica: Plant) -> None:
    account = await plant.account()
    identity = await batch(plant, account)
    await started(plant, account, identity)
    plant.fault("delay=0.1", f"/v1/batches/{identity}")
    await asyncio.gather(*(each.worker.run_due() for each in (plant, replica, plant, replica)))
    assert looks(plant, identity) == 1


async def test_worker_that_died_while_looking_is_followed_by_another_which_tells_once(
    plant: Plant, replica: Plant
) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    await started(plant, account, identity)
    plant.world.advance(_DAY_SECONDS)
    taking = Taking(count=10, width=10, lease_seconds=60)
    (job, *_) = [each for each in await plant.parts.operators.take_jobs(plant.clock(), taking) if each.kind == "watch"]
    outcome = await plant.worker.runners["watch"](job)  # and dies before it can write this
    await plant.parts.database.run(_EXPIRE)
    await replica.run()
    async with plant.parts.database.transaction() as session:
        assert outcome.write is not None
        await outcome.write(session)
    await replica.run()
    assert plant.receiver.events("/hook") == ["job:completed"]


@pytest.mark.parametrize("fault", ["status=500", "status=503;retry-after=60", "reset", "invalid-json", "status=429"])
async def test_vendor_that_stumbles_is_asked_again(plant: Plant, fault: str) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    watched = await started(plant, account, identity)
    plant.world.advance(_DAY_SECONDS)
    plant.fault(fault, f"/v1/batches/{identity}", times=2)
    await plant.run()
    shown = await found(plant, watched)
    assert (shown["state"], shown["looks"]) == ("watching", 1)
    assert shown["problem"]
    await turn(plant, 3)
    assert plant.receiver.events("/hook") == ["job:completed"]
    assert (await found(plant, watched))["problem"] == ""


async def test_vendors_wish_to_be_left_alone_is_granted(plant: Plant) -> None:
    account = await plant.account()
    identity = await batch(plant, account)
    await started(plant, account, identity)
    plant.fault("status=429;retry-after=120", f"/v1/batches/{identity}", times=1)
    await plant.run()
    await plant.run(seconds=119)
    assert looks(plant, identity) == 1
    await plant.run(seconds=1)
    assert looks(plant, identity) == 2


async def test_job_that_vanishes_has_failed(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    watched = await started(plant, account, identity)
    await plant.run()
    plant.fault("status=404", f"/v1/batches/{identity}")
    await plant.run(seconds=6)
    (told,) = plant.receiver.at("/hook")
    assert told.event == "job:failed"
    assert told.json["payload"]["problem"] == (await found(plant, watched))["problem"] != ""


async def test_job_that_the_vendor_does_not_know_yet_gets_a_few_looks(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    watched = await started(plant, account, "batch_of_somebody_else")
    await plant.run()
    await plant.run(seconds=6)
    assert (await found(plant, watched))["state"] == "watching"
    await turn(plant, 5, seconds=20)
    assert plant.receiver.events("/hook") == ["job:failed"]
    assert looks(plant, "batch_of_somebody_else") == 4


async def test_key_that_is_refused_meanwhile_stops_nothing_for_good(plant: Plant) -> None:
    """The account needs a new key; with one, the watch comes to its end."""
    await plant.webhook("/hook", "job:*", "integrated_account:authentication_error")
    account = await plant.account()
    identity = await batch(plant, account)
    watched = await started(plant, account, identity)
    plant.world.advance(_DAY_SECONDS)
    plant.fault("status=401")
    await plant.run()
    got = await plant.client.get(f"/integrated-account/{account['id']}")
    assert got.json["status"] == "needs_reauth"
    assert (await found(plant, watched))["state"] == "watching"
    plant.world.faults.clear()
    await turn(plant, 2, seconds=20)
    assert plant.receiver.events("/hook") == ["integrated_account:authentication_error", "job:completed"]


async def test_blocked_accounts_watch_waits_until_it_may_go_on(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    watched = await started(plant, account, identity)
    await plant.client.patch(f"/integrated-account/{account['id']}", {"status": "blocked"})
    plant.world.advance(_DAY_SECONDS)
    await turn(plant, 3)
    assert looks(plant, identity) == 0
    assert (await found(plant, watched))["problem"]
    await plant.client.patch(f"/integrated-account/{account['id']}", {"status": "active"})
    await turn(plant, 2)
    assert plant.receiver.events("/hook") == ["job:completed"]


async def test_deleted_accounts_watches_go_with_it_and_tell_nothing(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    await started(plant, account, identity)
    await plant.run()
    await plant.client.delete(f"/integrated-account/{account['id']}")
    await turn(plant, 3)
    assert looks(plant, identity) == 1
    assert plant.receiver.events("/hook") == []
    assert await plant.parts.database.one(_JOBS) == (0,)


async def test_account_deleted_during_a_look_makes_nothing_of_it(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    await started(plant, account, identity)
    plant.world.advance(_DAY_SECONDS)
    plant.fault("delay=0.3", f"/v1/batches/{identity}")
    looking = asyncio.create_task(plant.run())
    async with asyncio.timeout(LONGEST_SECONDS):
        while not looks(plant, identity):  # noqa: ASYNC110 -- another server, which tells nobody
            await asyncio.sleep(0.01)
    await plant.client.delete(f"/integrated-account/{account['id']}")
    await looking
    await turn(plant, 2)
    assert plant.receiver.events("/hook") == []
    assert await plant.parts.database.one(_JOBS) == (0,)


async def test_watch_ends_when_its_time_is_up(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    plant.world.pace = 1e9
    identity = await batch(plant, account)
    end = plant.clock() + timedelta(hours=1)
    watched = await started(plant, account, identity, expires_at=iso(end))
    await turn(plant, 11)
    assert plant.receiver.events("/hook") == []
    await plant.run(seconds=300)
    (told,) = plant.receiver.at("/hook")
    assert told.event == "job:failed"
    assert "as long as was agreed" in told.json["payload"]["problem"]
    assert (await found(plant, watched))["state"] == "failed"


async def test_stopped_watch_looks_no_more_and_tells_nothing(plant: Plant) -> None:
    await plant.webhook("/hook", "job:*")
    account = await plant.account()
    identity = await batch(plant, account)
    watched = await started(plant, account, identity)
    await plant.run()
    stopped = await plant.client.delete(f"/integrated-account/{account['id']}/watch/{watched['id']}")
    assert (stopped.status, stopped.json["state"]) == (200, "canceled")
    await turn(plant, 3)
    assert looks(plant, identity) == 1
    assert plant.receiver.events("/hook") == []
    again = await started(plant, account, identity)
    assert again["id"] != watched["id"]


async def test_vendor_is_asked_for_a_few_jobs_of_one_account_at_a_time(plant: Plant) -> None:
    accounts = [await plant.account("first"), await plant.account("second")]
    await plant.run()
    for number in range(10):
        for account in accounts:
            await started(plant, account, f"batch_{number}")
    taking = Taking(count=100, width=4, lease_seconds=60)
    assert len(await plant.parts.operators.take_jobs(plant.clock(), taking)) == 8


async def test_watches_are_listed_by_account_and_by_state(plant: Plant) -> None:
    first, second = await plant.account("first"), await plant.account("second")
    watched = [await started(plant, account, "batch_1") for account in (first, second)]
    await started(plant, first, "batch_2")
    await plant.client.delete(f"/integrated-account/{first['id']}/watch/{watched[0]['id']}")
    listed = (await plant.client.get("/watch")).json["result"]
    assert [each["object_id"] for each in listed] == ["batch_2", "batch_1", "batch_1"]
    assert len((await plant.client.get("/watch", state="watching")).json["result"]) == 2
    assert len((await plant.client.get("/watch", integrated_account_id=second["id"])).json["result"]) == 1
    page = (await plant.client.get(f"/integrated-account/{first['id']}/watch", limit=1)).json
    rest = await plant.client.get(f"/integrated-account/{first['id']}/watch", next_cursor=page["next_cursor"])
    assert len(rest.json["result"]) == 1
    token = (await plant.client.post("/integrated-account/token", {"integrated_account_id": first["id"]})).json
    own = plant.client.as_holder_of(token["integrated_account_token"])
    theirs = (await own.get("/watch", integrated_account_id=second["id"])).json["result"]
    assert {each["integrated_account_id"] for each in theirs} == {first["id"]}
    assert (await own.get(f"/integrated-account/{second['id']}/watch")).status in {403, 404}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"resource": "batches", "identity": ""}, "1 to 500 characters"),
        ({"resource": "", "identity": "x"}, "what started the job, or looks at it"),
        ({"resource": "models", "identity": "x"}, "is over as soon as it has answered"),
        ({"resource": "batches", "arguments": {"thread_id": "t"}}, "is not asked for by batches.get"),
        ({"resource": "runs"}, "is required: runs.get needs it"),
        ({"resource": "nonsense"}, "nonsense"),
        ({"resource": "", "tool": "create_a_openai_batsh"}, "create_a_openai_batch"),
        ({"expires_at": "2027-11-02T12:00:00Z"}, "at most 30 days"),
        ({"expires_at": "2026-11-02T12:00:00Z"}, "must be ahead"),
    ],
)
async def test_what_cannot_be_watched_is_refused_with_what_can(plant: Plant, body: dict[str, Any], words: str) -> None:
    account = await plant.account()
    got = await watch(plant, account, **({"identity": "batch_1"} | body))
    assert 400 <= got.status < 500
    assert words in got.sentence
