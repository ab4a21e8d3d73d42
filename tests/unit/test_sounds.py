"""How long sounds last, from bytes written by hand after each format's own description."""

import struct

import pytest

from portico.toolbox.sounds import seconds

MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)  # MPEG 1, layer III, 128 kbit/s, 44.1 kHz: 417 bytes, 1152 samples
LASTS = 1152 / 44_100


def wav(data_length: int, data: bytes, extra: bytes = b"") -> bytes:
    head = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 24_000, 48_000, 2, 16)
    return b"RIFF\0\0\0\0WAVE" + head + extra + b"data" + struct.pack("<I", data_length) + data


def mvhd(version: int, scale: int, length: int) -> bytes:
    times = struct.pack(">II", 0, 0) if version == 0 else struct.pack(">QQ", 0, 0)
    return b"mvhd" + bytes([version, 0, 0, 0]) + times + struct.pack(">II" if version == 0 else ">IQ", scale, length)


def flac(samples: int) -> bytes:
    return b"fLaC\x00\0\0\x22" + bytes(10) + (44_100 << 44 | 1 << 41 | 15 << 36 | samples).to_bytes(8) + bytes(16)


XING = b"\xff\xfb\x90\x00" + bytes(32) + b"Xing" + struct.pack(">II", 1, 100)
VORBIS = b"OggS" + bytes(24) + b"\x01vorbis" + bytes(4) + b"\x01" + struct.pack("<I", 32_000)
OPUS = b"OggS" + bytes(24) + b"OpusHead\x01\x01" + struct.pack("<H", 312)


def ogg_end(position: int) -> bytes:
    return b"OggS\0\x04" + struct.pack("<q", position) + bytes(12)


@pytest.mark.parametrize(
    ("kind", "content", "lasts"),
    [
        ("audio/wav", wav(96_000, bytes(96_000)), 2.0),
        ("audio/wav", wav(0xFFFFFFFF, bytes(24_000)), 0.5),
        ("audio/wav", wav(96_000, bytes(48_000)), 1.0),
        ("audio/wav", wav(48_000, bytes(48_000), b"LIST\x03\0\0\0abc\0"), 1.0),
        ("audio/mpeg", MP3_FRAME * 10, 10 * LASTS),
        ("audio/mpeg", b"ID3\x03\0\0\0\0\0\x05hello" + MP3_FRAME * 10, 10 * LASTS),
        ("audio/mpeg", XING + bytes(5000), 100 * LASTS),
        ("audio/flac", flac(88_200), 2.0),
        ("audio/ogg", VORBIS + ogg_end(64_000), 2.0),
        ("audio/ogg", OPUS + ogg_end(48_312), 1.0),
        ("audio/mp4", b"\0\0\0\x18ftypM4A " + mvhd(0, 1000, 2500), 2.5),
        ("video/mp4", b"\0\0\0\x18ftypisom" + mvhd(1, 48_000, 96_000), 2.0),
    ],
)
def test_sound_lasts_as_long_as_it_says(kind: str, content: bytes, lasts: float) -> None:
    assert seconds(kind, content, content[-60_000:], len(content)) == pytest.approx(lasts)


def test_rest_of_a_long_sound_is_taken_to_go_on_as_it_began() -> None:
    whole = MP3_FRAME * 1000
    assert seconds("audio/mpeg", whole[:50_000], whole[-100:], len(whole)) == pytest.approx(1000 * LASTS)


@pytest.mark.parametrize(
    "kind", ["audio/wav", "audio/mpeg", "audio/flac", "audio/ogg", "audio/aac", "audio/mp4", "text/plain"]
)
@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"ID3\x03\0\0\x7f\x7f\x7f\x7f", b"fLaC", b"OggS", b"mvhd", bytes(1000), b"\xff" * 1000]
)
def test_what_is_no_sound_lasts_nobody_knows_how_long(kind: str, content: bytes) -> None:
    assert seconds(kind, content, content, len(content)) is None
