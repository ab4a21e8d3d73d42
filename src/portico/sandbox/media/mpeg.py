"""MP3 and AAC, the smallest that players accept.

MP3 frames carry one spectral line each, so the tones of the speech are heard; AAC frames are silent, only as long.
"""

import struct

from portico.sandbox.media import imprint
from portico.sandbox.media.bits import Bits
from portico.sandbox.media.voice import RATE, Speech
from portico.sandbox.shapes import Json

MP3_SAMPLES, MP3_BYTES = 576, 96
# MPEG-2 layer III without checksum, 32 kbit/s, 24 kHz, one channel.
MP3_HEADER = b"\xff\xf3\x44\xc0"
MP3_SIDE_BYTES = 9
MP3_GAIN = 199
SPECTRUM_HERTZ = RATE / 2 / MP3_SAMPLES

AAC_SAMPLES = 1024
ADTS_BYTES = 7


def mp3(speech: Speech, facts: Json) -> bytes:
    count = -(-speech.samples // MP3_SAMPLES)
    rest = b"".join(_mp3_frame(speech.pitch(number * MP3_SAMPLES)) for number in range(count))
    return _tag(facts, rest) + rest


def aac(speech: Speech, facts: Json) -> bytes:
    rest = _aac_frame() * -(-speech.samples // AAC_SAMPLES)
    return _tag(facts, rest) + rest


def _tag(facts: Json, rest: bytes) -> bytes:
    """An ID3 tag with the imprint as its only comment."""
    text = b"\x00eng\x00" + (imprint.seal(facts, rest) + imprint.GAP).encode()
    frame = b"COMM" + struct.pack(">IH", len(text), 0) + text
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + frame


def _mp3_frame(pitch: float) -> bytes:
    bits = _mp3_line(round(pitch / SPECTRUM_HERTZ)) if pitch else Bits()
    side = Bits()
    # Own data only, then: bits used, no large values, loudness, no scale factors, one kind of window, table B.
    for value, width in ((0, 9), (bits.length, 12), (0, 9), (MP3_GAIN, 8), (0, 9), (0, 1), (0, 15), (0, 7), (1, 2)):
        side.put(value, width)
    return (MP3_HEADER + side.done().ljust(MP3_SIDE_BYTES, b"\0") + bits.done()).ljust(MP3_BYTES, b"\0")


def _mp3_line(line: int) -> Bits:
    """A spectrum with a single line. Lines come in fours; in table B a four is written inverted, then its signs."""
    bits = Bits()
    bits.code("1111" * (line // 4))
    bits.put(0b1111 ^ 0b1000 >> line % 4, 4)
    bits.put(0, 1)
    return bits


def _aac_frame() -> bytes:
    bits = Bits()
    # One channel, number 0, some gain, a long window without bands; then no pulses, no shaping, no gain control.
    for value, width in ((0, 3), (0, 4), (100, 8), (0, 1), (0, 2), (0, 1), (0, 6), (0, 1), (0, 3)):
        bits.put(value, width)
    bits.put(0b111, 3)
    data = bits.done()
    length = len(data) + ADTS_BYTES
    header = Bits()
    # Sync word, MPEG-4, no checksum; low complexity, 24 kHz, one channel; length, variable rate, one frame.
    for value, width in ((0xFFF1, 16), (1, 2), (6, 4), (0, 1), (1, 3), (0, 4), (length, 13), (0x7FF, 11), (0, 2)):
        header.put(value, width)
    return header.done() + data
