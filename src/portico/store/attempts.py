"""Counts attempts at one place, in all processes together, and locks the place for a while when there are too many."""

from datetime import datetime

from msgspec import Struct

from portico.clock import to_milliseconds
from portico.store.database import Database
from portico.store.statement import Statement

_START = Statement(
    "INSERT INTO counted_attempts (place, began_at, count, locked_until) VALUES (:place, :moment, 0, 0) "
    "ON CONFLICT (place) DO NOTHING"
)
_GET = Statement(
    "SELECT began_at, count, locked_until FROM counted_attempts WHERE place = :place",
    postgres="SELECT began_at, count, locked_until FROM counted_attempts WHERE place = :place FOR UPDATE",
)
_SET = Statement(
    "UPDATE counted_attempts SET began_at = :began_at, count = :count, locked_until = :locked_until "
    "WHERE place = :place"
)
_FORGET = Statement("DELETE FROM counted_attempts WHERE place = :place")


class Allowance(Struct, frozen=True):
    """At most so many attempts in so many seconds; one more locks the place for so many seconds."""

    most: int
    window_seconds: int
    lock_seconds: int


class Attempts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self, place: bytes, allowance: Allowance, moment: datetime) -> int:
        """Count one more. 0 where it may go ahead, else the seconds to wait."""
        now = to_milliseconds(moment)
        async with self._database.transaction() as session:
            await session.run(_START, place=place, moment=now)
            row = await session.one(_GET, place=place)
            began_at, count, locked_until = row or (now, 0, 0)
            if locked_until > now:
                return -(-(locked_until - now) // 1000)
            if locked_until or began_at + allowance.window_seconds * 1000 <= now:
                began_at, count = now, 0
            is_too_many = count >= allowance.most
            until = now + allowance.lock_seconds * 1000 if is_too_many else 0
            await session.run(_SET, place=place, began_at=began_at, count=count + 1, locked_until=until)
        return allowance.lock_seconds if is_too_many else 0

    async def forget(self, place: bytes) -> None:
        await self._database.run(_FORGET, place=place)
