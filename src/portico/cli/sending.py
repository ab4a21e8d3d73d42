"""Arguments as they are typed, `key=value` and files, and the form in which files are sent without being held."""

import json
import mimetypes
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portico.cli.progress import Progress, pieces
from portico.cli.say import Unhappy
from portico.shapes import is_list

VALUES_HELP = (
    "key=value; key:=JSON for numbers, lists, objects; key=@path for a file; key==@text for text that begins so."
)
Json = dict[str, Any]


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine that goes along."""

    path: Path

    @property
    def content_type(self) -> str:
        return mimetypes.guess_type(self.path.name)[0] or "application/octet-stream"


def read_values(values: tuple[str, ...]) -> Json:
    """`a=text`, `a:=JSON`, `a=@file`; the same key twice makes a list."""
    arguments: Json = {}
    for each in values:
        name, equals, text = each.partition("=")
        if not equals or not name:
            raise Unhappy(f"{each!r} is not key=value.")
        value: Any = text
        if name.endswith(":"):
            name = name[:-1]
            value = _json(name, text)
        elif text.startswith("@"):
            value = _file(name, text[1:])
        elif text.startswith("=@"):
            value = text[1:]
        if name in arguments:
            known = arguments[name]
            value = [*known, value] if is_list(known) else [known, value]
        arguments[name] = value
    return arguments


def has_files(arguments: Json) -> bool:
    return any(isinstance(each, LocalFile) for value in arguments.values() for each in _each(value))


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Unhappy(f"The value of {name} is not JSON: {text}") from None


def _file(name: str, text: str) -> LocalFile:
    path = Path(text).expanduser()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise Unhappy(f"The value of {name} is no file that can be read: {path}")
    return LocalFile(path)


class Form:
    """A multipart form; its files are read while they are sent."""

    def __init__(self, arguments: Json) -> None:
        self._boundary = f"portico-{secrets.token_hex(12)}"
        self._parts = [part for name, value in arguments.items() for part in self._told(name, value)]
        self._end = f"--{self._boundary}--\r\n".encode()
        self.content_type = f"multipart/form-data; boundary={self._boundary}"
        self.size_bytes = sum(len(head) + _size(content) + 2 for head, content in self._parts) + len(self._end)

    def pieces(self, progress: Progress) -> Iterator[bytes]:
        progress.all_bytes = self.size_bytes
        for head, content in self._parts:
            yield head
            if isinstance(content, bytes):
                yield content
            else:
                with content.path.open("rb") as file:
                    yield from pieces(file.read, progress)
            yield b"\r\n"
        yield self._end

    def _told(self, name: str, value: Any) -> Iterator[tuple[bytes, bytes | LocalFile]]:
        for each in _each(value):
            shown = f"{name}[]" if is_list(value) else name
            if isinstance(each, LocalFile):
                yield self._head(shown, each), each
            else:
                yield self._head(shown), (each if isinstance(each, str) else json.dumps(each)).encode()

    def _head(self, name: str, file: LocalFile | None = None) -> bytes:
        more = f'; filename="{_quoted(file.path.name)}"\r\nContent-Type: {file.content_type}' if file else ""
        head = f'--{self._boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"{more}\r\n\r\n'
        return head.encode()


def _each(value: Any) -> list[Any]:
    return value if is_list(value) else [value]


def _size(content: bytes | LocalFile) -> int:
    return len(content) if isinstance(content, bytes) else content.path.stat().st_size


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
