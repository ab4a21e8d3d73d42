"""GIF: a first picture and, for a moving one, frames that repaint one row of fields after the other."""

import struct

from portico.sandbox.media import imprint
from portico.sandbox.media.mosaic import SIDE, Colour, Mosaic, edges
from portico.sandbox.shapes import Json

# Seven-bit colours are written in eight-bit codes until the table of strings outgrows them; clearing the table
# often enough keeps every code one byte long.
COLOUR_BITS = 7
CLEAR_CODE, END_CODE = 128, 129
CODES_BETWEEN_CLEARS = 120


def write(frames: list[Mosaic], width: int, height: int, frame_ms: int, facts: Json) -> bytes:
    """All frames share one palette. Each shows only the rows that differ from the frame before."""
    colours = list(dict.fromkeys(colour for frame in frames for colour in frame.fields))[: 1 << COLOUR_BITS]
    table = b"".join(bytes(colour[:3]) for colour in colours).ljust(3 << COLOUR_BITS, b"\0")
    clear = next((place for place, colour in enumerate(colours) if colour[3] == 0), None)
    index = {colour: place for place, colour in enumerate(colours)}
    parts: list[bytes] = []
    for number, frame in enumerate(frames):
        # A clear field would let the frame before shine through, so such pictures are wiped and painted anew.
        is_whole = number == 0 or clear is not None
        changed = [row for row in range(SIDE) if is_whole or frame.row(row) != frames[number - 1].row(row)] or [0]
        parts.append(_control(frame_ms, clear))
        parts.append(_picture(frame, index, (width, height), (changed[0], changed[-1] + 1)))
    rest = b"".join(parts) + b";"
    mark = (imprint.seal(facts, rest) + imprint.GAP).encode()
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80 | (COLOUR_BITS - 1), 0, 0) + table
    loop = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00" if len(frames) > 1 else b""
    # A comment is cut into blocks of 255 bytes; the imprint of a GIF must fit into one.
    return head + loop + b"\x21\xfe" + bytes((len(mark),)) + mark + b"\0" + rest


def size(content: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", content, 6)
    return width, height


def _control(frame_ms: int, clear: int | None) -> bytes:
    flags = 0x04 if clear is None else 0x09
    return b"\x21\xf9\x04" + struct.pack("<BHBB", flags, min(65_535, round(frame_ms / 10)), clear or 0, 0)


def _picture(frame: Mosaic, index: dict[Colour, int], size: tuple[int, int], rows: tuple[int, int]) -> bytes:
    across, down = edges(size[0]), edges(size[1])
    pixels = b"".join(
        b"".join(
            bytes((index[colour],)) * (across[column + 1] - across[column])
            for column, colour in enumerate(frame.row(row))
        )
        * (down[row + 1] - down[row])
        for row in range(*rows)
    )
    step = CODES_BETWEEN_CLEARS
    codes = b"".join(bytes((CLEAR_CODE,)) + pixels[start : start + step] for start in range(0, len(pixels), step))
    codes += bytes((END_CODE,))
    blocks = b"".join(bytes((len(codes[at : at + 255]),)) + codes[at : at + 255] for at in range(0, len(codes), 255))
    place = struct.pack("<HHHHB", 0, down[rows[0]], size[0], down[rows[1]] - down[rows[0]], 0)
    return b"," + place + bytes((COLOUR_BITS,)) + blocks + b"\0"
