"""Pictures written by hand, so that what reads them is held against the format and not against itself."""

import struct
import zlib


def noise(length: int) -> bytes:
    """Bytes that cannot be packed, and are the same each time."""
    state, made = 1, bytearray()
    while len(made) < length:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        made.append(state >> 16 & 255)
    return bytes(made)


def png(width: int, height: int) -> bytes:
    """A picture too noisy to be packed, with each of the filters in turn."""
    grain = noise(width * 3 + height)
    rows = b"".join(bytes([number % 5]) + grain[number : number + width * 3] for number in range(height))
    return packed(width, height, 2, rows, level=0)


def filtered(width: int, height: int, channels: int, plain: bytes) -> bytes:
    """These pixels, each row with another of the five filters, ready to be packed."""
    rows, before, length = bytearray(), bytes(width * channels), width * channels
    for number in range(height):
        row = plain[number * length : (number + 1) * length]
        rows.append(number % 5)
        for place, value in enumerate(row):
            left = row[place - channels] if place >= channels else 0
            corner = before[place - channels] if place >= channels else 0
            rows.append((value - _foretold(number % 5, left, before[place], corner)) & 255)
        before = row
    return bytes(rows)


def packed(
    width: int, height: int, colour: int, rows: bytes, *, palette: bytes = b"", level: int = 6, **odd: int
) -> bytes:
    """A PNG of filtered rows. `odd`: another depth or interlacing."""
    header = struct.pack(">IIBBBBB", width, height, odd.get("depth", 8), colour, 0, 0, odd.get("interlace", 0))
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, level)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks if data or kind == b"IEND")


def unpacked(png: bytes) -> bytes:
    """The filtered rows of a PNG."""
    place, data = 8, b""
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += 12 + length
    return zlib.decompress(data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _foretold(kind: int, left: int, up: int, corner: int) -> int:
    """The PNG specification's five filters."""
    guess = left + up - corner
    nearest = min((left, up, corner), key=lambda each: abs(guess - each))
    return (0, left, up, (left + up) // 2, nearest)[kind]
