"""Spend alerts of an organization and of its projects: whom to write to when a month has cost so much.

They stop nothing, and no mail is sent.
"""

from typing import Any

from portico.sandbox.audit import audit
from portico.sandbox.checks import Check, array, fields, integer, one_of, record, text
from portico.sandbox.pages import Cursor
from portico.sandbox.places import Place, open_place_of, place_of
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.spending import ALERTS
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(order="asc", before=True)


def _address(value: Any, path: str) -> str:
    address: str = text(longest=254)(value, path)
    name, _, domain = address.partition("@")
    if not name or "." not in domain or " " in address:
        raise invalid(f"'{address}' is not an e-mail address.", path)
    return address


CHANNEL: Check = record(
    {"type": one_of("email"), "recipients": array(_address, shortest=1)}, {"subject_prefix": text(longest=256)}
)
BODY = {
    "threshold_amount": integer(0),
    "currency": one_of("USD"),
    "interval": one_of("month"),
    "notification_channel": CHANNEL,
}


def list_alerts(ask: Ask) -> Answer:
    return LIST.answer(ask, place_of(ask).shelf.of(ALERTS).rows(), lambda alert: alert)


def create_alert(ask: Ask) -> Answer:
    place = open_place_of(ask)
    alert = {"id": ask.new_id(ALERTS), "object": f"{place.word}.spend_alert", **_read(ask)}
    _tell(ask, place, {"spend_alert_added": alert})
    return place.shelf.of(ALERTS).add(alert["id"], alert)


def get_alert(ask: Ask) -> Answer:
    return place_of(ask).shelf.of(ALERTS).get(ask["alert_id"])


def update_alert(ask: Ask) -> Answer:
    place = open_place_of(ask)
    alert = {**place.shelf.of(ALERTS).get(ask["alert_id"]), **_read(ask)}
    _tell(ask, place, {"spend_alert_changed": alert})
    return place.shelf.of(ALERTS).add(alert["id"], alert)


def delete_alert(ask: Ask) -> Answer:
    place = open_place_of(ask)
    alert = place.shelf.of(ALERTS).remove(ask["alert_id"])
    _tell(ask, place, {"spend_alert_removed": alert["id"]})
    return gone(alert["id"], f"{place.word}.spend_alert.deleted")


def _read(ask: Ask) -> Json:
    body = fields(ask.body, BODY)
    return {**body, "notification_channel": {"subject_prefix": None, **body["notification_channel"]}}


def _tell(ask: Ask, place: Place, changes: Json) -> None:
    audit(ask, f"{place.word}.updated", place.project, id=place.id, changes_requested=changes)


ROUTES = tuple(
    Route(verb, f"{base}/spend_alerts{rest}", handler)
    for base in ("/organization", "/organization/projects/{project_id}")
    for verb, rest, handler in (
        ("GET", "", list_alerts),
        ("POST", "", create_alert),
        ("GET", "/{alert_id}", get_alert),
        ("POST", "/{alert_id}", update_alert),
        ("DELETE", "/{alert_id}", delete_alert),
    )
)
