"""Reads what format a recording has and how long it lasts, from its headers. Formats are told by content, not name."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

# Layer III, and by version: MPEG 1, 2 and 2.5.
BITRATES = {
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
OPUS_RATE = 48_000
WEBM_DURATION, WEBM_SCALE = b"\x44\x89", b"\x2a\xd7\xb1"


class Unreadable(Exception):
    """No format that is known here, or a header that makes no sense."""


@dataclass(frozen=True, slots=True)
class Recording:
    format: str
    seconds: float


def listen(content: bytes) -> Recording:
    try:
        reader = next((read for matches, read in READERS if matches(content)), None)
        if reader is not None:
            return reader(content)
    except (struct.error, IndexError, ZeroDivisionError):
        # The headers end too early, or say nonsense.
        pass
    raise Unreadable


def boxes(content: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """The boxes of an MP4 file on one level: kind, and where the inside begins and ends."""
    end = len(content) if end is None else min(end, len(content))
    while start + 8 <= end:
        length, kind = struct.unpack_from(">I4s", content, start)
        inside = start + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", content, inside)
            inside += 8
        length = length or end - start
        if length < inside - start:
            raise Unreadable
        yield kind, inside, min(start + length, end)
        start += length


def box(content: bytes, *path: bytes) -> bytes | None:
    """The inside of the first box on that path."""
    start, end = 0, len(content)
    for kind in path:
        found = next(((first, last) for held, first, last in boxes(content, start, end) if held == kind), None)
        if found is None:
            return None
        start, end = found
    return content[start:end]


def _wav(content: bytes) -> Recording:
    position, bytes_per_second = 12, 0
    while position + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, position)
        if kind == b"fmt ":
            (bytes_per_second,) = struct.unpack_from("<I", content, position + 16)
        elif kind == b"data":
            # A stream's header doesn't know the length and says "all ones".
            return Recording("wav", min(length, len(content) - position - 8) / bytes_per_second)
        position += 8 + length + length % 2
    raise Unreadable


def _flac(content: bytes) -> Recording:
    shape = int.from_bytes(content[18:26])
    return Recording("flac", (shape & 0xF_FFFF_FFFF) / (shape >> 44))


def _ogg(content: bytes) -> Recording:
    (place,) = struct.unpack_from("<q", content, content.rindex(b"OggS") + 6)
    head = content.find(b"OpusHead", 0, 200)
    if head >= 0:
        (skipped,) = struct.unpack_from("<H", content, head + 10)
        return Recording("ogg", (place - skipped) / OPUS_RATE)
    head = content.find(b"\x01vorbis", 0, 200)
    if head < 0:
        raise Unreadable
    (rate,) = struct.unpack_from("<I", content, head + 12)
    return Recording("ogg", place / rate)


def _mp3(content: bytes) -> Recording:
    seconds, position = 0.0, _after_tag(content)
    while position + 4 <= len(content) and (frame := _mp3_frame(content, position)) is not None:
        length, lasting = frame
        seconds += lasting
        position += length
    if not seconds:
        raise Unreadable
    return Recording("mp3", seconds)


def _mp3_frame(content: bytes, position: int) -> tuple[int, float] | None:
    """Bytes and seconds of the frame that begins there."""
    header = int.from_bytes(content[position : position + 4])
    version, layer = header >> 19 & 3, header >> 17 & 3
    bitrate_index, rate_index = header >> 12 & 15, header >> 10 & 3
    if header >> 21 != 0x7FF or layer != 1 or version == 1 or bitrate_index in (0, 15) or rate_index == 3:
        return None
    rate = RATES[version][rate_index]
    is_first = version == 3
    samples = 1152 if is_first else 576
    bitrate = BITRATES[1 if is_first else 2][bitrate_index] * 1000
    return samples // 8 * bitrate // rate + (header >> 9 & 1), samples / rate


def _aac(content: bytes) -> Recording:
    seconds, position = 0.0, _after_tag(content)
    while position + 7 <= len(content) and _is_adts(content, position):
        seconds += 1024 / AAC_RATES[content[position + 2] >> 2 & 15]
        position += max(7, int.from_bytes(content[position + 3 : position + 6]) >> 5 & 0x1FFF)
    return Recording("aac", seconds)


def _mp4(content: bytes) -> Recording:
    header = box(content, b"moov", b"mvhd")
    if header is None:
        raise Unreadable
    scale, length = struct.unpack_from(">IQ", header, 20) if header[0] == 1 else struct.unpack_from(">II", header, 12)
    return Recording("mp4", length / scale)


def _webm(content: bytes) -> Recording:
    """Without reading the whole tree: the two numbers stand near the beginning, each behind its own id."""
    start = content[:65_536]
    at, scale_at = start.find(WEBM_DURATION), start.find(WEBM_SCALE)
    if at < 0:
        # What a browser records live has no duration: take the usual 32 kbit/s of speech.
        return Recording("webm", len(content) / 4000)
    size = start[at + 2] & 0x7F
    (length,) = struct.unpack_from(">f" if size == 4 else ">d", start, at + 3)
    scale = 1_000_000
    if scale_at >= 0:
        scale = int.from_bytes(start[scale_at + 4 : scale_at + 4 + (start[scale_at + 3] & 0x7F)])
    return Recording("webm", length * scale / 1e9)


def _after_tag(content: bytes) -> int:
    """Where the sound begins, behind an ID3 tag if there is one."""
    if not content.startswith(b"ID3"):
        return 0
    return 10 + sum((content[6 + place] & 0x7F) << shift for place, shift in enumerate((21, 14, 7, 0)))


def _is_adts(content: bytes, position: int) -> bool:
    return content[position] == 0xFF and content[position + 1] & 0xF6 == 0xF0


def _starts_adts(content: bytes) -> bool:
    position = _after_tag(content)
    return len(content) >= position + 7 and _is_adts(content, position)


READERS: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Recording]], ...] = (
    (lambda content: content[:4] == b"RIFF" and content[8:12] == b"WAVE", _wav),
    (lambda content: content[:4] == b"fLaC" and len(content) >= 42, _flac),
    (lambda content: content[:4] == b"OggS", _ogg),
    (lambda content: content[4:8] == b"ftyp", _mp4),
    (lambda content: content[:4] == b"\x1a\x45\xdf\xa3", _webm),
    (_starts_adts, _aac),
    (lambda content: content[:3] == b"ID3" or content[:1] == b"\xff", _mp3),
)
