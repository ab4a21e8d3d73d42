"""Ids for rows: UUIDs that sort by the time they were made (version 7), so that a list's order is its key's order."""

import secrets
import time
import uuid

_last = 0


def new_id() -> str:
    """Ascending within this process, unguessable in its last 62 bits."""
    global _last
    nanoseconds = time.time_ns()
    fraction = (nanoseconds % 1_000_000 << 12) // 1_000_000
    stamp = max(nanoseconds // 1_000_000 << 12 | fraction, _last + 1)
    _last = stamp
    high = (stamp >> 12) << 16 | 0x7000 | (stamp & 0xFFF)
    low = 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=high << 64 | low))
