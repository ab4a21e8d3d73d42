"""What a program of ours has to know again at its next start: a file in the data folder, sealed like every secret.

Not for what must not be lost: once the key that sealed it is destroyed, as after a rotation, the file tells nothing.
"""

import asyncio
import os
from pathlib import Path

from portico.errors import KeysUnavailable
from portico.gateway.keyring import Keyring
from portico.vault.envelope import CannotOpen, Place


class Memo:
    """One such file."""

    def __init__(self, path: Path, environment_id: str, keyring: Keyring) -> None:
        self._path, self._keyring = path, keyring
        self._place = Place("memo", environment_id, path.name)

    async def read(self) -> bytes:
        """What was written last; nothing where there is none, or none that can be opened."""
        try:
            return await self._keyring.open(await asyncio.to_thread(self._path.read_bytes), self._place)
        except (OSError, CannotOpen, KeysUnavailable):
            return b""

    async def write(self, content: bytes) -> None:
        await asyncio.to_thread(self._replace, await self._keyring.seal(content, self._place))

    def _replace(self, sealed: bytes) -> None:
        draft = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(sealed)
        draft.replace(self._path)
