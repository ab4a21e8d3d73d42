"""Local files as file arguments: `{"path": …}` becomes the file's content, in the folders that the user named."""

import mimetypes
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from portico.shapes import is_list, is_record

Json = dict[str, Any]
# What the server takes in one message is a third more, because the content is written as base64.
MOST_BYTES = 20_000_000
_FIELDS = {"path", "filename", "content_type"}


class NotAllowedHere(Exception):
    """This file is not sent; the text says why, and what would be."""


class LocalFiles:
    """`folders`: the only places that files are taken from, links followed before that is decided."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        self.folders = [Path(os.path.realpath(each.expanduser())) for each in folders]

    @property
    def words(self) -> str:
        listed = ", ".join(map(str, self.folders))
        return f'A file argument may also be {{"path": "…"}}: a file of this computer, in {listed}.'

    def put_in(self, arguments: Json) -> Json:
        """The arguments with the content in the place of each path; also in those that discovery hands on."""
        put = {name: self._value(value) for name, value in arguments.items()}
        inner: Any = put.get("arguments")
        if isinstance(put.get("tool_name") or put.get("name"), str) and is_record(inner):
            put["arguments"] = {name: self._value(value) for name, value in inner.items()}
        return put

    def _value(self, value: Any) -> Any:
        if is_list(value):
            return [self._one(each) for each in value]
        return self._one(value)

    def _one(self, value: Any) -> Any:
        if not is_record(value) or not isinstance(value.get("path"), str) or value.keys() - _FIELDS:
            return value
        return self._sent(value["path"], value)

    def _sent(self, path: str, given: Json) -> Json:
        if not self.folders:
            raise NotAllowedHere(
                f"No local file is sent: the bridge was started without --files FOLDER. {path!r} stays where it is."
            )
        found = self._find(path)
        name = str(given.get("filename") or found.name)
        kind = given.get("content_type") or mimetypes.guess_type(name)[0]
        import base64

        sent = {"base64": base64.b64encode(self._read(found, path)).decode(), "filename": name}
        return sent | ({"content_type": str(kind)} if kind else {})

    def _find(self, path: str) -> Path:
        """The file itself, wherever links led; it must lie in one of the folders."""
        parts = urlsplit(path)
        plain = unquote(parts.path) if parts.scheme == "file" else path
        given = Path(plain).expanduser()
        candidates = [given] if given.is_absolute() else [folder / given for folder in self.folders]
        real = [Path(os.path.realpath(each)) for each in candidates]
        inside = [each for each in real if any(each.is_relative_to(folder) for folder in self.folders)]
        if not inside:
            listed = ", ".join(map(str, self.folders))
            raise NotAllowedHere(f"{path!r} lies outside the folders that files may be sent from: {listed}.")
        return next((each for each in inside if each.is_file()), inside[0])

    def _read(self, found: Path, path: str) -> bytes:
        try:
            # Opened first and looked at then, so that what is looked at is what is read; a pipe must not be waited for.
            number = os.open(found, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        except OSError as problem:
            raise NotAllowedHere(f"{path!r} cannot be read: {problem.strerror or problem}.") from None
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise NotAllowedHere(f"{path!r} is not a file.")
        with os.fdopen(number, "rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            most = f"{MOST_BYTES // 1_000_000} MB"
            raise NotAllowedHere(f"{path!r} has more than {most}; upload it to Portico and give its id as {{file}}.")
        return content
