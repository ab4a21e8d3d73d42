"""Speech in the six formats of the speech endpoint."""

import struct
import sys
from collections.abc import Callable

from portico.sandbox.media import flac, imprint, mpeg, ogg
from portico.sandbox.media.voice import RATE, Speech
from portico.sandbox.shapes import Json

SAMPLE_BYTES = 2


def wav(speech: Speech, facts: Json) -> bytes:
    samples = pcm(speech, facts)
    data = b"data" + struct.pack("<I", len(samples)) + samples
    comment = (imprint.seal(facts, data) + imprint.GAP).encode() + b"\0"
    padded = comment + b"\0" * (len(comment) % 2)
    notes = b"INFO" + b"ICMT" + struct.pack("<I", len(comment)) + padded
    shape = struct.pack("<HHIIHH", 1, 1, RATE, RATE * SAMPLE_BYTES, SAMPLE_BYTES, SAMPLE_BYTES * 8)
    body = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"LIST" + struct.pack("<I", len(notes)) + notes + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pcm(speech: Speech, facts: Json) -> bytes:
    """Bare samples, low byte first. There is no place for an imprint."""
    samples = speech.wave()
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


WRITERS: dict[str, Callable[[Speech, Json], bytes]] = {
    "mp3": mpeg.mp3,
    "opus": ogg.opus,
    "aac": mpeg.aac,
    "flac": flac.write,
    "wav": wav,
    "pcm": pcm,
}
CONTENT_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
