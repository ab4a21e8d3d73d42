"""JPEG, baseline: every block of eight by eight pixels has one colour, so that only its mean has to be written."""

import struct

from portico.sandbox.media import imprint
from portico.sandbox.media.bits import Bits
from portico.sandbox.media.mosaic import SIDE, Colour, Mosaic
from portico.sandbox.shapes import Json

BLOCK = 8
# With steps of eight, the mean of a block is written as it is: a coefficient is eight times the mean.
STEP = 8
# How many codes there are of one bit, two bits, and so on; the codes stand for the number of bits that follow.
LENGTHS = bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0))
CODES = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110")
# Of the finer coefficients there is only one word: that no more come.
END_OF_BLOCK = "0"


def write(mosaic: Mosaic, width: int, height: int, facts: Json) -> bytes:
    components = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    rest = b"".join(
        (
            _segment(0xDB, b"\0" + bytes((STEP,)) * 64),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 3) + components),
            _segment(0xC4, b"\x00" + LENGTHS + bytes(range(12))),
            _segment(0xC4, b"\x10" + bytes((1,)) + bytes(15) + b"\0"),
            _segment(0xDA, b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"),
            _scan(mosaic, width, height),
            b"\xff\xd9",
        )
    )
    mark = imprint.seal(facts, rest) + imprint.GAP
    head = _segment(0xE0, b"JFIF\0" + struct.pack(">BBBHHBB", 1, 1, 0, 1, 1, 0, 0))
    return b"\xff\xd8" + head + _segment(0xFE, mark.encode()) + rest


def size(content: bytes) -> tuple[int, int] | None:
    """Width and height, from the first frame header."""
    position = 2
    while position + 9 <= len(content) and content[position] == 0xFF:
        kind, length = content[position + 1], int.from_bytes(content[position + 2 : position + 4])
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        position += 2 + length
    return None


def _segment(kind: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, kind, len(data) + 2) + data


def _scan(mosaic: Mosaic, width: int, height: int) -> bytes:
    """The means of all blocks, each as its difference from the one before."""
    bits = Bits()
    shades = {colour: _shades(colour) for colour in mosaic.colours}
    before = (0, 0, 0)
    columns = [_field(place, width) for place in range((width + BLOCK - 1) // BLOCK)]
    for line in range((height + BLOCK - 1) // BLOCK):
        row = mosaic.row(_field(line, height))
        for column in columns:
            means = shades[row[column]]
            for now, then in zip(means, before, strict=True):
                bits.code(_difference(now - then) + END_OF_BLOCK)
            before = means
    # A byte of ones would start a marker; a zero behind it says that it doesn't.
    return bits.done("1").replace(b"\xff", b"\xff\0")


def _field(block: int, length: int) -> int:
    return min(SIDE - 1, (block * BLOCK + BLOCK // 2) * SIDE // length)


def _shades(colour: Colour) -> tuple[int, int, int]:
    """Brightness and two differences of colour, around zero."""
    red, green, blue, _ = colour
    bright = 0.299 * red + 0.587 * green + 0.114 * blue
    return round(bright) - 128, round(0.564 * (blue - bright)), round(0.713 * (red - bright))


def _difference(value: int) -> str:
    size_bits = abs(value).bit_length()
    if size_bits == 0:
        return CODES[0]
    return CODES[size_bits] + format(value if value > 0 else value + (1 << size_bits) - 1, f"0{size_bits}b")
