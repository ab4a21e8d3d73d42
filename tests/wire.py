"""One request driven by hand over ASGI: a body sent in pieces, an answer watched as it comes, a client that leaves."""

import asyncio
from collections.abc import Mapping
from typing import Any

from portico.faces.http import Aborted

PATIENCE_SECONDS = 5.0


class Exchange:
    """Starts at once. Every wait is bounded."""

    def __init__(
        self, application: Any, verb: str, target: str, headers: Mapping[str, str], *, body: bytes | None = b""
    ) -> None:
        """`body` None: the body is sent with `send`, and ended with `end`."""
        path, _, query = target.partition("?")
        self._scope = {
            "type": "http",
            "method": verb,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("portico.test", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        if body is not None:
            self._incoming.put_nowait({"type": "http.request", "body": body, "more_body": False})
        self._task: asyncio.Task[None] = asyncio.ensure_future(
            application(self._scope, self._incoming.get, self._outgoing.put)
        )

    def send(self, piece: bytes) -> None:
        self._incoming.put_nowait({"type": "http.request", "body": piece, "more_body": True})

    def end(self) -> None:
        self._incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "http.disconnect"})

    async def head(self) -> tuple[int, dict[str, str]]:
        message = await self._message()
        assert message["type"] == "http.response.start", message
        return message["status"], {name.decode(): value.decode("latin-1") for name, value in message["headers"]}

    async def piece(self) -> bytes | None:
        """The next piece of the answer's body; None at its end."""
        message = await self._message()
        body: bytes = message.get("body", b"")
        return body if body or message.get("more_body") else None

    async def rest(self) -> tuple[bytes, bool]:
        """What is left of the body, and whether it was cut short rather than ended."""
        was_cut = await self.ended()
        pieces: list[bytes] = []
        while not self._outgoing.empty():
            pieces.append(self._outgoing.get_nowait().get("body", b""))
        return b"".join(pieces), was_cut

    async def ended(self) -> bool:
        """Wait for the end; whether the answer was aborted."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                await self._task
            except Aborted:
                return True
        return False

    async def _message(self) -> dict[str, Any]:
        waiting = asyncio.ensure_future(self._outgoing.get())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({waiting, self._task}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                waiting.cancel()
                raise AssertionError(f"the exchange ended without another message: {self._task}")
        return waiting.result()


async def until(holds: Any, seconds: float = PATIENCE_SECONDS) -> None:
    """Returns as soon as `holds()` is true; fails when it has not come true in time."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 -- what is waited for happens in another thread
            await asyncio.sleep(0.005)
