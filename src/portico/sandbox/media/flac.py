"""FLAC with frames that hold their samples as they are: lossless, of full size, and simple."""

import struct
import sys
from array import array

from portico.sandbox.media import imprint
from portico.sandbox.media.voice import RATE, Speech
from portico.sandbox.shapes import Json

BLOCK_SAMPLES = 4096
WRITER = b"Portico sandbox"


def write(speech: Speech, facts: Json) -> bytes:
    samples = speech.wave()
    if sys.byteorder == "little":
        samples.byteswap()
    rest = b"".join(_frame(number, samples) for number in range(-(-len(samples) // BLOCK_SAMPLES)))
    comment = f"DESCRIPTION={imprint.seal(facts, rest)}{imprint.GAP}".encode()
    comments = struct.pack("<I", len(WRITER)) + WRITER + struct.pack("<II", 1, len(comment)) + comment
    # Rate, one channel, sixteen bits and the number of samples share eight bytes.
    shape = RATE << 44 | 15 << 36 | len(samples)
    # Frame sizes and the checksum of the samples may be zero: unknown.
    stream = struct.pack(">HH6xQ16x", BLOCK_SAMPLES, BLOCK_SAMPLES, shape)
    return b"fLaC" + _block(0, stream) + _block(0x84, comments) + rest


def _block(kind: int, data: bytes) -> bytes:
    return struct.pack(">I", kind << 24 | len(data)) + data


def _frame(number: int, samples: "array[int]") -> bytes:
    block = samples[number * BLOCK_SAMPLES : (number + 1) * BLOCK_SAMPLES]
    is_full = len(block) == BLOCK_SAMPLES
    head = b"\xff\xf8" + bytes(((0xC if is_full else 7) << 4 | 7, 0x08)) + chr(number).encode()
    if not is_full:
        head += struct.pack(">H", len(block) - 1)
    head += bytes((checksum8(head),))
    frame = head + b"\x02" + block.tobytes()
    return frame + struct.pack(">H", checksum16(frame))


def _table(polynomial: int, width: int) -> list[int]:
    top, mask = 1 << (width - 1), (1 << width) - 1
    table: list[int] = []
    for value in range(256):
        rest = value << (width - 8)
        for _ in range(8):
            rest = (rest << 1 ^ polynomial if rest & top else rest << 1) & mask
        table.append(rest)
    return table


TABLE8, TABLE16 = _table(0x07, 8), _table(0x8005, 16)


def checksum8(data: bytes) -> int:
    rest = 0
    for byte in data:
        rest = TABLE8[rest ^ byte]
    return rest


def checksum16(data: bytes) -> int:
    rest = 0
    for byte in data:
        rest = (rest << 8 & 0xFFFF) ^ TABLE16[rest >> 8 ^ byte]
    return rest
