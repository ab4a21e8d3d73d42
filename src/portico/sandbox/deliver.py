"""Puts an answer on the wire, spoiled as a fault demands. The only place that knows how to break a connection."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive, Send

from portico.sandbox.blobs import Blob
from portico.sandbox.dispatch import stream
from portico.sandbox.faults import Fault
from portico.sandbox.refusals import HeaderPairs, Refusal, server_failed, too_many
from portico.sandbox.wire import Answer, Events, Reply

PIECE_BYTES = 64 * 1024
# Faults that hold back, slow down or cut the bytes of an otherwise right answer.
ON_THE_WAY = ("stall", "slow", "reset", "truncate")


@dataclass(slots=True)
class Outgoing:
    """An answer ready for the wire. A body of unknown length goes out in chunks."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes]
    length: int | None


class Wire:
    """One exchange's way out: notes when the answer begins, and can break the connection off."""

    def __init__(self, send: Send, receive: Receive) -> None:
        self.status = 0
        self._send = send
        self._receive = receive

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        self.status = status
        encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def until_client_leaves(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def break_off(self, *, in_order: bool = False) -> None:
        """End the connection: reset it, or close it once what was written has left. Returns when the server knows of
        it, because otherwise it would take an answer without an end for a mistake."""
        # uvicorn's `send` is a method of the exchange, which holds the transport; ASGI itself has no word for this.
        transport: Any = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is None:
            return
        if in_order:
            transport.close()
        else:
            held: Any = transport.get_extra_info("socket")
            if held is not None:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        await self.until_client_leaves()


def pack(answer: Answer, headers: HeaderPairs) -> Outgoing:
    """Turn what a family answered into status, headers and bytes."""
    if isinstance(answer, Events):
        sent = [*headers, ("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache")]
        return Outgoing(200, sent, stream(answer), None)
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    body, kind, length = _body(reply)
    sent = [*headers, *reply.headers]
    if kind is not None:
        sent.append(("content-type", kind))
    return Outgoing(reply.status, sent, body, length)


async def deliver(wire: Wire, outgoing: Outgoing, fault: Fault | None) -> None:
    if fault is not None and fault.name == "reset" and not fault.value:
        await wire.break_off()
        return
    headers = list(outgoing.headers)
    if outgoing.length is not None and outgoing.status != 204:
        headers.append(("content-length", str(outgoing.length)))
    await wire.start(outgoing.status, headers)
    if fault is not None and fault.name in ON_THE_WAY:
        await _cut_short(wire, outgoing, fault)
        return
    if isinstance(outgoing.body, bytes):
        await wire.write(outgoing.body, more=False)
        return
    async for piece in outgoing.body:
        await wire.write(piece, more=True)
        # Let the server flush: an event is worth most when it leaves alone.
        await asyncio.sleep(0)
    await wire.write(b"", more=False)


def instead(fault: Fault) -> Answer | None:
    """The answer that takes the place of the right one, for faults that never reach a family."""
    if fault.name == "status" and "after" not in fault.settings:
        return _failed(fault)
    if fault.name == "redirect":
        return Reply(b"", 307, headers=(("location", fault.value),))
    if fault.name == "huge":
        return Reply(_padding(int(fault.number)), content_type="application/json")
    return None


def spoil(fault: Fault, outgoing: Outgoing) -> Outgoing:
    """Change an answer that a family has given, so that what was asked did happen but can't be read."""
    headers = [pair for pair in outgoing.headers if pair[0] != "content-type"]
    bodies = {
        "invalid-json": (b'{"object": "list", "data": [{"id": "x', "application/json"),
        "bad-gzip": (b"\x1f\x8b\x08\x00 this is not compressed", "application/json"),
        "empty": (b"", "application/json"),
        "wrong-type": (b"<!doctype html><title>502</title><h1>Bad gateway</h1>", "text/html; charset=utf-8"),
    }
    if fault.name == "status":
        return pack(_failed(fault), tuple(headers))
    if fault.name not in bodies:
        return outgoing
    body, kind = bodies[fault.name]
    if fault.name == "bad-gzip":
        headers.append(("content-encoding", "gzip"))
    return Outgoing(outgoing.status, [*headers, ("content-type", kind)], body, len(body))


async def _cut_short(wire: Wire, outgoing: Outgoing, fault: Fault) -> None:
    body = outgoing.body if isinstance(outgoing.body, bytes) else b"".join([piece async for piece in outgoing.body])
    if fault.name == "slow":
        step = max(1, int(fault.number / 10))
        for start in range(0, len(body), step):
            piece = body[start : start + step]
            await asyncio.sleep(len(piece) / max(1.0, fault.number))
            await wire.write(piece, more=True)
        await wire.write(b"", more=False)
        return
    first = fault.bytes_first
    if first is None:
        first = 0 if fault.name == "stall" else len(body) // 2
    await wire.write(body[:first], more=True)
    if fault.name == "stall":
        await wire.until_client_leaves()
    elif fault.name == "reset":
        # Give the bytes a moment to leave; an abort drops what is still waiting to be written.
        await asyncio.sleep(0.01)
        await wire.break_off()
    else:
        await wire.break_off(in_order=True)


def _failed(fault: Fault) -> Reply:
    status = int(fault.number)
    refusal = Refusal(status, f"This failure with status {status} was asked for.", code="sandbox_fault")
    if status >= 500:
        refusal = server_failed("This failure was asked for.", status)
    if status == 429:
        refusal = too_many("This rate limit was asked for.", int(fault.settings.get("retry-after", "1")))
    return Reply(refusal.envelope(), status, headers=refusal.headers)


async def _padding(size: int) -> AsyncIterator[bytes]:
    """A JSON object of exactly that many bytes, made on the way."""
    head, tail = b'{"padding": "', b'"}'
    yield head
    left = max(0, size - len(head) - len(tail))
    while left > 0:
        step = min(left, PIECE_BYTES)
        yield b"x" * step
        left -= step
    yield tail


async def _chunks(blob: Blob) -> AsyncIterator[bytes]:
    for chunk in blob.chunks():
        yield chunk


def _body(reply: Reply) -> tuple[bytes | AsyncIterator[bytes], str | None, int | None]:
    """Body, content type and length of a reply."""
    body = reply.body
    if body is None:
        return b"", reply.content_type, 0
    if isinstance(body, dict):
        encoded = msgspec.json.encode(body)
        return encoded, reply.content_type or "application/json", len(encoded)
    kind = reply.content_type or "application/octet-stream"
    if isinstance(body, bytes):
        return body, kind, len(body)
    return (_chunks(body), kind, body.size) if isinstance(body, Blob) else (body, kind, None)
