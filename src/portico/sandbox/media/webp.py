"""WebP, lossless: one pixel for each field, everything else copied from the left or from the line above."""

import struct

from portico.sandbox.media import imprint
from portico.sandbox.media.bits import Bits
from portico.sandbox.media.mosaic import SIDE, Mosaic, edges
from portico.sandbox.shapes import Json

LONGEST_COPY = 4096
# Distances by their codes: 1 means one line up, 2 means one pixel to the left.
LINE_ABOVE, PIXEL_BEFORE = 1, 2
# The order in which the lengths of the codes for code lengths are written.
ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9)


class _Code:
    """A prefix code whose words have only two lengths: the first `short_words` are short, the others a bit longer."""

    def __init__(self, words: int, short: int, short_words: int) -> None:
        self._words, self._short, self._short_words = words, short, short_words

    def word(self, symbol: int) -> str:
        if symbol < self._short_words:
            return format(symbol, f"0{self._short}b")
        return format(self._short_words * 2 + symbol - self._short_words, f"0{self._short + 1}b")

    def describe(self, bits: Bits) -> None:
        """Write the lengths of all words, coded in turn: nothing for the short one if alone, else one bit each."""
        lengths = (self._short, self._short + 1) if self._short_words < self._words else (self._short,)
        wanted = max(ORDER.index(length) for length in lengths) + 1
        bits.code("0")
        bits.low_put(wanted - 4, 4)
        for length in ORDER[:wanted]:
            bits.low_put(1 if length in lengths else 0, 3)
        bits.code("0")
        if len(lengths) == 2:
            bits.code("0" * self._short_words + "1" * (self._words - self._short_words))


# Green shares its code with the lengths of copies. All codes are complete, as WebP demands.
GREEN = _Code(256 + 24, 8, 232)
PLAIN = _Code(256, 8, 256)
DISTANCE = _Code(40, 5, 24)


def write(mosaic: Mosaic, width: int, height: int, facts: Json) -> bytes:
    image = _chunk(b"VP8L", _image(mosaic, width, height))
    mark = imprint.seal(facts, image) + imprint.GAP
    flags = 0x10 if mosaic.has_alpha else 0
    canvas = struct.pack("<B3x", flags) + _three(width - 1) + _three(height - 1)
    body = b"WEBP" + _chunk(b"VP8X", canvas) + _chunk(b"prtc", mark.encode()) + image
    return b"RIFF" + struct.pack("<I", len(body)) + body


def size(content: bytes) -> tuple[int, int] | None:
    """Width and height, of any of the three kinds of WebP."""
    kind, data = content[12:16], content[20:30]
    if len(data) < 10:
        return None
    if kind == b"VP8X":
        return int.from_bytes(data[4:7], "little") + 1, int.from_bytes(data[7:10], "little") + 1
    if kind == b"VP8L":
        packed = int.from_bytes(data[1:5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 6)
    return (width & 0x3FFF, height & 0x3FFF) if kind == b"VP8 " else None


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _three(value: int) -> bytes:
    return value.to_bytes(3, "little")


def _image(mosaic: Mosaic, width: int, height: int) -> bytes:
    bits = Bits()
    bits.low_put(0x2F, 8)
    bits.low_put(width - 1, 14)
    bits.low_put(height - 1, 14)
    bits.low_put(int(mosaic.has_alpha), 1)
    bits.low_put(0, 3)
    # No transform, no cache of colours, one set of codes for the whole picture.
    bits.code("000")
    for code in (GREEN, PLAIN, PLAIN, PLAIN, DISTANCE):
        code.describe(bits)
    across, down = edges(width), edges(height)
    for place in range(SIDE):
        if down[place] == down[place + 1]:
            continue
        for column, (red, green, blue, alpha) in enumerate(mosaic.row(place)):
            length = across[column + 1] - across[column]
            if length:
                bits.code(GREEN.word(green) + PLAIN.word(red) + PLAIN.word(blue) + PLAIN.word(alpha))
                _copy(bits, length - 1, PIXEL_BEFORE)
        _copy(bits, (down[place + 1] - down[place] - 1) * width, LINE_ABOVE)
    return bits.low_done()


def _copy(bits: Bits, pixels: int, distance: int) -> None:
    while pixels > 0:
        length = min(pixels, LONGEST_COPY)
        symbol, extra, extra_bits = _split(length)
        bits.code(GREEN.word(256 + symbol))
        bits.low_put(extra, extra_bits)
        bits.code(DISTANCE.word(distance - 1))
        pixels -= length


def _split(value: int) -> tuple[int, int, int]:
    """A length as its symbol and what is left over: the two highest bits make the symbol."""
    rest = value - 1
    if rest < 4:
        return rest, 0, 0
    high = rest.bit_length() - 1
    extra_bits = high - 1
    return 2 * high + (rest >> extra_bits & 1), rest & ((1 << extra_bits) - 1), extra_bits
