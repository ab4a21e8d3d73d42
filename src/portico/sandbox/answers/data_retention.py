"""What OpenAI may retain of the calls of an organization or a project."""

from portico.sandbox.audit import audit
from portico.sandbox.checks import fields, one_of
from portico.sandbox.places import Place, open_place_of, place_of
from portico.sandbox.settings import PROJECT_RETENTION, RETENTION, settings
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route

# What holds until somebody sets it, and what may be set.
USUAL = {"organization": "modified_abuse_monitoring", "project": "organization_default"}
KNOWN = {"organization": RETENTION, "project": PROJECT_RETENTION}


def get_retention(ask: Ask) -> Answer:
    return _show(place_of(ask))


def set_retention(ask: Ask) -> Answer:
    place = open_place_of(ask)
    body = fields(ask.body, {"retention_type": one_of(*KNOWN[place.word])})
    settings(place.shelf).retention = body["retention_type"]
    changes = {"data_retention": body["retention_type"]}
    audit(ask, f"{place.word}.updated", place.project, id=place.id, changes_requested=changes)
    return _show(place)


def _show(place: Place) -> Json:
    kind = settings(place.shelf).retention or USUAL[place.word]
    return {"object": f"{place.word}.data_retention", "type": kind}


ROUTES = tuple(
    Route(verb, f"{base}/data_retention", handler)
    for base in ("/organization", "/organization/projects/{project_id}")
    for verb, handler in (("GET", get_retention), ("POST", set_retention))
)
