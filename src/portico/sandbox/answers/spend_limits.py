"""Hard spend limits of an organization and of its projects: what a month may cost before calls are refused."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import fields, integer, one_of
from portico.sandbox.places import Place, open_place_of, place_of
from portico.sandbox.refusals import not_found
from portico.sandbox.settings import settings
from portico.sandbox.shapes import Json
from portico.sandbox.spending import is_reached
from portico.sandbox.wire import Answer, Ask, Route

BODY = {"threshold_amount": integer(1), "currency": one_of("USD"), "interval": one_of("month")}


def get_limit(ask: Ask) -> Answer:
    return _show(ask, place_of(ask))


def set_limit(ask: Ask) -> Answer:
    place = open_place_of(ask)
    body = fields(ask.body, BODY)
    settings(place.shelf).spend_limit_cents = body["threshold_amount"]
    audit(ask, f"{place.word}.updated", place.project, id=place.id, changes_requested={"spend_limit": body})
    return _show(ask, place)


def delete_limit(ask: Ask) -> Answer:
    place = open_place_of(ask)
    # Where there is none, there is nothing to do, and nothing to tell.
    if settings(place.shelf).spend_limit_cents is not None:
        settings(place.shelf).spend_limit_cents = None
        audit(ask, f"{place.word}.updated", place.project, id=place.id, changes_requested={"spend_limit": None})
    return {"object": f"{place.word}.spend_limit.deleted", "deleted": True}


def _show(ask: Ask, place: Place) -> Json:
    is_enforcing = is_reached(ask.organization, place.project, ask.now)
    return {
        "object": f"{place.word}.spend_limit",
        "threshold_amount": _require(place),
        "currency": "USD",
        "interval": "month",
        "enforcement": {"status": "enforcing" if is_enforcing else "inactive"},
    }


def _require(place: Place) -> int:
    limit = settings(place.shelf).spend_limit_cents
    if limit is None:
        raise not_found(f"The {place.word} '{place.id}' has no spend limit.")
    return limit


ROUTES = tuple(
    Route(verb, f"{base}/spend_limit", handler)
    for base in ("/organization", "/organization/projects/{project_id}")
    for verb, handler in (("GET", get_limit), ("POST", set_limit), ("DELETE", delete_limit))
)
