"""Films: an MP4 with one H.264 track, made of a new picture every second, and what such a file says of itself."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from portico.sandbox.media import h264, imprint
from portico.sandbox.media.listen import Unreadable, box, listen
from portico.sandbox.media.mosaic import Mosaic
from portico.sandbox.shapes import Json

FRAMES_PER_SECOND = 8
TIMESCALE = 1000
UPRIGHT = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)


@dataclass(frozen=True, slots=True)
class Film:
    """A film that came in."""

    seconds: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Shape:
    width: int
    height: int
    seconds: int

    @property
    def length(self) -> int:
        return self.seconds * TIMESCALE


def write(scene: Callable[[int], Mosaic], size: tuple[int, int], seconds: int, facts: Json) -> bytes:
    """A film whose every second shows the scene of that number."""
    shape = _Shape(*size, seconds)
    frames: list[bytes] = []
    for second in range(seconds):
        units = [h264.whole(scene(second), *size, second)]
        units += [h264.same(*size, number) for number in range(1, FRAMES_PER_SECOND)]
        frames += [struct.pack(">I", len(unit)) + unit for unit in units]
    media = _box(b"mdat", b"".join(frames))
    head = _box(b"ftyp", b"isom\0\0\2\0isomiso2avc1mp41")
    mark = (imprint.seal(facts, media) + imprint.GAP).encode()
    # The table of places holds absolute ones: build once to learn how long the head is.
    length = len(head) + len(_movie(shape, frames, 0, mark))
    return head + _movie(shape, frames, length + 8, mark) + media


def watch(content: bytes) -> Film | None:
    """What kind of film the bytes are, or None."""
    try:
        recording = listen(content)
        track = box(content, b"moov", b"trak", b"tkhd")
    except Unreadable:
        return None
    if recording.format != "mp4" or track is None or len(track) < 84:
        return None
    width, height = struct.unpack(">II", track[-8:])
    return Film(recording.seconds, width >> 16, height >> 16)


def _box(kind: bytes, *inside: bytes) -> bytes:
    data = b"".join(inside)
    return struct.pack(">I4s", len(data) + 8, kind) + data


def _full(kind: bytes, flags: int, *inside: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags), *inside)


def _movie(shape: _Shape, frames: list[bytes], place: int, mark: bytes) -> bytes:
    about = struct.pack(">IIIIIH10x", 0, 0, TIMESCALE, shape.length, 0x10000, 0x100)
    header = _full(b"mvhd", 0, about, UPRIGHT, bytes(24), struct.pack(">I", 2))
    return _box(b"moov", header, _track(shape, frames, place), _box(b"udta", _box(b"prtc", mark)))


def _track(shape: _Shape, frames: list[bytes], place: int) -> bytes:
    times = struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, shape.length, 0, 0, 0, 0)
    header = _full(b"tkhd", 3, times, UPRIGHT, struct.pack(">II", shape.width << 16, shape.height << 16))
    media_header = _full(b"mdhd", 0, struct.pack(">IIIIHH", 0, 0, TIMESCALE, shape.length, 0x55C4, 0))
    handler = _full(b"hdlr", 0, struct.pack(">I4s12x", 0, b"vide"), b"Portico sandbox\0")
    here = _box(b"dinf", _full(b"dref", 0, struct.pack(">I", 1), _full(b"url ", 1)))
    information = _box(b"minf", _full(b"vmhd", 1, bytes(8)), here, _samples(shape, frames, place))
    return _box(b"trak", header, _box(b"mdia", media_header, handler, information))


def _samples(shape: _Shape, frames: list[bytes], place: int) -> bytes:
    """Which frame is where, how long, and which of them stand alone."""
    count = len(frames)
    alone = range(1, count + 1, FRAMES_PER_SECOND)
    sizes = b"".join(struct.pack(">I", len(frame)) for frame in frames)
    return _box(
        b"stbl",
        _full(b"stsd", 0, struct.pack(">I", 1), _entry(shape)),
        _full(b"stts", 0, struct.pack(">III", 1, count, TIMESCALE // FRAMES_PER_SECOND)),
        _full(b"stss", 0, struct.pack(">I", len(alone)), b"".join(struct.pack(">I", number) for number in alone)),
        _full(b"stsc", 0, struct.pack(">IIII", 1, 1, count, 1)),
        _full(b"stsz", 0, struct.pack(">II", 0, count), sizes),
        _full(b"stco", 0, struct.pack(">II", 1, place)),
    )


def _entry(shape: _Shape) -> bytes:
    sequence = h264.sequence_parameters(shape.width, shape.height)
    picture = h264.picture_parameters()
    profile = bytes((1, h264.PROFILE, h264.COMPATIBILITY, h264.LEVEL, 0xFF))
    sets = b"\xe1" + struct.pack(">H", len(sequence)) + sequence + b"\x01" + struct.pack(">H", len(picture)) + picture
    dots = struct.pack(">II4xH32xHh", 0x48_0000, 0x48_0000, 1, 24, -1)
    place = struct.pack(">6xH16xHH", 1, shape.width, shape.height)
    return _box(b"avc1", place, dots, _box(b"avcC", profile, sets))
