"""What is told of a picture without drawing it, and a small one to look at instead of a large one."""

import asyncio
import struct
import sys
from pathlib import Path

from portico.log import logger
from portico.toolbox.thumbnail import MOST_PIXELS

MOST_BYTES = 16_777_216
PATIENCE_SECONDS = 20.0
_PROGRAM = Path(__file__).with_name("thumbnail.py")
_log = logger("pictures")


def size_of(kind: str, head: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels; None where the beginning does not say."""
    try:
        match kind:
            case "image/png":
                return struct.unpack_from(">II", head, 16) if head[12:16] == b"IHDR" else None
            case "image/gif":
                return struct.unpack_from("<HH", head, 6)
            case "image/jpeg":
                return _jpeg(head)
            case "image/webp":
                return _webp(head)
            case _:
                return None
    except (struct.error, IndexError):
        return None


class Shrinker:
    """Makes small PNGs of large ones in a process apart, one at a time: each takes a processor for a second.

    Other kinds are left as they are, because reading them takes a library that this house does not need otherwise.
    """

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(1)

    async def thumbnail(self, kind: str, content: bytes) -> bytes | None:
        """None where there is none to be had."""
        size = size_of(kind, content[:64])
        if kind != "image/png" or size is None or size[0] * size[1] > MOST_PIXELS or len(content) > MOST_BYTES:
            return None
        async with self._gate:
            return await _shrunk(content)


async def _shrunk(content: bytes) -> bytes | None:
    pipe, nowhere = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    command = (sys.executable, "-I", "-S", str(_PROGRAM))
    try:
        child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=nowhere)
    except OSError as problem:
        _log.warning("no thumbnail can be made", reason=str(problem))
        return None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            made, _ = await child.communicate(content)
    except TimeoutError:
        return None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return made if child.returncode == 0 and made else None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 < len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack_from(">HH", head, place + 5)
            return width, height
        (length,) = struct.unpack_from(">H", head, place + 2)
        place += 2 + length
    return None


def _webp(head: bytes) -> tuple[int, int] | None:
    match head[12:16]:
        case b"VP8X":
            return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
        case b"VP8L":
            packed = int.from_bytes(head[21:25], "little")
            return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", head, 26)
            return width & 0x3FFF, height & 0x3FFF
        case _:
            return None
