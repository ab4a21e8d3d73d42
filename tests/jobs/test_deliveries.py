"""Deliveries over real sockets with a clock that is turned: what arrives, how often, when, and when it ends."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from portico.jobs.schedule import DELIVERY_PAUSES
from portico.jobs.worker import Worker
from portico.settings import Settings
from portico.vault.signatures import Signed, is_signed, sign_body
from tests.jobs.conftest import Plant, open_plant
from tests.jobs.receiver import Received, listening


def signed(received: Received) -> Signed:
    headers = received.headers
    return Signed(headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"], received.body)


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_event_reaches_every_webhook_that_asked_for_it(plant: Plant) -> None:
    await plant.webhook("/all", "*")
    await plant.webhook("/created", "integrated_account:created")
    await plant.webhook("/servers", "mcp_server:*")
    await plant.account()
    await plant.run()
    assert plant.receiver.events("/all") == ["integrated_account:created", "integrated_account:active"]
    assert plant.receiver.events("/created") == ["integrated_account:created"]
    assert plant.receiver.events("/servers") == []


async def test_message_has_the_references_form_and_both_signatures(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    account = await plant.account()
    await plant.run()
    (received,) = plant.receiver.received
    message = received.json
    assert list(message) == ["id", "event", "payload", "environment_id", "webhook_id", "created_at"]
    assert message["webhook_id"] == webhook["id"]
    assert message["environment_id"] == webhook["environment_id"]
    assert message["created_at"] == "2026-11-02T12:00:00.000Z"
    assert message["payload"]["id"] == account["id"]
    assert message["payload"]["tenant_id"] == "acme"
    assert message["payload"]["status"] == "active"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-id"] == message["id"]
    assert is_signed(webhook["secret"], signed(received), int(plant.clock().timestamp()))
    assert received.headers["x-truto-signature"] == sign_body(webhook["secret"], received.body)


async def test_no_key_ever_travels_in_a_message(plant: Plant) -> None:
    await plant.webhook("/hook")
    plant.fault("status=401", "/v1/models")
    keys = {"api_key": "sk-proj-verysecretindeed", "admin_key": "sk-admin-verysecretindeed"}
    await plant.client.post("/integrated-account", {"tenant_id": "t", "integration": "openai", "context": keys})
    await plant.run()
    assert plant.receiver.events("/hook") == ["integrated_account:created", "integrated_account:validation_error"]
    for received in plant.receiver.received:
        assert b"verysecretindeed" not in received.body
        assert "context" not in received.json["payload"]


async def test_failed_delivery_is_tried_again_exactly_by_the_schedule(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", *([500] * len(DELIVERY_PAUSES)))
    await plant.account()
    await plant.run()
    for number, pause in enumerate(DELIVERY_PAUSES, start=1):
        assert len(plant.receiver.received) == number
        (delivery,) = await plant.deliveries(webhook)
        assert delivery["state"] == "waiting"
        assert when(delivery["next_attempt_at"]) == plant.clock() + timedelta(seconds=pause)
        await plant.run(seconds=pause - 0.001)
        assert len(plant.receiver.received) == number
        await plant.run(seconds=0.001)
    (delivery,) = await plant.deliveries(webhook)
    assert [each["status"] for each in delivery["attempts"]] == [*([500] * 9), 204]
    assert [each["number"] for each in delivery["attempts"]] == list(range(1, 11))
    assert (delivery["state"], delivery["next_attempt_at"]) == ("delivered", None)
    assert (await plant.found(webhook))["is_active"]


async def test_every_attempt_has_the_same_id_and_bytes_and_a_time_of_its_own(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", 500, 500)
    await plant.account()
    await plant.run()
    await plant.run(seconds=5)
    await plant.run(seconds=300)
    assert len(plant.receiver.received) == 3
    assert len({each.headers["webhook-id"] for each in plant.receiver.received}) == 1
    assert len({each.body for each in plant.receiver.received}) == 1
    stamps = [int(each.headers["webhook-timestamp"]) for each in plant.receiver.received]
    assert [later - stamps[0] for later in stamps] == [0, 5, 305]
    for stamp, received in zip(stamps, plant.receiver.received, strict=True):
        assert is_signed(webhook["secret"], signed(received), stamp)


async def exhaust(plant: Plant) -> None:
    for pause in DELIVERY_PAUSES:
        await plant.run(seconds=pause)


async def test_webhook_that_fails_for_days_is_switched_off_and_that_is_told(plant: Plant) -> None:
    webhook = await plant.webhook("/gone", "integrated_account:created")
    await plant.webhook("/other", "webhook:*")
    plant.receiver.answer("/gone", *([503] * 30))
    await plant.account()
    await plant.run()
    await exhaust(plant)
    found = await plant.found(webhook)
    assert not found["is_active"]
    assert found["disabled_reason"] == "Nothing could be delivered for 76 hours. Last: It answered 503."
    assert "webhook.disabled" in await plant.acts()
    (told,) = plant.receiver.at("/other")
    assert told.event == "webhook:disabled"
    assert told.json["payload"]["id"] == webhook["id"]
    (delivery,) = await plant.deliveries(webhook)
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 10)


async def test_webhook_that_refuses_one_message_but_takes_others_stays_on(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", *([500] * 9), 204, 500)
    await plant.account("first")
    await plant.run()
    for pause in DELIVERY_PAUSES[:-1]:
        await plant.run(seconds=pause)
    await plant.account("second")
    await plant.run()
    await plant.run(seconds=DELIVERY_PAUSES[-1])
    assert [each["state"] for each in await plant.deliveries(webhook)] == ["failed", "delivered"]
    assert (await plant.found(webhook))["is_active"]


async def test_gone_switches_off_at_once(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", 410)
    await plant.account()
    await plant.run()
    found = await plant.found(webhook)
    assert (found["is_active"], found["disabled_reason"]) == (False, "It answered 410 Gone.")


async def test_what_waits_for_a_webhook_that_was_switched_off_is_dropped(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", 500)
    await plant.account()
    await plant.run()
    await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": False})
    await plant.run(days=10)
    assert len(plant.receiver.received) == 1
    assert [each["state"] for each in await plant.deliveries(webhook)] == ["dropped"]
    await plant.account("later")
    await plant.run()
    assert len(await plant.deliveries(webhook)) == 1


async def test_webhook_switched_on_again_hears_what_happens_from_then_on(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", 410)
    await plant.account()
    await plant.run()
    changed = await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": True})
    assert (changed.json["is_active"], changed.json["disabled_reason"]) == (True, "")
    await plant.account("second")
    await plant.run()
    assert [each["state"] for each in await plant.deliveries(webhook)] == ["failed", "delivered"]


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (302, "It answered 302; redirects are not followed."),
        (404, "It answered 404."),
        (500, "It answered 500."),
    ],
)
async def test_answer_other_than_success_is_a_failure(plant: Plant, status: int, problem: str) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", status, location=f"{plant.receiver.url}/elsewhere")
    await plant.account()
    await plant.run()
    (delivery,) = await plant.deliveries(webhook)
    assert delivery["state"] == "waiting"
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["problem"]) == (status, problem)
    assert plant.receiver.at("/elsewhere") == []


async def test_receiver_that_does_not_answer_in_time_has_failed(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.hang("/hook")
    await plant.account()
    await Worker(plant.parts, dice=lambda: 0.5, patience_seconds=0.3).run_due()
    (delivery,) = await plant.deliveries(webhook)
    (attempt,) = delivery["attempts"]
    assert (attempt["status"], attempt["problem"]) == (0, "No answer within 0.3 seconds.")
    assert attempt["duration_ms"] > 250


async def test_address_that_is_no_longer_allowed_is_not_called(plant: Plant, plant_settings: Settings) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    await plant.account()
    stricter = replace(plant_settings, allowed_webhook_urls=())
    async with open_plant(stricter, plant.clock, plant.receiver, plant.world) as strict:
        await strict.run()
    (delivery,) = await plant.deliveries(webhook)
    assert delivery["attempts"][0]["problem"] == "Its address is private and not allowed."
    assert plant.receiver.received == []


async def test_receiver_that_is_not_there_has_failed(plant: Plant, plant_settings: Settings) -> None:
    async with listening() as other:
        vouched = replace(plant_settings, allowed_webhook_urls=(other.url, plant.receiver.url))
        nowhere = f"{other.url}/hook"
    async with open_plant(vouched, plant.clock, plant.receiver, plant.world) as wider:
        webhook = (await wider.client.post("/webhook", {"target_url": nowhere, "event_types": ["*"]})).json
        await wider.account()
        await wider.run()
    delivery = (await plant.deliveries(webhook))[0]
    assert delivery["state"] == "waiting"
    assert delivery["attempts"][0]["problem"] == "No connection could be made."


@pytest.mark.parametrize(
    ("status", "wish", "seconds"), [(429, "90", 90), (503, "90", 90), (500, "90", 5), (429, "1", 5)]
)
async def test_busy_receiver_may_ask_for_a_longer_pause(plant: Plant, status: int, wish: str, seconds: int) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", status, retry_after=wish)
    await plant.account()
    await plant.run()
    (delivery,) = await plant.deliveries(webhook)
    assert when(delivery["next_attempt_at"]) == plant.clock() + timedelta(seconds=seconds)


async def test_rotated_secret_signs_beside_the_old_one_for_a_while(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    rotated = (await plant.client.post(f"/webhook/{webhook['id']}/rotate", {"keep_old_hours": 2})).json
    assert rotated["secret"] != webhook["secret"]
    await plant.account("first")
    await plant.run()
    await plant.account("second")
    await plant.run(hours=2)
    during, after = plant.receiver.received
    assert len(during.headers["webhook-signature"].split(" ")) == 2
    assert len(after.headers["webhook-signature"].split(" ")) == 1
    for received, secrets in ((during, [webhook, rotated]), (after, [rotated])):
        stamp = int(received.headers["webhook-timestamp"])
        for each in secrets:
            assert is_signed(each["secret"], signed(received), stamp)
        assert received.headers["x-truto-signature"] == sign_body(rotated["secret"], received.body)
    assert not is_signed(webhook["secret"], signed(after), int(after.headers["webhook-timestamp"]))


async def test_secret_rotated_without_mercy_ends_at_once(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    rotated = (await plant.client.post(f"/webhook/{webhook['id']}/rotate", {"keep_old_hours": 0})).json
    await plant.account()
    await plant.run()
    (received,) = plant.receiver.received
    stamp = int(received.headers["webhook-timestamp"])
    assert is_signed(rotated["secret"], signed(received), stamp)
    assert not is_signed(webhook["secret"], signed(received), stamp)


async def test_secrets_of_hasty_rotations_all_sign_until_their_time(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    made = [webhook]
    for _ in range(2):
        made.append((await plant.client.post(f"/webhook/{webhook['id']}/rotate")).json)
    await plant.account()
    await plant.run()
    (received,) = plant.receiver.received
    stamp = int(received.headers["webhook-timestamp"])
    assert [is_signed(each["secret"], signed(received), stamp) for each in made] == [True, True, True]


async def test_replay_sends_the_same_message_with_a_new_schedule(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", *([500] * 10))
    await plant.webhook("/keeps-on", "test")
    await plant.account()
    await plant.run()
    await exhaust(plant)
    (failed,) = await plant.deliveries(webhook)
    await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": True})
    plant.receiver.answer("/hook", 500)
    again = await plant.client.post(f"/webhook/{webhook['id']}/deliveries/{failed['id']}/replay")
    assert (again.status, again.json["state"]) == (202, "waiting")
    await plant.run()
    await plant.run(seconds=5)
    (delivery,) = await plant.deliveries(webhook)
    assert delivery["state"] == "delivered"
    assert [each["number"] for each in delivery["attempts"]] == list(range(1, 13))
    assert len({(each.headers["webhook-id"], each.body) for each in plant.receiver.at("/hook")}) == 1
    assert "webhook.replayed" in await plant.acts()


async def test_test_event_reaches_one_webhook_whatever_it_asked_for(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "job:failed")
    await plant.webhook("/other", "*")
    sent = await plant.client.post("/webhook/test", {"id": webhook["id"]})
    assert sent.status == 202
    await plant.run()
    assert plant.receiver.events("/hook") == ["test"]
    assert plant.receiver.events("/other") == []
    got = await plant.client.get(f"/webhook/{webhook['id']}/deliveries/{sent.json['id']}")
    assert got.json["state"] == "delivered"


async def test_test_event_is_tried_once_and_never_switches_anything_off(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "job:failed")
    await plant.client.patch(f"/webhook/{webhook['id']}", {"is_active": False})
    plant.receiver.answer("/hook", 410)
    await plant.client.post("/webhook/test", {"id": webhook["id"]})
    await plant.run()
    await plant.run(days=5)
    (delivery,) = await plant.deliveries(webhook)
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 1)
    assert (await plant.found(webhook))["disabled_reason"] == ""


async def test_deleted_webhook_gets_nothing_more(plant: Plant) -> None:
    webhook = await plant.webhook("/hook", "integrated_account:created")
    plant.receiver.answer("/hook", 500)
    await plant.account()
    await plant.run()
    assert (await plant.client.delete(f"/webhook/{webhook['id']}")).status == 200
    await plant.run(days=10)
    assert len(plant.receiver.received) == 1
    assert await plant.run() == 0


async def test_events_stay_within_their_environment(plant: Plant) -> None:
    environment = (await plant.client.post("/environment", {"name": "elsewhere"})).json
    token = (await plant.client.post("/api-token", {"name": "x", "environment_id": environment["id"]})).json["token"]
    elsewhere = plant.client.as_holder_of(token)
    await plant.webhook("/home", "*")
    made = await elsewhere.post("/webhook", {"target_url": f"{plant.receiver.url}/elsewhere", "event_types": ["*"]})
    assert made.status == 201
    await plant.account()
    await plant.run()
    assert len(plant.receiver.at("/home")) == 2
    assert plant.receiver.at("/elsewhere") == []


async def test_messages_stay_small_however_much_there_is_to_tell(plant: Plant) -> None:
    await plant.webhook("/hook", "vendor:*")
    async with plant.parts.database.transaction() as session:
        environment = await plant.parts.operators.first_environment()
        assert environment is not None
        await plant.parts.later.announce(session, environment.id, "vendor:big", {"id": "x", "text": "y" * 10**6})
    await plant.run()
    (received,) = plant.receiver.received
    assert len(received.body) < 20_000
    assert received.json["payload"]["is_shortened"]
