"""Realtime: secrets that let a browser start a session, and the two older ways to configure one beforehand."""

from portico.sandbox import client_secrets, roster
from portico.sandbox.checks import Check, array, either, fields, integer, number, one_of, record, text
from portico.sandbox.client_secrets import EXPIRES_AFTER, USUAL_SECONDS
from portico.sandbox.realtime_sessions import (
    INSTRUCTIONS,
    LOGPROBS,
    MODEL,
    NOISE_REDUCTION,
    SERVER_VAD,
    TRACING,
    TRANSCRIBER,
    TRANSCRIPTION,
    TRUNCATION,
    TURN_DETECTION,
    VOICE_NAME,
    session,
)
from portico.sandbox.shapes import Json
from portico.sandbox.shapes import record as record_of
from portico.sandbox.voice_store import REALTIME_VOICES, VOICE, pick
from portico.sandbox.wire import Answer, Ask, Route

LONGEST_SECONDS = 3600
OLD_FORMAT = one_of("pcm16", "g711_ulaw", "g711_alaw")
OLD_MODALITIES = array(one_of("text", "audio"), shortest=1, longest=2)
OLD_TRANSCRIBERS = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1")
OLD_TOOL = record(
    optional={"type": one_of("function"), "name": text(), "description": text(), "parameters": dict},
)
OLD_VAD = ("type", "threshold", "prefix_padding_ms", "silence_duration_ms")
OLD_SESSION: dict[str, Check | type] = {
    "client_secret": record(optional={"expires_after": EXPIRES_AFTER}),
    "input_audio_format": OLD_FORMAT,
    "input_audio_noise_reduction": NOISE_REDUCTION,
    "input_audio_transcription": TRANSCRIPTION,
    "instructions": text(),
    "max_response_output_tokens": either(one_of("inf"), integer(1, 4096)),
    "modalities": OLD_MODALITIES,
    "model": text(shortest=1),
    "output_audio_format": OLD_FORMAT,
    "prompt": dict,
    "speed": number(0.25, 1.5),
    "temperature": number(0.6, 1.2),
    "tool_choice": text(),
    "tools": array(OLD_TOOL),
    "tracing": TRACING,
    "truncation": TRUNCATION,
    "turn_detection": TURN_DETECTION,
    "voice": VOICE,
}
OLD_TRANSCRIPTION: dict[str, Check | type] = {
    "client_secret": record(optional={"expires_at": EXPIRES_AFTER, "expires_after": EXPIRES_AFTER}),
    "include": LOGPROBS,
    "input_audio_format": OLD_FORMAT,
    "input_audio_noise_reduction": NOISE_REDUCTION,
    "input_audio_transcription": record(
        optional={"model": one_of(*OLD_TRANSCRIBERS), "language": text(), "prompt": text()}
    ),
    "modalities": OLD_MODALITIES,
    "turn_detection": TURN_DETECTION,
}
TRANSLATION = record(
    {"model": text(shortest=1)},
    {
        "audio": record(
            optional={
                "input": record(
                    optional={
                        "noise_reduction": NOISE_REDUCTION,
                        "transcription": record({"model": text(shortest=1)}),
                    }
                ),
                "output": record(optional={"language": text(shortest=2)}),
            }
        )
    },
)


def create_client_secret(ask: Ask) -> Answer:
    body = fields(ask.body, optional={"expires_after": EXPIRES_AFTER, "session": dict})
    made = session(ask, body.get("session", {}), "session")
    return {**client_secrets.issue(ask, made, _seconds(body.get("expires_after"))), "session": made}


def create_translation_secret(ask: Ask) -> Answer:
    body = fields(ask.body, {"session": TRANSLATION}, {"expires_after": EXPIRES_AFTER})
    model = roster.require(ask, body["session"]["model"], "realtime").id
    audio = record_of(body["session"].get("audio"))
    made: Json = {
        "id": ask.new_id("sess_"),
        "type": "translation",
        "model": model,
        "expires_at": ask.now + LONGEST_SECONDS,
        "audio": {
            "input": {"noise_reduction": None, "transcription": None, **record_of(audio.get("input"))},
            "output": {"language": "en", **record_of(audio.get("output"))},
        },
    }
    return {**client_secrets.issue(ask, made, _seconds(body.get("expires_after"))), "session": made}


def create_session(ask: Ask) -> Answer:
    body = fields(ask.body, optional=OLD_SESSION)
    model = roster.require(ask, body.pop("model", MODEL), "realtime").id
    secret = record_of(body.pop("client_secret", None))
    voice = pick(ask, body.pop("voice", VOICE_NAME), REALTIME_VOICES, "voice")
    made: Json = {
        "id": ask.new_id("sess_"),
        "object": "realtime.session",
        "expires_at": 0,
        "model": model,
        "modalities": ["audio", "text"],
        "instructions": INSTRUCTIONS,
        "voice": voice,
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": None,
        "input_audio_noise_reduction": None,
        "tools": [],
        "tool_choice": "auto",
        "temperature": 0.8,
        "max_response_output_tokens": "inf",
        "speed": 1.0,
        "tracing": None,
        **body,
        "turn_detection": _detection(ask.body, body),
    }
    seconds = _seconds(secret.get("expires_after"))
    return {**made, "client_secret": client_secrets.issue(ask, made, seconds)}


def create_transcription_session(ask: Ask) -> Answer:
    body = fields(ask.body, optional=OLD_TRANSCRIPTION)
    secret = record_of(body.pop("client_secret", None))
    heard = record_of(body.get("input_audio_transcription"))
    made: Json = {
        "id": ask.new_id("sess_"),
        "object": "realtime.transcription_session",
        "expires_at": 0,
        "modalities": ["audio", "text"],
        "input_audio_format": "pcm16",
        "input_audio_noise_reduction": None,
        "include": None,
        **body,
        "input_audio_transcription": {"model": TRANSCRIBER, "language": None, "prompt": "", **heard},
        "turn_detection": _detection(ask.body, body),
    }
    seconds = _seconds(secret.get("expires_after") or secret.get("expires_at"))
    return {**made, "client_secret": client_secrets.issue(ask, made, seconds)}


def _seconds(policy: object) -> int:
    return int(record_of(policy).get("seconds", USUAL_SECONDS))


def _detection(raw: Json, body: Json) -> Json | None:
    """Turn detection as the older sessions show it. It is on unless it was set to null."""
    if "turn_detection" in raw and raw["turn_detection"] is None:
        return None
    whole = {**SERVER_VAD, **record_of(body.get("turn_detection"))}
    return {name: whole[name] for name in OLD_VAD}


ROUTES = (
    Route("POST", "/realtime/client_secrets", create_client_secret),
    Route("POST", "/realtime/translations/client_secrets", create_translation_secret),
    Route("POST", "/realtime/sessions", create_session),
    Route("POST", "/realtime/transcription_sessions", create_transcription_session),
)
