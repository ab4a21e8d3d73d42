"""Transcriptions and translations: what was spoken here comes back, everything else is made up but steady."""

# The SDK marks translations as deprecated; the emulator makes them all the same.
# pyright: reportDeprecated=false

import base64
import itertools
import json
import re
import struct
from typing import Literal

import openai
import pytest
from bare_http import Caller, form
from openai import OpenAI
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionTextDeltaEvent,
    TranscriptionTextDoneEvent,
    TranscriptionTextSegmentEvent,
    TranscriptionVerbose,
)
from openai.types.audio.translation_verbose import TranslationVerbose

from portico.sandbox.media.sounds import WRITERS
from portico.sandbox.media.voice import Speech
from portico.sandbox.state import World

pytestmark = pytest.mark.filterwarnings("ignore:^deprecated$:DeprecationWarning")

TEXT = "Hello there. How are you today? I am fine, thank you."
DIARIZING = "gpt-4o-transcribe-diarize"
KNOWN = {"customer": "nova", "agent": "onyx"}


def spoken(text: str = TEXT, voice: str = "alloy", form: str = "mp3") -> tuple[str, bytes]:
    facts = {"text": text, "voice": voice, "model": "tts-1", "at": 1}
    return f"speech.{form}", WRITERS[form](Speech(text, voice), facts)


def strange(seconds: float = 10.0, rate: int = 8000) -> tuple[str, bytes]:
    """A recording that nobody here made: eight-bit noise in a wav file."""
    noise = bytes((place * place >> 3) & 255 for place in range(int(seconds * rate)))
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(noise), b"WAVE", b"fmt ", 16, 1, 1, rate, rate, 1, 8)
    return "noise.wav", head + struct.pack("<4sI", b"data", len(noise)) + noise


@pytest.mark.parametrize("made", ["mp3", "opus", "flac", "wav"])
def test_what_was_spoken_comes_back(client: OpenAI, made: str) -> None:
    speech = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=made)  # pyright: ignore[reportArgumentType] -- the client narrows what the wire takes
    heard = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("speech", speech.read()))
    assert isinstance(heard, Transcription)
    assert heard.text == TEXT


def test_strange_recordings_get_steady_sentences(client: OpenAI) -> None:
    def hear(file: tuple[str, bytes]) -> str:
        return client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=file).text

    first = hear(strange())
    assert first == hear(strange())
    assert first != hear(strange(11.0))
    # About two and a half words a second.
    assert 15 < len(first.split()) < 40


def test_usage_is_tokens_or_time_by_the_model(client: OpenAI, world: World) -> None:
    tokens = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=strange(), prompt="Names: Ada").usage
    assert tokens is not None
    assert tokens.type == "tokens"
    assert tokens.total_tokens == tokens.input_tokens + tokens.output_tokens
    assert tokens.input_token_details is not None
    assert (tokens.input_token_details.audio_tokens, tokens.input_token_details.text_tokens) == (100, 3)
    time = client.audio.transcriptions.create(model="whisper-1", file=strange(9.2)).usage
    assert time is not None
    assert time.type == "duration"
    assert time.seconds == 10
    assert [used.amounts["seconds"] for used in world.organization("test").usage] == [10, 10]


def test_verbose_answer_has_timed_segments_and_words(client: OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model="whisper-1",
        file=spoken(),
        response_format="verbose_json",
        timestamp_granularities=["segment", "word"],
        language="de",
    )
    assert isinstance(heard, TranscriptionVerbose)
    assert heard.language == "german"
    assert heard.duration == pytest.approx(len(TEXT) / 14, abs=0.05)
    assert heard.segments
    assert heard.words
    assert "".join(segment.text for segment in heard.segments).strip() == TEXT
    assert [word.word for word in heard.words] == TEXT.split()
    for parts in (heard.segments, heard.words):
        assert parts[0].start == 0
        assert parts[-1].end == pytest.approx(heard.duration, abs=0.01)
        assert all(part.start < part.end for part in parts)
        assert all(first.end == second.start for first, second in itertools.pairwise(parts))


def test_words_come_only_when_asked_for(client: OpenAI) -> None:
    heard = client.audio.transcriptions.create(model="whisper-1", file=spoken(), response_format="verbose_json")
    assert isinstance(heard, TranscriptionVerbose)
    assert heard.segments
    assert heard.words is None


def test_subtitles_are_written_as_players_read_them(client: OpenAI) -> None:
    def hear(form: Literal["text", "srt", "vtt"]) -> str:
        return client.audio.transcriptions.create(model="whisper-1", file=spoken(), response_format=form)

    assert hear("text") == f"{TEXT}\n"
    blocks = hear("srt").strip().split("\n\n")
    assert [block.split("\n")[0] for block in blocks] == ["1", "2", "3"]
    assert re.fullmatch(r"1\n00:00:00,000 --> 00:00:00,\d{3}\nHello there\.", blocks[0])
    head, *cues = hear("vtt").strip().split("\n\n")
    assert head == "WEBVTT"
    assert re.fullmatch(r"00:00:00\.000 --> 00:00:00\.\d{3}\nHello there\.", cues[0])


def test_text_streams_piece_by_piece(client: OpenAI) -> None:
    with client.audio.transcriptions.create(
        model="gpt-4o-transcribe", file=spoken(), stream=True, include=["logprobs"]
    ) as stream:
        events = list(stream)
    deltas = [event for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
    done = events[-1]
    assert isinstance(done, TranscriptionTextDoneEvent)
    assert "".join(event.delta for event in deltas) == done.text == TEXT
    assert all(event.logprobs for event in deltas)
    assert done.usage is not None


def test_whisper_ignores_streaming(client: OpenAI, call: Caller) -> None:
    body, kind = form({"model": "whisper-1", "stream": "true"}, {"file": spoken()})
    got = call("POST", "/v1/audio/transcriptions", body, {"content-type": kind})
    assert (got.header("content-type"), got.json["text"]) == ("application/json", TEXT)


def test_log_probabilities_come_on_demand(client: OpenAI) -> None:
    heard = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=spoken(), include=["logprobs"])
    assert isinstance(heard, Transcription)
    assert heard.logprobs
    assert "".join(held.token or "" for held in heard.logprobs) == TEXT
    assert all(-1 < (held.logprob or 0) <= 0 for held in heard.logprobs)


def test_newest_model_hears_keywords_and_tells_languages(client: OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model="gpt-transcribe", file=strange(), keywords=["Zaphod", "the Nostromo"], languages=["sv", "en"]
    )
    assert isinstance(heard, Transcription)
    assert "Zaphod" in heard.text
    assert "the Nostromo" in heard.text
    assert [language.code for language in heard.languages or []] == ["sv"]


def test_speakers_are_told_apart(client: OpenAI) -> None:
    heard = client.audio.transcriptions.create(
        model=DIARIZING, chunking_strategy="auto", file=strange(40), response_format="diarized_json"
    )
    assert isinstance(heard, TranscriptionDiarized)
    assert {segment.speaker for segment in heard.segments} == {"A", "B"}
    assert heard.duration == pytest.approx(40)
    assert heard.segments[-1].end == pytest.approx(40)


def test_known_speaker_is_found_by_the_voice(client: OpenAI) -> None:
    samples = {name: base64.b64encode(spoken("A sample.", voice)[1]).decode() for name, voice in KNOWN.items()}
    heard = client.audio.transcriptions.create(
        file=spoken(voice="onyx"),
        response_format="diarized_json",
        known_speaker_names=list(samples),
        known_speaker_references=[f"data:audio/mpeg;base64,{sample}" for sample in samples.values()],
        model=DIARIZING,
    )
    assert isinstance(heard, TranscriptionDiarized)
    assert {segment.speaker for segment in heard.segments} == {"agent"}
    assert heard.text.startswith("agent: Hello there.")


def test_diarized_stream_closes_each_segment(client: OpenAI) -> None:
    with client.audio.transcriptions.create(
        model=DIARIZING, file=spoken(), response_format="diarized_json", stream=True
    ) as stream:
        events = list(stream)
    segments = [event for event in events if isinstance(event, TranscriptionTextSegmentEvent)]
    assert [segment.text for segment in segments] == ["Hello there.", "How are you today?", "I am fine, thank you."]
    first = [event.delta for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
    assert "".join(first).split() == TEXT.split()
    assert isinstance(events[-1], TranscriptionTextDoneEvent)


def test_translation_is_english(client: OpenAI) -> None:
    assert client.audio.translations.create(model="whisper-1", file=spoken()).text == TEXT
    heard = client.audio.translations.create(model="whisper-1", file=spoken(), response_format="verbose_json")
    assert isinstance(heard, TranslationVerbose)
    assert (heard.language, heard.text) == ("english", TEXT)
    srt = str(client.audio.translations.create(model="whisper-1", file=spoken(), response_format="srt"))
    assert srt.startswith("1\n00:00:00,000 --> ")


@pytest.mark.parametrize(
    ("fields", "file", "param", "status"),
    [
        ({"model": "whisper-1"}, None, "file", 400),
        ({}, spoken(), "model", 400),
        ({"model": "whisper-1"}, ("x.wav", b"not a sound"), "file", 400),
        ({"model": "whisper-1"}, ("x.wav", b"RIFF\0\0\0\0WAVE"), "file", 400),
        ({"model": "whisper-1"}, strange(0.05), "file", 400),
        ({"model": "whisper-1"}, ("x.aac", WRITERS["aac"](Speech(TEXT, "alloy"), {})), "file", 400),
        ({"model": "whisper-1"}, ("x.wav", bytes(25 * 1024 * 1024 + 1)), "file", 413),
        ({"model": "tts-1"}, spoken(), "model", 400),
        ({"model": "whisper-9"}, spoken(), "model", 404),
        ({"model": "whisper-1", "language": "English"}, spoken(), "language", 400),
        ({"model": "whisper-1", "temperature": "2"}, spoken(), "temperature", 400),
        ({"model": "whisper-1", "response_format": "diarized_json"}, spoken(), "response_format", 400),
        ({"model": "gpt-4o-transcribe", "response_format": "srt"}, spoken(), "response_format", 400),
        ({"model": "whisper-1", "timestamp_granularities[]": "word"}, spoken(), "timestamp_granularities", 400),
        ({"model": "whisper-1", "include[]": "logprobs"}, spoken(), "include", 400),
        ({"model": "whisper-1", "keywords[]": "x"}, spoken(), "keywords", 400),
        ({"model": "gpt-4o-transcribe-diarize"}, strange(31), "chunking_strategy", 400),
        ({"model": "gpt-4o-transcribe-diarize", "prompt": "x"}, spoken(), "prompt", 400),
        (
            {"model": "gpt-4o-transcribe-diarize", "known_speaker_names[]": "x"},
            spoken(),
            "known_speaker_references",
            400,
        ),
        (
            {"model": "whisper-1", "chunking_strategy[type]": "server_vad", "chunking_strategy[threshold]": "2"},
            spoken(),
            "chunking_strategy.threshold",
            400,
        ),
    ],
)
def test_bad_recordings_are_refused(
    call: Caller, fields: dict[str, str], file: tuple[str, bytes] | None, param: str, status: int
) -> None:
    body, kind = form(fields, {"file": file} if file else {})
    got = call("POST", "/v1/audio/transcriptions", body, {"content-type": kind})
    assert (got.status, got.error["param"]) == (status, param)


def test_only_whisper_translates(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.translations.create(model="gpt-transcribe", file=spoken())
    assert refused.value.param == "model"


def test_events_have_no_names(call: Caller) -> None:
    body, kind = form({"model": "gpt-4o-transcribe", "stream": "true"}, {"file": spoken()})
    got = call("POST", "/v1/audio/transcriptions", body, {"content-type": kind})
    frames = got.body.decode().strip().split("\n\n")
    assert all(frame.startswith("data: ") for frame in frames)
    assert json.loads(frames[-2].removeprefix("data: "))["type"] == "transcript.text.done"
