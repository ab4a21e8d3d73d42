"""Takes a request's body in: whole bodies and forms are spooled, so that a very large upload never sits in memory."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from portico.sandbox.blobs import Blob
from portico.sandbox.refusals import invalid
from portico.sandbox.values import FormText, Values
from portico.sandbox.wire import Upload


class Gone(Exception):
    """The client went away before its request was complete."""


@dataclass(slots=True)
class Body:
    """A body as it arrived. A form has `form` and `files`; anything else is `raw`."""

    size: int = 0
    sha256: str = ""
    raw: Blob = field(default_factory=Blob)
    form: Values | None = None
    files: dict[str, list[Upload]] = field(default_factory=dict[str, list[Upload]])
    # Why a form could not be read; raised once the request is known to be otherwise acceptable.
    broken: Exception | None = None


async def read_body(receive: Receive, content_type: str) -> Body:
    body, digest = Body(), hashlib.sha256()
    kind, options = parse_options_header(content_type)
    form = FormReader(options[b"boundary"]) if kind == b"multipart/form-data" and b"boundary" in options else None
    take: Callable[[bytes], None] = form.write if form else body.raw.append
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if chunk:
            body.size += len(chunk)
            digest.update(chunk)
            take(chunk)
    body.sha256 = digest.hexdigest()
    if form is not None:
        form.finish(body)
    elif kind == b"application/x-www-form-urlencoded":
        body.form = Values.from_query(body.raw.read().decode("utf-8", "replace"))
    return body


class FormReader:
    """Reads multipart/form-data as it comes, each file into its own blob."""

    def __init__(self, boundary: bytes) -> None:
        self._pairs: list[tuple[str, str]] = []
        self._files: dict[str, list[Upload]] = {}
        self._broken: Exception | None = None
        self._complete = False
        self._field, self._value = b"", b""
        self._headers: dict[bytes, bytes] = {}
        self._blob = Blob()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._done,
            },
        )

    def write(self, data: bytes) -> None:
        if self._broken is None:
            try:
                self._parser.write(data)
            except FormParserError as failure:
                self._broken = failure

    def finish(self, body: Body) -> None:
        body.form, body.files = Values(self._pairs), self._files
        if self._broken is not None or not self._complete:
            body.broken = invalid("The multipart body of this request could not be read.", None, None)

    def _begin(self) -> None:
        self._headers, self._blob = {}, Blob()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._value
        self._field, self._value = b"", b""

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._blob.append(data[start:end])

    def _end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options:
            filename = options[b"filename"].decode("utf-8", "replace")
            kind = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
            self._files.setdefault(name, []).append(Upload(filename, kind, self._blob))
        else:
            self._pairs.append((name, FormText(self._blob.read().decode("utf-8", "replace"))))

    def _done(self) -> None:
        self._complete = True
