"""Passwords: Argon2id hashes, made and compared on a few threads so that guessing cannot take the whole machine."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from portico.errors import Refusal

T = TypeVar("T")
THREADS = 2
# Each one waits for about a tenth of a second of somebody else's; beyond this it is an attack or an accident.
MOST_WAITING = 20


class TooBusy(Refusal):
    """Too many people are signing in at this moment; try again in a few seconds."""

    status = 503
    code = "too_busy"


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # the library's defaults are those of RFC 9106
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        return await self._run(lambda: self._hasher.hash(password))

    async def is_right(self, hashed: str | None, password: str) -> bool:
        """Without a hash (None, or the empty one of somebody who has no password) it takes as long and is wrong: nobody
        learns from the time which names there are."""
        return await self._run(lambda: self._verify(hashed, password))

    def is_outdated(self, hashed: str) -> bool:
        return self._hasher.check_needs_rehash(hashed)

    def close(self) -> None:
        self._threads.shutdown(wait=False)

    def _verify(self, hashed: str | None, password: str) -> bool:
        if not self._nobody:
            self._nobody = self._hasher.hash("nobody")
        try:
            return self._hasher.verify(hashed or self._nobody, password) and bool(hashed)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise TooBusy(headers={"retry-after": "3"})
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
