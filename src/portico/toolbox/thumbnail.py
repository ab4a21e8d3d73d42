"""A large PNG made small, by the standard library alone. A program of its own: picture on input, PNG on output.

It runs apart because it reads bytes of strangers and takes a second of a processor; it gives itself little memory and
time. What it cannot read it leaves, with nothing on its output: interlaced pictures, other depths than eight bits.
"""

import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from itertools import accumulate
from operator import add
from typing import NamedTuple

# How one channel of a row is put right: from its bytes and those of the row above.
Undo = Callable[[bytes, bytes], bytes]
SIDE = 384
MOST_PIXELS = 6_000_000
MOST_SECONDS, MOST_MEMORY_BYTES = 10, 512 * 1024 * 1024
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3


class Unreadable(Exception):
    """Not a picture of the kind that is read here."""


class Picture(NamedTuple):
    """`rows` are the filtered rows, each with its filter's number in front."""

    width: int
    height: int
    colour: int
    palette: bytes
    rows: bytes

    @property
    def channels(self) -> int:
        return _CHANNELS[self.colour]


def shrink(png: bytes, side: int = SIDE) -> bytes:
    """The picture so small that its longer side is at most `side`, as a PNG."""
    picture = _read(png)
    step = -(-max(picture.width, picture.height) // side)
    width, height = picture.width // step, picture.height // step
    if not width or not height:
        raise Unreadable("too narrow")
    colour = 2 if picture.colour == _PALETTE else picture.colour
    channels = _CHANNELS[colour]
    sums = [[0] * width for _ in range(channels)]
    made: list[bytes] = []
    for number, row in enumerate(_coloured(picture)):
        if number >= height * step:
            break
        for channel in range(channels):
            for offset in range(step):
                pixels = row[channel + offset * channels :: step * channels][:width]
                sums[channel] = list(map(add, sums[channel], pixels))
        if (number + 1) % step == 0:
            made.append(_averaged(sums, step * step))
            sums = [[0] * width for _ in range(channels)]
    return _write(width, height, colour, made)


def _averaged(sums: list[list[int]], count: int) -> bytes:
    row = bytearray(len(sums) * len(sums[0]))
    for channel, totals in enumerate(sums):
        row[channel :: len(sums)] = bytes(total // count for total in totals)
    return bytes(row)


def _read(png: bytes) -> Picture:
    if not png.startswith(_SIGNATURE):
        raise Unreadable("no PNG")
    header, palette, packed = b"", b"", bytearray()
    for kind, data in _chunks(png):
        if kind == b"IHDR":
            header = data
        elif kind == b"PLTE":
            palette = data
        elif kind == b"IDAT":
            packed += data
    if len(header) != 13:
        raise Unreadable("no header")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    if depth != 8 or interlace or colour not in _CHANNELS or not 1 <= width * height <= MOST_PIXELS:
        raise Unreadable("another kind of PNG")
    if colour == _PALETTE and not 3 <= len(palette) <= 768:
        raise Unreadable("no palette")
    size = height * (width * _CHANNELS[colour] + 1)
    rows = zlib.decompressobj().decompress(bytes(packed), size)
    if len(rows) != size:
        raise Unreadable("cut short")
    return Picture(width, height, colour, palette, rows)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place + 12 <= len(png):
        (length,) = struct.unpack_from(">I", png, place)
        yield png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        place += 12 + length


def _coloured(picture: Picture) -> Iterator[bytes]:
    """Row after row without filter, and without palette."""
    if picture.colour != _PALETTE:
        yield from _unfiltered(picture)
        return
    tables = [picture.palette[channel::3].ljust(256, b"\0") for channel in range(3)]
    for row in _unfiltered(picture):
        coloured = bytearray(len(row) * 3)
        for channel, table in enumerate(tables):
            coloured[channel::3] = row.translate(table)
        yield bytes(coloured)


def _unfiltered(picture: Picture) -> Iterator[bytes]:
    channels, length = picture.channels, picture.width * picture.channels
    before = bytes(length)
    for number in range(picture.height):
        start = number * (length + 1)
        row = picture.rows[start + 1 : start + 1 + length]
        match picture.rows[start]:
            case 0:
                before = row
            case 1:
                before = _by_channel(row, before, channels, _left)
            case 2:
                before = bytes(total & 255 for total in map(add, row, before))
            case 3:
                before = _by_channel(row, before, channels, _mean)
            case 4:
                before = _by_channel(row, before, channels, _paeth)
            case _:
                raise Unreadable("an unknown filter")
        yield before


def _by_channel(row: bytes, before: bytes, channels: int, undo: Undo) -> bytes:
    plain = bytearray(len(row))
    for channel in range(channels):
        plain[channel::channels] = undo(row[channel::channels], before[channel::channels])
    return bytes(plain)


def _left(row: bytes, above: bytes) -> bytes:
    return bytes(total & 255 for total in accumulate(row))


def _mean(row: bytes, above: bytes) -> bytes:
    left, plain = 0, bytearray()
    for given, up in zip(row, above, strict=True):
        left = (given + (left + up) // 2) & 255
        plain.append(left)
    return bytes(plain)


def _paeth(row: bytes, above: bytes) -> bytes:
    left = corner = 0
    plain = bytearray()
    for given, up in zip(row, above, strict=True):
        to_left, to_up = up - corner, left - corner
        to_corner = abs(to_left + to_up)
        to_left, to_up = abs(to_left), abs(to_up)
        nearest = left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner
        left, corner = (given + nearest) & 255, up
        plain.append(left)
    return bytes(plain)


def _write(width: int, height: int, colour: int, rows: list[bytes]) -> bytes:
    filtered, before = bytearray(), bytes(len(rows[0]))
    for row in rows:
        filtered.append(2)
        filtered += bytes((now - up) & 255 for now, up in zip(row, before, strict=True))
        before = row
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(filtered), 6)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _hold_back() -> None:
    """Little memory and time, where the system knows how."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))


def main() -> int:
    _hold_back()
    try:
        made = shrink(sys.stdin.buffer.read())
    except (Unreadable, zlib.error, struct.error, MemoryError):
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
