"""What was kept of a deleted account's calls is taken away, by whichever worker comes to it."""

from portico.model.account import EnvironmentId
from portico.store import bodies
from portico.store.bodies import SealedBodies
from portico.store.ids import new_id
from portico.store.statement import Statement
from tests.jobs.conftest import Plant

_KEPT = Statement("SELECT COUNT(*) FROM request_bodies")
_JOBS = Statement("SELECT COUNT(*) FROM jobs WHERE kind = 'forget'")
_PLACES = Statement("SELECT place FROM replays ORDER BY place")


async def test_bodies_of_a_deleted_account_go_and_those_of_others_stay(plant: Plant) -> None:
    gone, stays = await plant.account("gone"), await plant.account("stays")
    for account in (gone, stays):
        await plant.client.patch(f"/integrated-account/{account['id']}", {"log_bodies": True})
        assert (await plant.proxy("GET", "models", account)).status == 200
    await plant.parts.recorder.flush()
    assert await plant.parts.database.one(_KEPT) == (2,)
    assert (await plant.client.delete(f"/integrated-account/{gone['id']}")).status == 200
    await plant.run()
    assert await plant.parts.database.one(_KEPT) == (2,)
    await plant.run(seconds=6)
    assert await plant.parts.database.one(_KEPT) == (1,)
    (row,) = (await plant.client.get("/log", has_bodies="true")).json["result"]
    assert row["integrated_account_id"] == stays["id"]


async def test_answers_kept_for_repeated_requests_go_with_their_account(plant: Plant) -> None:
    gone, stays = await plant.account("gone"), await plant.account("stays")
    for account in (gone, stays):
        query, once = {"integrated_account_id": account["id"]}, {"idempotency-key": "once"}
        made = await plant.client.send("POST", "/proxy/projects", json={"name": "one"}, query=query, headers=once)
        assert made.status == 200, made.content
        tool = f"/integrated-account/{account['id']}/tools/list_all_openai_projects"
        assert (await plant.client.send("POST", tool, json={}, headers=once)).status == 200
    assert len(await plant.parts.database.all(_PLACES)) == 4
    assert (await plant.client.delete(f"/integrated-account/{gone['id']}")).status == 200
    await plant.run(seconds=6)
    places = [row[0] for row in await plant.parts.database.all(_PLACES)]
    assert [stays["id"] in each for each in places] == [True, True]


async def test_bodies_of_a_call_that_outlived_its_account_go_an_hour_later(plant: Plant) -> None:
    gone, database = await plant.account("gone"), plant.parts.database
    assert (await plant.client.delete(f"/integrated-account/{gone['id']}")).status == 200
    await plant.run(seconds=6)
    environment = EnvironmentId(gone["environment_id"])
    late = SealedBodies(environment_id=environment, id=new_id(), account_id=gone["id"], sealed=b"late")
    async with database.transaction() as session:
        await bodies.add(session, [late])
    await plant.run(seconds=600)
    assert await database.one(_KEPT) == (1,)
    await plant.run(seconds=3_100)
    assert await database.one(_KEPT) == (0,)
    assert await database.one(_JOBS) == (0,)
