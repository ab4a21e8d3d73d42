"""The first file of a multipart form, as a stream: nothing of it is held whole or written anywhere unsealed."""

from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple

from python_multipart.multipart import MultipartParser, parse_options_header

from portico.errors import Failure, InvalidArguments


class FilePart(NamedTuple):
    filename: str
    content_type: str
    content: AsyncIterator[bytes]


class _Reader:
    """Collects what the parser calls out: headers of a part, its data, its end."""

    def __init__(self, boundary: bytes) -> None:
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self.filename: str | None = None
        self.content_type = "application/octet-stream"
        self.data: deque[bytes] = deque()
        self._in_file = self.is_over = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._name,
                "on_header_value": self._value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
            },
        )

    def feed(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except Exception as problem:
            raise InvalidArguments([Failure("", "the form is malformed")]) from problem

    def _name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"filename" in options and self.filename is None:
            self.filename = options[b"filename"].decode("utf-8", "replace") or "file.bin"
            self.content_type = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
            self._in_file = True

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.data.append(data[start:end])

    def _part_end(self) -> None:
        if self._in_file:
            self._in_file, self.is_over = False, True


async def first_file(content_type: str, body: AsyncIterator[bytes]) -> FilePart:
    """The first part that has a filename; InvalidArguments where there is none."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidArguments([Failure("", "must be multipart/form-data with a file", "a part with a filename")])
    reader = _Reader(boundary)
    async for piece in body:
        reader.feed(piece)
        if reader.filename is not None:
            return FilePart(reader.filename, reader.content_type, _rest(reader, body))
    raise InvalidArguments([Failure("file", "is missing", "a part with a filename")])


async def _rest(reader: _Reader, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        while reader.data:
            yield reader.data.popleft()
        if reader.is_over:
            async for _ in body:  # what follows the file is read, so that the connection can be used again
                pass
            return
        piece = await anext(body, None)
        if piece is None:
            raise InvalidArguments([Failure("file", "ends before its boundary")])
        reader.feed(piece)
