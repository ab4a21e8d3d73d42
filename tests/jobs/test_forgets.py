"""What was kept of a deleted account's calls is taken away, by whichever worker comes to it."""

from portico.store.statement import Statement
from tests.jobs.conftest import Plant

_KEPT = Statement("SELECT COUNT(*) FROM request_bodies")


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
