"""H.264 for pictures made of flat fields: one raw block for each field, which its neighbours copy without a loss.

A film is a few such pictures; between them stand frames that say "as before" in a handful of bytes.
"""

from portico.sandbox.media.bits import Bits
from portico.sandbox.media.mosaic import SIDE, Colour, Mosaic

BLOCK = 16
# Baseline profile, level 4.0: enough for 1792 x 1024.
PROFILE, COMPATIBILITY, LEVEL = 66, 0xC0, 40
SEQUENCE, PICTURE, WHOLE, FOLLOWING = 0x67, 0x68, 0x65, 0x41
NUMBER_BITS = 8
# Kinds of block: copy the line above, copy the column on the left, samples as they are.
FROM_ABOVE, FROM_LEFT, RAW = 1, 2, 25
ACROSS, DOWN = 1, 2


def sequence_parameters(width: int, height: int) -> bytes:
    bits = Bits()
    for value in (PROFILE, COMPATIBILITY, LEVEL):
        bits.put(value, 8)
    bits.golomb(0)
    bits.golomb(NUMBER_BITS - 4)
    # Order of output is order of decoding; one reference frame, no gaps.
    bits.golomb(2)
    bits.golomb(1)
    bits.put(0, 1)
    bits.golomb(width // BLOCK - 1)
    bits.golomb(height // BLOCK - 1)
    # Whole frames, simple direct mode, nothing cropped, no further description.
    bits.code("1100")
    return _unit(SEQUENCE, bits)


def picture_parameters() -> bytes:
    bits = Bits()
    bits.golomb(0)
    bits.golomb(0)
    bits.code("00")
    for _ in range(3):
        bits.golomb(0)
    bits.code("000")
    for _ in range(3):
        bits.signed_golomb(0)
    # The smoothing of edges can be switched off, so that copied blocks stay exact.
    bits.code("100")
    return _unit(PICTURE, bits)


def whole(mosaic: Mosaic, width: int, height: int, number: int) -> bytes:
    """A frame that needs no other."""
    bits = Bits()
    bits.golomb(0)
    bits.golomb(7)
    bits.golomb(0)
    bits.put(0, NUMBER_BITS)
    bits.golomb(number % 2)
    bits.code("00")
    _finish_header(bits)
    _blocks(bits, mosaic, width // BLOCK, height // BLOCK)
    return _unit(WHOLE, bits)


def same(width: int, height: int, number: int) -> bytes:
    """A frame that repeats the one before; `number` counts from the last whole one."""
    bits = Bits()
    bits.golomb(0)
    bits.golomb(5)
    bits.golomb(0)
    bits.put(number % (1 << NUMBER_BITS), NUMBER_BITS)
    bits.code("000")
    _finish_header(bits)
    bits.golomb(width * height // BLOCK // BLOCK)
    return _unit(FOLLOWING, bits)


def _finish_header(bits: Bits) -> None:
    bits.signed_golomb(0)
    # No smoothing of edges.
    bits.golomb(1)


def _blocks(bits: Bits, mosaic: Mosaic, columns: int, lines: int) -> None:
    raw: set[tuple[int, int]] = set()
    samples = {colour: _samples(colour) for colour in mosaic.colours}
    for line in range(lines):
        for column in range(columns):
            row, place = line * SIDE // lines, column * SIDE // columns
            is_left_same = column > 0 and (column - 1) * SIDE // columns == place
            is_above_same = line > 0 and (line - 1) * SIDE // lines == row
            if is_left_same or is_above_same:
                _copy(bits, FROM_LEFT if is_left_same else FROM_ABOVE, _empty(raw, column, line))
                continue
            raw.add((column, line))
            bits.golomb(RAW)
            bits.align()
            bits.raw(samples[mosaic.row(row)[place]])


def _copy(bits: Bits, kind: int, no_difference: str) -> None:
    bits.golomb(kind)
    bits.golomb(ACROSS if kind == FROM_LEFT else DOWN)
    bits.signed_golomb(0)
    bits.code(no_difference)


def _empty(raw: set[tuple[int, int]], column: int, line: int) -> str:
    """The word for "no difference": it is longer where a neighbour is raw, for those count as full of details."""
    sides = [(column - 1, line)] * (column > 0) + [(column, line - 1)] * (line > 0)
    full = sum(side in raw for side in sides)
    return "000011" if full else "1"


def _samples(colour: Colour) -> bytes:
    """A block of one colour: brightness, then the two differences at half the resolution."""
    red, green, blue, _ = colour
    bright = round(16 + (65.7 * red + 129.1 * green + 25.1 * blue) / 256)
    to_blue = round(128 + (-37.9 * red - 74.5 * green + 112.4 * blue) / 256)
    to_red = round(128 + (112.4 * red - 94.2 * green - 18.3 * blue) / 256)
    quarter = BLOCK * BLOCK // 4
    return bytes((bright,)) * BLOCK * BLOCK + bytes((to_blue,)) * quarter + bytes((to_red,)) * quarter


def _unit(kind: int, bits: Bits) -> bytes:
    """Close a unit, and break up the byte triples that would look like the start of another."""
    bits.code("1")
    data, zeros = bytearray((kind,)), 0
    for byte in bits.done():
        if zeros >= 2 and byte <= 3:
            data.append(3)
            zeros = 0
        data.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(data)
