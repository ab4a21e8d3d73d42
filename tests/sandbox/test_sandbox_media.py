"""The files that the emulator writes, byte for byte as independent decoders accepted them, and the headers it reads."""

import hashlib
import io
import struct
import wave
from collections.abc import Callable

import pytest

from portico.sandbox.media import film, flac, imprint, listen, ogg, pictures
from portico.sandbox.media.mosaic import Mosaic, paint, vary
from portico.sandbox.media.pictures import Motion
from portico.sandbox.media.sounds import WRITERS
from portico.sandbox.media.voice import Speech
from portico.sandbox.shapes import Json

FACTS: Json = {"model": "a model", "at": 1_700_000_000}
SPEECH = Speech("The quick brown fox.", "alloy")
MOSAIC = paint("A red fox on a blue hill")


def scene(second: int) -> Mosaic:
    return vary(MOSAIC, second) if second else MOSAIC


def drawn(form: str) -> bytes:
    return pictures.make(MOSAIC, (320, 200), form, FACTS, Motion(3, 100))


def shot() -> bytes:
    return film.write(scene, (1280, 720), 2, FACTS)


# These very bytes were decoded with Pillow and FFmpeg, and showed and lasted what they should. Whoever changes a
# writer must try that again before writing down new digests.
@pytest.mark.parametrize(
    ("make", "digest"),
    [
        (lambda: drawn("jpeg"), "7b81530a24d036f0"),
        (lambda: drawn("webp"), "db3b4f9ee6ac229c"),
        (lambda: drawn("gif"), "389c566454c3008a"),
        (lambda: WRITERS["mp3"](SPEECH, FACTS), "3f6cb3c5523c4964"),
        (lambda: WRITERS["aac"](SPEECH, FACTS), "fbb5f2b1ede61152"),
        (lambda: WRITERS["opus"](SPEECH, FACTS), "790589d09c55a754"),
        (shot, "e64f47792f9ebb4c"),
    ],
    ids=["jpeg", "webp", "gif", "mp3", "aac", "opus", "mp4"],
)
def test_files_are_those_that_decoders_accepted(make: Callable[[], bytes], digest: str) -> None:
    assert hashlib.sha256(make()).hexdigest()[:16] == digest


def test_checksums_give_their_published_check_values() -> None:
    assert flac.checksum8(b"123456789") == 0xF4
    assert flac.checksum16(b"123456789") == 0xFEE8
    assert ogg.checksum(b"123456789") == 0x89A1897F


def test_flac_holds_the_samples_of_the_wav() -> None:
    with wave.open(io.BytesIO(WRITERS["wav"](SPEECH, FACTS))) as opened:
        expected = opened.readframes(opened.getnframes())
    content = WRITERS["flac"](SPEECH, FACTS)
    position, samples, is_last = 4, b"", False
    while not is_last:
        is_last, length = content[position] >= 0x80, int.from_bytes(content[position + 1 : position + 4])
        position += 4 + length
    while position < len(content):
        is_full = content[position + 2] >> 4 == 0xC
        head = 6 if is_full else 8
        count = 4096 if is_full else int.from_bytes(content[position + 5 : position + 7]) + 1
        end = position + head + 1 + count * 2
        assert content[position + head - 1] == flac.checksum8(content[position : position + head - 1])
        assert int.from_bytes(content[end : end + 2]) == flac.checksum16(content[position:end])
        samples += content[position + head + 1 : end]
        position = end + 2
    swapped = b"".join(samples[at + 1 : at + 2] + samples[at : at + 1] for at in range(0, len(samples), 2))
    assert swapped == expected


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "gif", "svg"])
def test_imprint_of_pictures_is_found_and_shows_changes(form: str) -> None:
    check_imprint(drawn(form))


@pytest.mark.parametrize("form", ["mp3", "opus", "aac", "flac", "wav"])
def test_imprint_of_sounds_is_found_and_shows_changes(form: str) -> None:
    check_imprint(WRITERS[form](SPEECH, FACTS))


def test_imprint_of_films_is_found_and_shows_changes() -> None:
    check_imprint(shot())


def check_imprint(content: bytes) -> None:
    found = imprint.find(content)
    assert found is not None
    assert (found.facts, found.is_intact) == (FACTS, True)
    spoiled = imprint.find(content[:-40] + bytes((content[-40] ^ 1,)) + content[-39:])
    assert spoiled is not None
    assert (spoiled.facts, spoiled.is_intact) == (FACTS, False)


@pytest.mark.parametrize("content", [b"", b"no imprint", b"portico-imprint:bm90IGpzb24=;", b"portico-imprint:WzFd;"])
def test_other_files_have_no_imprint(content: bytes) -> None:
    assert imprint.find(content) is None


def mp3(header: int, length: int, count: int) -> bytes:
    return (struct.pack(">I", header).ljust(length, b"\0")) * count


def wav(rate: int, width: int, data: int, claimed: int) -> bytes:
    shape = struct.pack("<HHIIHH", 1, 2, rate, rate * width * 2, width * 2, width * 8)
    return b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + shape + b"data" + struct.pack("<I", claimed) + bytes(data)


def mp4(scale: int, length: int, version: int) -> bytes:
    times = struct.pack(">QQIQ", 0, 0, scale, length) if version else struct.pack(">IIII", 0, 0, scale, length)
    header = bytes((version, 0, 0, 0)) + times
    inside = struct.pack(">I4s", len(header) + 8, b"mvhd") + header
    return b"\0\0\0\x0cftypM4A " + struct.pack(">I4s", len(inside) + 8, b"moov") + inside


@pytest.mark.parametrize(
    ("content", "form", "seconds"),
    [
        # 128 kbit/s at 44.1 kHz, once with a tag in front and once with padded frames.
        (mp3(0xFFFB9000, 417, 100), "mp3", 100 * 1152 / 44_100),
        (b"ID3\x03\0\0\0\0\x01\x00" + bytes(128) + mp3(0xFFFB9200, 418, 10), "mp3", 10 * 1152 / 44_100),
        # 64 kbit/s at 22.05 kHz, and 8 kbit/s at 8 kHz of MPEG 2.5.
        (mp3(0xFFF38000, 208, 50), "mp3", 50 * 576 / 22_050),
        (mp3(0xFFE31800, 72, 50), "mp3", 50 * 576 / 8000),
        (wav(8000, 2, 64_000, 64_000), "wav", 2.0),
        # A stream's header claims more than it can know.
        (wav(48_000, 2, 96_000, 0xFFFF_FFFF), "wav", 0.5),
        (mp4(1000, 2500, 0), "mp4", 2.5),
        (mp4(44_100, 44_100 * 7, 1), "mp4", 7.0),
        (b"fLaC\x00\0\0\x22" + bytes(10) + (48_000 << 44 | 144_000).to_bytes(8) + bytes(16), "flac", 3.0),
        (b"\x1a\x45\xdf\xa3" + b"\x2a\xd7\xb1\x83\x0f\x42\x40\x44\x89\x84" + struct.pack(">f", 1500), "webm", 1.5),
        (
            b"OggS\0\2" + bytes(22) + b"\x01vorbis" + struct.pack("<IBI", 0, 1, 44_100)
            + b"OggS\0\4" + struct.pack("<q", 88_200) + bytes(14),
            "ogg",
            2.0,
        ),
    ],
    ids=["mp3", "mp3-tag", "mp3-22k", "mp3-8k", "wav", "wav-stream", "m4a", "m4a-long", "flac", "webm", "vorbis"],
)  # fmt: skip
def test_headers_tell_format_and_length(content: bytes, form: str, seconds: float) -> None:
    heard = listen.listen(content)
    assert heard.format == form
    assert heard.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"\xff" * 50,
        b"ID3",
        b"OggS",
        b"OggS" + bytes(300),
        b"RIFF\0\0\0\0WAVE",
        b"fLaC" + bytes(60),
        b"\0\0\0\x18ftypmp42",
        b"\0\0\0\x08ftyp\0\0\0\x01moov",
    ],
)
def test_broken_headers_are_unreadable(content: bytes) -> None:
    with pytest.raises(listen.Unreadable):
        listen.listen(content)


def test_film_says_its_size_and_length() -> None:
    seen = film.watch(shot())
    assert seen is not None
    assert (seen.seconds, seen.width, seen.height) == (2.0, 1280, 720)
    assert film.watch(mp4(1000, 1000, 0)) is None
    assert film.watch(b"no film") is None
