"""PNG: written with a palette, and read back field by field from any eight-bit file that is not interlaced."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from portico.sandbox.media import imprint
from portico.sandbox.media.mosaic import SIDE, Colour, Mosaic, edges
from portico.sandbox.shapes import Json

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour type -> bytes for a pixel.
DEPTHS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
LARGEST_PIXELS = 40_000_000
# Undoing filters is slow work; larger pictures are read only if they need none.
LARGEST_FILTERED = 8_400_000


class Unreadable(Exception):
    """The file is broken, or of a kind whose pixels are not read here."""


@dataclass(slots=True)
class _Picture:
    width: int = 0
    height: int = 0
    colour_type: int = 0
    palette: bytes = b""
    alphas: bytes = b""
    packed: list[bytes] = field(default_factory=list[bytes])


def write(mosaic: Mosaic, width: int, height: int, facts: Json) -> bytes:
    colours = mosaic.colours
    index = {colour: place for place, colour in enumerate(colours)}
    across, down = edges(width), edges(height)
    packer = zlib.compressobj(6)
    packed: list[bytes] = []
    for place in range(SIDE):
        line = b"".join(
            bytes((index[colour],)) * (across[column + 1] - across[column])
            for column, colour in enumerate(mosaic.row(place))
        )
        packed.append(packer.compress((b"\0" + line) * (down[place + 1] - down[place])))
    packed.append(packer.flush())
    rest = _chunk(b"IDAT", b"".join(packed)) + _chunk(b"IEND", b"")
    head = [
        SIGNATURE,
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", b"".join(bytes(colour[:3]) for colour in colours)),
    ]
    if mosaic.has_alpha:
        head.append(_chunk(b"tRNS", bytes(colour[3] for colour in colours)))
    head.append(_chunk(b"tEXt", b"Comment\0" + imprint.seal(facts, rest).encode()))
    return b"".join(head) + rest


def read(content: bytes) -> Mosaic:
    """The colours in the middle of each field."""
    picture = _open(content)
    step = DEPTHS[picture.colour_type]
    wanted = {(place * 2 + 1) * picture.height // (2 * SIDE) for place in range(SIDE)}
    columns = [(place * 2 + 1) * picture.width // (2 * SIDE) * step for place in range(SIDE)]
    rows = {
        number: [_colour(picture, line[start : start + step]) for start in columns]
        for number, line in enumerate(_lines(picture, step))
        if number in wanted
    }
    places = [(place * 2 + 1) * picture.height // (2 * SIDE) for place in range(SIDE)]
    return Mosaic(tuple(colour for place in places for colour in rows[place]))


def has_alpha(content: bytes) -> bool:
    """Can the picture be looked through anywhere?"""
    return content[25:26] in (b"\x04", b"\x06") or b"tRNS" in content


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = len(SIGNATURE)
    while position + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        yield kind, content[position + 8 : position + 8 + length]
        position += 12 + length


def _open(content: bytes) -> _Picture:
    picture = _Picture()
    for kind, data in _chunks(content):
        if kind == b"IHDR" and len(data) == 13:
            picture.width, picture.height, depth, picture.colour_type, _, _, interlace = struct.unpack(">IIBBBBB", data)
            is_known = depth == 8 and interlace == 0 and picture.colour_type in DEPTHS
            if not is_known or not 0 < picture.width * picture.height <= LARGEST_PIXELS:
                raise Unreadable
        elif kind == b"PLTE":
            picture.palette = data
        elif kind == b"tRNS":
            picture.alphas = data
        elif kind == b"IDAT":
            picture.packed.append(data)
    if not picture.width or not picture.packed:
        raise Unreadable
    return picture


def _lines(picture: _Picture, step: int) -> Iterator[bytes]:
    """The picture's lines, with their filters undone."""
    length = picture.width * step + 1
    size = length * picture.height
    try:
        raw = zlib.decompressobj().decompress(b"".join(picture.packed), size)
    except zlib.error:
        raise Unreadable from None
    if len(raw) < size or (any(raw[::length]) and size > LARGEST_FILTERED):
        raise Unreadable
    above = bytes(length - 1)
    for start in range(0, size, length):
        above = _unfiltered(raw[start], raw[start + 1 : start + length], above, step)
        yield above


def _unfiltered(kind: int, line: bytes, above: bytes, step: int) -> bytes:
    if kind == 0:
        return line
    if kind == 2:
        return bytes((value + up) & 255 for value, up in zip(line, above, strict=True))
    done = bytearray(line)
    for place, value in enumerate(line):
        left = done[place - step] if place >= step else 0
        corner = above[place - step] if place >= step else 0
        guess = left if kind == 1 else (left + above[place]) // 2 if kind == 3 else _paeth(left, above[place], corner)
        done[place] = (value + guess) & 255
    return bytes(done)


def _paeth(left: int, up: int, corner: int) -> int:
    """Whichever of the three neighbours is nearest to left + up - corner."""
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


def _colour(picture: _Picture, pixel: bytes) -> Colour:
    kind = picture.colour_type
    if kind == 3:
        red, green, blue = picture.palette[pixel[0] * 3 : pixel[0] * 3 + 3].ljust(3, b"\0")
        return red, green, blue, picture.alphas[pixel[0]] if pixel[0] < len(picture.alphas) else 255
    if kind in (0, 4):
        return pixel[0], pixel[0], pixel[0], pixel[1] if kind == 4 else 255
    return pixel[0], pixel[1], pixel[2], pixel[3] if kind == 6 else 255
