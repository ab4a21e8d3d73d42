"""A vendor's answer at hand: what a transport would give, without a socket."""

from collections.abc import AsyncIterator, Sequence

from portico import errors


class Said:
    """`pieces` are the body; an exception among them is raised in its place. `released` tells how it ended."""

    def __init__(
        self,
        *pieces: bytes | Exception,
        status: int = 200,
        headers: Sequence[tuple[str, str]] = (),
        sized: bool = False,
    ) -> None:
        self.status = status
        self.headers = list(headers)
        self.released = False
        self._pieces = pieces
        if sized:
            length = sum(len(piece) for piece in pieces if isinstance(piece, bytes))
            self.headers.append(("Content-Length", str(length)))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    async def read(self, limit_bytes: int) -> bytes:
        whole = b"".join([piece async for piece in self.stream()])
        if len(whole) > limit_bytes:
            raise errors.VendorTooLarge
        return whole

    async def stream(self) -> AsyncIterator[bytes]:
        try:
            for piece in self._pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.release()

    def release(self) -> None:
        self.released = True
