"""Webhooks: addresses that hear of events, what became of each message, and sending again what was missed."""

from datetime import timedelta
from typing import Any

from starlette.routing import Route

from portico.clock import iso
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Reply
from portico.shapes import Json

STRETCHES = (("1", "the last hour"), ("24", "the last day"), ("168", "the last week"))
STATES = (("", "Any"), ("waiting", "waiting"), ("delivered", "delivered"), ("failed", "failed"), ("dropped", "dropped"))
KEEP_OLD_HOURS = 24


def routes(frame: Frame) -> list[Route]:
    acts = {
        "change": change, "on": switch_on, "off": switch_off, "test": send_test, "rotate": rotate,
        "replay": replay, "stretch": replay_stretch, "delete": delete,
    }  # fmt: skip
    return [frame.route("/webhooks", show_all, {"create": create}), frame.route("/webhooks/{id}", show_one, acts)]


async def show_all(turn: Turn) -> Reply:
    found = await turn.do("listWebhooks", query=turn.paging())
    return turn.page(
        "webhooks.html",
        "webhooks",
        webhooks=found["result"],
        types=await _types(turn),
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
    )


async def create(turn: Turn) -> Reply:
    form = turn.visit.form
    made = await turn.do(
        "createWebhook", body={"target_url": form.get("target_url", "").strip(), "event_types": _wanted(turn)}
    )
    turn.visit.path["id"] = made["id"]
    turn.visit.fields = []
    return await show_one(turn, secret=made["secret"], is_new=True)


async def show_one(turn: Turn, **shown: Any) -> Reply:
    webhook = await turn.do("getWebhook", path=turn.ids)
    state = [("state", turn.asked("state"))]
    deliveries = await turn.do("listWebhookDeliveries", path=turn.ids, query=[*turn.paging(), *state])
    return turn.page(
        "webhook.html",
        "webhooks",
        webhook=webhook,
        types=await _types(turn),
        deliveries=deliveries["result"],
        next_page=turn.next_page(deliveries["next_cursor"]),
        cursor=turn.asked("cursor"),
        states_of=STATES,
        state=turn.asked("state"),
        stretches=STRETCHES,
        keep_old_hours=KEEP_OLD_HOURS,
        page_path=turn.at(f"/webhooks/{webhook['id']}"),
        made={"secret": "", "is_new": False, **shown},
    )


async def change(turn: Turn) -> Reply:
    body: Json = {"target_url": turn.visit.form.get("target_url", "").strip(), "event_types": _wanted(turn)}
    return await _changed(turn, body)


async def switch_on(turn: Turn) -> Reply:
    return await _changed(turn, {"is_active": True})


async def switch_off(turn: Turn) -> Reply:
    return await _changed(turn, {"is_active": False})


async def send_test(turn: Turn) -> Reply:
    await turn.do("testWebhook", body=turn.ids)
    return _back(turn, "webhook-tested")


async def rotate(turn: Turn) -> Reply:
    made = await turn.do("rotateWebhookSecret", path=turn.ids, body={"keep_old_hours": KEEP_OLD_HOURS})
    return await show_one(turn, secret=made["secret"])


async def replay(turn: Turn) -> Reply:
    path = {**turn.ids, "delivery_id": turn.visit.form.get("delivery", "")}
    await turn.do("replayWebhookDelivery", path=path)
    return _back(turn, "delivery-replayed")


async def replay_stretch(turn: Turn) -> Reply:
    hours = turn.visit.form.get("hours", "")
    since = turn.parts.clock() - timedelta(hours=int(hours) if hours in dict(STRETCHES) else 1)
    await turn.do("replayWebhookEvents", path=turn.ids, body={"since": iso(since)})
    return _back(turn, "stretch-replayed")


async def delete(turn: Turn) -> Reply:
    await turn.do("deleteWebhook", path=turn.ids)
    return turn.back("/webhooks", "webhook-deleted")


async def _changed(turn: Turn, body: Json) -> Reply:
    await turn.do("updateWebhook", path=turn.ids, body=body)
    return _back(turn, "webhook-changed")


def _back(turn: Turn, said: str) -> Reply:
    return turn.back(f"/webhooks/{turn.ids['id']}", said)


def _wanted(turn: Turn) -> list[str]:
    return [*turn.visit.every("event_types"), *turn.visit.form.get("more_types", "").replace(",", " ").split()]


async def _types(turn: Turn) -> list[tuple[str, str]]:
    """Each with what it means."""
    found = (await turn.do("listWebhookEventTypes", query=[("limit", "1000")]))["result"]
    return [(each["event_type"], each["meaning"]) for each in reversed(found)]
