"""Ids for rows: UUIDs that sort by the time they were made (version 7), so that a list's order is its key's order."""

import os
import time

_last = 0


def new_id() -> str:
    """Ascending within this process, unguessable in its last 62 bits."""
    global _last
    nanoseconds = time.time_ns()
    fraction = (nanoseconds % 1_000_000 << 12) // 1_000_000
    stamp = nanoseconds // 1_000_000 << 12 | fraction
    if stamp <= _last:
        stamp = _last + 1
    _last = stamp
    low = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    text = f"{stamp >> 12:012x}7{stamp & 0xFFF:03x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
