"""UpstreamResponse → Answer, or the VendorFailure that it amounts to. What need not be read is passed on unread."""

import re
import zlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from portico import errors
from portico.gateway import pages, rates
from portico.model.call import Answer, Call, HeaderPairs
from portico.model.operation import Failing, Integration, Operation
from portico.shapes import NotJson, decode, is_record
from portico.upstream.transport import UpstreamRequest, UpstreamResponse

# Small answers are read at once and leave in one piece; anything else flows through.
AT_ONCE_BYTES = 131_072
FAILURE_BYTES = 1_048_576
MOST_SCOPES = 20
_SCOPES = re.compile(r"\s*[\w.:*/-]{1,100}(?:,\s*[\w.:*/-]{1,100})*")
# Belongs to one connection, to the vendor's edge, or to a body that we may have reshaped.
_DROPPED = frozenset(
    {
        "alt-svc", "connection", "keep-alive", "nel", "proxy-authenticate", "proxy-connection", "report-to", "server",
        "set-cookie", "strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade",
        "content-length", "date",
    }
)  # fmt: skip


async def read_raw(response: UpstreamResponse, request: UpstreamRequest, integration: Integration) -> Answer:
    """Whatever the vendor said, as it said it."""
    headers = _headers(response, integration)
    headers = _guard_redirect(response, request, headers)
    length = response.header("content-length")
    if response.status in {204, 304} or request.verb == "HEAD":
        response.release()
        if request.verb == "HEAD" and length:
            headers.append(("content-length", length))  # of the body that a GET would have
        return Answer(status=response.status, headers=headers, content=b"", request_url=request.url)
    if length.isdigit() and int(length) <= AT_ONCE_BYTES:
        content = await response.read(AT_ONCE_BYTES)
        return Answer(status=response.status, headers=headers, content=content, request_url=request.url)
    if length:
        headers.append(("content-length", length))
    return await _streamed(response, headers, request)


class Reading(Struct, frozen=True, kw_only=True):
    """What is known when an answer is read: who was asked what, and how much may be read whole."""

    operation: Operation
    integration: Integration
    call: Call
    asked: dict[str, Any]
    part: pages.Part = pages.WHOLE
    limit_bytes: int


async def read(reading: Reading, response: UpstreamResponse, request: UpstreamRequest) -> Answer:
    """The answer as the operation promises it; raises VendorFailure for a vendor's error."""
    if response.status >= 400:
        raise await failure(response, reading.integration)
    page, integration, limit_bytes = reading.operation.page, reading.integration, reading.limit_bytes
    if page is None or not reading.call.shaped:
        return await read_raw(response, request, integration)
    headers = _guard_redirect(response, request, _headers(response, integration))
    content = inflate(await response.read(limit_bytes), response.header("content-encoding"), limit_bytes)
    headers = [(name, value) for name, value in headers if name.lower() not in {"content-encoding", "content-type"}]
    return Answer(
        status=response.status,
        headers=headers,
        content=content,
        page=pages.read(page, content, reading.asked, reading.part),
        request_url=request.url,
    )


async def failure(response: UpstreamResponse, integration: Integration) -> errors.VendorFailure:
    try:
        raw = await response.read(FAILURE_BYTES)
        raw = inflate(raw, response.header("content-encoding"), FAILURE_BYTES)
    except (errors.VendorTooLarge, errors.VendorEncoding, errors.VendorInterrupted):
        raw = b""  # the status says enough
    sentence = sentence_of(integration.failure, raw)
    scopes = missing_scopes(integration.failure, sentence)
    if not sentence:
        sentence = f"{integration.label} answered with status {response.status} and no message."
    headers = [pair for pair in _headers(response, integration) if not pair[0].lower().startswith("content-")]
    return errors.VendorFailure(response.status, raw, sentence=sentence, vendor_headers=headers, missing_scopes=scopes)


def sentence_of(failing: Failing, raw: bytes) -> str:
    """The vendor's own sentence, wherever its error body keeps it."""
    try:
        body: Any = decode(raw) if raw else None
    except NotJson:
        return ""
    for path in (failing.message, "message", "error.message", "error", "detail"):
        found = at(body, path) if path else None
        if isinstance(found, str) and found:
            return found
    return ""


def plain(answer: Answer) -> bytes:
    """What a vendor's answer says, without its compression; nothing where it cannot be read.

    Of a failure that streams it is the piece that came first: nearly always the whole, and nothing has to wait for it.
    """
    try:
        return inflate(answer.content or answer.head, answer.header("content-encoding") or "", FAILURE_BYTES)
    except (errors.VendorTooLarge, errors.VendorEncoding):
        return b""


def missing_scopes(failing: Failing, sentence: str) -> list[str]:
    """The scopes that the vendor's sentence says the key lacks; none where it names none."""
    _, words, after = sentence.partition(failing.missing_scopes) if failing.missing_scopes else ("", "", "")
    named = _SCOPES.match(after) if words else None
    # A scope may hold dots; the one that ends the sentence is none of it.
    return [each.strip().rstrip(".") for each in named[0].split(",")][:MOST_SCOPES] if named else []


def at(value: Any, path: str) -> Any:
    """What a dotted path leads to in a JSON value; None where it leads nowhere."""
    for name in path.split("."):
        if not is_record(value):
            return None
        value = value.get(name)
    return value


def inflate(content: bytes, encoding: str, limit_bytes: int) -> bytes:
    """The body without its compression; VendorTooLarge as soon as it grows past the limit."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return content
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise errors.VendorEncoding
    inflater = zlib.decompressobj(wbits=15 if encoding == "deflate" else 47)
    try:
        plain = inflater.decompress(content, limit_bytes + 1)
    except zlib.error:
        raise errors.VendorEncoding from None
    if len(plain) > limit_bytes:
        raise errors.VendorTooLarge
    if not inflater.eof:
        raise errors.VendorEncoding
    return plain


async def _streamed(response: UpstreamResponse, headers: HeaderPairs, request: UpstreamRequest) -> Answer:
    """A stream whose first piece has arrived: until then an error can still be told with its own status."""
    stream = response.stream()
    first = await anext(stream, None)
    if first is None:
        return Answer(status=response.status, headers=headers, content=b"", request_url=request.url)

    async def whole() -> AsyncIterator[bytes]:
        try:
            yield first
            async for piece in stream:
                yield piece
        finally:
            await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] -- an async generator

    head = first if response.status >= 400 else b""
    return Answer(status=response.status, headers=headers, stream=whole(), head=head, request_url=request.url)


def _headers(response: UpstreamResponse, integration: Integration) -> HeaderPairs:
    lowered = [(name.lower(), value) for name, value in response.headers]
    kept = [pair for pair in lowered if pair[0] not in _DROPPED]
    if response.header("connection"):
        named = {word.strip().lower() for name, value in lowered if name == "connection" for word in value.split(",")}
        kept = [pair for pair in kept if pair[0] not in named]
    return kept + rates.normalise(integration.rate_limits, response.header)


def _guard_redirect(response: UpstreamResponse, request: UpstreamRequest, headers: HeaderPairs) -> HeaderPairs:
    location = response.header("location")
    if not 300 <= response.status < 400 or not location:
        return headers
    if urlsplit(urljoin(request.url, location)).netloc != urlsplit(request.url).netloc:
        response.release()
        raise errors.VendorRedirect
    return headers
