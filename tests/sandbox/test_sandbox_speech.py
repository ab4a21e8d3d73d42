"""Speech through the official SDK: sound in six formats, whole and as events, in voices of all and of one's own."""

import base64
import io
import json
import wave

import openai
import pytest
from bare_http import Caller
from openai import OpenAI
from openai.types.audio import VoiceConsent

from portico.sandbox.media.listen import listen
from portico.sandbox.media.sounds import WRITERS
from portico.sandbox.media.voice import Speech
from portico.sandbox.state import World

TEXT = "The quick brown fox jumps over the lazy dog."
SECONDS = len(TEXT) / 14
SAMPLE = WRITERS["mp3"](Speech("I agree that my voice may be used.", "alloy"), {})


def consent(client: OpenAI, name: str = "Ada") -> VoiceConsent:
    return client.audio.voice_consents.create(language="en-US", name=name, recording=("yes.mp3", SAMPLE))


def test_speech_is_mp3_unless_asked_otherwise(client: OpenAI, call: Caller) -> None:
    sound = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT).read()
    assert listen(sound).format == "mp3"
    assert listen(sound).seconds == pytest.approx(SECONDS, abs=0.03)
    got = call("POST", "/v1/audio/speech", {"model": "tts-1", "voice": "alloy", "input": TEXT})
    assert (got.header("content-type"), got.header("transfer-encoding")) == ("audio/mpeg", "chunked")
    assert got.header("x-ratelimit-remaining-requests")


@pytest.mark.parametrize(
    ("form", "content_type", "heard"),
    [
        ("mp3", "audio/mpeg", "mp3"),
        ("opus", "audio/opus", "ogg"),
        ("aac", "audio/aac", "aac"),
        ("flac", "audio/flac", "flac"),
        ("wav", "audio/wav", "wav"),
    ],
)
def test_every_format_lasts_as_long_as_the_speech(call: Caller, form: str, content_type: str, heard: str) -> None:
    body = {"model": "gpt-4o-mini-tts", "voice": "marin", "input": TEXT, "response_format": form}
    got = call("POST", "/v1/audio/speech", body)
    assert got.header("content-type") == content_type
    recording = listen(got.body)
    assert recording.format == heard
    assert recording.seconds == pytest.approx(SECONDS, abs=0.05)


def test_wav_plays_and_pcm_is_its_samples(client: OpenAI) -> None:
    def say(form: str) -> bytes:
        made = client.audio.speech.create(model="tts-1", voice="nova", input=TEXT, response_format=form)  # pyright: ignore[reportArgumentType] -- the client narrows what the wire takes
        return made.read()

    with wave.open(io.BytesIO(say("wav"))) as opened:
        assert (opened.getnchannels(), opened.getsampwidth(), opened.getframerate()) == (1, 2, 24_000)
        samples = opened.readframes(opened.getnframes())
    assert samples == say("pcm")
    assert len(set(samples)) > 100


def test_speed_and_voice_change_the_sound(client: OpenAI) -> None:
    def say(voice: str, speed: float) -> bytes:
        return client.audio.speech.create(
            model="tts-1", voice=voice, speed=speed, input=TEXT, response_format="wav"
        ).read()

    usual = say("alloy", 1.0)
    assert listen(say("alloy", 2.0)).seconds == pytest.approx(listen(usual).seconds / 2, rel=0.01)
    other = say("onyx", 1.0)
    assert listen(other) == listen(usual)
    assert other[-10_000:] != usual[-10_000:]


def test_speech_comes_as_events(call: Caller) -> None:
    body = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": TEXT, "response_format": "wav"}
    got = call("POST", "/v1/audio/speech", {**body, "stream_format": "sse"})
    assert (got.header("content-type") or "").startswith("text/event-stream")
    lines = [line.removeprefix(b"data: ") for line in got.body.split(b"\n\n") if line]
    assert lines[-1] == b"[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
    assert len(events) > 3
    sound = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
    assert listen(sound).seconds == pytest.approx(SECONDS, abs=0.01)
    usage = events[-1]["usage"]
    assert events[-1]["type"] == "speech.audio.done"
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0


def test_characters_are_metered(client: OpenAI, world: World) -> None:
    client.audio.speech.create(model="tts-1-hd", voice="alloy", input=TEXT).read()
    used = world.organization("test").usage[-1]
    assert (used.kind, used.model) == ("audio_speeches", "tts-1-hd")
    assert used.amounts == {"characters": len(TEXT), "num_model_requests": 1}


@pytest.mark.parametrize(
    ("change", "param", "status"),
    [
        ({"input": None}, "input", 400),
        ({"input": ""}, "input", 400),
        ({"input": "x" * 4097}, "input", 400),
        ({"voice": None}, "voice", 400),
        ({"voice": "somebody"}, "voice", 400),
        ({"voice": {"id": "voice_none"}}, "voice.id", 404),
        ({"speed": 5}, "speed", 400),
        ({"response_format": "midi"}, "response_format", 400),
        ({"stream_format": "sse"}, "stream_format", 400),
        ({"model": "whisper-1"}, "model", 400),
        ({"model": "tts-9"}, "model", 404),
        ({"volume": 11}, "volume", 400),
    ],
)
def test_bad_speech_is_refused(call: Caller, change: dict[str, object], param: str, status: int) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": TEXT, **change}
    got = call("POST", "/v1/audio/speech", body)
    assert (got.status, got.error["param"]) == (status, param)


def test_own_voice_speaks_until_it_is_deleted(client: OpenAI) -> None:
    given = consent(client)
    voice = client.audio.voices.create(name="Ada's", consent=given.id, audio_sample=("ada.mp3", SAMPLE))
    assert (voice.object, voice.type, voice.name, voice.prompt) == ("audio.voice", "audio_sample", "Ada's", None)

    def say() -> bytes:
        return client.audio.speech.create(model="tts-1", voice={"id": voice.id}, input=TEXT).read()

    assert listen(say()).seconds > 1
    gone = client.audio.voices.delete(voice.id)
    assert (gone.id, gone.deleted, gone.object) == (voice.id, True, "audio.voice.deleted")
    with pytest.raises(openai.NotFoundError):
        say()
    with pytest.raises(openai.NotFoundError):
        client.audio.voices.delete(voice.id)


def test_voice_from_a_prompt_does_not_read_aloud(client: OpenAI) -> None:
    voice = client.audio.voices.create(type="prompt", name="Bear", prompt="A slow deep voice", model="auto")
    assert (voice.type, voice.prompt) == ("prompt", "A slow deep voice")
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.speech.create(model="tts-1", voice={"id": voice.id}, input=TEXT)
    assert refused.value.param == "voice.id"


def test_sample_needs_a_consent(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        client.audio.voices.create(name="x", consent="cons_none", audio_sample=("x.mp3", SAMPLE))
    assert refused.value.param == "consent"
    with pytest.raises(openai.BadRequestError) as refused_sample:
        client.audio.voices.create(name="x", consent=consent(client).id, audio_sample=("x.mp3", b"no sound at all"))
    assert refused_sample.value.param == "audio_sample"


def test_consents_are_listed_renamed_and_deleted(client: OpenAI, call: Caller) -> None:
    made = [consent(client, f"number {n}").id for n in range(5)]
    page = client.audio.voice_consents.list(limit=2)
    assert [held.id for held in page.data] == [made[4], made[3]]
    assert [held.id for held in client.audio.voice_consents.list(limit=2)] == made[::-1]
    raw = call("GET", "/v1/audio/voice_consents?limit=2").json
    assert (raw["first_id"], raw["last_id"], raw["has_more"]) == (made[4], made[3], True)
    assert client.audio.voice_consents.update(made[0], name="renamed").name == "renamed"
    shown = client.audio.voice_consents.retrieve(made[0])
    assert (shown.name, shown.language, shown.object) == ("renamed", "en-US", "audio.voice_consent")
    assert client.audio.voice_consents.delete(made[0]).deleted
    for look in (client.audio.voice_consents.retrieve, client.audio.voice_consents.delete):
        with pytest.raises(openai.NotFoundError):
            look(made[0])


def test_bad_consents_are_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.audio.voice_consents.create(language="plain english", name="x", recording=("x.mp3", SAMPLE))
    assert refused.value.param == "language"
    with pytest.raises(openai.APIStatusError) as too_large:
        client.audio.voice_consents.create(language="en", name="x", recording=("x.mp3", bytes(10 * 1024 * 1024 + 1)))
    assert too_large.value.status_code == 413


def test_voices_of_another_project_are_unknown(client: OpenAI, sandbox_url: str) -> None:
    given = consent(client)
    stranger = Caller(sandbox_url, "sk-proj-stranger")
    assert stranger("GET", f"/v1/audio/voice_consents/{given.id}").status == 404
    assert stranger("GET", "/v1/audio/voice_consents").json["data"] == []
