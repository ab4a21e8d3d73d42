"""A vendor that says what it was told to say, as a transport: nothing goes over a socket."""

from collections.abc import Callable

from portico.upstream.transport import UpstreamRequest
from tests.unit.said import Said

Line = Said | Exception | Callable[[UpstreamRequest], Said]


class Scripted:
    """Says its lines in order, then its last one again; keeps what it was asked. Proofs of keys always succeed."""

    def __init__(self, *lines: Line) -> None:
        self.lines = list(lines)
        self.asked: list[UpstreamRequest] = []
        self.bodies: list[bytes] = []

    def say(self, *lines: Line) -> None:
        self.lines = list(lines)
        self.asked.clear()
        self.bodies.clear()

    async def send(self, request: UpstreamRequest) -> Said:
        self.asked.append(request)
        self.bodies.append(await _read(request))
        if not self.lines:
            return Said(b'{"object":"list","data":[]}', headers=[("Content-Type", "application/json")], sized=True)
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        if isinstance(line, Exception):
            raise line
        return line if isinstance(line, Said) else line(request)

    async def close(self) -> None:
        pass


async def _read(request: UpstreamRequest) -> bytes:
    if request.content is None or isinstance(request.content, bytes):
        return request.content or b""
    return b"".join([piece async for piece in request.content])


def json(content: bytes, status: int = 200, *headers: tuple[str, str], sized: bool = True) -> Said:
    return Said(content, status=status, headers=[("Content-Type", "application/json"), *headers], sized=sized)
