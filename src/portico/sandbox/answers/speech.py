"""Speech: a text as sound in any of the six formats, whole or as a stream of events."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator

from portico.sandbox import roster
from portico.sandbox.checks import fields, number, one_of, text
from portico.sandbox.media.sounds import CONTENT_TYPES, WRITERS
from portico.sandbox.media.voice import Speech
from portico.sandbox.mind import tokens
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.voice_store import SPEECH_VOICES, VOICE, pick
from portico.sandbox.wire import Answer, Ask, Events, Reply, Route

PIECE_BYTES = 16 * 1024
TOKENS_PER_SECOND = 20
REQUIRED = {"model": text(), "input": text(shortest=1, longest=4096), "voice": VOICE}
OPTIONS = {
    "instructions": text(longest=4096),
    "response_format": one_of(*WRITERS),
    "speed": number(0.25, 4),
    "stream_format": one_of("audio", "sse"),
}


async def create_speech(ask: Ask) -> Answer:
    body = fields(ask.body, REQUIRED, OPTIONS)
    model = roster.require(ask, body["model"], "speech")
    is_events = body.get("stream_format") == "sse"
    if is_events and model.id.startswith("tts-1"):
        raise invalid(f"The model '{model.id}' can't stream events.", "stream_format", "unsupported_value")
    voice = pick(ask, body["voice"], SPEECH_VOICES, "voice")
    speech = Speech(body["input"], voice, body.get("speed", 1.0))
    form = body.get("response_format", "mp3")
    facts: Json = {"model": model.id, "at": ask.now, "voice": voice, "text": speech.text}
    # Minutes of sound take a while to write; other requests need not wait for it.
    sound = await asyncio.to_thread(WRITERS[form], speech, facts)
    ask.meter("audio_speeches", model.id, characters=len(speech.text), num_model_requests=1)
    if is_events:
        return Events(_events(sound, speech))
    return Reply(_pieces(sound), content_type=CONTENT_TYPES[form])


async def _pieces(sound: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(sound), PIECE_BYTES):
        yield sound[start : start + PIECE_BYTES]


def _events(sound: bytes, speech: Speech) -> Iterator[Json]:
    for start in range(0, len(sound), PIECE_BYTES):
        yield {"type": "speech.audio.delta", "audio": base64.b64encode(sound[start : start + PIECE_BYTES]).decode()}
    read, spoken = tokens.count(speech.text), max(1, round(speech.seconds * TOKENS_PER_SECOND))
    usage = {"input_tokens": read, "output_tokens": spoken, "total_tokens": read + spoken}
    yield {"type": "speech.audio.done", "usage": usage}


ROUTES = (Route("POST", "/audio/speech", create_speech, metered=True),)
