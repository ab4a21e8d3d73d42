"""OpenAI's four kinds of list envelope. A family declares its list once: `LIST = Cursor(default=20)`.

Rows come oldest first; each list cuts its page and shows only that.
"""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Rows, T
from portico.sandbox.wire import Ask

Order = Literal["asc", "desc"]
# Permissions of checkpoints spell them out.
ORDERS = ("asc", "desc", "ascending", "descending")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Sent `after` (and `before`), `limit`, `order`; answers data, has_more and, with `ends`, first_id and last_id."""

    default: int = 20
    maximum: int = 100
    order: Order = "desc"
    ends: bool = True
    before: bool = False

    def answer(self, ask: Ask, rows: Rows[T], show: Callable[[T], Json]) -> Json:
        chosen, has_more = _cut(ask, rows, self)
        page: Json = {"object": "list", "data": [show(row) for _, row in chosen]}
        if self.ends:
            page["first_id"] = chosen[0][0] if chosen else None
            page["last_id"] = chosen[-1][0] if chosen else None
        page["has_more"] = has_more
        return page


@dataclass(frozen=True, slots=True)
class Next:
    """The lists of roles, groups and assignments: the next cursor stands in `next` and is sent as `after`."""

    default: int = 20
    maximum: int = 1000
    order: Order = "asc"
    before: bool = False

    def answer(self, ask: Ask, rows: Rows[T], show: Callable[[T], Json]) -> Json:
        chosen, has_more = _cut(ask, rows, self)
        following = chosen[-1][0] if has_more else None
        return {"object": "list", "data": [show(row) for _, row in chosen], "has_more": has_more, "next": following}


@dataclass(frozen=True, slots=True)
class Token:
    """Pages by an opaque token, sent as `page` and answered in `field` (usage and costs, environment files).

    The caller brings the whole list, in the order in which it shall be read, and the bounds of `limit`.
    """

    field: str = "next_page"
    object: str = "page"

    def answer(self, ask: Ask, rows: Sequence[T], show: Callable[[T], Json], default: int, maximum: int) -> Json:
        limit = ask.query.integer("limit", default, 1, maximum)
        start = _place(ask.query.text("page"))
        has_more = start + limit < len(rows)
        following = _token(start + limit) if has_more else None
        data = [show(row) for row in rows[start : start + limit]]
        return {"object": self.object, "data": data, "has_more": has_more, self.field: following}


def whole(items: Sequence[Json]) -> Json:
    """A list that is never cut, such as the models."""
    return {"object": "list", "data": list(items)}


def with_metadata(ask: Ask, metadata: Mapping[str, str] | None) -> bool:
    """Does a thing carry all pairs of the `metadata[key]=value` filter?"""
    return all((metadata or {}).get(name) == value for name, value in ask.query.group("metadata").items())


def _cut(ask: Ask, rows: Rows[T], style: Cursor | Next) -> tuple[list[tuple[str, T]], bool]:
    limit = ask.query.integer("limit", style.default, 1, style.maximum)
    order = (ask.query.choice("order", ORDERS) or style.order).removesuffix("ending")
    ordered = list(rows.held.items())
    if order == "desc":
        ordered.reverse()
    sign = -1 if order == "desc" else 1
    if after := ask.query.text("after"):
        bound = sign * _born(rows, after, "after")
        ordered = [pair for pair in ordered if sign * rows.born[pair[0]] > bound]
    if style.before and (before := ask.query.text("before")):
        bound = sign * _born(rows, before, "before")
        ordered = [pair for pair in ordered if sign * rows.born[pair[0]] < bound]
        if not ask.query.text("after"):
            # Going back, the page is the one that ends at the cursor.
            return ordered[-limit:], len(ordered) > limit
    return ordered[:limit], len(ordered) > limit


def _born(rows: Rows[T], identity: str, name: str) -> int:
    if identity not in rows.born:
        raise invalid(f"Invalid '{name}': nothing in this list has the id '{identity}'.", name)
    return rows.born[identity]


def _token(place: int) -> str:
    return "page_" + base64.urlsafe_b64encode(f"at:{place}".encode()).decode().rstrip("=")


def _place(token: str | None) -> int:
    if not token:
        return 0
    try:
        padded = token.removeprefix("page_") + "=" * (-len(token.removeprefix("page_")) % 4)
        word, _, place = base64.urlsafe_b64decode(padded).decode().partition(":")
        if word == "at" and place.isdigit():
            return int(place)
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise invalid("Invalid 'page': this is not a token from an earlier page.", "page")
