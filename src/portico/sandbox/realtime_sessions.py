"""Realtime sessions: what a client may set, checked, and the whole configuration that OpenAI answers with."""

from portico.sandbox import roster
from portico.sandbox.checks import Check, Checks, array, boolean, either, fields, integer, number, one_of, record, text
from portico.sandbox.shapes import Json
from portico.sandbox.shapes import record as record_of
from portico.sandbox.voice_store import REALTIME_VOICES, VOICE, pick
from portico.sandbox.wire import Ask

MODEL, TRANSCRIBER, VOICE_NAME = "gpt-realtime", "gpt-4o-transcribe", "marin"
INSTRUCTIONS = "Be a helpful, friendly voice. Speak briefly, and in the language of whom you listen to."
RATE = 24_000

LOGPROBS = array(one_of("item.input_audio_transcription.logprobs"))
FORMAT = record({"type": one_of("audio/pcm", "audio/pcmu", "audio/pcma")}, {"rate": integer(RATE, RATE)})
NOISE_REDUCTION = record(optional={"type": one_of("near_field", "far_field"), "strength": number(0, 1)})
VAD: dict[str, Check] = {
    "create_response": boolean,
    "eagerness": one_of("low", "medium", "high", "auto"),
    "idle_timeout_ms": integer(1),
    "interrupt_response": boolean,
    "prefix_padding_ms": integer(0),
    "silence_duration_ms": integer(0),
    "threshold": number(0, 1),
}
TURN_DETECTION = record({"type": one_of("server_vad", "semantic_vad")}, VAD)
TRANSCRIPTION = record(
    optional={
        "delay": one_of("minimal", "low", "medium", "high", "xhigh"),
        "keywords": array(text()),
        "language": text(),
        "languages": array(text(), shortest=1),
        "model": text(shortest=1),
        "prompt": text(),
    }
)
INPUT: Checks = {
    "format": FORMAT,
    "noise_reduction": NOISE_REDUCTION,
    "transcription": TRANSCRIPTION,
    "turn_detection": TURN_DETECTION,
}
OUTPUT: Checks = {"format": FORMAT, "speed": number(0.25, 1.5), "voice": VOICE}
TRACING = either(one_of("auto"), record(optional={"group_id": text(), "metadata": dict, "workflow_name": text()}))
TRUNCATION = either(
    one_of("auto", "disabled"),
    record({"type": one_of("retention_ratio"), "retention_ratio": number(0, 1)}, {"token_limits": dict}),
)
TOOL = record({"type": one_of("function", "mcp")}, is_open=True)
SESSION: dict[str, Check | type] = {
    "audio": record(optional={"input": record(optional=INPUT), "output": record(optional=OUTPUT)}),
    "include": LOGPROBS,
    "instructions": text(),
    "max_output_tokens": either(one_of("inf"), integer(1, 4096)),
    "model": text(shortest=1),
    "output_modalities": array(one_of("text", "audio"), shortest=1, longest=1),
    "parallel_tool_calls": boolean,
    "prompt": record({"id": text()}, is_open=True),
    "reasoning": record(optional={"effort": one_of("minimal", "low", "medium", "high", "xhigh")}),
    "tool_choice": either(one_of("none", "auto", "required"), record({"type": text()}, is_open=True)),
    "tools": array(TOOL),
    "tracing": TRACING,
    "truncation": TRUNCATION,
}
SERVER_VAD: Json = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD: Json = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}


def session(ask: Ask, given: Json, path: str) -> Json:
    """A conversation's or a transcription's configuration, complete with all that was not said."""
    place = f"{path}.type" if path else "type"
    kind = one_of("realtime", "transcription")(given.get("type", "realtime"), place)
    return _transcription(ask, given, path) if kind == "transcription" else conversation(ask, given, path)


def conversation(ask: Ask, given: Json, path: str) -> Json:
    checked = fields(given, {}, {"type": one_of("realtime"), **SESSION}, path=path)
    model = roster.require(ask, checked.get("model", MODEL), "realtime").id
    audio = record_of(checked.get("audio"))
    output = record_of(audio.get("output"))
    inside = f"{path}.audio.output.voice" if path else "audio.output.voice"
    voice = pick(ask, output.get("voice", VOICE_NAME), REALTIME_VOICES, inside)
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": ask.new_id("sess_"),
        "model": model,
        "output_modalities": ["audio"],
        "instructions": INSTRUCTIONS,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
        "expires_at": 0,
        **{name: value for name, value in checked.items() if name not in ("audio", "model", "type")},
        "audio": {
            "input": _input(given, record_of(audio.get("input"))),
            "output": {"format": _pcm(), "speed": 1.0, **output, "voice": voice},
        },
    }


def _transcription(ask: Ask, given: Json, path: str) -> Json:
    allowed: Checks = {"audio": record(optional={"input": record(optional=INPUT)}), "include": LOGPROBS}
    checked = fields(given, {"type": one_of("transcription")}, allowed, path=path)
    heard = record_of(record_of(checked.get("audio")).get("input"))
    heard = {**heard, "transcription": {"model": TRANSCRIBER, **record_of(heard.get("transcription"))}}
    detection = record_of(_input(given, heard)["turn_detection"])
    known = ("type", "threshold", "prefix_padding_ms", "silence_duration_ms")
    return {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": ask.new_id("sess_"),
        "expires_at": 0,
        "include": checked.get("include"),
        "audio": {
            "input": {
                **_input(given, heard),
                "turn_detection": {name: detection[name] for name in known if name in detection} or None,
            }
        },
    }


def _input(given: Json, checked: Json) -> Json:
    """Input audio. Turn detection is on unless it was set to null, which is not the same as saying nothing."""
    raw = record_of(record_of(given.get("audio")).get("input"))
    detection = record_of(checked.get("turn_detection"))
    usual = SEMANTIC_VAD if detection.get("type") == "semantic_vad" else SERVER_VAD
    is_off = "turn_detection" in raw and raw["turn_detection"] is None
    return {
        "format": checked.get("format") or _pcm(),
        "transcription": checked.get("transcription"),
        "noise_reduction": checked.get("noise_reduction"),
        "turn_detection": None if is_off else {**usual, **detection},
    }


def _pcm() -> Json:
    return {"type": "audio/pcm", "rate": RATE}
