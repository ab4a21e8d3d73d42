"""Files in both directions: a file argument in any of its forms → an upload; a binary answer → a link and a preview."""

import base64
import binascii
import mimetypes
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, NotFound, Refusal, VendorFailure
from portico.gateway.files import FileShelf
from portico.model.account import EnvironmentId
from portico.model.call import Answer, Upload
from portico.model.offered import Offered
from portico.shapes import Json, is_list, is_record
from portico.toolbox import results
from portico.upstream.transport import Transport, UpstreamRequest

FORMS = "{text}, {base64}, {url} or {file: id of a stored file}, each with an optional filename"
MOST_FETCHED_BYTES = 104_857_600
INLINE_IMAGE_BYTES = 524_288
INLINE_AUDIO_BYTES = 262_144
# Shorter than the one it is no file, longer than the other it is one whatever it holds.
_SHORTEST_FILE, _SURELY_FILE = 200, 2048
_BASE64 = re.compile(r"[A-Za-z0-9+/=_-]+")
_PREVIEW_CHARACTERS = 2000
_UNKNOWN = "application/octet-stream"


class FileComfort:
    def __init__(self, shelf: FileShelf, transport: Transport) -> None:
        self._shelf, self._transport = shelf, transport

    async def take(
        self, operation: Offered, arguments: Json, environment_id: EnvironmentId
    ) -> tuple[Json, dict[str, Sequence[Upload]]]:
        """The arguments without their files, and the files as uploads."""
        names = {each.name for each in operation.parameters if each.place == "upload"}
        if "application/json" in operation.content_types:  # there, a reference to what the vendor has already may stand
            names = {name for name in names if not _is_reference(arguments.get(name))}
        uploads: dict[str, Sequence[Upload]] = {}
        for name in names & arguments.keys():
            given: Any = arguments[name]
            if is_list(given):
                uploads[name] = [
                    await self._upload(f"{name}[{i}]", each, environment_id) for i, each in enumerate(given)
                ]
            else:
                uploads[name] = [await self._upload(name, given, environment_id)]
        return {name: value for name, value in arguments.items() if name not in names}, uploads

    async def give(
        self, answer: Answer, environment_id: EnvironmentId, account_id: str, name: str
    ) -> results.ToolResult:
        """A binary answer as a stored file with a link, and what can be shown of it as such when it is small."""
        content_type = (answer.header("content-type") or "application/octet-stream").partition(";")[0].strip()
        filename = name + (mimetypes.guess_extension(content_type) or "")
        head = _Head(INLINE_IMAGE_BYTES)
        linked = await self._shelf.keep(environment_id, account_id, filename, content_type, head.watch(_stream(answer)))
        facts: Json = {
            "file": linked.file.id,
            "url": linked.url,
            "filename": filename,
            "content_type": content_type,
            "bytes": linked.file.size_bytes,
            "expires_at": iso(linked.file.expires_at),
        }
        blocks = [results.link(linked.url, filename, content_type, linked.file.size_bytes)]
        blocks += _preview(head, content_type, linked.file.size_bytes, facts)
        return results.of_value(facts, blocks=blocks)

    async def lift(self, value: Any, environment_id: EnvironmentId, account_id: str) -> tuple[Any, list[Json]]:
        """Long base64 inside a JSON answer becomes stored files; small pictures are shown as such."""
        blocks: list[Json] = []
        return await self._lift(value, environment_id, account_id, blocks), blocks

    async def _lift(self, value: Any, environment_id: EnvironmentId, account_id: str, blocks: list[Json]) -> Any:
        if isinstance(value, str) and len(value) >= _SHORTEST_FILE and _BASE64.fullmatch(value):
            return await self._lift_text(value, environment_id, account_id, blocks)
        if is_list(value):
            return [await self._lift(each, environment_id, account_id, blocks) for each in value]
        if is_record(value):
            return {name: await self._lift(each, environment_id, account_id, blocks) for name, each in value.items()}
        return value

    async def _lift_text(self, text: str, environment_id: EnvironmentId, account_id: str, blocks: list[Json]) -> Any:
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return text
        content_type = _sniff(content)
        if content_type == _UNKNOWN and len(text) < _SURELY_FILE:
            return text
        filename = f"file{mimetypes.guess_extension(content_type) or '.bin'}"
        linked = await self._shelf.keep(environment_id, account_id, filename, content_type, _once(content))
        blocks.append(results.link(linked.url, filename, content_type, len(content)))
        if content_type.startswith("image/") and len(content) <= INLINE_IMAGE_BYTES:
            blocks.append(results.image(text, content_type))
        return {"file": linked.file.id, "url": linked.url, "content_type": content_type, "bytes": len(content)}

    async def _upload(self, where: str, given: Any, environment_id: EnvironmentId) -> Upload:
        forms = [form for form in ("text", "base64", "url", "file") if is_record(given) and given.get(form) is not None]
        if len(forms) != 1:
            raise InvalidArguments([Failure(where, "is not a file", FORMS)])
        filename = str(given.get("filename") or "")
        content_type = str(given.get("content_type") or "")
        value = str(given[forms[0]])
        if forms[0] == "url":
            return await self._fetched(where, value, filename, content_type)
        if forms[0] == "file":
            return await self._stored(where, value, filename, content_type, environment_id)
        content = value.encode() if forms[0] == "text" else _decoded(where, value)
        filename = filename or ("file.txt" if forms[0] == "text" else "file.bin")
        return Upload(
            filename=filename,
            content=content,
            content_type=content_type or mimetypes.guess_type(filename)[0] or "application/octet-stream",
            size_bytes=len(content),
        )

    async def _stored(
        self, where: str, file_id: str, filename: str, content_type: str, environment_id: EnvironmentId
    ) -> Upload:
        try:
            file = await self._shelf.find(environment_id, file_id)
        except NotFound as problem:
            raise InvalidArguments([Failure(where, problem.sentence)]) from None
        return Upload(
            filename=filename or file.name,
            content=self._shelf.read(file),
            content_type=content_type or file.content_type,
            size_bytes=file.size_bytes,
        )

    async def _fetched(self, where: str, url: str, filename: str, content_type: str) -> Upload:
        """Fetched without any key, from public addresses only, with no redirect followed."""
        if urlsplit(url).scheme != "https":
            raise InvalidArguments([Failure(where, "only https addresses are fetched")])
        try:
            response = await self._transport.send(UpstreamRequest(verb="GET", url=url, headers=[("Accept", "*/*")]))
            if response.status != 200:
                response.release()
                raise InvalidArguments([Failure(where, f"the address answered with status {response.status}")])
            content = await response.read(MOST_FETCHED_BYTES)
        except (VendorFailure, InvalidArguments):
            raise
        except Refusal as problem:
            raise InvalidArguments([Failure(where, f"cannot be fetched: {problem.sentence}")]) from None
        name = filename or unquote(urlsplit(url).path.rpartition("/")[2]) or "file.bin"
        kind = content_type or response.header("content-type").partition(";")[0] or "application/octet-stream"
        return Upload(filename=name, content=content, content_type=kind, size_bytes=len(content))


def _is_reference(given: Any) -> bool:
    each = given[0] if is_list(given) and given else given
    return is_record(each) and not each.keys() & {"text", "base64", "url", "file"}


class _Head:
    """Remembers the beginning of a stream while it passes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.content = bytearray()

    async def watch(self, stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in stream:
            if len(self.content) <= self._most:
                self.content += piece
            yield piece


def _preview(head: _Head, content_type: str, size: int, facts: Json) -> list[Json]:
    if content_type.startswith("image/") and size <= INLINE_IMAGE_BYTES:
        return [results.image(base64.b64encode(head.content).decode(), content_type)]
    if content_type.startswith("audio/") and size <= INLINE_AUDIO_BYTES:
        return [results.audio(base64.b64encode(head.content).decode(), content_type)]
    if _looks_like_text(bytes(head.content[:4096])):
        facts["preview"] = head.content[: _PREVIEW_CHARACTERS * 4].decode("utf-8", "replace")[:_PREVIEW_CHARACTERS]
    return []


def _looks_like_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError as problem:
        if problem.start < len(content) - 4:
            return False
        text = content[: problem.start].decode()
    return "\x00" not in text


def _sniff(content: bytes) -> str:
    signatures = (
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"RIFF", "image/webp" if content[8:12] == b"WEBP" else "audio/wav"),
        (b"ID3", "audio/mpeg"),
        (b"%PDF", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
    )
    return next((kind for start, kind in signatures if content.startswith(start)), _UNKNOWN)


def _decoded(where: str, text: str) -> bytes:
    try:
        return base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidArguments([Failure(where, "is not valid base64")]) from None


async def _stream(answer: Answer) -> AsyncIterator[bytes]:
    if answer.stream is None:
        yield answer.content or b""
        return
    async for piece in answer.stream:
        yield piece


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
