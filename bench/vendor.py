"""The vendor behind every program under test: answers at once, from bytes that are ready, and does nothing else.

`python -m bench.vendor` listens on a free port of this machine, prints it and serves until it is told to stop.
"""

import asyncio
import json
import re
import sys
from typing import Any, cast

import uvloop

SMALL_BYTES, LARGE_BYTES = 2_000, 100_000
EVENT_SECONDS = 0.02
# A request for a chat larger than this gets a large answer.
LARGE_REQUEST_BYTES = 50_000
_STREAMED = re.compile(rb'"stream": ?true')
_EVENTS = re.compile(rb'"max_(?:completion_)?tokens": ?(\d+)')
_LENGTH = re.compile(rb"\r\ncontent-length: ?(\d+)", re.IGNORECASE)
_PIECE = bytes(262_144)
MARK = "bench-answer"


def answer(content: bytes, kind: bytes = b"application/json") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(content), content)


def listed(size: int) -> bytes:
    """A page of models, about as long as asked for."""
    items: list[dict[str, Any]] = []
    while not items or len(json.dumps(items)) < size:
        items.append({"id": f"{MARK}-{len(items)}", "object": "model", "created": 1_790_000_000, "owned_by": "bench"})
    page = {"object": "list", "data": items, "first_id": items[0]["id"], "last_id": items[-1]["id"], "has_more": False}
    return json.dumps(page).encode()


def chat(size: int) -> bytes:
    """A chat completion, about as long as asked for."""
    message = {"role": "assistant", "content": f"{MARK} ".ljust(size - 300, "x"), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1_790_000_000, "model": "gpt-4o"}
    return json.dumps({**whole, "choices": [choice], "usage": usage}).encode()


def event(words: str | None) -> bytes:
    """One chunk of a streamed chat completion, in a chunk of HTTP."""
    choice = {"index": 0, "delta": {"content": words} if words else {}, "finish_reason": None if words else "stop"}
    whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "gpt-4o"}
    content = b"data: " + json.dumps({**whole, "choices": [choice]}).encode() + b"\n\n"
    return framed(content)


def framed(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


NOTHING = answer(b'{"object": "list", "data": [], "has_more": false}')
PAGES = {
    b"/v1/models": answer(listed(SMALL_BYTES)),
    b"/v1/batches": answer(listed(SMALL_BYTES)),
    b"/v1/files": answer(listed(LARGE_BYTES)),
    b"/v1/models/gpt-4o": answer(b'{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "bench"}'),
}
CHATS = (answer(chat(SMALL_BYTES)), answer(chat(LARGE_BYTES)))
FILE = answer(b'{"id": "file-1", "object": "file", "bytes": 1, "filename": "bench", "purpose": "batch"}')
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT, LAST_EVENTS = event("word "), event(None) + framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Vendor(asyncio.Protocol):
    """One connection. Requests come one after the other, as from every client without pipelining."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._head: bytes = b""
        self._body: bytes = b""
        self._left = 0  # bytes of the body that are still to come; -1: until the last chunk
        self._to_send = 0
        self._is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own are none by name

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._left:
            self._take(data)
            return
        data = self._head + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._head = data
            return
        self._head, self._body = data[:end], b""
        length = _LENGTH.search(data, 0, end + 2)
        if length is not None:
            self._left = int(length[1])
        elif b"\r\ntransfer-encoding: chunked" in self._head.lower():
            self._left = -1
        if self._left:
            self._take(data[end + 4 :])
        else:
            self._answer()

    def _take(self, data: bytes) -> None:
        if len(self._body) < LARGE_REQUEST_BYTES:
            self._body += data
        if self._left < 0:
            self._left = 0 if data.endswith(b"0\r\n\r\n") else -1
        else:
            self._left -= len(data)
        if not self._left:
            self._answer()

    def _answer(self) -> None:
        verb, target, _ = self._head.split(b" ", 2)
        path = target.partition(b"?")[0]
        self._head = b""
        if path.endswith(b"/content"):
            self._download(int(path.split(b"/")[-2]))
        elif verb == b"GET":
            self._write(PAGES.get(path, NOTHING))
        elif not path.endswith(b"/chat/completions"):
            self._write(FILE)
        elif _STREAMED.search(self._body):
            found = _EVENTS.search(self._body)
            self._write(STREAM_HEAD)
            self._stream(int(found[1]) if found else 1)
        else:
            self._write(CHATS[len(self._body) >= LARGE_REQUEST_BYTES])

    def _stream(self, left: int) -> None:
        if self._transport is None:
            return
        self._write(EVENT)
        if left > 1:
            self._loop.call_later(EVENT_SECONDS, self._stream, left - 1)
        else:
            self._write(LAST_EVENTS)

    def _download(self, size: int) -> None:
        self._write(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % size)
        self._to_send = size
        self.resume_writing()

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        while self._to_send and not self._is_paused:
            piece = _PIECE if self._to_send >= len(_PIECE) else _PIECE[: self._to_send]
            self._to_send -= len(piece)
            self._write(piece)

    def _write(self, content: bytes) -> None:
        if self._transport is not None:
            self._transport.write(content)


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Vendor(loop), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(main())
        except KeyboardInterrupt:
            sys.exit(0)
