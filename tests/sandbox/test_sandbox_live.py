"""Live sessions: started over WebRTC, taken from the telephone, forked, ended and recorded."""

from typing import Any

import openai
import pytest
from bare_http import Caller
from call_kit import OFFER, calls
from openai import OpenAI
from openai.types.live import MediaSessionConfigParam

from portico.sandbox.media.imprint import find
from portico.sandbox.media.listen import listen
from portico.sandbox.state import World

MODEL = "gpt-live-1"


def start(client: OpenAI, session: MediaSessionConfigParam | None = None) -> str:
    made = client.live.create(session=session or {"model": MODEL}, transport={"type": "webrtc", "sdp": OFFER})
    assert made.transport.sdp.startswith("v=0\r\n")
    return made.session.id


def ringing(call: Caller) -> str:
    return call("POST", "/_sandbox/calls", {"organization": "test"}).json["session_id"]


def held(call: Caller, session_id: str) -> dict[str, Any]:
    return next(entry for entry in calls(call) if entry["session_id"] == session_id)


def message(text: str) -> Any:
    return {"role": "user", "content": [{"type": "input_text", "text": text}]}


def test_session_starts_with_its_configuration(client: OpenAI, call: Caller) -> None:
    session_id = start(
        client,
        {
            "model": MODEL,
            "instructions": "Be brief.",
            "audio": {"output": {"voice": "quartz"}},
            "delegation": {"type": "responses", "responses": {"model": "gpt-5.5"}},
            "client": {"data_channel": {"allowed_client_events": ["session.update"], "allowed_server_events": "all"}},
        },
    )
    assert session_id.startswith("live_")
    entry = held(call, session_id)
    assert (entry["state"], entry["transport"], entry["face"]) == ("active", "webrtc", "live")
    assert entry["session"]["audio"] == {"output": {"voice": "quartz"}}
    assert entry["session"]["delegation"]["responses"] == {"model": "gpt-5.5"}


def test_voice_from_a_prompt_speaks_here(client: OpenAI, call: Caller) -> None:
    voice = client.audio.voices.create(type="prompt", name="Bear", prompt="A slow deep voice")
    session_id = start(client, {"model": MODEL, "audio": {"output": {"voice": {"id": voice.id}}}})
    assert held(call, session_id)["session"]["audio"]["output"]["voice"] == voice.id


def test_recording_holds_the_history_and_the_silence_after_it(client: OpenAI, world: World) -> None:
    said = "My name is Ada."
    session_id = start(client, {"model": MODEL, "store": True, "input": [message(said)]})
    with pytest.raises(openai.ConflictError) as early:
        client.live.sessions.download_recording(session_id)
    assert early.value.code == "recording_not_ready"
    world.advance(12)
    client.live.sessions.hangup(session_id)
    world.advance(100)
    answer = client.live.sessions.download_recording(session_id)
    recording = listen(answer.read())
    assert recording.format == "wav"
    assert recording.seconds == pytest.approx(12, abs=0.2)
    found = find(answer.read())
    assert found is not None
    assert (found.facts["text"], found.facts["model"]) == (said, MODEL)
    heard = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("call.wav", answer.read()))
    assert heard.text == said


def test_session_that_was_not_stored_is_gone(client: OpenAI) -> None:
    session_id = start(client)
    client.live.sessions.hangup(session_id)
    with pytest.raises(openai.NotFoundError) as refused:
        client.live.sessions.download_recording(session_id)
    assert refused.value.code == "session_not_stored"
    with pytest.raises(openai.NotFoundError):
        client.live.sessions.fork(session_id, transport={"type": "webrtc", "sdp": OFFER})


def test_fork_inherits_and_changes(client: OpenAI, call: Caller) -> None:
    source = start(
        client,
        {
            "model": MODEL,
            "store": True,
            "instructions": "Be brief.",
            "delegation": {"type": "responses", "responses": {"model": "gpt-5.5", "instructions": "Old."}},
        },
    )
    client.live.sessions.hangup(source)
    made = client.live.sessions.fork(
        source,
        transport={"type": "webrtc", "sdp": OFFER},
        session={"store": False, "delegation": {"type": "responses", "responses": {"instructions": "New."}}},
    )
    assert made.session.id != source
    session = held(call, made.session.id)["session"]
    assert (session["instructions"], session["store"]) == ("Be brief.", False)
    assert session["delegation"]["responses"] == {"model": "gpt-5.5", "instructions": "New."}
    assert held(call, source)["session"]["store"]


def test_fork_can_not_change_who_does_the_work(client: OpenAI) -> None:
    source = start(client, {"model": MODEL, "store": True})
    with pytest.raises(openai.BadRequestError) as refused:
        client.live.sessions.fork(
            source, transport={"type": "webrtc", "sdp": OFFER}, session={"delegation": {"type": "responses"}}
        )
    assert refused.value.param == "session.delegation.type"


def test_telephone_call_is_accepted_and_sent_on(client: OpenAI, call: Caller) -> None:
    session_id = ringing(call)
    client.live.sessions.accept(session_id, session={"type": "live", "model": MODEL, "instructions": "Hello."})
    assert held(call, session_id)["state"] == "active"
    client.live.sessions.refer(session_id, target_uri="sip:agent@example.com")
    entry = held(call, session_id)
    assert (entry["state"], entry["target_uri"]) == ("referred", "sip:agent@example.com")


def test_telephone_call_is_rejected(client: OpenAI, call: Caller) -> None:
    session_id = ringing(call)
    client.live.sessions.reject(session_id, status_code=486)
    entry = held(call, session_id)
    assert (entry["state"], entry["status_code"]) == ("rejected", 486)
    with pytest.raises(openai.ConflictError):
        client.live.sessions.accept(session_id, session={"type": "live", "model": MODEL})


def test_call_belongs_to_whoever_accepts_it(client: OpenAI, call: Caller) -> None:
    rung = call("POST", "/_sandbox/calls", {"organization": "test"}).json
    client.live.sessions.accept(rung["session_id"], session={"type": "live", "model": MODEL})
    with pytest.raises(openai.NotFoundError):
        client.realtime.calls.hangup(rung["call_id"])
    client.live.sessions.hangup(rung["session_id"])
    assert len(calls(call)) == 1


@pytest.mark.parametrize(
    ("session", "param", "status"),
    [
        ({}, "session.model", 400),
        ({"model": "gpt-realtime"}, "model", 400),
        ({"model": "gpt-live-9"}, "model", 404),
        ({"model": MODEL, "audio": {"format": {"type": "audio/pcm"}}}, "session.audio.format", 400),
        ({"model": MODEL, "audio": {"output": {"voice": "nova"}}}, "session.audio.output.voice", 400),
        ({"model": MODEL, "delegation": {"type": "nobody"}}, "session.delegation.type", 400),
        ({"model": MODEL, "delegation": {"type": "responses"}}, "session.delegation.responses", 400),
        ({"model": MODEL, "input": [message("x")] * 129}, "session.input", 400),
        (
            {"model": MODEL, "input": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]},
            "session.input[0].content",
            400,
        ),
        ({"model": MODEL, "client": {}}, "session.client.data_channel", 400),
        ({"model": MODEL, "colour": "red"}, "session.colour", 400),
    ],
)
def test_bad_sessions_are_refused(call: Caller, session: dict[str, Any], param: str, status: int) -> None:
    body = {"session": session, "transport": {"type": "webrtc", "sdp": OFFER}}
    got = call("POST", "/v1/live/sessions", body)
    assert (got.status, got.error["param"]) == (status, param)


@pytest.mark.parametrize(
    ("transport", "param"),
    [
        (None, "transport"),
        ({"type": "websocket", "sdp": OFFER}, "transport.type"),
        ({"type": "webrtc"}, "transport.sdp"),
        ({"type": "webrtc", "sdp": "hello"}, "transport.sdp"),
    ],
)
def test_bad_transports_are_refused(call: Caller, transport: dict[str, str] | None, param: str) -> None:
    got = call("POST", "/v1/live/sessions", {"session": {"model": MODEL}, "transport": transport})
    assert (got.status, got.error["param"]) == (400, param)


@pytest.mark.parametrize(
    ("deed", "body", "param"),
    [
        ("accept", {}, "session"),
        ("accept", {"session": {"model": MODEL}}, "session.type"),
        ("reject", {}, "status_code"),
        ("reject", {"status_code": 700}, "status_code"),
        ("refer", {}, "target_uri"),
        ("refer", {"target_uri": " "}, "target_uri"),
    ],
)
def test_bad_deeds_are_refused(call: Caller, deed: str, body: dict[str, Any], param: str) -> None:
    got = call("POST", f"/v1/live/sessions/{ringing(call)}/{deed}", body)
    assert (got.status, got.error["param"]) == (400, param)


@pytest.mark.parametrize("deed", ["accept", "fork", "hangup", "refer", "reject"])
def test_unknown_sessions_are_not_found(call: Caller, deed: str) -> None:
    got = call("POST", f"/v1/live/sessions/live_none/{deed}", {})
    assert (got.status, got.error["code"]) == (404, "live_session_id_not_found")
