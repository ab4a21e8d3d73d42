"""The keys of this process: the root key checked against the database, data keys opened as they are needed."""

import os
import secrets
import stat
import time
from pathlib import Path

from portico.clock import Clock
from portico.errors import Refusal
from portico.model.account import EnvironmentId
from portico.settings import Settings
from portico.store.database import Database
from portico.store.keys import Keys, WrappedKey
from portico.vault import envelope

KEY_FILE = "master.key"
_CACHE_SECONDS = 300.0
_CHECK_TEXT = b"portico root key check"
_CHECK_BOUND = b"keyring"


class KeyRefused(Refusal):
    """The root key is missing, malformed, or not the one that this database was written with."""

    code = "key_refused"


class Keyring:
    """Opens data keys on demand and forgets them after five minutes."""

    def __init__(self, wrapper: envelope.KeyWrapper, pepper: bytes, database: Database, clock: Clock) -> None:
        self.pepper = pepper
        self._wrapper = wrapper
        self._database = database
        self._keys = Keys(database)
        self._clock = clock
        self._open: dict[tuple[str, bytes], tuple[float, envelope.DataKey]] = {}
        self._current: dict[str, bytes] = {}

    async def seal(self, plain: bytes, place: envelope.Place) -> bytes:
        return (await self._sealing_key(EnvironmentId(place.environment_id))).seal(plain, place)

    async def open(self, sealed: bytes, place: envelope.Place) -> bytes:
        """Raises CannotOpen for anything that was not sealed here, for this place."""
        key_id = envelope.key_id_of(sealed)
        cached = self._open.get((place.environment_id, key_id))
        key = cached[1] if cached and cached[0] > time.monotonic() else await self._load(place.environment_id, key_id)
        return key.open(sealed, place)

    async def _sealing_key(self, environment_id: EnvironmentId) -> envelope.DataKey:
        current = self._current.get(environment_id)
        cached = self._open.get((environment_id, current)) if current else None
        if cached and cached[0] > time.monotonic():
            return cached[1]
        newest = await self._keys.newest(environment_id) or await self._make(environment_id)
        self._current[environment_id] = newest.id
        return self._remember(newest)

    async def _make(self, environment_id: EnvironmentId) -> WrappedKey:
        key_id, key = envelope.new_data_key()
        made = WrappedKey(
            id=key_id,
            environment_id=environment_id,
            wrapped=self._wrapper.wrap(key, _bound(environment_id, key_id)),
            wrapper=self._wrapper.name,
            created_at=self._clock(),
        )
        async with self._database.transaction() as session:
            await self._keys.add(session, made)
        return made

    async def _load(self, environment_id: str, key_id: bytes) -> envelope.DataKey:
        found = await self._keys.get(EnvironmentId(environment_id), key_id)
        if found is None:
            raise envelope.CannotOpen
        return self._remember(found)

    def _remember(self, wrapped: WrappedKey) -> envelope.DataKey:
        key = envelope.DataKey(
            wrapped.id, self._wrapper.unwrap(wrapped.wrapped, _bound(wrapped.environment_id, wrapped.id))
        )
        self._open[(wrapped.environment_id, wrapped.id)] = (time.monotonic() + _CACHE_SECONDS, key)
        return key


def _bound(environment_id: str, key_id: bytes) -> bytes:
    return environment_id.encode() + b"\x1f" + key_id


async def open_keyring(settings: Settings, database: Database, clock: Clock) -> Keyring:
    """The keyring of this installation. Refuses to start on a missing or wrong root key where data exist."""
    check = await Keys(database).check_value()
    root = _root_key(settings, database, has_data=check is not None)
    wrapper = envelope.LocalRoot(root)
    if check is None:
        await Keys(database).set_check_value(wrapper.wrap(_CHECK_TEXT, _CHECK_BOUND), clock())
        check = await Keys(database).check_value() or b""
    try:
        right = wrapper.unwrap(check, _CHECK_BOUND) == _CHECK_TEXT
    except envelope.CannotOpen:
        right = False
    if not right:
        raise KeyRefused(
            "The root key is not the one that this database was written with; give the right one in PORTICO_MASTER_KEY "
            "or PORTICO_MASTER_KEY_FILE."
        )
    return Keyring(wrapper, envelope.derive(root, "token pepper"), database, clock)


def _root_key(settings: Settings, database: Database, *, has_data: bool) -> bytes:
    if settings.master_key:
        return _parsed(settings.master_key, "PORTICO_MASTER_KEY")
    if settings.master_key_file:
        return _from_file(Path(settings.master_key_file))
    path = settings.data_dir / KEY_FILE
    if path.exists():
        return _from_file(path)
    if database.dialect == "postgres":
        raise KeyRefused(
            "PostgreSQL needs a root key that all replicas share: set PORTICO_MASTER_KEY to 32 random bytes, "
            "for example from `openssl rand -base64 32`."
        )
    if has_data:
        raise KeyRefused(f"The key file {path} is gone, and this database was written with it; put it back.")
    return _make_file(path)


def _from_file(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise KeyRefused(f"The key file {path} cannot be read.") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyRefused(f"The key file {path} can be read by others; run `chmod 600 {path}`.")
    return _parsed(text, str(path))


def _parsed(text: str, source: str) -> bytes:
    try:
        return envelope.parse_root_key(text)
    except envelope.KeyMalformed:
        raise KeyRefused(
            f"{source} does not hold 32 bytes as base64 or hex; make one with `openssl rand -base64 32`."
        ) from None


def _make_file(path: Path) -> bytes:
    """Written to a name of its own first and linked into place, so that two first starts agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, (envelope.new_root_key() + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return _from_file(path)
