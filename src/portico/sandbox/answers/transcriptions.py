"""Transcriptions and translations: what is said in a recording, in the format that was asked for."""

import base64
import binascii
import hashlib
import math
import re

from portico.sandbox import roster, transcripts
from portico.sandbox.checks import anything, array, boolean, either, fields, integer, number, one_of, record, text
from portico.sandbox.media import imprint
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.sound_intake import Heard, hear
from portico.sandbox.transcript_reply import Transcript, diarized, events, logprobs, plain, verbose
from portico.sandbox.wire import Answer, Ask, Events, Route

LARGEST_BYTES = 25 * 1024 * 1024
# An AAC stream without a container is not taken, as at OpenAI.
FORMATS = ("flac", "mp3", "mp4", "ogg", "wav", "webm")
WHISPER, DIARIZING, NEWEST = "whisper-1", "gpt-4o-transcribe-diarize", "gpt-transcribe"
ANSWERS = {
    WHISPER: ("json", "text", "srt", "verbose_json", "vtt"),
    DIARIZING: ("json", "text", "diarized_json"),
    NEWEST: ("json", "text"),
}
LANGUAGE = re.compile(r"[a-z]{2,3}")
# Longer recordings must be cut into chunks to tell speakers apart.
LONGEST_UNCUT_SECONDS = 30
VOICE_ACTIVITY = record(
    {"type": one_of("server_vad")},
    {"prefix_padding_ms": integer(0), "silence_duration_ms": integer(0), "threshold": number(0, 1)},
)


def language(value: object, path: str) -> str:
    code = str(text()(value, path))
    if not LANGUAGE.fullmatch(code):
        raise invalid(
            f"'{path}' must be an ISO-639-1 code such as 'en', not '{code}'.", path, "invalid_language_format"
        )
    return code


OPTIONS = {
    "file": anything,
    "chunking_strategy": either(one_of("auto"), VOICE_ACTIVITY),
    "include": array(one_of("logprobs")),
    "keywords": array(text(shortest=1)),
    "known_speaker_names": array(text(shortest=1), longest=4),
    "known_speaker_references": array(text(shortest=1), longest=4),
    "language": language,
    "languages": array(language, shortest=1),
    "prompt": text(),
    "response_format": one_of("json", "text", "srt", "verbose_json", "vtt", "diarized_json"),
    "stream": boolean,
    "temperature": number(0, 1),
    "timestamp_granularities": array(one_of("word", "segment")),
}


def create_transcription(ask: Ask) -> Answer:
    upload = ask.file("file")
    body = fields(ask.body, {"model": text()}, OPTIONS)
    model = roster.require(ask, body["model"], "transcription").id
    form = body.get("response_format", "json")
    _check_form(model, form)
    _check_options(model, form, body)
    heard = hear(upload, "file", LARGEST_BYTES, FORMATS)
    if model == DIARIZING and heard.seconds > LONGEST_UNCUT_SECONDS and "chunking_strategy" not in body:
        raise invalid("Recordings of more than 30 seconds need a chunking strategy here.", "chunking_strategy")
    transcript = _transcript(model, heard, body)
    ask.meter("audio_transcriptions", model, seconds=math.ceil(heard.seconds), num_model_requests=1)
    with_logprobs = "logprobs" in body.get("include", [])
    extras: Json = {"languages": [{"code": transcript.language}]} if model == NEWEST else {}
    if body.get("stream") and model != WHISPER:
        is_diarized = form == "diarized_json"
        return Events(events(transcript, extras, with_logprobs=with_logprobs, with_speakers=is_diarized))
    if form == "verbose_json":
        shown = verbose(transcript, "transcribe", body.get("timestamp_granularities", ["segment"]))
        return {**shown, "usage": transcript.usage}
    if form == "diarized_json":
        return diarized(transcript)
    if form != "json":
        return plain(transcript, form)
    if with_logprobs:
        extras["logprobs"] = logprobs(transcript.text)
    return {"text": transcript.text, **extras, "usage": transcript.usage}


def create_translation(ask: Ask) -> Answer:
    upload = ask.file("file")
    names = ("file", "prompt", "response_format", "temperature")
    body = fields(ask.body, {"model": text()}, {name: OPTIONS[name] for name in names})
    model = roster.require(ask, body["model"], "transcription").id
    if model != WHISPER:
        raise invalid(f"The model '{model}' can't translate; whisper-1 can.", "model", "model_not_supported")
    form = body.get("response_format", "json")
    _check_form(model, form)
    transcript = _transcript(model, hear(upload, "file", LARGEST_BYTES, FORMATS), {**body, "language": "en"})
    ask.meter("audio_transcriptions", model, seconds=math.ceil(transcript.seconds), num_model_requests=1)
    if form == "verbose_json":
        return verbose(transcript, "translate", ["segment"])
    return {"text": transcript.text} if form == "json" else plain(transcript, form)


def _check_form(model: str, form: str) -> None:
    allowed = ANSWERS.get(model, ("json",))
    if form not in allowed:
        message = f"The model '{model}' answers in {', '.join(allowed)}, not in {form}."
        raise invalid(message, "response_format", "unsupported_value")


def _check_options(model: str, form: str, body: Json) -> None:
    """Options that only some models, or only some formats, know."""
    if "timestamp_granularities" in body and form != "verbose_json":
        raise invalid("Timestamps come only in verbose_json.", "timestamp_granularities", "unsupported_value")
    if "include" in body and (form != "json" or model in ANSWERS):
        raise invalid(f"The model '{model}' gives no log probabilities here.", "include", "unsupported_value")
    if "prompt" in body and model == DIARIZING:
        raise invalid(f"The model '{model}' takes no prompt.", "prompt", "unsupported_value")
    for name in ("keywords", "languages"):
        if name in body and model != NEWEST:
            raise invalid(f"The model '{model}' knows no '{name}'.", name, "unsupported_value")
    names, samples = body.get("known_speaker_names", []), body.get("known_speaker_references", [])
    if (names or samples) and model != DIARIZING:
        raise invalid(f"The model '{model}' can't tell speakers apart.", "known_speaker_names", "unsupported_value")
    if len(names) != len(samples):
        raise invalid("Each known speaker needs a name and a sample.", "known_speaker_references")


def _transcript(model: str, heard: Heard, body: Json) -> Transcript:
    spoken = str(heard.facts.get("text", "")).strip()
    said = spoken or transcripts.invent(heard.content, heard.seconds, body.get("keywords", []))
    code = body.get("language") or (body.get("languages") or ["en"])[0]
    count = len(transcripts.sentences(said, heard.seconds))
    return Transcript(
        text=" ".join(said.split()),
        seconds=heard.seconds,
        language=code,
        prompt=body.get("prompt", ""),
        temperature=body.get("temperature", 0.0),
        is_billed_by_time=model == WHISPER,
        speakers=_speakers(heard, body, count) if model == DIARIZING else [],
    )


def _speakers(heard: Heard, body: Json, count: int) -> list[str]:
    """Who says each sentence. In speech of ours it is one voice, told by the samples; else two or three take turns."""
    known: dict[str, str] = {}
    for place, sample in enumerate(body.get("known_speaker_references", [])):
        voice = _voice_of(sample, f"known_speaker_references[{place}]")
        known.setdefault(voice, body["known_speaker_names"][place])
    if "voice" in heard.facts:
        return [known.get(str(heard.facts["voice"]), "A")] * count
    labels = [*body.get("known_speaker_names", []), "A", "B"]
    digest = hashlib.sha256(heard.content).digest()
    return [labels[digest[place % 32] % len(labels)] for place in range(count)]


def _voice_of(sample: str, path: str) -> str:
    """The voice that speaks in a sample, or something that stands for it."""
    head, mark, encoded = sample.partition(";base64,")
    try:
        content = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        content = b""
    if not head.startswith("data:") or not mark or not content:
        raise invalid(f"'{path}' must be a data URL with base64.", path)
    found = imprint.find(content)
    return str(found.facts.get("voice")) if found else hashlib.sha256(content).hexdigest()


ROUTES = (
    Route("POST", "/audio/transcriptions", create_transcription, metered=True),
    Route("POST", "/audio/translations", create_translation, metered=True),
)
