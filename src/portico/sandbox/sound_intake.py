"""Recordings that come in with a form: read once, measured, and refused as OpenAI does it if they are no good."""

from dataclasses import dataclass

from portico.sandbox.media import imprint, listen
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Upload

SHORTEST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording. `facts` is what the emulator itself wrote into it, if it made it."""

    content: bytes
    seconds: float
    facts: Json


def hear(upload: Upload, param: str, largest_bytes: int, formats: tuple[str, ...]) -> Heard:
    if upload.blob.size > largest_bytes:
        message = f"The file may have {largest_bytes} bytes at most, not {upload.blob.size}."
        raise Refusal(413, message, param=param, code="file_too_large")
    content = upload.blob.read()
    try:
        recording = listen.listen(content)
    except listen.Unreadable:
        recording = None
    if recording is None or recording.format not in formats:
        known = ", ".join(formats)
        raise invalid(f"The format of '{upload.filename}' is not supported. These are: {known}.", param, None)
    if recording.seconds < SHORTEST_SECONDS:
        raise invalid("The recording is shorter than a tenth of a second.", param, "audio_too_short")
    found = imprint.find(content)
    return Heard(content, recording.seconds, found.facts if found else {})
