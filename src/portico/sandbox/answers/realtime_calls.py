"""Realtime calls: started by a browser with its offer, or taken from the telephone; accepted, sent on and ended."""

import msgspec

from portico.sandbox import call_store, client_secrets, sdp
from portico.sandbox.checks import Check, anything, fields, integer, text
from portico.sandbox.realtime_sessions import conversation
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json, is_record
from portico.sandbox.wire import Answer, Ask, Reply, Route

DECLINED = 603
TARGET: Check = text(shortest=1)
DONE = Reply()


def create_call(ask: Ask) -> Answer:
    """The body is the offer alone, or a form of the offer and a session."""
    if ask.form is None and not ask.headers.get("content-type", "").startswith("application/sdp"):
        raise invalid("Send the offer as application/sdp, or as the field 'sdp' of a form.", None, "unsupported_media")
    offer, given = _form(ask) if ask.form is not None else (ask.raw.read().decode("utf-8", "replace"), None)
    session = conversation(ask, given, "session") if given is not None else client_secrets.session_of(ask)
    answer = sdp.answer(offer, ask.world.random, "sdp")
    call = call_store.open_call(ask, "realtime", session or conversation(ask, {}, "session"))
    location = (("location", f"/v1/realtime/calls/{call.ids['realtime']}"),)
    return Reply(answer.encode(), 201, "application/sdp", location)


def accept_call(ask: Ask) -> Answer:
    call_store.find(ask, "realtime", ask["call_id"])
    if ask.body.get("type") is None:
        raise missing("type")
    call_store.accept(ask, "realtime", ask["call_id"], conversation(ask, ask.body, ""))
    return DONE


def reject_call(ask: Ask) -> Answer:
    call_store.find(ask, "realtime", ask["call_id"])
    body = fields(ask.body, optional={"status_code": integer(300, 699)})
    call_store.reject(ask, "realtime", ask["call_id"], body.get("status_code", DECLINED))
    return DONE


def refer_call(ask: Ask) -> Answer:
    call_store.find(ask, "realtime", ask["call_id"])
    call_store.refer(ask, "realtime", ask["call_id"], fields(ask.body, {"target_uri": TARGET})["target_uri"])
    return DONE


def hang_up_call(ask: Ask) -> Answer:
    call_store.hang_up(ask, "realtime", ask["call_id"])
    return DONE


def _form(ask: Ask) -> tuple[str, Json | None]:
    """Browsers send the two fields as texts or as unnamed files."""
    fields(ask.body, optional={"sdp": anything, "session": anything})
    offer, given = _part(ask, "sdp"), _part(ask, "session")
    if offer is None:
        raise missing("sdp")
    if given is None:
        return offer, None
    try:
        session = msgspec.json.decode(given)
    except msgspec.DecodeError:
        session = None
    if not is_record(session):
        raise invalid("'session' must be a JSON object.", "session", "invalid_json")
    return offer, session


def _part(ask: Ask, name: str) -> str | None:
    uploads = ask.uploads(name)
    if uploads:
        return uploads[0].blob.read().decode("utf-8", "replace")
    value = ask.body.get(name)
    return None if value is None else str(value)


ROUTES = (
    Route("POST", "/realtime/calls", create_call),
    Route("POST", "/realtime/calls/{call_id}/accept", accept_call),
    Route("POST", "/realtime/calls/{call_id}/reject", reject_call),
    Route("POST", "/realtime/calls/{call_id}/refer", refer_call),
    Route("POST", "/realtime/calls/{call_id}/hangup", hang_up_call),
)
