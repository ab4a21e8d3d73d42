"""Live sessions: started over WebRTC or taken from the telephone, forked, ended, and their recordings."""

import asyncio

from portico.sandbox import call_store, roster, sdp
from portico.sandbox.call_store import Call
from portico.sandbox.checks import Check, Checks, array, boolean, either, fields, integer, one_of, record, text
from portico.sandbox.media import sounds
from portico.sandbox.media.voice import LETTERS_PER_SECOND, Speech
from portico.sandbox.refusals import conflict, invalid, not_found
from portico.sandbox.shapes import Json, records
from portico.sandbox.shapes import record as record_of
from portico.sandbox.voice_store import LIVE_VOICES, VOICE, pick
from portico.sandbox.wire import Answer, Ask, Reply, Route

VOICE_NAME = "marin"
MOST_MESSAGES = 128
LONGEST_RECORDING_SECONDS = 120
TRANSPORT = record({"type": one_of("webrtc"), "sdp": text(shortest=1)})
EVENTS: Check = either(one_of("all"), array(either(text(), record({"type": text()}, {"response_event": text()}))))
CLIENT = record({"data_channel": record(optional={"allowed_client_events": EVENTS, "allowed_server_events": EVENTS})})
DELAY: Checks = {"acknowledgement_delay_ms": integer(0)}
RESPONSES: dict[str, Check | type] = {
    "instructions": text(),
    "max_output_tokens": integer(1),
    "model": text(shortest=1),
    "parallel_tool_calls": boolean,
    "reasoning": dict,
    "service_tier": text(),
    "text": dict,
    "tool_choice": either(text(), dict),
    "tools": array(record({"type": text()}, is_open=True)),
}
BACKEND = record({"model": RESPONSES["model"]}, {name: RESPONSES[name] for name in RESPONSES if name != "model"})
DECISIONS = record({"model": text(shortest=1), "questions": array(record(), shortest=1)})
PART = record({"text": text()}, {"type": one_of("input_text", "text", "output_text")})
MESSAGE = record(
    {"role": one_of("developer", "user", "assistant"), "content": array(PART, shortest=1, longest=1)},
    {"id": text(), "status": one_of("incomplete", "completed"), "type": one_of("message")},
)
TRIGGER = record(
    {
        "type": one_of("decisions"),
        "event_type": one_of("session.input_transcript.delta", "session.output_transcript.delta"),
        "decisions": record({"questions": array(record(), shortest=1)}),
    }
)


def delegation(value: object, path: str) -> Json:
    """Who does the work that the voice passes on: the application, the Responses API or the Decisions API."""
    kind = one_of("client", "responses", "decisions")(record_of(value).get("type"), f"{path}.type")
    needed: dict[str, Check] = {"responses": BACKEND, "decisions": DECISIONS}
    required: Checks = {"type": one_of(kind), **({kind: needed[kind]} if kind in needed else {})}
    return fields(value, required, DELAY, path=path)


SESSION: Checks = {
    # WebRTC and telephone agree on a format by themselves; it may not be set.
    "audio": record(optional={"output": record(optional={"voice": VOICE})}),
    "delegation": delegation,
    "input": array(MESSAGE, longest=MOST_MESSAGES),
    "instructions": text(),
    "safety_identifier": text(),
    "store": boolean,
    "triggers": array(TRIGGER, longest=2),
}
FORK: Checks = {
    "client": CLIENT,
    "delegation": record({"type": one_of("responses")}, {**DELAY, "responses": record(optional=RESPONSES)}),
    "store": boolean,
}


def create_session(ask: Ask) -> Answer:
    body = fields(ask.body, {"session": dict, "transport": TRANSPORT})
    given = fields(body["session"], {"model": text(shortest=1)}, {**SESSION, "client": CLIENT}, path="session")
    return _start(ask, _session(ask, given), body["transport"]["sdp"])


def fork_session(ask: Ask) -> Answer:
    """A new session that goes on from a stored one, with little changed."""
    source = _stored(ask)
    body = fields(ask.body, {"transport": TRANSPORT}, {"session": record(optional=FORK)})
    changes = record_of(body.get("session"))
    session: Json = {**source.session, **{name: value for name, value in changes.items() if name != "delegation"}}
    if "delegation" in changes:
        session["delegation"] = _changed(record_of(source.session.get("delegation")), changes["delegation"])
    return _start(ask, session, body["transport"]["sdp"])


def accept_session(ask: Ask) -> Answer:
    call_store.find(ask, "live", ask["session_id"])
    given: Json = fields(ask.body, {"session": dict})["session"]
    checked = fields(given, {"type": one_of("live"), "model": text(shortest=1)}, SESSION, path="session")
    call_store.accept(ask, "live", ask["session_id"], _session(ask, checked))
    return Reply()


def reject_session(ask: Ask) -> Answer:
    call_store.find(ask, "live", ask["session_id"])
    body = fields(ask.body, {"status_code": integer(300, 699)})
    call_store.reject(ask, "live", ask["session_id"], body["status_code"])
    return Reply()


def refer_session(ask: Ask) -> Answer:
    call_store.find(ask, "live", ask["session_id"])
    target = fields(ask.body, {"target_uri": text(shortest=1)})["target_uri"]
    if not target.strip():
        raise invalid("'target_uri' must not be blank.", "target_uri")
    call_store.refer(ask, "live", ask["session_id"], target)
    return Reply()


def hang_up_session(ask: Ask) -> Answer:
    call_store.hang_up(ask, "live", ask["session_id"])
    return Reply()


async def get_content(ask: Ask) -> Answer:
    """The recording of a stored session that has ended: what was said in its history, then silence."""
    call = _stored(ask)
    if call.state == "active":
        raise conflict("A session that is still active has no recording yet.", "recording_not_ready")
    said = " ".join(str(record_of(message["content"][0])["text"]) for message in records(call.session.get("input")))
    letters = min(call.seconds(ask.now), LONGEST_RECORDING_SECONDS) * LETTERS_PER_SECOND
    voice = str(record_of(record_of(call.session.get("audio")).get("output")).get("voice", VOICE_NAME))
    speech = Speech(said[:letters].ljust(letters), voice)
    facts: Json = {"model": call.session["model"], "at": call.ended_at, "voice": voice, "text": said[:letters]}
    recording = await asyncio.to_thread(sounds.wav, speech, facts)
    return Reply(recording, content_type="audio/wav")


def _session(ask: Ask, given: Json) -> Json:
    model = roster.require(ask, given["model"], "live").id
    output = record_of(record_of(given.get("audio")).get("output"))
    voice = pick(ask, output.get("voice", VOICE_NAME), LIVE_VOICES, "session.audio.output.voice", is_live=True)
    kinds = [trigger["event_type"] for trigger in records(given.get("triggers"))]
    if len(set(kinds)) < len(kinds):
        raise invalid("There may be one trigger for each kind of event.", "session.triggers")
    return {"delegation": {"type": "client"}, "store": False, **given, "model": model, "audio": _audio(voice)}


def _audio(voice: str) -> Json:
    return {"output": {"voice": voice}}


def _start(ask: Ask, session: Json, offer: str) -> Answer:
    answer = sdp.answer(offer, ask.world.random, "transport.sdp")
    call = call_store.open_call(ask, "live", session)
    return {"session": {"id": call.ids["live"]}, "transport": {"type": "webrtc", "sdp": answer}}


def _stored(ask: Ask) -> Call:
    call = call_store.find(ask, "live", ask["session_id"])
    if not call.session.get("store"):
        message = f"The live session '{ask['session_id']}' was not stored."
        raise not_found(message, None, "session_not_stored")
    return call


def _changed(old: Json, new: Json) -> Json:
    """Responses stay with whom they were; only how that backend works can change."""
    if old.get("type") != "responses":
        raise invalid("The stored session doesn't delegate to responses.", "session.delegation.type")
    return {**old, **new, "responses": {**record_of(old.get("responses")), **record_of(new.get("responses"))}}


ROUTES = (
    Route("POST", "/live/sessions", create_session),
    Route("POST", "/live/sessions/{session_id}/accept", accept_session),
    Route("GET", "/live/sessions/{session_id}/content", get_content),
    Route("POST", "/live/sessions/{session_id}/fork", fork_session),
    Route("POST", "/live/sessions/{session_id}/hangup", hang_up_session),
    Route("POST", "/live/sessions/{session_id}/refer", refer_session),
    Route("POST", "/live/sessions/{session_id}/reject", reject_session),
)
