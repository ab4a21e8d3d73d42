"""Cursors of the admin API's lists that lead back, too: each remembers where the pages before it began. Pure.

A handler knows only where its own page begins, and where the next one does; here both become what clients send back.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from portico.shapes import is_record

NEXT, PREVIOUS = "next_cursor", "prev_cursor"
MOST_STEPS_BACK = 10
_decoder = msgspec.json.Decoder(list[str])


class Trail(Struct, frozen=True, kw_only=True):
    """Where a page begins (empty: with the first row), and where those before it did, the nearest last."""

    at: str = ""
    before: tuple[str, ...] = ()


def opened(pairs: Sequence[tuple[str, str]]) -> tuple[Trail, list[tuple[str, str]]]:
    """The query as a handler understands it: with the place alone. A cursor of either name leads there."""
    given = dict(pairs)
    cursor = given.get(NEXT) or given.get(PREVIOUS) or ""
    trail = _read(cursor)
    rest = [pair for pair in pairs if pair[0] not in {NEXT, PREVIOUS}]
    return trail, [*rest, (NEXT, trail.at)] if trail.at else rest


def closed(answer: Any, trail: Trail) -> Any:
    """The answer with cursors that remember the way."""
    if not is_record(answer) or NEXT not in answer or PREVIOUS not in answer:
        return answer
    following, (*earlier, nearest) = answer[NEXT], trail.before or (None,)
    here = (*trail.before, trail.at)[-MOST_STEPS_BACK:]
    return answer | {
        NEXT: None if following is None else _write([*here, str(following)]),
        PREVIOUS: None if nearest is None else _write([*earlier, nearest]),
    }


def _read(cursor: str) -> Trail:
    """What is no cursor of ours is taken for a place, which the handler knows or refuses."""
    try:
        *before, at = _decoder.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, msgspec.DecodeError):
        return Trail(at=cursor)
    return Trail(at=at, before=tuple(before[-MOST_STEPS_BACK:]))


def _write(places: list[str]) -> str:
    return urlsafe_b64encode(msgspec.json.encode(places)).decode().rstrip("=")
