"""The keys of this process: a root key checked against the database, data keys opened as they are needed."""

import asyncio
import secrets
import time

from portico.clock import Clock
from portico.errors import KeysUnavailable
from portico.gateway.roots import KeyRefused, Roots, RootService, read_roots
from portico.model.account import EnvironmentId
from portico.settings import Settings
from portico.store.database import Database, Session
from portico.store.keys import UNNAMED, Keys, RootKey, WrappedKey
from portico.store.rotations import Rotations
from portico.vault import envelope
from portico.vault.envelope import CannotOpen, KeyWrapper, LocalRoot

_CACHE_SECONDS = 300.0
_CHECK_TEXT = b"portico root key check"
_CHECK_BOUND = b"keyring"
_PEPPER_BOUND = b"pepper"
_PEPPER_BYTES = 32
_MOST_TRIES = 5
_EVERY = 1 << 31


class Keyring:
    """Opens data keys on demand and forgets them after five minutes."""

    def __init__(self, roots: Roots, pepper: bytes, database: Database, clock: Clock) -> None:
        self.roots, self.pepper = roots, pepper
        self.keys = Keys(database)
        # Why no key can be opened just now; empty while all is well.
        self.trouble = ""
        # This process alone has not got the root key that is in use; others may have it.
        self.lacks_root = False
        self._database, self._clock = database, clock
        self._open: dict[tuple[str, bytes], tuple[float, envelope.DataKey]] = {}
        self._current: dict[str, bytes] = {}
        self._opening: dict[tuple[str, bytes], asyncio.Lock] = {}

    async def seal(self, plain: bytes, place: envelope.Place) -> bytes:
        return (await self._sealing_key(EnvironmentId(place.environment_id))).seal(plain, place)

    async def open(self, sealed: bytes, place: envelope.Place) -> bytes:
        """Raises CannotOpen for anything that was not sealed here, for this place."""
        key_id = envelope.key_id_of(sealed)
        key = self._remembered(place.environment_id, key_id) or await self._load(place.environment_id, key_id)
        return key.open(sealed, place)

    def forget(self) -> None:
        """Keys have changed somewhere: what is sealed from now on is sealed with the newest."""
        self._current.clear()

    async def make(self, environment_id: EnvironmentId) -> WrappedKey:
        """A new data key, in use from now on."""
        for _ in range(_MOST_TRIES):
            async with self._database.transaction() as session:
                root = await self.keys.current_root(session)
            made = await self._made(environment_id, self._held(root.id if root else ""))
            async with self._database.transaction() as session:
                if await self.keys.add(session, made):
                    return made
        raise KeysUnavailable("Root keys change faster than data keys can be made.")

    async def rewrapped(self, key: WrappedKey, root: KeyWrapper) -> bytes:
        """The same data key under another root key."""
        bound = _bound(key.environment_id, key.id)
        return await root.wrap(await self._unwrap(key), bound)

    async def wrap_pepper(self, root: KeyWrapper) -> bytes:
        return await root.wrap(self.pepper, _PEPPER_BOUND)

    async def check(self) -> None:
        """Ask whether keys can still be opened; `trouble` says how that went."""
        root = await self.keys.current_root()
        self.lacks_root = root is not None and self.roots.get(root.id) is None
        if root is not None and root.pepper is not None:
            try:
                await self._watched(self._held(root.id), root.pepper, _PEPPER_BOUND)
            except (KeysUnavailable, KeyRefused, CannotOpen):
                return

    async def close(self) -> None:
        await self.roots.close()

    async def _sealing_key(self, environment_id: EnvironmentId) -> envelope.DataKey:
        current = self._current.get(environment_id)
        if current and (known := self._remembered(environment_id, current)):
            return known
        newest = await self.keys.newest(environment_id) or await self.make(environment_id)
        key = self._remembered(environment_id, newest.id) or await self._load(environment_id, newest.id)
        self._current[environment_id] = newest.id
        return key

    async def _made(self, environment_id: EnvironmentId, root: KeyWrapper) -> WrappedKey:
        key_id, key = envelope.new_data_key()
        return WrappedKey(
            id=key_id,
            environment_id=environment_id,
            wrapped=await root.wrap(key, _bound(environment_id, key_id)),
            wrapper=root.id,
            created_at=self._clock(),
        )

    def _remembered(self, environment_id: str, key_id: bytes) -> envelope.DataKey | None:
        known = self._open.get((environment_id, key_id))
        return known[1] if known and known[0] > time.monotonic() else None

    async def _load(self, environment_id: str, key_id: bytes) -> envelope.DataKey:
        """One look-up and one unwrapping, however many ask for it at once."""
        place = (environment_id, key_id)
        async with self._opening.setdefault(place, asyncio.Lock()):
            try:
                if known := self._remembered(environment_id, key_id):
                    return known
                found = await self.keys.get(EnvironmentId(environment_id), key_id)
                if found is None:
                    raise CannotOpen
                key = envelope.DataKey(found.id, await self._unwrap(found))
                self._open[place] = (time.monotonic() + _CACHE_SECONDS, key)
                return key
            finally:
                self._opening.pop(place, None)

    async def _unwrap(self, key: WrappedKey) -> bytes:
        bound = _bound(key.environment_id, key.id)
        return await self._watched(self._held(key.wrapper), key.wrapped, bound)

    async def _watched(self, root: KeyWrapper, wrapped: bytes, bound: bytes) -> bytes:
        try:
            opened = await root.unwrap(wrapped, bound)
        except KeysUnavailable as problem:
            self.trouble = problem.sentence
            raise
        self.trouble = ""
        return opened

    def _held(self, root_id: str) -> KeyWrapper:
        held = self.roots.get(root_id)
        if held is None:
            self.trouble = f"This process does not hold the root key {root_id}."
            raise KeysUnavailable(f"{self.trouble} Give it in PORTICO_MASTER_KEY and restart.")
        return held


async def check_data_keys(session: Session, database: Database, roots: Roots) -> None:
    """Raises KeyRefused unless every data key opens under the root keys at hand."""
    for key in await Rotations(database).wrapped_elsewhere("", _EVERY, session):
        root = roots.get(key.wrapper)
        try:
            if root is None:
                raise CannotOpen
            await root.unwrap(key.wrapped, _bound(key.environment_id, key.id))
        except CannotOpen:
            raise KeyRefused(
                f"The data key of the environment {key.environment_id} does not open under the root key {key.wrapper}; "
                "give that one too."
            ) from None


def _bound(environment_id: str, key_id: bytes) -> bytes:
    return environment_id.encode() + b"\x1f" + key_id


async def open_keyring(
    settings: Settings, database: Database, clock: Clock, service: RootService | None = None
) -> Keyring:
    """The keyring of this installation. Refuses to start on a missing or wrong root key where data exist."""
    keys = Keys(database)
    known = await keys.roots()
    roots = read_roots(settings, is_shared=database.dialect == "postgres", has_data=bool(known), service=service)
    current = next((each for each in known if each.superseded_at is None), None)
    if current is None:
        current = await _begin(keys, roots, database, clock)
    elif current.id == UNNAMED:
        current = await _name(keys, current, roots, database, clock)
    return Keyring(roots, await open_pepper(current, roots), database, clock)


async def open_pepper(root: RootKey, roots: Roots) -> bytes:
    """What tokens are hashed with; that it opens shows that the key is the right one."""
    held = roots.get(root.id)
    try:
        if held is None or root.pepper is None:
            raise CannotOpen
        return await held.unwrap(root.pepper, _PEPPER_BOUND)
    except CannotOpen:
        raise KeyRefused(
            f"The root key is not the one that this database was written with ({root.id}); give the right one in "
            "PORTICO_MASTER_KEY or PORTICO_MASTER_KEY_FILE."
        ) from None


async def _begin(keys: Keys, roots: Roots, database: Database, clock: Clock) -> RootKey:
    """The first start. Of two at once, one comes first and the other takes what it finds."""
    root = await roots.wanted()
    pepper = await root.wrap(secrets.token_bytes(_PEPPER_BYTES), _PEPPER_BOUND)
    async with database.transaction() as session:
        await database.lock_schema(session)
        if await keys.current_root(session) is None:
            await keys.use_root(session, root.id, pepper, clock())
        current = await keys.current_root(session)
    if current is None:
        raise KeyRefused("The root key could not be written down.")
    return current


async def _name(keys: Keys, unnamed: RootKey, roots: Roots, database: Database, clock: Clock) -> RootKey:
    """A database from before root keys had names: find the key by what it opens, and name it."""
    for root in roots.local():
        if await _opens(root, unnamed.check_value or b""):
            pepper = await root.wrap(envelope.derive(root.root, "token pepper"), _PEPPER_BOUND)
            async with database.transaction() as session:
                await database.lock_schema(session)
                await keys.use_root(session, root.id, pepper, clock())
                await Rotations(database).name_root(session, root.id)
            return await keys.current_root() or unnamed
    return unnamed


async def _opens(root: LocalRoot, check_value: bytes) -> bool:
    try:
        return await root.unwrap(check_value, _CHECK_BOUND) == _CHECK_TEXT
    except CannotOpen:
        return False
