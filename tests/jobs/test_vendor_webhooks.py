"""A vendor's webhooks: registered through its own API, proved by their signature, taken once, told to all listeners."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from portico.gateway import inbound
from portico.settings import Settings
from portico.store.operators import Taking
from portico.vault import signatures
from tests.gateways import Got
from tests.jobs.conftest import Plant, open_plant

SECRET = signatures.make_secret()
ENDS = {
    "batch.completed", "response.failed", "fine_tuning.job.succeeded", "eval.run.canceled", "video.completed",
    "agent.session.idle", "agent.environment.failed",
}  # fmt: skip


def path(account: dict[str, Any], more: str = "") -> str:
    return f"/integrated-account/{account['id']}/vendor-webhook{more}"


async def adopt(plant: Plant, account: dict[str, Any], secret: str = SECRET) -> dict[str, Any]:
    """As if somebody had made the endpoint by hand: then we know its secret, too."""
    got = await plant.client.post(path(account), {"secret": secret})
    assert got.status == 201, got.content
    return got.json


def message(kind: str = "batch.completed", identity: str = "batch_1", **data: Any) -> bytes:
    return msgspec.json.encode(
        {"id": "evt_1", "object": "event", "created_at": 1, "type": kind, "data": {"id": identity} | data}
    )


async def send(
    plant: Plant, account: dict[str, Any], body: bytes, *, secret: str = SECRET, number: int = 1, age: int = 0,
    **changed: str,
) -> Got:  # fmt: skip
    """What a vendor sends; `changed` headers are spoiled."""
    stamp = int(plant.clock().timestamp()) - age
    headers = {
        "webhook-id": f"wh_{number}",
        "webhook-timestamp": str(stamp),
        "webhook-signature": signatures.sign(secret, f"wh_{number}", stamp, body),
    } | {name.replace("_", "-"): value for name, value in changed.items()}
    anonymous = plant.client.as_holder_of(None)
    return await anonymous.send("POST", f"{inbound.PATH}/{account['id']}", content=body, headers=headers)


async def endpoints(plant: Plant, account: dict[str, Any]) -> list[dict[str, Any]]:
    return (await plant.proxy("GET", "webhook_endpoints", account)).json["result"]


async def test_registering_makes_an_endpoint_at_the_vendor(plant: Plant) -> None:
    account = await plant.account()
    made = await plant.client.post(path(account))
    assert made.status == 201
    (endpoint,) = await endpoints(plant, account)
    assert endpoint["id"] == made.json["vendor_webhook_id"]
    assert endpoint["url"] == f"https://portico.example/integrated-account-webhook/{account['id']}" == made.json["url"]
    assert endpoint["event_types"] == made.json["event_types"]
    assert set(made.json["event_types"]) >= ENDS
    assert "secret" not in str(made.json)
    assert (await plant.client.get(path(account))).json == made.json
    assert "vendor_webhook.registered" in await plant.acts()


async def test_registering_again_gives_up_the_endpoint_before(plant: Plant) -> None:
    account = await plant.account()
    first = (await plant.client.post(path(account))).json
    second = (await plant.client.post(path(account), {"event_types": ["batch.failed"]})).json
    assert second["vendor_webhook_id"] != first["vendor_webhook_id"]
    assert second["event_types"] == ["batch.failed"]
    assert [each["id"] for each in await endpoints(plant, account)] == [second["vendor_webhook_id"]]


async def test_two_who_register_at_once_leave_one_endpoint(plant: Plant) -> None:
    account = await plant.account()
    got = await asyncio.gather(*(plant.client.post(path(account)) for _ in range(4)))
    assert {each.status for each in got} <= {201, 409}
    kept = (await plant.client.get(path(account))).json["vendor_webhook_id"]
    assert [each["id"] for each in await endpoints(plant, account)] == [kept]


async def test_vendor_that_refuses_an_event_type_is_quoted_and_nothing_is_kept(plant: Plant) -> None:
    account = await plant.account()
    got = await plant.client.post(path(account), {"event_types": ["batch.exploded"]})
    assert got.status == 400
    assert (await plant.client.get(path(account))).status == 404


async def test_address_is_told_before_anything_is_registered(plant: Plant) -> None:
    account = await plant.account()
    got = await plant.client.get(path(account))
    assert got.status == 404
    assert f"https://portico.example/integrated-account-webhook/{account['id']}" in got.sentence


async def test_without_a_public_address_no_vendor_is_asked(plant: Plant, plant_settings: Settings) -> None:
    account = await plant.account()
    hidden = replace(plant_settings, public_url="")
    async with open_plant(hidden, plant.clock, plant.receiver, plant.world) as unreachable:
        got = await unreachable.client.post(path(account))
    assert got.status == 409
    assert "PORTICO_PUBLIC_URL" in got.sentence
    assert await endpoints(plant, account) == []


async def test_unregistering_deletes_the_endpoint_at_the_vendor(plant: Plant) -> None:
    account = await plant.account()
    await plant.client.post(path(account))
    assert (await plant.client.delete(path(account))).status == 200
    assert await endpoints(plant, account) == []
    assert (await plant.client.delete(path(account))).status == 404
    assert "vendor_webhook.deleted" in await plant.acts()


async def test_endpoint_that_is_gone_at_the_vendor_can_be_unregistered(plant: Plant) -> None:
    account = await plant.account()
    made = (await plant.client.post(path(account))).json
    await plant.proxy("DELETE", f"webhook_endpoints/{made['vendor_webhook_id']}", account)
    assert (await plant.client.delete(path(account))).status == 200


async def test_message_is_told_as_an_event_once_however_often_it_comes(plant: Plant) -> None:
    await plant.webhook("/hook", "vendor:batch.completed")
    account = await plant.account()
    await adopt(plant, account)
    for _ in range(3):
        assert (await send(plant, account, message())).status == 204
    await asyncio.gather(*(send(plant, account, message(), number=2) for _ in range(5)))
    await plant.run()
    told = [each.json["payload"] for each in plant.receiver.at("/hook")]
    assert [each["message_id"] for each in sorted(told, key=lambda each: each["message_id"])] == ["wh_1", "wh_2"]
    assert told[0] == {
        "integrated_account_id": account["id"],
        "tenant_id": "acme",
        "integration": {"name": "openai"},
        "type": "batch.completed",
        "message_id": told[0]["message_id"],
        "object_id": "batch_1",
        "data": {"id": "batch_1"},
    }
    assert (await plant.client.get(path(account))).json["last_received_at"] == "2026-11-02T12:00:00.000Z"
    assert (await send(plant, account, message(), age=301)).status == 404
    counted = plant.parts.metrics.text().decode()
    assert [line for line in counted.splitlines() if line.startswith("portico_vendor_messages_total{")] == [
        'portico_vendor_messages_total{outcome="refused"} 1.0',
        'portico_vendor_messages_total{outcome="taken"} 2.0',
        'portico_vendor_messages_total{outcome="repeated"} 6.0',
    ]


REFUSED: dict[str, dict[str, Any]] = {
    "another secret": {"secret": signatures.make_secret()},
    "too old": {"age": 301},
    "from the future": {"age": -301},
    "no signature": {"webhook_signature": ""},
    "nonsense": {"webhook_signature": "v1,bm9uc2Vuc2U="},
    "no id": {"webhook_id": ""},
    "another id": {"webhook_id": "wh_other"},
    "no time": {"webhook_timestamp": ""},
}


@pytest.mark.parametrize("spoiled", REFUSED.values(), ids=REFUSED)
async def test_message_that_is_not_proved_is_not_there(plant: Plant, spoiled: dict[str, Any]) -> None:
    await plant.webhook("/hook")
    account = await plant.account()
    await adopt(plant, account)
    await plant.run()
    got = await send(plant, account, message(), **spoiled)
    unknown = await send(plant, {"id": "no-such-account"}, message())
    assert (got.status, got.json["message"]) == (404, unknown.json["message"])
    assert await plant.run() == 0


async def test_signature_is_of_the_very_bytes(plant: Plant) -> None:
    account = await plant.account()
    await adopt(plant, account)
    spaced = message().replace(b":", b": ")
    assert (await send(plant, account, spaced)).status == 204
    signature = signatures.sign(SECRET, "wh_2", int(plant.clock().timestamp()), message())
    assert (await send(plant, account, spaced, number=2, webhook_signature=signature)).status == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff\xfe"])
async def test_signed_nonsense_is_refused_and_tells_nothing(plant: Plant, body: bytes) -> None:
    account = await plant.account()
    await adopt(plant, account)
    await plant.run()
    assert (await send(plant, account, body)).status == 400
    assert await plant.run() == 0


async def test_message_without_a_type_is_told_as_unknown(plant: Plant) -> None:
    await plant.webhook("/hook", "vendor:*")
    account = await plant.account()
    await adopt(plant, account)
    assert (await send(plant, account, b'{"hello": 1}')).status == 204
    await plant.run()
    assert plant.receiver.events("/hook") == ["vendor:unknown"]


async def test_secrets_in_a_message_do_not_travel(plant: Plant) -> None:
    await plant.webhook("/hook", "vendor:*")
    account = await plant.account()
    await adopt(plant, account)
    await send(plant, account, message(note="the key is sk-proj-verysecretindeed0000"))
    await plant.run()
    (received,) = plant.receiver.received
    assert b"verysecretindeed" not in received.body


async def test_too_large_a_message_is_refused(plant: Plant) -> None:
    account = await plant.account()
    await adopt(plant, account)
    assert (await send(plant, account, message(text="x" * 300_000))).status == 413


async def test_only_post_brings_messages(plant: Plant) -> None:
    account = await plant.account()
    assert (await plant.client.get(f"{inbound.PATH}/{account['id']}")).status == 405


async def test_both_keys_are_good_for_a_day_after_a_rotation(plant: Plant) -> None:
    """The vendor signs with both meanwhile; whichever of them a message carries, it is taken."""
    account = await plant.account()
    old, new = signatures.make_secret(), signatures.make_secret()
    await adopt(plant, account, old)
    await adopt(plant, account, new)
    plant.clock.advance(hours=23)
    assert (await send(plant, account, message(), secret=old, number=1)).status == 204
    assert (await send(plant, account, message(), secret=new, number=2)).status == 204
    stamp = int(plant.clock().timestamp())
    both = " ".join(signatures.sign(each, "wh_3", stamp, message()) for each in (new, old))
    assert (await send(plant, account, message(), number=3, webhook_signature=both)).status == 204
    plant.clock.advance(hours=1)
    assert (await send(plant, account, message(), secret=old, number=4)).status == 404
    assert (await send(plant, account, message(), secret=new, number=5)).status == 204


async def test_rotation_is_done_at_the_vendor_which_keeps_the_old_secret_for_a_day(plant: Plant) -> None:
    account = await plant.account()
    made = (await plant.client.post(path(account))).json
    before = (await endpoints(plant, account))[0]["signing_secret_hint"]
    rotated = await plant.client.post(path(account, "/rotate"))
    assert (rotated.status, rotated.json["vendor_webhook_id"]) == (200, made["vendor_webhook_id"])
    assert (await endpoints(plant, account))[0]["signing_secret_hint"] != before
    assert plant.world.requests[-2].raw_path.endswith("/rotate_secret")
    assert "vendor_webhook.secret_rotated" in await plant.acts()


@pytest.mark.parametrize("act", ["/rotate", "/test"])
async def test_what_was_made_by_hand_is_changed_by_hand(plant: Plant, act: str) -> None:
    account = await plant.account()
    assert (await plant.client.post(path(account, act))).status == 404
    await adopt(plant, account)
    got = await plant.client.post(path(account, act))
    assert (got.status, got.json["code"]) == (409, "made_by_hand")


async def test_endpoint_made_by_hand_is_only_forgotten(plant: Plant) -> None:
    account = await plant.account()
    made = await adopt(plant, account)
    assert made["vendor_webhook_id"] == ""
    assert (await plant.client.delete(path(account))).status == 200
    assert (await send(plant, account, message())).status == 404


@pytest.mark.parametrize("secret", ["whsec_", "whsec_not base64!", "nonsense!"])
async def test_secret_must_be_one(plant: Plant, secret: str) -> None:
    account = await plant.account()
    got = await plant.client.post(path(account), {"secret": secret})
    assert got.status == 400
    assert "whsec_" in got.sentence


async def test_secret_kept_before_there_were_several_is_still_good(plant: Plant) -> None:
    account = await plant.account()
    await adopt(plant, account, signatures.make_secret())
    endpoint = await plant.parts.operators.inbound_endpoint(account["id"])
    assert endpoint is not None
    sealed = await plant.parts.keyring.seal(
        SECRET.encode(), inbound.sealed_place(endpoint.environment_id, endpoint.account_id)
    )
    async with plant.parts.database.transaction() as session:
        changed = msgspec.structs.replace(endpoint, sealed=sealed)
        assert await plant.parts.later.inbound.set(session, changed, endpoint)
    assert (await send(plant, account, message())).status == 204


async def test_deleted_account_takes_no_more_messages(plant: Plant) -> None:
    account = await plant.account()
    await adopt(plant, account)
    await plant.client.delete(f"/integrated-account/{account['id']}")
    assert (await send(plant, account, message())).status == 404


async def test_other_tenants_cannot_touch_an_accounts_vendor_webhook(plant: Plant) -> None:
    account = await plant.account()
    await plant.client.post(path(account))
    environment = (await plant.client.post("/environment", {"name": "elsewhere"})).json
    token = (await plant.client.post("/api-token", {"name": "x", "environment_id": environment["id"]})).json["token"]
    elsewhere = plant.client.as_holder_of(token)
    for verb, more in (("GET", ""), ("POST", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")):
        assert (await elsewhere.send(verb, path(account, more))).status == 404
    assert len(await endpoints(plant, account)) == 1


async def test_message_for_a_watched_job_has_it_looked_at_at_once(plant: Plant) -> None:
    account = await plant.account()
    await adopt(plant, account)
    watch = await plant.client.post(
        f"/integrated-account/{account['id']}/watch", {"id": "batch_1", "resource": "batches"}
    )
    assert watch.status == 201
    await plant.run()
    before = plant.seen("/v1/batches/batch_1")
    assert await plant.run() == 0
    await send(plant, account, message("batch.completed", "batch_other"), number=1)
    await send(plant, account, message("response.completed", "batch_1"), number=2)
    await plant.run()
    assert plant.seen("/v1/batches/batch_1") == before
    await send(plant, account, message("batch.completed", "batch_1"), number=3)
    await plant.run()
    assert plant.seen("/v1/batches/batch_1") == before + 1


async def test_message_while_the_job_is_being_looked_at_has_it_looked_at_once_more(plant: Plant) -> None:
    """Else a look that began before the end would be the last for minutes."""
    account = await plant.account()
    await adopt(plant, account)
    await plant.client.post(f"/integrated-account/{account['id']}/watch", {"id": "batch_1", "resource": "batches"})
    jobs = await plant.parts.operators.take_jobs(plant.clock(), Taking(count=10, width=10, lease_seconds=60))
    (look,) = [job for job in jobs if job.kind == "watch"]
    await send(plant, account, message("batch.completed", "batch_1"))
    async with plant.parts.database.transaction() as session:
        await plant.parts.later.jobs.again(session, look, plant.clock.moment.replace(year=2030), 1)
    await plant.run()
    assert plant.seen("/v1/batches/batch_1") == 1
