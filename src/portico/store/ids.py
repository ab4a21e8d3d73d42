"""Ids for rows: UUIDs that sort by the time they were made (version 7), so that a list's order is its key's order."""

import os
import time

_MILLION = 1_000_000


class Sequence:
    """Gives ids that ascend, whatever the clock does that it is asked to follow."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def at(self, nanoseconds: int) -> str:
        """The next id, of that time (since 1970); unguessable in its last 62 bits."""
        fraction = (nanoseconds % _MILLION << 12) // _MILLION
        stamp = nanoseconds // _MILLION << 12 | fraction
        if stamp <= self._last:
            stamp = self._last + 1
        self._last = stamp
        return _written(stamp, int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF)


def lowest_id(milliseconds: int) -> str:
    """No id of that millisecond or a later one sorts before this."""
    return _written(max(milliseconds, 0) << 12, 0)


def _written(stamp: int, noise: int) -> str:
    text = f"{stamp >> 12:012x}7{stamp & 0xFFF:03x}{noise | 0x8000_0000_0000_0000:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


_sequence = Sequence()


def new_id() -> str:
    """Ascending within this process."""
    return _sequence.at(time.time_ns())
