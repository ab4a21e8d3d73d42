"""Realtime: client secrets, sessions, and calls over WebRTC and by telephone."""

import json
from typing import Any

import openai
import pytest
from bare_http import Caller, Got, form
from call_kit import OFFER, calls
from openai import OpenAI
from openai.types.realtime import (
    RealtimeSessionCreateResponse,
    realtime_session_create_response,
)
from openai.types.realtime.realtime_transcription_session_create_response import (
    RealtimeTranscriptionSessionCreateResponse,
)

from portico.sandbox.state import World


def ringing(call: Caller) -> str:
    """A telephone call that comes in for the project of the test's key."""
    return call("POST", "/_sandbox/calls", {"organization": "test"}).json["call_id"]


def started(client: OpenAI) -> str:
    """A WebRTC call."""
    answer = client.realtime.calls.create(sdp=OFFER)
    return answer.response.headers["location"].rsplit("/", 1)[1]


def test_secret_comes_with_a_whole_session(client: OpenAI, world: World) -> None:
    made = client.realtime.client_secrets.create()
    assert made.value.startswith("ek_")
    assert made.expires_at == world.now() + 600
    session = made.session
    assert isinstance(session, RealtimeSessionCreateResponse)
    assert (session.model, session.output_modalities, session.tool_choice) == ("gpt-realtime", ["audio"], "auto")
    assert session.audio
    assert session.audio.input
    assert session.audio.output
    assert session.audio.output.voice == "marin"
    detection = session.audio.input.turn_detection
    assert isinstance(detection, realtime_session_create_response.AudioInputTurnDetectionServerVad)
    assert detection.silence_duration_ms == 200


def test_session_keeps_what_was_asked(client: OpenAI) -> None:
    made = client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60},
        session={
            "type": "realtime",
            "model": "gpt-realtime-2",
            "instructions": "Speak like a pirate.",
            "output_modalities": ["text"],
            "max_output_tokens": 100,
            "tools": [{"type": "function", "name": "look_up", "parameters": {"type": "object"}}],
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.5},
            "audio": {
                "input": {"turn_detection": None, "transcription": {"model": "whisper-1", "language": "de"}},
                "output": {"voice": "cedar", "speed": 1.25},
            },
        },
    )
    session = made.session
    assert isinstance(session, RealtimeSessionCreateResponse)
    assert (session.model, session.instructions) == ("gpt-realtime-2", "Speak like a pirate.")
    assert (session.output_modalities, session.max_output_tokens) == (["text"], 100)
    assert session.tools
    assert session.audio
    assert session.audio.input
    assert session.audio.input.turn_detection is None
    assert session.audio.input.transcription
    assert session.audio.input.transcription.language == "de"
    assert session.audio.output
    assert (session.audio.output.voice, session.audio.output.speed) == ("cedar", 1.25)


def test_secret_can_be_for_transcription(client: OpenAI) -> None:
    made = client.realtime.client_secrets.create(
        session={"type": "transcription", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
    )
    session = made.session
    assert isinstance(session, RealtimeTranscriptionSessionCreateResponse)
    assert session.object == "realtime.transcription_session"
    assert session.audio
    assert session.audio.input
    assert session.audio.input.transcription
    assert session.audio.input.transcription.model == "gpt-4o-transcribe"


def test_secret_can_be_for_translation(client: OpenAI, world: World) -> None:
    made = client.realtime.translations.client_secrets.create(
        session={"model": "gpt-realtime-translate", "audio": {"output": {"language": "es"}}}
    )
    assert made.value.startswith("ek_")
    assert (made.session.type, made.session.model) == ("translation", "gpt-realtime-translate")
    assert made.session.audio.output
    assert made.session.audio.output.language == "es"
    assert made.session.expires_at > world.now()


def test_secret_opens_calls_and_nothing_else_until_it_expires(client: OpenAI, call: Caller, world: World) -> None:
    made = client.realtime.client_secrets.create(
        session={"type": "realtime", "instructions": "Speak like a pirate."},
        expires_after={"anchor": "created_at", "seconds": 60},
    )
    browser = Caller(call.url, made.value)

    def start() -> Got:
        return browser("POST", "/v1/realtime/calls", OFFER.encode(), {"content-type": "application/sdp"})

    assert start().status == 201
    assert calls(call)[0]["session"]["instructions"] == "Speak like a pirate."
    refused = browser("GET", "/v1/files")
    assert (refused.status, refused.error["code"]) == (403, "missing_scope")
    world.advance(61)
    assert start().status == 401


def test_secrets_are_not_listed_among_the_keys(client: OpenAI, admin_client: OpenAI, world: World) -> None:
    client.realtime.client_secrets.create()
    project = world.organization("test").default_project.id
    keys = list(admin_client.admin.organization.projects.api_keys.list(project))
    assert "Client secret" not in {key.name for key in keys}


def test_older_sessions_still_answer(client: OpenAI, world: World) -> None:
    before = world.now()
    made = client.beta.realtime.sessions.create(
        model="gpt-realtime",
        voice="verse",
        instructions="Be kind.",
        client_secret={"expires_after": {"anchor": "created_at", "seconds": 30}},
        turn_detection={"type": "server_vad", "threshold": 0.7},
    )
    assert (made.voice, made.instructions, made.input_audio_format) == ("verse", "Be kind.", "pcm16")
    assert before + 30 <= made.client_secret.expires_at <= world.now() + 30
    assert made.turn_detection
    assert (made.turn_detection.threshold, made.turn_detection.silence_duration_ms) == (0.7, 200)


def test_older_transcription_sessions_still_answer(client: OpenAI, call: Caller) -> None:
    made = client.beta.realtime.transcription_sessions.create(
        input_audio_transcription={"model": "whisper-1", "language": "sv"}, input_audio_format="g711_ulaw"
    )
    assert made.input_audio_format == "g711_ulaw"
    assert made.input_audio_transcription
    assert (made.input_audio_transcription.model, made.input_audio_transcription.language) == ("whisper-1", "sv")
    got = call("POST", "/v1/realtime/transcription_sessions", {"turn_detection": None})
    assert got.json["turn_detection"] is None
    assert got.json["client_secret"]["value"].startswith("ek_")


@pytest.mark.parametrize(
    ("path", "body", "param", "status"),
    [
        ("client_secrets", {"expires_after": {"seconds": 9}}, "expires_after.seconds", 400),
        ("client_secrets", {"session": {"type": "opera"}}, "session.type", 400),
        ("client_secrets", {"session": {"model": "gpt-4o"}}, "model", 400),
        ("client_secrets", {"session": {"model": "gpt-none"}}, "model", 404),
        ("client_secrets", {"session": {"colour": "red"}}, "session.colour", 400),
        ("client_secrets", {"session": {"output_modalities": ["text", "audio"]}}, "session.output_modalities", 400),
        (
            "client_secrets",
            {"session": {"audio": {"output": {"voice": "nobody"}}}},
            "session.audio.output.voice",
            400,
        ),
        ("client_secrets", {"session": {"audio": {"output": {"speed": 2}}}}, "session.audio.output.speed", 400),
        (
            "client_secrets",
            {"session": {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 8000}}}}},
            "session.audio.input.format.rate",
            400,
        ),
        ("translations/client_secrets", {}, "session", 400),
        ("translations/client_secrets", {"session": {}}, "session.model", 400),
        ("sessions", {"temperature": 2}, "temperature", 400),
        ("transcription_sessions", {"input_audio_format": "mp3"}, "input_audio_format", 400),
        ("transcription_sessions", {"voice": "alloy"}, "voice", 400),
    ],
)
def test_bad_sessions_are_refused(call: Caller, path: str, body: dict[str, Any], param: str, status: int) -> None:
    got = call("POST", f"/v1/realtime/{path}", body)
    assert (got.status, got.error["param"]) == (status, param)


def test_offer_is_answered_line_by_line(client: OpenAI) -> None:
    answer = client.realtime.calls.create(sdp=OFFER, session={"type": "realtime", "model": "gpt-realtime-mini"})
    assert answer.response.status_code == 201
    assert answer.response.headers["content-type"] == "application/sdp"
    lines = answer.text.split("\r\n")
    assert (lines[0], lines[-1]) == ("v=0", "")
    assert "a=group:BUNDLE 0 1 2" in lines
    media = [line for line in lines if line.startswith("m=")]
    assert [line.split()[0] for line in media] == ["m=audio", "m=application", "m=video"]
    # Video is turned down; sound goes the other way; the answerer waits for the client to begin.
    assert media[2].split()[1] == "0"
    assert {"a=recvonly", "a=setup:passive", "a=mid:0", "a=mid:1", "a=mid:2", "a=sctp-port:5000"} <= set(lines)
    assert sum(line.startswith("a=fingerprint:sha-256 ") for line in lines) == 1


def test_offer_can_come_bare_or_as_browsers_send_forms(call: Caller) -> None:
    bare = call("POST", "/v1/realtime/calls", OFFER.encode(), {"content-type": "application/sdp"})
    assert bare.status == 201
    assert (bare.header("location") or "").startswith("/v1/realtime/calls/rtc_")
    session = json.dumps({"type": "realtime", "instructions": "Hum."}).encode()
    body, kind = form({"sdp": OFFER}, {"session": ("blob", session)})
    assert call("POST", "/v1/realtime/calls", body, {"content-type": kind}).status == 201
    assert [held["session"]["instructions"] == "Hum." for held in calls(call)] == [False, True]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "sdp"),
        ({"sdp": "hello"}, "sdp"),
        ({"sdp": "v=0\r\nm=video 9 x 96\r\n"}, "sdp"),
        ({"sdp": OFFER, "session": "not json"}, "session"),
        ({"sdp": OFFER, "session": '{"type": "transcription"}'}, "session.type"),
        ({"sdp": OFFER, "extra": "1"}, "extra"),
    ],
)
def test_bad_offers_are_refused(call: Caller, fields: dict[str, str], param: str) -> None:
    body, kind = form(fields, {})
    got = call("POST", "/v1/realtime/calls", body, {"content-type": kind})
    assert (got.status, got.error["param"]) == (400, param)


def test_offer_in_json_is_not_understood(call: Caller) -> None:
    assert call("POST", "/v1/realtime/calls", {"sdp": OFFER}).error["code"] == "unsupported_media"


def test_telephone_call_is_accepted_and_hung_up(client: OpenAI, call: Caller) -> None:
    call_id = ringing(call)
    client.realtime.calls.accept(call_id, type="realtime", model="gpt-realtime", instructions="Say hello.")
    held = calls(call)[0]
    assert (held["state"], held["face"], held["session"]["instructions"]) == ("active", "realtime", "Say hello.")
    client.realtime.calls.hangup(call_id)
    assert calls(call)[0]["state"] == "hung_up"
    with pytest.raises(openai.ConflictError):
        client.realtime.calls.hangup(call_id)


def test_telephone_call_is_sent_on_or_rejected(client: OpenAI, call: Caller) -> None:
    first, second, third = ringing(call), ringing(call), ringing(call)
    client.realtime.calls.accept(first, type="realtime")
    client.realtime.calls.refer(first, target_uri="tel:+14155550123")
    client.realtime.calls.reject(second)
    client.realtime.calls.reject(third, status_code=486)
    held = {entry["call_id"]: entry for entry in calls(call)}
    assert (held[first]["state"], held[first]["target_uri"]) == ("referred", "tel:+14155550123")
    assert [held[one]["status_code"] for one in (second, third)] == [603, 486]


def test_done_answers_have_no_body(call: Caller) -> None:
    got = call("POST", f"/v1/realtime/calls/{ringing(call)}/accept", {"type": "realtime"})
    assert (got.status, got.body, got.header("content-length")) == (200, b"", "0")


def test_calls_refuse_what_their_state_forbids(client: OpenAI, call: Caller) -> None:
    telephone, browser = ringing(call), started(client)
    forbidden = (
        lambda: client.realtime.calls.hangup(telephone),
        lambda: client.realtime.calls.refer(telephone, target_uri="tel:+1"),
        lambda: client.realtime.calls.accept(browser, type="realtime"),
        lambda: client.realtime.calls.reject(browser),
        lambda: client.realtime.calls.refer(browser, target_uri="tel:+1"),
    )
    for deed in forbidden:
        with pytest.raises(openai.ConflictError) as refused:
            deed()
        assert refused.value.code == "invalid_call_state"
    client.realtime.calls.hangup(browser)


def test_nobody_waits_for_ever(client: OpenAI, call: Caller, world: World) -> None:
    missed, long = ringing(call), started(client)
    world.advance(60)
    with pytest.raises(openai.ConflictError):
        client.realtime.calls.accept(missed, type="realtime")
    world.advance(3540)
    with pytest.raises(openai.ConflictError):
        client.realtime.calls.hangup(long)
    assert [held["state"] for held in calls(call)] == ["missed", "expired"]


@pytest.mark.parametrize("deed", ["accept", "hangup", "refer", "reject"])
def test_unknown_calls_are_not_found(call: Caller, deed: str) -> None:
    got = call("POST", f"/v1/realtime/calls/rtc_none/{deed}", {})
    assert (got.status, got.error["code"]) == (404, "call_id_not_found")


@pytest.mark.parametrize(
    ("deed", "body", "param"),
    [
        ("accept", {}, "type"),
        ("accept", {"type": "live"}, "type"),
        ("refer", {}, "target_uri"),
        ("reject", {"status_code": 200}, "status_code"),
    ],
)
def test_bad_deeds_are_refused(call: Caller, deed: str, body: dict[str, Any], param: str) -> None:
    got = call("POST", f"/v1/realtime/calls/{ringing(call)}/{deed}", body)
    assert (got.status, got.error["param"]) == (400, param)


def test_incoming_call_is_told_to_webhooks(client: OpenAI, call: Caller) -> None:
    client.webhooks.create(event_types=["realtime.call.incoming"], name="x", url="http://127.0.0.1:9/none")
    call_id = ringing(call)
    (delivery,) = call("GET", "/_sandbox/webhooks").json["data"]
    data = delivery["event"]["data"]
    assert data["call_id"] == call_id
    assert {header["name"] for header in data["sip_headers"]} == {"From", "To", "Call-ID"}
    assert call("POST", "/_sandbox/calls", {"organization": "test", "project_id": "proj_none"}).status == 404
