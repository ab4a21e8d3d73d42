"""How long a sound lasts, read from its beginning and its end. Pure; None where that cannot be told.

Where only the beginning is at hand, the rate of what is there is taken for the whole.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

# [version 1?][layer III] kbit/s, and samples per second by version.
_MP3_RATES = (
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
)
_MP3_HERTZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_AAC_HERTZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_OPUS_HERTZ = 48_000
_UNTOLD = 0xFFFF_FF00  # writers of streams put a huge length where they do not know it yet
_MOST_FRAMES = 200_000


class Frame(NamedTuple):
    length: int
    samples: int
    hertz: int


ReadFrame = Callable[[bytes, int], Frame | None]


def seconds(kind: str, head: bytes, tail: bytes, size: int) -> float | None:
    try:
        return _seconds(kind, head, tail, size)
    except (struct.error, IndexError, ZeroDivisionError):
        return None


def _seconds(kind: str, head: bytes, tail: bytes, size: int) -> float | None:
    match kind:
        case "audio/wav" | "audio/x-wav" | "audio/wave":
            return _wav(head, size)
        case "audio/mpeg" | "audio/mp3":
            return _mp3(head, size)
        case "audio/aac":
            return _framed(head, _after_tag(head), size, _aac_frame)
        case "audio/flac" | "audio/x-flac":
            return _flac(head)
        case "audio/ogg" | "audio/opus" | "application/ogg":
            return _ogg(head, tail)
        case "audio/mp4" | "audio/x-m4a" | "video/mp4":
            return _mp4(head) or _mp4(tail)
        case _:
            return None


def _wav(head: bytes, size: int) -> float | None:
    place, rate = 12, 0
    while place + 8 <= len(head):
        name, (length,) = head[place : place + 4], struct.unpack_from("<I", head, place + 4)
        if name == b"fmt ":
            (rate,) = struct.unpack_from("<I", head, place + 16)
        elif name == b"data":
            there = size - place - 8
            return (there if length >= _UNTOLD else min(length, there)) / rate if rate else None
        place += 8 + length + length % 2
    return None


def _flac(head: bytes) -> float | None:
    if head[:4] != b"fLaC":
        return None
    packed = int.from_bytes(head[18:26])
    hertz, samples = packed >> 44, packed & 0xF_FFFF_FFFF
    return samples / hertz if samples else None


def _ogg(head: bytes, tail: bytes) -> float | None:
    last = tail.rfind(b"OggS")
    if last < 0:
        return None
    (position,) = struct.unpack_from("<q", tail, last + 6)
    if (place := head.find(b"OpusHead")) >= 0:
        (skipped,) = struct.unpack_from("<H", head, place + 10)
        return max(position - skipped, 0) / _OPUS_HERTZ
    if (place := head.find(b"\x01vorbis")) >= 0:
        (hertz,) = struct.unpack_from("<I", head, place + 12)
        return position / hertz
    return None


def _mp4(part: bytes) -> float | None:
    place = part.find(b"mvhd")
    if place < 0:
        return None
    if part[place + 4] == 1:
        scale, length = struct.unpack_from(">IQ", part, place + 24)
    else:
        scale, length = struct.unpack_from(">II", part, place + 16)
    return length / scale


def _after_tag(head: bytes) -> int:
    """Where the sound begins: behind an ID3 tag, if there is one."""
    if head[:3] != b"ID3":
        return 0
    return 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))


def _mp3(head: bytes, size: int) -> float | None:
    start = _after_tag(head)
    while start + 4 <= len(head) and _mp3_frame(head, start) is None:
        start += 1
    first = _mp3_frame(head, start)
    if first is None:
        return None
    counted = max(head.find(word, start, start + 200) for word in (b"Xing", b"Info"))
    if counted >= 0 and head[counted + 7] & 1:
        (frames,) = struct.unpack_from(">I", head, counted + 8)
        return frames * first.samples / first.hertz
    return _framed(head, start, size, _mp3_frame)


def _mp3_frame(data: bytes, place: int) -> Frame | None:
    if place + 4 > len(data) or data[place] != 0xFF or data[place + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[place + 1] >> 3 & 3, data[place + 1] >> 1 & 3
    rate, hertz = data[place + 2] >> 4, data[place + 2] >> 2 & 3
    if version == 1 or layer != 1 or hertz == 3:
        return None
    kilobits = _MP3_RATES[version == 3][rate]
    if not kilobits:
        return None
    samples, speed = (1152 if version == 3 else 576), _MP3_HERTZ[version][hertz]
    return Frame(samples // 8 * kilobits * 1000 // speed + (data[place + 2] >> 1 & 1), samples, speed)


def _aac_frame(data: bytes, place: int) -> Frame | None:
    if place + 7 > len(data) or data[place] != 0xFF or data[place + 1] & 0xF6 != 0xF0:
        return None
    length = (data[place + 3] & 3) << 11 | data[place + 4] << 3 | data[place + 5] >> 5
    return Frame(length, 1024, _AAC_HERTZ[data[place + 2] >> 2 & 15]) if length > 7 else None


def _framed(head: bytes, start: int, size: int, read: ReadFrame) -> float | None:
    """Frame after frame; what lies beyond the beginning lasts as long as its bytes at the same rate."""
    place, lasted = start, 0.0
    for frame in _frames(head, start, read):
        place += frame.length
        lasted += frame.samples / frame.hertz
    if place == start:
        return None
    is_whole = size <= len(head) or place >= size
    return lasted if is_whole else lasted * (size - start) / (place - start)


def _frames(head: bytes, place: int, read: ReadFrame) -> Iterator[Frame]:
    for _ in range(_MOST_FRAMES):
        frame = read(head, place)
        if frame is None:
            return
        yield frame
        place += frame.length
