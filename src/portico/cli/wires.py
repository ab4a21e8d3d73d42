"""The bridge's way to its server: one HTTP request per message, answers as they come, each can be cut off.

A connection that was used is used again, unless the server has closed it in the meantime.
"""

import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from portico.shapes import is_record

CONNECT_SECONDS = 10.0
# An answer takes as long as it takes, but the server says every few seconds that it is still at it.
SILENCE_SECONDS = 120.0
# Portico keeps idle connections for 75 seconds; a proxy before it may be less patient.
IDLE_SECONDS = 30.0
_STATUSES = {
    401: "The server asks for a token: set PORTICO_TOKEN for the bridge, or use a client that can sign in.",
    404: "There is no MCP server at this address: it may have expired, been deleted, or got a new address.",
    413: "The message is larger than the server takes.",
    429: "Too many requests; wait a little, then call again.",
}


_NOT_TAKEN = (
    "The server does not take the token in PORTICO_TOKEN: it is unknown, revoked, expired, or of another gateway."
)


Wire = http.client.HTTPConnection


class Gone(Exception):
    """There is no answer; the text says why. `is_cancelled`: because the client wanted none."""

    def __init__(self, sentence: str = "", *, is_cancelled: bool = False) -> None:
        super().__init__(sentence)
        self.is_cancelled = is_cancelled


class Wires:
    def __init__(self, url: str, token: str) -> None:
        self._parts = urlsplit(url)
        self._path = self._parts.path + (f"?{self._parts.query}" if self._parts.query else "")
        self._token = token
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Wire]] = []
        self._busy: dict[Wire, str] = {}
        self._cut: set[Wire] = set()

    def send(self, wire: Wire, content: bytes, headers: dict[str, str]) -> Iterator[bytes]:
        """Every message that the server answers, on a wire from `open`."""
        try:
            if wire in self._cut:
                raise Gone(is_cancelled=True)
            yield from self._exchange(wire, content, headers)
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as problem:
            # A socket that another thread has closed shows itself in many ways.
            is_cancelled, was_open = wire in self._cut, wire.sock is not None
            wire.close()
            if is_cancelled:
                raise Gone(is_cancelled=True) from None
            raise Gone(self._broken(problem, was_open=was_open)) from None
        except BaseException:
            wire.close()
            raise
        finally:
            with self._lock:
                self._busy.pop(wire, None)
                self._cut.discard(wire)

    def give_back(self, wire: Wire) -> None:
        """Nothing was sent on it after all."""
        with self._lock:
            self._busy.pop(wire, None)
        self._keep(wire)

    def cancel(self, key: str) -> None:
        """Hang up on the request of this name: that is what ends it at the server, and at the vendor behind it."""
        with self._lock:
            found = [each for each, name in self._busy.items() if key and name == key]
            self._cut.update(found)
        for each in found:
            _hang_up(each)

    def close(self) -> None:
        with self._lock:
            everything = [*self._busy, *(each for _, each in self._idle)]
            self._cut.update(self._busy)
            self._idle.clear()
        for each in everything:
            _hang_up(each)

    def _exchange(self, connection: Wire, content: bytes, headers: dict[str, str]) -> Iterator[bytes]:
        sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", **headers}
        sent["User-Agent"] = "portico-bridge"
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        if connection.sock is None:
            connection.connect()
            sock: Any = connection.sock
            sock.settimeout(SILENCE_SECONDS)
        connection.request("POST", self._path, content, sent)
        answer = connection.getresponse()
        kind = answer.headers.get_content_type()
        if kind == "text/event-stream" and answer.status == 200:
            yield from _events(answer)
        else:
            body = answer.read()
            if answer.status != 202:
                yield self._checked(answer.status, body)
        self._keep(connection)

    def open(self, key: str) -> Wire:
        """A wire for one request, which `cancel` can name from now on; nothing is sent yet."""
        with self._lock:
            while self._idle:
                since, connection = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS and _is_open(connection):
                    break
                connection.close()
            else:
                connection = self._new()
            self._busy[connection] = key
        return connection

    def _new(self) -> Wire:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=CONNECT_SECONDS)
        import ssl

        return http.client.HTTPSConnection(host, port, timeout=CONNECT_SECONDS, context=ssl.create_default_context())

    def _checked(self, status: int, body: bytes) -> bytes:
        """The body, if it is a message; otherwise what the status means for whoever uses this server."""
        try:
            told: Any = json.loads(body)
        except ValueError:
            told = None
        if is_record(told) and told.get("jsonrpc") == "2.0":
            return body
        said = str(told.get("message") or "") if is_record(told) else ""
        if status == 401 and self._token:
            raise Gone(_NOT_TAKEN)
        raise Gone(_STATUSES.get(status) or said or f"The server answered with status {status}.")

    def _keep(self, connection: Wire) -> None:
        with self._lock:
            if connection.sock is not None and connection not in self._cut:
                self._idle.append((time.monotonic(), connection))

    def _broken(self, problem: BaseException, *, was_open: bool) -> str:
        """Without the address, which is a secret."""
        place = f"{self._parts.scheme}://{self._parts.netloc}"
        if not was_open:
            return f"No server answers at {place} ({problem}). Is Portico running, and can this computer reach it?"
        return (
            f"The connection to {place} broke before the answer was there ({type(problem).__name__}). Nothing is known "
            "about whether a change took effect; look before you repeat it."
        )


def _events(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    """The messages of a stream of events; comments, which only say that somebody is there, are left out."""
    data: list[bytes] = []
    while line := answer.readline():
        line = line.rstrip(b"\r\n")
        if not line and data:
            yield b"\n".join(data)
            data = []
        elif line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
    if data:
        raise http.client.IncompleteRead(b"")


def _is_open(connection: Wire) -> bool:
    """Whether the server has neither closed it nor said anything unasked."""
    if connection.sock is None:
        return False
    try:
        return not select.select([connection.sock], [], [], 0)[0]
    except (OSError, ValueError):
        return False


def _hang_up(connection: Wire) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was closed already
