"""Ogg with Opus packets that say "silence": honest length, no sound. The checksums are Ogg's own."""

import struct

from portico.sandbox.media import imprint
from portico.sandbox.media.voice import RATE, Speech
from portico.sandbox.shapes import Json

OPUS_RATE = 48_000
PACKET_SAMPLES = 960
SILENCE = b"\xf8\xff\xfe"
# What a decoder throws away at the beginning.
SKIPPED = 312
STREAM = 1
FIRST, LAST = 2, 4
LARGEST_SEGMENT = 255


def opus(speech: Speech, facts: Json) -> bytes:
    length = speech.samples * OPUS_RATE // RATE + SKIPPED
    packets = -(-length // PACKET_SAMPLES)
    pages: list[bytes] = []
    for done in range(0, packets, LARGEST_SEGMENT):
        count = min(LARGEST_SEGMENT, packets - done)
        is_last = done + count == packets
        place = length if is_last else (done + count) * PACKET_SAMPLES
        pages.append(_page(len(pages) + 2, place, [SILENCE] * count, LAST if is_last else 0))
    rest = b"".join(pages)
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, SKIPPED, RATE, 0, 0)
    comment = f"DESCRIPTION={imprint.seal(facts, rest)}{imprint.GAP}".encode()
    writer = b"Portico sandbox"
    tags = b"OpusTags" + struct.pack("<I", len(writer)) + writer + struct.pack("<II", 1, len(comment)) + comment
    return _page(0, 0, [head], FIRST) + _page(1, 0, [tags], 0) + rest


def _page(number: int, place: int, packets: list[bytes], flags: int) -> bytes:
    laces = b"".join(
        bytes((LARGEST_SEGMENT,)) * (len(packet) // LARGEST_SEGMENT) + bytes((len(packet) % LARGEST_SEGMENT,))
        for packet in packets
    )
    head = b"OggS" + struct.pack("<BBqIII", 0, flags, place, STREAM, number, 0)
    page = head + bytes((len(laces),)) + laces + b"".join(packets)
    return page[:22] + struct.pack("<I", checksum(page)) + page[26:]


def _table() -> list[int]:
    table: list[int] = []
    for value in range(256):
        rest = value << 24
        for _ in range(8):
            rest = (rest << 1 ^ 0x04C11DB7 if rest & 0x8000_0000 else rest << 1) & 0xFFFF_FFFF
        table.append(rest)
    return table


TABLE = _table()


def checksum(data: bytes) -> int:
    rest = 0
    for byte in data:
        rest = (rest << 8 & 0xFFFF_FFFF) ^ TABLE[rest >> 24 ^ byte]
    return rest
