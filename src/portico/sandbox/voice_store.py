"""Voices: those that everybody has, and the custom ones of a project with the consents that they rest on."""

from dataclasses import dataclass

from portico.sandbox.checks import Check, either, record, text
from portico.sandbox.refusals import invalid, not_found
from portico.sandbox.shapes import Json, is_record, without_nothing
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Ask

SPEECH_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)
REALTIME_VOICES = ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
LIVE_VOICES = (
    *REALTIME_VOICES,
    *("beacon", "bossa", "cinder", "delta", "gleam", "meridian", "quartz"),
    *("ripple", "shida", "stone", "tempo", "vesper", "willow"),
)

VOICE: Check = either(text(shortest=1), record({"id": text(shortest=1)}))


@dataclass(frozen=True, slots=True)
class Voice:
    """A custom voice. One that was made from a `prompt` speaks only in live sessions."""

    id: str
    name: str
    created_at: int
    prompt: str | None = None

    def show(self) -> Json:
        return without_nothing(
            {
                "object": "audio.voice",
                "id": self.id,
                "name": self.name,
                "created_at": self.created_at,
                "type": "audio_sample" if self.prompt is None else "prompt",
                "prompt": self.prompt,
            }
        )


@dataclass(slots=True)
class Consent:
    id: str
    name: str
    language: str
    created_at: int

    def show(self) -> Json:
        return {
            "object": "audio.voice_consent",
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "created_at": self.created_at,
        }


VOICES = Kind[Voice]("voice", "voice_")
CONSENTS = Kind[Consent]("voice consent", "cons_")


def pick(ask: Ask, given: object, built_in: tuple[str, ...], path: str, *, is_live: bool = False) -> str:
    """The name of a voice that everybody has, or the id of a custom one; OpenAI's 400 or 404 for all others."""
    if not is_record(given):
        if given not in built_in:
            raise invalid(f"'{path}' must be one of {', '.join(built_in)}, or a custom voice's id.", path)
        return str(given)
    voice = ask.held(VOICES).look(str(given["id"]))
    if voice is None:
        raise not_found(f"There is no voice '{given['id']}' in this project.", f"{path}.id", "voice_not_found")
    if voice.prompt is not None and not is_live:
        raise invalid("A voice that was made from a prompt speaks only in live sessions.", f"{path}.id")
    return voice.id
