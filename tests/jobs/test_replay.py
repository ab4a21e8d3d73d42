"""What was missed is sent again: by delivery, or by a stretch of time, to webhooks that are switched on."""

from datetime import timedelta
from typing import Any

import pytest

from portico.clock import iso
from portico.gateway import redelivery
from tests.gateways import Got
from tests.jobs.conftest import Plant


async def replay(plant: Plant, webhook: dict[str, Any], **body: Any) -> Got:
    return await plant.client.post(f"/webhook/{webhook['id']}/replay", body)


def ids(plant: Plant, path: str) -> list[str]:
    return [each.headers["webhook-id"] for each in plant.receiver.at(path)]


async def test_stretch_brings_what_failed_what_was_dropped_and_what_was_never_sent(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "vendor:*")
    plant.receiver.answer("/hook", 204, 500)
    since = plant.clock()
    await plant.announce("vendor:arrives")
    await plant.run()
    plant.clock.advance(seconds=1)
    await plant.announce("vendor:dropped")
    await plant.run()
    await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": False})
    await plant.run(days=1)
    await plant.announce("vendor:unsent")
    await plant.run()
    assert [each["state"] for each in await plant.deliveries(webhook)] == ["delivered", "dropped"]
    await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": True})
    got = await replay(plant, webhook, since=iso(since))
    assert (got.status, got.json) == (202, {"queued": 2})
    await plant.run()
    assert plant.receiver.events("/hook") == ["vendor:arrives", "vendor:dropped", "vendor:dropped", "vendor:unsent"]
    assert [each["state"] for each in await plant.deliveries(webhook)] == ["delivered"] * 3
    assert "webhook.replayed" in await plant.acts()


async def test_all_of_a_stretch_comes_again_under_the_same_ids(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "vendor:*")
    since = plant.clock()
    await plant.announce("vendor:a", "vendor:b")
    await plant.run(seconds=1)
    assert (await replay(plant, webhook, since=iso(since))).json == {"queued": 0}
    assert (await replay(plant, webhook, since=iso(since), which="all")).json == {"queued": 2}
    await plant.run()
    came = ids(plant, "/hook")
    assert len(came) == 4
    assert sorted(came[2:]) == sorted(came[:2])


async def test_stretch_has_a_beginning_and_an_end(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "vendor:*")
    began = plant.clock()
    for name in ("vendor:before", "vendor:within", "vendor:at-the-end"):
        await plant.announce(name)
        await plant.run()
        plant.clock.advance(hours=1)
    since, until = began + timedelta(hours=1), began + timedelta(hours=2)
    got = await replay(plant, webhook, since=iso(since), until=iso(until), which="all")
    assert got.json == {"queued": 1}
    await plant.run()
    assert plant.receiver.events("/hook").count("vendor:within") == 2


async def test_what_is_on_its_way_already_is_left_alone(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "vendor:*")
    plant.receiver.answer("/hook", 500)
    await plant.announce("vendor:x")
    await plant.run()
    plant.clock.advance(seconds=1)
    assert (await replay(plant, webhook, since="2020-01-01T00:00:00Z", which="all")).json == {"queued": 0}
    assert len(plant.receiver.received) == 1


async def test_only_what_the_webhook_asks_for_now_is_sent(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "vendor:a")
    await plant.announce("vendor:a", "vendor:b", "test")
    await plant.run(seconds=1)
    await plant.client.patch(f"/webhook/{webhook['id']}", {"event_types": ["vendor:b"]})
    assert (await replay(plant, webhook, since="2020-01-01T00:00:00Z")).json == {"queued": 1}
    await plant.run()
    assert plant.receiver.events("/hook") == ["vendor:a", "vendor:b"]


async def test_long_stretch_is_read_page_by_page(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivery, "_AT_ONCE", 3)
    webhook = await plant.webhook("/hook", "job:failed")
    await plant.announce(*(["vendor:x"] * 4))
    plant.clock.advance(seconds=1)
    await plant.announce(*(["vendor:x"] * 4))
    await plant.run(seconds=1)
    await plant.client.patch(f"/webhook/{webhook['id']}", {"event_types": ["vendor:x"]})
    assert (await replay(plant, webhook, since="2020-01-01T00:00:00Z")).json == {"queued": 8}
    await plant.run()
    assert len(set(ids(plant, "/hook"))) == len(plant.receiver.received) == 8


async def test_stretch_that_is_too_long_is_refused_whole(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redelivery, "MOST_EVENTS", 2)
    webhook = await plant.webhook("/hook", "vendor:*")
    await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": False})
    await plant.announce(*(["vendor:x"] * 3))
    await plant.run(seconds=1)
    await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": True})
    got = await replay(plant, webhook, since="2020-01-01T00:00:00Z")
    assert got.status == 400
    assert "more than 2 events" in got.sentence
    assert await plant.run() == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"since": "2026-11-03T00:00:00Z"}, "is not before until"),
        ({"since": "2026-11-02T11:00:00Z", "until": "2026-11-02T11:00:00Z"}, "is not before until"),
        ({"since": "2027-01-01T00:00:00Z", "until": "2027-01-02T00:00:00Z"}, "is ahead"),
        ({"since": "2026-11-02T11:00:00"}, "since"),
        ({"since": "yesterday"}, "since"),
        ({}, "since"),
        ({"since": "2026-11-01T00:00:00Z", "which": "some"}, "which"),
    ],
)
async def test_stretch_that_makes_no_sense_is_refused(plant: Plant, body: dict[str, str], words: str) -> None:
    webhook = await plant.webhook("/hook", "vendor:*")
    got = await replay(plant, webhook, **body)
    assert got.status == 400
    assert words in got.sentence


async def test_nothing_is_replayed_to_a_webhook_that_is_off(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "vendor:*")
    plant.receiver.answer("/hook", 410)
    await plant.announce("vendor:x")
    await plant.run()
    (failed,) = await plant.deliveries(webhook)
    for got in (
        await replay(plant, webhook, since="2020-01-01T00:00:00Z"),
        await plant.client.post(f"/webhook/{webhook['id']}/deliveries/{failed['id']}/replay"),
    ):
        assert (got.status, got.json["code"]) == (409, "webhook_off"), got.content
        assert "It answered 410 Gone." in got.sentence
        assert "switch it on first" in got.sentence


async def test_other_tenants_webhook_and_events_cannot_be_replayed(plant: Plant) -> None:
    environment = (await plant.client.post("/environment", {"name": "elsewhere"})).json
    token = (await plant.client.post("/api-token", {"name": "x", "environment_id": environment["id"]})).json["token"]
    elsewhere = plant.client.as_holder_of(token)
    webhook = await plant.webhook("/home", "vendor:*")
    await plant.announce("vendor:secret")
    await plant.run(seconds=1)
    since = {"since": "2020-01-01T00:00:00Z", "which": "all"}
    assert (await elsewhere.post(f"/webhook/{webhook['id']}/replay", since)).status == 404
    made = await elsewhere.post("/webhook", {"target_url": f"{plant.receiver.url}/away", "event_types": ["*"]})
    assert (await elsewhere.post(f"/webhook/{made.json['id']}/replay", since)).json == {"queued": 0}
    assert await plant.run() == 0
    assert plant.receiver.at("/away") == []
