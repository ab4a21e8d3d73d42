"""/webhook: addresses that hear of what happens. The secret that signs is shown when it is made, and then no more."""

from datetime import timedelta
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from portico.clock import iso
from portico.faces.endpoint import Asked, Endpoint, Paging, bad_cursor, count_of, missing, page, position
from portico.faces.query import Moment
from portico.gateway import redelivery, webhooks
from portico.model.event import EVENTS
from portico.model.webhook import Attempt, Delivery, DeliveryState, Webhook

TAG = "Webhooks"


class WebhookBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`event_types`: names, `group:*` or `*`. `environment_id` can only be the token's own."""

    target_url: str
    event_types: tuple[str, ...] = ("*",)
    is_active: bool = True
    environment_id: str = ""


class WebhookChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays."""

    target_url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class RotateBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For so many hours messages carry the old secret's signature too; 0: it ends at once."""

    keep_old_hours: int = 24


class ReplayBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`missed`: what failed, was dropped or was never sent (the webhook was off); `all`: what arrived, too."""

    since: Moment
    until: Moment | None = None
    which: redelivery.Which = "missed"


class WebhookRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str


class WebhookShown(Struct, frozen=True, kw_only=True):
    """`disabled_reason` says why Portico switched it off by itself; switching it on again empties it."""

    id: str
    target_url: str
    event_types: list[str]
    is_active: bool
    disabled_reason: str
    environment_id: str
    last_success_at: str | None
    created_by: str
    created_at: str
    updated_at: str


class WebhookMade(WebhookShown, frozen=True, kw_only=True):
    secret: str


class WebhookRotated(WebhookMade, frozen=True, kw_only=True):
    """`previous_secret_valid_until`: until then messages carry both signatures; null: only the new one counts."""

    previous_secret_valid_until: str | None


class EventType(Struct, frozen=True, kw_only=True):
    event_type: str
    meaning: str


class Queued(Struct, frozen=True, kw_only=True):
    """How many messages are on their way because of this."""

    queued: int


class AttemptShown(Struct, frozen=True, kw_only=True):
    """`status` 0: there was no answer, and `problem` says why."""

    number: int
    at: str
    status: int
    duration_ms: int
    problem: str


class DeliveryShown(Struct, frozen=True, kw_only=True):
    """`event_id` is the `webhook-id` that the receiver sees, the same at each attempt."""

    id: str
    webhook_id: str
    event_id: str
    event: str
    state: DeliveryState
    next_attempt_at: str | None
    created_at: str
    updated_at: str
    attempts: list[AttemptShown]


class TestShown(DeliveryShown, frozen=True, kw_only=True):
    """`success`: the test is on its way; the delivery tells how it went."""

    success: bool


class WebhookQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    is_active: bool | None = None
    environment_id: tuple[str, ...] = ()


class DeliveryQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: tuple[Literal["waiting", "delivered", "failed", "dropped"], ...] = ()


class Deleted(Struct, frozen=True, kw_only=True):
    id: str


def show(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "target_url": webhook.target_url,
        "event_types": list(webhook.event_types),
        "is_active": webhook.is_active,
        "disabled_reason": webhook.disabled_reason,
        "environment_id": webhook.environment_id,
        "last_success_at": iso(webhook.last_success_at) if webhook.last_success_at else None,
        "created_by": webhook.created_by,
        "created_at": iso(webhook.created_at),
        "updated_at": iso(webhook.updated_at),
    }


def show_delivery(delivery: Delivery, attempts: list[Attempt]) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "webhook_id": delivery.webhook_id,
        "event_id": delivery.event_id,
        "event": delivery.event,
        "state": delivery.state,
        "next_attempt_at": iso(delivery.next_at) if delivery.next_at else None,
        "created_at": iso(delivery.created_at),
        "updated_at": iso(delivery.updated_at),
        "attempts": [
            {
                "number": each.number,
                "at": iso(each.at),
                "status": each.status,
                "duration_ms": each.duration_ms,
                "problem": each.problem,
            }
            for each in attempts
        ],
    }


async def list_webhooks(asked: Asked) -> Any:
    query: WebhookQuery = asked.query
    before, count = position(query)
    every = await asked.parts.later.webhooks.page(asked.environment_id, before, webhooks.MOST_WEBHOOKS)
    rows = [
        row
        for row in every
        if query.is_active in {None, row.is_active}
        and row.environment_id in (query.environment_id or (row.environment_id,))
    ]
    return page(rows[: count + 1], query, show, lambda row: row.id)


async def create_webhook(asked: Asked) -> Any:
    body: WebhookBody = asked.body
    if body.environment_id not in {"", asked.environment_id}:
        raise missing("environment", body.environment_id)
    made, secret = await webhooks.create(
        asked.caller, body.target_url, body.event_types, asked.parts, is_active=body.is_active
    )
    return show(made) | {"secret": secret}


async def get_webhook(asked: Asked) -> Any:
    return show(await _found(asked))


async def change_webhook(asked: Asked) -> Any:
    body: WebhookChange = asked.body
    change = webhooks.Change(target_url=body.target_url, event_types=body.event_types, is_active=body.is_active)
    return show(await webhooks.change(asked.caller, await _found(asked), change, asked.parts))


async def rotate_webhook(asked: Asked) -> Any:
    body: RotateBody = asked.body
    rotated = await webhooks.rotate(asked.caller, await _found(asked), body.keep_old_hours, asked.parts)
    until = iso(rotated.old_until) if rotated.old_until else None
    return show(rotated.webhook) | {"secret": rotated.secret, "previous_secret_valid_until": until}


async def delete_webhook(asked: Asked) -> Any:
    webhook = await _found(asked)
    await webhooks.delete(asked.caller, webhook, asked.parts)
    return {"id": webhook.id}


async def test_webhook(asked: Asked) -> Any:
    body: WebhookRef = asked.body
    webhook = await webhooks.find(asked.environment_id, body.id, asked.parts)
    sent = await webhooks.send_test(asked.caller, webhook, asked.parts)
    return {"success": True, **show_delivery(sent, [])}


async def list_deliveries(asked: Asked) -> Any:
    query: DeliveryQuery = asked.query
    before, count = position(query)
    webhook = await _found(asked)
    store = asked.parts.later.deliveries
    rows = await store.page(asked.environment_id, webhook.id, before, count + 1, query.state)
    attempts = await store.attempts(rows)
    return page(rows, query, lambda row: show_delivery(row, attempts[row.id]), lambda row: row.id)


async def get_delivery(asked: Asked) -> Any:
    delivery = await _delivery(asked)
    attempts = await asked.parts.later.deliveries.attempts([delivery])
    return show_delivery(delivery, attempts[delivery.id])


async def replay_delivery(asked: Asked) -> Any:
    delivery = await _delivery(asked)
    again = await redelivery.replay(asked.caller, await _found(asked), delivery, asked.parts)
    attempts = await asked.parts.later.deliveries.attempts([delivery])
    return show_delivery(again, attempts[delivery.id])


async def replay_stretch(asked: Asked) -> Any:
    body: ReplayBody = asked.body
    just_now = asked.parts.clock() + timedelta(milliseconds=1)
    stretch = redelivery.Stretch(since=body.since, until=body.until or just_now, which=body.which)
    return {"queued": await redelivery.replay_stretch(asked.caller, await _found(asked), stretch, asked.parts)}


async def list_event_types(asked: Asked) -> Any:
    query: Paging = asked.query
    count, last = count_of(query), query.next_cursor
    if last and last not in EVENTS:
        raise bad_cursor()
    rows = sorted((row for row in EVENTS.items() if not last or row[0] < last), reverse=True)
    return page(rows[: count + 1], query, lambda row: {"event_type": row[0], "meaning": row[1]}, lambda row: row[0])


async def _found(asked: Asked) -> Webhook:
    return await webhooks.find(asked.environment_id, asked.path["id"], asked.parts)


async def _delivery(asked: Asked) -> Delivery:
    found = await asked.parts.later.deliveries.get(asked.environment_id, asked.path["delivery_id"])
    if found is None or found.webhook_id != asked.path["id"]:
        raise missing("delivery", asked.path["delivery_id"])
    return found


_ALL, _ONE = "/webhook", "/webhook/{id}"
_DELIVERIES, _DELIVERY = "/webhook/{id}/deliveries", "/webhook/{id}/deliveries/{delivery_id}"
ENDPOINTS = (
    Endpoint(
        verb="GET", path=_ALL, name="listWebhooks", summary="List webhooks", tag=TAG,
        handler=list_webhooks, query=WebhookQuery, returns=list[WebhookShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path=_ALL, name="createWebhook", summary="Have events sent to an address", tag=TAG,
        description="`secret` is shown this once.",
        handler=create_webhook, body=WebhookBody, returns=WebhookMade, scope="accounts", status=201,
    ),
    Endpoint(
        verb="POST", path="/webhook/test", name="testWebhook", summary="Send a test event", tag=TAG,
        description="It is tried once; the delivery tells how it went.",
        handler=test_webhook, body=WebhookRef, returns=TestShown, scope="accounts", status=202,
    ),
    Endpoint(
        verb="GET", path=_ONE, name="getWebhook", summary="Get a webhook", tag=TAG,
        handler=get_webhook, returns=WebhookShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path=_ONE, name="updateWebhook", summary="Change a webhook", tag=TAG,
        handler=change_webhook, body=WebhookChange, returns=WebhookShown, scope="accounts",
    ),
    Endpoint(
        verb="DELETE", path=_ONE, name="deleteWebhook", summary="Delete a webhook", tag=TAG,
        description="What is on its way to it is dropped.",
        handler=delete_webhook, returns=Deleted, scope="accounts",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/rotate", name="rotateWebhookSecret", summary="Give a webhook a new secret", tag=TAG,
        description="`secret` is shown this once.",
        handler=rotate_webhook, body=RotateBody, returns=WebhookRotated, scope="accounts",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/replay", name="replayWebhookEvents", summary="Deliver a stretch of time again",
        description="What the webhook asks for now, at most 10,000 events at once. `until` left out: up to now.",
        handler=replay_stretch, body=ReplayBody, returns=Queued, scope="accounts", status=202, tag=TAG,
    ),
    Endpoint(
        verb="GET", path="/webhook-event-type", name="listWebhookEventTypes", summary="List event types", tag=TAG,
        description="What a webhook can ask for, beside `vendor:<type>`, `<group>:*` and `*`.",
        handler=list_event_types, query=Paging, returns=list[EventType], scope="accounts:read",
    ),
    Endpoint(
        verb="GET", path=_DELIVERIES, name="listWebhookDeliveries", summary="List deliveries", tag=TAG,
        description="Newest first, each with its attempts.",
        handler=list_deliveries, query=DeliveryQuery, returns=list[DeliveryShown], scope="accounts:read",
    ),
    Endpoint(
        verb="GET", path=_DELIVERY, name="getWebhookDelivery", summary="Get a delivery", tag=TAG,
        handler=get_delivery, returns=DeliveryShown, scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path=_DELIVERY + "/replay", name="replayWebhookDelivery", summary="Deliver again", tag=TAG,
        description="The same message under the same id, with a new schedule of attempts.",
        handler=replay_delivery, returns=DeliveryShown, scope="accounts", status=202,
    ),
)  # fmt: skip
