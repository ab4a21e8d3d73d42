"""Ids for rows: UUIDs that sort by the time they were made (version 7), so that a list's order is its key's order."""

import os
import struct
import time

_MILLION = 1_000_000
_AT_ONCE = 256


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
        return _written(stamp, _noise() & 0x3FFF_FFFF_FFFF_FFFF)


def lowest_id(milliseconds: int) -> str:
    """No id of that millisecond or a later one sorts before this."""
    return _written(max(milliseconds, 0) << 12, 0)


def _written(stamp: int, noise: int) -> str:
    noise |= 0x8000_0000_0000_0000
    return (
        f"{stamp >> 28:08x}-{stamp >> 12 & 0xFFFF:04x}-7{stamp & 0xFFF:03x}-"
        f"{noise >> 48:04x}-{noise & 0xFFFF_FFFF_FFFF:012x}"
    )


# Random numbers of 64 bits, asked of the system by the hundred. To pop from a list is safe in any thread.
_noises: list[int] = []


def _noise() -> int:
    while True:
        try:
            return _noises.pop()
        except IndexError:
            _noises.extend(struct.unpack(f"{_AT_ONCE}Q", os.urandom(8 * _AT_ONCE)))


os.register_at_fork(after_in_child=_noises.clear)  # else parent and child would give the same


_sequence = Sequence()


def new_id() -> str:
    """Ascending within this process."""
    return _sequence.at(time.time_ns())
