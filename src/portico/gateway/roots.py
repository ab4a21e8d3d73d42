"""The root keys that this process holds: from the environment, a file, or a Vault that never lets them out.

The first key given is the one that it would rather use; the others can still open what they have wrapped.
"""

import os
import re
import secrets
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from portico.errors import Refusal
from portico.settings import Settings
from portico.vault import envelope
from portico.vault.envelope import KeyWrapper, LocalRoot

KEY_FILE = "master.key"


class KeyRefused(Refusal):
    """The root key is missing, malformed, or not the one that this database was written with."""

    status = 409
    code = "key_refused"


class NoKey(KeyRefused):
    """No root key was given, nowhere."""


class RootService(Protocol):
    """A service that keeps root keys, one for each version of a key."""

    def owns(self, root_id: str) -> bool: ...

    def of(self, root_id: str) -> KeyWrapper: ...

    async def newest(self) -> KeyWrapper:
        """Raises a Refusal that says what to mend when the service cannot be used."""
        ...

    async def rotate(self) -> KeyWrapper: ...

    async def tend(self) -> None:
        """Whatever has to be done from time to time to be let in."""
        ...

    async def close(self) -> None: ...


class Roots:
    """Every root key at hand. A file is read again when it has changed, so that keys can be added while we run."""

    def __init__(
        self, given: Sequence[LocalRoot], path: Path | None = None, service: RootService | None = None
    ) -> None:
        self._given, self.path, self.service = list(given), path, service
        self._read_at = _changed_at(path)

    def ids(self) -> list[str]:
        self._refresh()
        return [each.id for each in self._given]

    def get(self, root_id: str) -> KeyWrapper | None:
        if self.service is not None and self.service.owns(root_id):
            return self.service.of(root_id)
        self._refresh()
        return next((each for each in self._given if each.id == root_id), None)

    def local(self) -> list[LocalRoot]:
        self._refresh()
        return list(self._given)

    async def wanted(self) -> KeyWrapper:
        """The one to be used for what is new."""
        if self.service is not None:
            return await self.service.newest()
        self._refresh()
        return self._given[0]

    def add_to_file(self) -> LocalRoot:
        """A new key at the head of the key file. The old ones stay in it until somebody takes them out."""
        if self.path is None:
            raise KeyRefused(
                "The root key comes from PORTICO_MASTER_KEY, which cannot be changed from here: put the new key before "
                "the old one in it, separated by a comma or a space, restart every replica, and rotate again."
            )
        text = envelope.new_root_key()
        try:
            _write(self.path, f"{text}\n{self.path.read_text('utf-8').strip()}")
        except OSError as problem:
            raise KeyRefused(
                f"The key file {self.path} cannot be written ({problem.strerror}): put a new key on a line before the "
                "old one yourself, on every replica, and rotate again."
            ) from None
        self._refresh()
        return self._given[0]

    async def close(self) -> None:
        if self.service is not None:
            await self.service.close()

    def _refresh(self) -> None:
        changed_at = _changed_at(self.path)
        if self.path is None or changed_at == self._read_at:
            return
        try:
            self._given = from_file(self.path)
        except KeyRefused:
            return  # half-written or gone: what was read before still holds
        self._read_at = changed_at


def read_roots(settings: Settings, *, is_shared: bool, has_data: bool, service: RootService | None = None) -> Roots:
    """The keys of this process. Where there is none on the very first start, a key file is made; else KeyRefused."""
    if settings.master_key:
        return Roots(parsed(settings.master_key, "PORTICO_MASTER_KEY"), service=service)
    path = Path(settings.master_key_file) if settings.master_key_file else settings.data_dir / KEY_FILE
    if settings.master_key_file or path.exists():
        return Roots(from_file(path), path, service)
    if service is not None:
        return Roots([], service=service)
    if is_shared:
        raise NoKey(
            "PostgreSQL needs a root key that all replicas share: set PORTICO_MASTER_KEY to 32 random bytes, "
            "for example from `openssl rand -base64 32`."
        )
    if has_data:
        raise NoKey(f"The key file {path} is gone, and this database was written with it; put it back.")
    return Roots(_make_file(path), path)


def from_file(path: Path) -> list[LocalRoot]:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise KeyRefused(f"The key file {path} cannot be read.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyRefused(f"The key file {path} can be read by others; run `chmod 600 {path}`.")
    return parsed(text, str(path))


def parsed(text: str, source: str) -> list[LocalRoot]:
    """Keys between commas, spaces or the ends of lines, so that a key file can be put into a variable; `#` remarks."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    keys = re.findall(r"[^,\s]+", " ".join(lines))
    try:
        return [LocalRoot(envelope.parse_root_key(key)) for key in keys or [""]]
    except envelope.KeyMalformed:
        raise KeyRefused(
            f"{source} does not hold 32 bytes as base64 or hex, or several of them with a comma, a space or the end of "
            "a line between two; make one with `openssl rand -base64 32`."
        ) from None


def _make_file(path: Path) -> list[LocalRoot]:
    """Linked into place, so that two first starts agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = _draft(path, envelope.new_root_key())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return from_file(path)


def _write(path: Path, text: str) -> None:
    """All of it or nothing, whatever happens meanwhile."""
    draft = _draft(path, text)
    try:
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, (text + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return draft


def _changed_at(path: Path | None) -> tuple[int, int]:
    try:
        found = path.stat() if path else None
    except OSError:
        found = None
    return (found.st_mtime_ns, found.st_ino) if found else (0, 0)
