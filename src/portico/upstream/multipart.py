"""Writes multipart/form-data as a stream: fields first, then files, none of which is held whole."""

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

ByteStream = AsyncIterator[bytes]


class Field(NamedTuple):
    name: str
    value: str


class FilePart(NamedTuple):
    name: str
    filename: str
    content_type: str
    content: bytes | ByteStream
    size_bytes: int | None


class Form(NamedTuple):
    """A body ready to send; `size_bytes` is None when a file's length is not known beforehand."""

    content_type: str
    content: ByteStream
    size_bytes: int | None


def encode(parts: Sequence[Field | FilePart], boundary: str = "") -> Form:
    boundary = boundary or f"portico-{secrets.token_hex(16)}"
    heads = [_head(part, boundary) for part in parts]
    end = f"--{boundary}--\r\n".encode()
    sizes = [_size(part) for part in parts]
    total = None
    if None not in sizes:
        total = sum(len(head) + 2 for head in heads) + sum(size or 0 for size in sizes) + len(end)
    return Form(f"multipart/form-data; boundary={boundary}", _write(parts, heads, end), total)


async def _write(parts: Sequence[Field | FilePart], heads: Sequence[bytes], end: bytes) -> ByteStream:
    for part, head in zip(parts, heads, strict=True):
        yield head
        if isinstance(part, Field):
            yield part.value.encode()
        elif isinstance(part.content, bytes):
            yield part.content
        else:
            async for chunk in part.content:
                yield chunk
        yield b"\r\n"
    yield end


def _head(part: Field | FilePart, boundary: str) -> bytes:
    lines = [f"--{boundary}", f'Content-Disposition: form-data; name="{_quoted(part.name)}"']
    if isinstance(part, FilePart):
        lines[1] += f'; filename="{_quoted(part.filename)}"'
        lines.append(f"Content-Type: {_plain(part.content_type)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _size(part: Field | FilePart) -> int | None:
    if isinstance(part, Field):
        return len(part.value.encode())
    return len(part.content) if isinstance(part.content, bytes) else part.size_bytes


def _quoted(text: str) -> str:
    """As browsers write names in forms: a quote or line break is percent-encoded, everything else is left."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _plain(text: str) -> str:
    return text.replace("\r", "").replace("\n", "") or "application/octet-stream"
