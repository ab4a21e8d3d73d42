"""Bytes of any size: in memory while small, in an unlinked temporary file above one megabyte."""

import hashlib
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator

MEMORY_BYTES = 1024 * 1024
CHUNK_BYTES = 256 * 1024


class Blob:
    """Append first, read afterwards, from several readers at once if need be."""

    def __init__(self, content: bytes = b"") -> None:
        self.size = 0
        self._memory = bytearray()
        self._file: int | None = None
        self._sha256 = hashlib.sha256()
        # OpenAI's uploads are checked with MD5; nothing here relies on it for security.
        self._md5 = hashlib.md5(usedforsecurity=False)
        if content:
            self.append(content)

    @classmethod
    def joined(cls, blobs: Iterable["Blob"]) -> "Blob":
        whole = cls()
        for blob in blobs:
            for chunk in blob.chunks():
                whole.append(chunk)
        return whole

    def append(self, data: bytes) -> None:
        self._sha256.update(data)
        self._md5.update(data)
        self.size += len(data)
        if self._file is None and self.size <= MEMORY_BYTES:
            self._memory += data
        else:
            self._write(data)

    def read(self, limit: int | None = None) -> bytes:
        wanted = self.size if limit is None else min(limit, self.size)
        if self._file is None:
            return bytes(self._memory[:wanted])
        return b"".join(self.chunks(wanted))

    def chunks(self, limit: int | None = None) -> Iterator[bytes]:
        end = self.size if limit is None else min(limit, self.size)
        position = 0
        while position < end:
            step = min(CHUNK_BYTES, end - position)
            if self._file is None:
                yield bytes(self._memory[position : position + step])
            else:
                yield os.pread(self._file, step, position)
            position += step

    @property
    def on_disk(self) -> bool:
        return self._file is not None

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._file, path = tempfile.mkstemp(prefix="portico-sandbox-")
            os.unlink(path)
            weakref.finalize(self, os.close, self._file)
            data = bytes(self._memory) + data
            self._memory.clear()
        while data:
            data = data[os.write(self._file, data) :]
