"""Custom voices and the recorded consents without which none can be made from a sample."""

import re

from portico.sandbox.checks import anything, fields, one_of, text
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid, not_found
from portico.sandbox.sound_intake import hear
from portico.sandbox.voice_store import CONSENTS, VOICES, Consent, Voice
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor()
LARGEST_BYTES = 10 * 1024 * 1024
FORMATS = ("mp3", "wav", "ogg", "aac", "flac", "webm", "mp4")
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
NAME = text(shortest=1, longest=256)


def create_consent(ask: Ask) -> Answer:
    body = fields(ask.body, {"name": NAME, "language": _language}, {"recording": anything})
    hear(ask.file("recording"), "recording", LARGEST_BYTES, FORMATS)
    consent = Consent(ask.new_id(CONSENTS), body["name"], body["language"], ask.now)
    return ask.held(CONSENTS).add(consent.id, consent).show()


def list_consents(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(CONSENTS).rows(), Consent.show)


def get_consent(ask: Ask) -> Answer:
    return ask.held(CONSENTS).get(ask["consent_id"]).show()


def update_consent(ask: Ask) -> Answer:
    consent = ask.held(CONSENTS).get(ask["consent_id"])
    consent.name = fields(ask.body, {"name": NAME})["name"]
    return consent.show()


def delete_consent(ask: Ask) -> Answer:
    ask.held(CONSENTS).remove(ask["consent_id"])
    return gone(ask["consent_id"], "audio.voice_consent")


def create_voice(ask: Ask) -> Answer:
    is_prompted = ask.body.get("type") == "prompt"
    voice = _from_prompt(ask) if is_prompted else _from_sample(ask)
    return ask.held(VOICES).add(voice.id, voice).show()


def delete_voice(ask: Ask) -> Answer:
    ask.held(VOICES).remove(ask["voice_id"])
    return gone(ask["voice_id"], "audio.voice.deleted")


def _from_sample(ask: Ask) -> Voice:
    optional = {"type": one_of("audio_sample", "prompt"), "audio_sample": anything}
    body = fields(ask.body, {"name": NAME, "consent": text()}, optional)
    hear(ask.file("audio_sample"), "audio_sample", LARGEST_BYTES, FORMATS)
    if body["consent"] not in ask.held(CONSENTS):
        raise not_found(f"There is no consent recording '{body['consent']}'.", "consent", "consent_not_found")
    return Voice(ask.new_id(VOICES), body["name"], ask.now)


def _from_prompt(ask: Ask) -> Voice:
    required = {"name": NAME, "prompt": text(shortest=1), "type": one_of("prompt")}
    body = fields(ask.body, required, {"model": one_of("auto", "2026-10-08"), "script_hint": text()})
    if ask.uploads("audio_sample"):
        raise invalid("A voice comes either from a prompt or from a sample.", "audio_sample")
    return Voice(ask.new_id(VOICES), body["name"], ask.now, body["prompt"])


def _language(value: object, path: str) -> str:
    tag = str(text()(value, path))
    if not LANGUAGE.fullmatch(tag):
        raise invalid(f"'{path}' must be a language tag such as 'en-US', not '{tag}'.", path)
    return tag


ROUTES = (
    Route("GET", "/audio/voice_consents", list_consents),
    Route("POST", "/audio/voice_consents", create_consent),
    Route("GET", "/audio/voice_consents/{consent_id}", get_consent),
    Route("POST", "/audio/voice_consents/{consent_id}", update_consent),
    Route("DELETE", "/audio/voice_consents/{consent_id}", delete_consent),
    Route("POST", "/audio/voices", create_voice),
    Route("DELETE", "/audio/voices/{voice_id}", delete_voice),
)
