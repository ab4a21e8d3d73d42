"""The one envelope: an answer as `{"result": …, "next_cursor": …}`, spliced around the vendor's own bytes.

A single object keeps the vendor's shape, as the reference does; lists and custom methods are enclosed.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
from msgspec import structs

from portico.errors import Failure, VendorGarbled, VendorTooLarge
from portico.gateway.answer import inflate
from portico.model.call import Answer, ByteStream, HeaderPairs, Page
from portico.shapes import NotJson, decode, is_list, is_record

FORMATS = ("unified", "normalized", "raw", "stream", "debug")
# What the reference calls a wish to make no call. To take it and act all the same would be the worst of all answers.
SKIP = "truto_skip_api_call"
_STANDARD = frozenset({"list", "get", "create", "update", "delete"})
# No catalog has a method of this name. The reference tells cursors of such calls; ours are the vendor's, in its body.
CUSTOM = "/custom"
_NO_CURSORS: dict[str, Any] = {"next_cursor": None, "prev_cursor": None}
_NO_CURSORS_TAIL = b',"next_cursor":null,"prev_cursor":null}'
_encoder = msgspec.json.Encoder()
_JSON_HEADER = ("content-type", "application/json")


def refuse_skipping(said: str) -> list[Failure]:
    """What is wrong with asking for no call to be made; nothing where that was not asked."""
    if said.lower() in {"", "false", "0"}:
        return []
    instead = "leave it out; portico_dry_run in the Unified API and dry_run of a tool show a request and send none"
    return [Failure(SKIP, "cannot be kept: the call would be made all the same", instead)]


async def enclose(
    answer: Answer, method: str, chosen: str, excluded: Iterable[str] = (), limit_bytes: int = 33_554_432
) -> Answer:
    """The answer in the format that was asked for. The method of the Custom API is CUSTOM."""
    if chosen in {"raw", "stream"} or answer.is_preview or not (answer.page or _is_json(answer)):
        return answer
    if answer.page is None and method in _STANDARD - {"list"} and chosen != "debug" and not excluded:
        return answer
    if answer.page is None and answer.header("content-encoding"):
        answer = await _plain(answer, limit_bytes)
    if chosen == "debug" or excluded or (method == "list" and answer.page is None):
        return await _reshaped(answer, method, chosen, tuple(excluded), limit_bytes)
    if answer.page is not None:
        return _with(answer, page_bytes(answer.page))
    tail = _NO_CURSORS_TAIL if method == CUSTOM else b"}"
    if answer.stream is not None:
        headers = [pair for pair in answer.headers if pair[0].lower() != "content-length"]
        return structs.replace(answer, headers=headers, stream=_around(answer.stream, tail))
    return structs.replace(answer, content=b'{"result":' + (answer.content or b"null") + tail)


def page_bytes(page: Page) -> bytes:
    """A page as JSON; the items are the vendor's bytes, untouched."""
    tail = _encoder.encode(
        {"next_cursor": page.next_cursor, "prev_cursor": page.prev_cursor, "result_count": page.count}
    )
    return b'{"result":' + page.items + b"," + tail[1:]


async def _reshaped(answer: Answer, method: str, chosen: str, excluded: tuple[str, ...], limit_bytes: int) -> Answer:
    content = answer.page.items if answer.page else await whole(answer, limit_bytes)
    try:
        value: Any = decode(content)
    except NotJson as problem:
        raise VendorGarbled from problem
    for name in excluded:
        remove(value, name.split("."))
    body: Any = value
    if method == "list" and answer.page is None:
        items = value if is_list(value) else [value]
        body = {"result": items, "next_cursor": None, "prev_cursor": None, "result_count": len(items)}
    elif answer.page is not None:
        page = answer.page
        cursors = {"next_cursor": page.next_cursor, "prev_cursor": page.prev_cursor, "result_count": page.count}
        body = {"result": value, **cursors}
    elif method not in _STANDARD or chosen == "debug":
        body = {"result": value} | (_NO_CURSORS if method == CUSTOM else {})
    if chosen == "debug":
        body["debug"] = _debug(answer, body)
    return _with(answer, msgspec.json.encode(body))


async def _plain(answer: Answer, limit_bytes: int) -> Answer:
    """Nothing can be put around a compressed body, so the compression goes first."""
    content = inflate(await whole(answer, limit_bytes), answer.header("content-encoding") or "", limit_bytes)
    gone = {"content-length", "content-encoding"}
    headers = [pair for pair in answer.headers if pair[0].lower() not in gone]
    return structs.replace(answer, headers=headers, content=content, stream=None)


def _debug(answer: Answer, body: dict[str, Any]) -> dict[str, Any]:
    page = answer.page
    return {
        "requestUrl": answer.request_url,
        "requestOptions": {"headers": {"Authorization": "[hidden]"}},
        "data": msgspec.Raw(answer.content) if answer.content else body["result"],
        "responseHeaders": dict(answer.headers),
        "nextCursor": page.next_cursor if page else None,
        "isLooping": False,
        "isEmptyResult": body["result"] in ([], None),
        "resultCount": page.count if page else (len(body["result"]) if is_list(body["result"]) else 1),
    }


async def whole(answer: Answer, limit_bytes: int) -> bytes:
    """All of an answer's body."""
    if answer.stream is None:
        return answer.content or b""
    pieces: list[bytes] = []
    total = 0
    try:
        async for piece in answer.stream:
            pieces.append(piece)
            total += len(piece)
            if total > limit_bytes:
                raise VendorTooLarge
    finally:
        await answer.stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- an async generator
    return b"".join(pieces)


def _with(answer: Answer, content: bytes) -> Answer:
    headers: HeaderPairs = [
        pair for pair in answer.headers if pair[0].lower() not in {"content-type", "content-length", "content-encoding"}
    ]
    return structs.replace(answer, headers=[*headers, _JSON_HEADER], content=content, stream=None)


async def _around(stream: ByteStream, tail: bytes) -> AsyncIterator[bytes]:
    try:
        yield b'{"result":'
        async for piece in stream:
            yield piece
        yield tail
    finally:
        await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- an async generator


def _is_json(answer: Answer) -> bool:
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def remove(value: Any, path: list[str]) -> None:
    """A field gone from a record, or from every record of a list."""
    if is_list(value):
        for item in value:
            remove(item, path)
    elif is_record(value):
        if len(path) == 1:
            value.pop(path[0], None)
        else:
            remove(value.get(path[0]), path[1:])
