"""Calls of our own whose answers are wanted whole: executed like any other, then read to the end."""

import asyncio
from typing import Any

from msgspec import structs

from portico.errors import VendorGarbled, VendorTimeout, VendorTooLarge
from portico.gateway.answer import inflate
from portico.gateway.execute import execute
from portico.gateway.parts import Parts
from portico.model.call import Answer, Call
from portico.model.caller import Caller
from portico.shapes import NotJson, decode

PATIENCE_SECONDS = 60.0


async def ask(caller: Caller, call: Call, parts: Parts) -> Any:
    """The JSON that the vendor answered; its refusals and ours are raised."""
    content = (await fetch(caller, call, parts)).content
    try:
        return decode(content) if content else None
    except NotJson as problem:
        raise VendorGarbled from problem


async def fetch(caller: Caller, call: Call, parts: Parts) -> Answer:
    """The answer with its whole content, uncompressed. Nobody waits longer than a minute, or as long as was asked."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS + call.patience.max_seconds):
            answer = await execute(caller, call, parts)
            content = await _whole(answer, parts.settings.reshape_limit_bytes)
    except TimeoutError:
        raise VendorTimeout from None
    return structs.replace(answer, content=content, stream=None)


async def _whole(answer: Answer, limit_bytes: int) -> bytes:
    encoding = answer.header("content-encoding") or ""
    if answer.stream is None:
        return inflate(answer.content or b"", encoding, limit_bytes)
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in answer.stream:
            pieces.append(piece)
            size += len(piece)
            if size > limit_bytes:
                raise VendorTooLarge
    finally:
        await answer.stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- an async generator
    return inflate(b"".join(pieces), encoding, limit_bytes)
