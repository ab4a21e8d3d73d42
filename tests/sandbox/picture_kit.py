"""Pictures for tests: those in an answer, looked at, and some that our own writers did not write."""

import base64
import struct
import zlib

from openai.types import ImagesResponse

from portico.sandbox.media.pictures import Seen, look

PROMPT = "A red fox on a blue hill"


def pictures(answer: ImagesResponse) -> list[bytes]:
    return [base64.b64decode(image.b64_json or "") for image in answer.data or []]


def picture(answer: ImagesResponse) -> bytes:
    return pictures(answer)[0]


def seen(content: bytes) -> Seen:
    found = look(content)
    assert found is not None
    return found


def png(pixels: list[bytes], colour_type: int) -> bytes:
    """A PNG written without our own writer: one row of bytes for each line."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width = len(pixels[0]) // {2: 3, 6: 4}[colour_type]
    header = struct.pack(">IIBBBBB", width, len(pixels), 8, colour_type, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + line for line in pixels))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def plain(red: int, green: int, blue: int, edge: int = 64) -> bytes:
    return png([bytes((red, green, blue)) * edge] * edge, 2)


def half_mask(edge: int = 64) -> bytes:
    """See-through on the left, opaque on the right."""
    return png([bytes(4) * (edge // 2) + bytes((0, 0, 0, 255)) * (edge // 2)] * edge, 6)
