"""What a vendor answers in bytes becomes a file with a link, and what can be told or shown of it."""

import base64
import binascii
import re
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.gateway import shorten
from portico.gateway.files import FileShelf, Kept, Linked
from portico.model.account import EnvironmentId
from portico.model.call import Answer
from portico.shapes import Json, is_list, is_record
from portico.toolbox import kinds, pictures, results, sounds
from portico.toolbox.pictures import Shrinker
from portico.toolbox.results import ToolResult

INLINE_IMAGE_BYTES = 524_288
INLINE_AUDIO_BYTES = 262_144
HEAD_BYTES, TAIL_BYTES = 524_288, 65_536
# Shorter than the one it is no file, longer than the other it is one whatever it holds.
_SHORTEST_FILE, _SURELY_FILE = 200, 2048
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]+")
# As JSON writes it: plainly, or with a letter of it spelled as an escape.
_MAY_BE_BASE64 = re.compile(rb'"[A-Za-z0-9+/=_-]{%d}|\\[/u]' % _SHORTEST_FILE)
_PAGES = re.compile(rb"/Type\s*/Pages\b[^>]*?/Count\s+(\d+)|/Count\s+(\d+)[^>]*?/Type\s*/Pages\b", re.DOTALL)
_PREVIEW, _PREVIEW_CHARACTERS, _SHORTEST_PREVIEW = "preview", 2000, 20
# What stands around base64 in an answer, so that the whole still fits.
_ROOM = 2000
_OFF = "Files are switched off on this server, so it was not kept."


class Keeping(Struct, frozen=True, kw_only=True):
    """For whom a file is kept, and what its reader is to see. `limit`: characters that an answer may have."""

    environment_id: EnvironmentId
    account_id: str
    limit: int
    is_off: bool = False
    wants_base64: bool = False


def may_hold_files(content: bytes) -> bool:
    """Whether JSON has a text in it that `lift` could take for a file: a look or two instead of a walk."""
    return _has_long_text(content) and _MAY_BE_BASE64.search(content) is not None


def _has_long_text(content: bytes) -> bool:
    """Whether somewhere as many bytes as the shortest file has stand between two quotation marks."""
    start, last = 0, len(content) - _SHORTEST_FILE
    while start <= last:
        mark = content.rfind(b'"', start, start + _SHORTEST_FILE)
        if mark < 0:
            return True
        start = mark + 1  # whatever is long enough begins behind it
    return False


class Glimpse:
    """The beginning and the end of what passes; of a picture that may need a thumbnail, all of it."""

    def __init__(self) -> None:
        self.head, self.tail = bytearray(), bytearray()
        self.size = 0
        self._most = HEAD_BYTES

    async def watch(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in stream:
            self.take(piece)
            yield piece

    def take(self, piece: bytes) -> "Glimpse":
        if not self.size and kinds.sniff(piece) == "image/png":
            self._most = pictures.MOST_BYTES
        self.size += len(piece)
        if len(self.head) < self._most:
            self.head += piece[: self._most - len(self.head)]
        self.tail = (self.tail + piece[-TAIL_BYTES:])[-TAIL_BYTES:]
        return self

    @property
    def is_whole(self) -> bool:
        return self.size == len(self.head)


class Artifacts:
    def __init__(self, shelf: FileShelf) -> None:
        self._shelf, self._shrinker = shelf, Shrinker()

    async def give(self, answer: Answer, keeping: Keeping, name: str) -> ToolResult:
        """A binary answer as a stored file with a link, and what can be told and shown of it."""
        told = answer.header("content-type") or ""
        if keeping.is_off:
            await _let_go(answer.stream)
            return results.of_value({"content_type": told or kinds.UNKNOWN, "note": _OFF})
        stream = _stream(answer)
        first = await anext(stream, b"")
        kind = kinds.settle(told, first)
        filename = name + kinds.ending(kind)
        glimpse = Glimpse()
        linked = await self._shelf.keep(_kept(keeping, filename, kind), glimpse.watch(_chained(first, stream)))
        facts: Json = {
            "file": linked.file.id,
            "url": linked.url,
            "filename": filename,
            "content_type": kind,
            "bytes": linked.file.size_bytes,
            "expires_at": iso(linked.file.expires_at),
        }
        shown = await self._shown(kind, glimpse, facts, keeping)
        _cut_preview(facts, keeping.limit)
        return results.of_value(facts, blocks=[_link(linked), *shown])

    async def lift(self, value: Any, keeping: Keeping) -> tuple[Any, list[Json]]:
        """Long base64 inside a JSON answer becomes stored files; small pictures are shown as such."""
        blocks: list[Json] = []
        return await self._lift(value, keeping, blocks), blocks

    async def _lift(self, value: Any, keeping: Keeping, blocks: list[Json]) -> Any:
        if isinstance(value, str) and len(value) >= _SHORTEST_FILE and _BASE64.fullmatch(value):
            return await self._lift_text(value, keeping, blocks)
        if is_list(value):
            return [await self._lift(each, keeping, blocks) for each in value]
        if is_record(value):
            return {name: await self._lift(each, keeping, blocks) for name, each in value.items()}
        return value

    async def _lift_text(self, text: str, keeping: Keeping, blocks: list[Json]) -> Any:
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return text
        kind = kinds.sniff(content)
        if kind == kinds.UNKNOWN and len(text) < _SURELY_FILE:
            return text
        facts: Json = {"content_type": kind, "bytes": len(content)}
        if keeping.is_off:
            return facts | {"note": _OFF}
        linked = await self._shelf.keep(_kept(keeping, f"file{kinds.ending(kind)}", kind), _once(content))
        facts = {"file": linked.file.id, "url": linked.url, **facts}
        blocks.append(_link(linked))
        blocks += await self._shown(kind, Glimpse().take(content), facts, keeping)
        return facts

    async def _shown(self, kind: str, glimpse: Glimpse, facts: Json, keeping: Keeping) -> list[Json]:
        """Blocks to look at or listen to; what can be told in words goes into the facts."""
        head, tail = bytes(glimpse.head), bytes(glimpse.tail)
        facts |= _told(kind, glimpse)
        if keeping.wants_base64:
            facts |= _as_base64(kind, glimpse, keeping.limit)
        if kinds.is_shown_picture(kind):
            if glimpse.size <= INLINE_IMAGE_BYTES:
                return [results.image(base64.b64encode(head).decode(), kind)]
            small = await self._shrinker.thumbnail(kind, head) if glimpse.is_whole else None
            return [results.image(base64.b64encode(small).decode(), kind)] if small else []
        if kind.startswith("audio/"):
            if (lasts := sounds.seconds(kind, head, tail, glimpse.size)) is not None:
                facts["duration_seconds"] = round(lasts, 1)
            is_small = glimpse.size <= INLINE_AUDIO_BYTES
            return [results.audio(base64.b64encode(head).decode(), kind)] if is_small else []
        return []


def _told(kind: str, glimpse: Glimpse) -> Json:
    head = bytes(glimpse.head)
    if size := pictures.size_of(kind, head):
        return {"width": size[0], "height": size[1]}
    if kind == "application/pdf":
        counts = [int(a or b) for part in (head, bytes(glimpse.tail)) for a, b in _PAGES.findall(part)]
        return {"pages": max(counts)} if counts else {}
    if kinds.is_text(head) and head:
        lines = {"lines": len(head.splitlines())} if glimpse.is_whole else {}
        return {_PREVIEW: head[: _PREVIEW_CHARACTERS * 4].decode("utf-8", "replace")[:_PREVIEW_CHARACTERS], **lines}
    return {}


def _cut_preview(facts: Json, limit: int) -> None:
    """So that the whole fits; all else that is told is short, or was measured."""
    if _PREVIEW in facts and shorten.size_of(facts) > limit:
        room = limit - shorten.size_of(facts | {_PREVIEW: ""})
        facts[_PREVIEW] = shorten.head(facts[_PREVIEW], max(room, _SHORTEST_PREVIEW))


def _as_base64(kind: str, glimpse: Glimpse, limit: int) -> Json:
    """For whoever asked: what is of a known kind and fits."""
    if kind == kinds.UNKNOWN and not kinds.is_text(bytes(glimpse.head)):
        return {"note": "Not given as base64: nobody knows what kind of file it is. Fetch it at the url."}
    size = -(-glimpse.size // 3) * 4
    if size + _ROOM > limit or not glimpse.is_whole:
        return {"note": f"Not given as base64: {size} characters do not fit into {limit}. Fetch it at the url."}
    return {"base64": base64.b64encode(glimpse.head).decode()}


def _kept(keeping: Keeping, name: str, kind: str) -> Kept:
    return Kept(environment_id=keeping.environment_id, account_id=keeping.account_id, name=name, content_type=kind)


def _link(linked: Linked) -> Json:
    return results.link(linked.url, linked.file.name, linked.file.content_type, linked.file.size_bytes)


async def _stream(answer: Answer) -> AsyncIterator[bytes]:
    if answer.stream is None:
        yield answer.content or b""
        return
    try:
        async for piece in answer.stream:
            yield piece
    finally:
        await _let_go(answer.stream)


async def _let_go(stream: Any) -> None:
    """Give up what is still to come, with the connection that it comes over."""
    if (close := getattr(stream, "aclose", None)) is not None:
        await close()


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
