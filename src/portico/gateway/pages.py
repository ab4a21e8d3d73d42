"""Page styles, both directions: our `limit` and `next_cursor` to the vendor's words, its answer to our page. Pure.

A cursor says which way it goes and what the vendor wants to hear; callers send it back unchanged.
"""

import base64
import binascii
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import msgspec

from portico.errors import Failure, InvalidArguments, VendorGarbled
from portico.model.call import Page
from portico.model.offered import Offered
from portico.model.operation import Operation, PageStyle
from portico.shapes import NotJson, decode, is_record

_FORWARD, _BACK, _FROM = "n", "p", "i"
_OURS = frozenset({"limit", "next_cursor", "prev_cursor"})
_LAST_ITEM = "data[-1]."


class Part(NamedTuple):
    """What is wanted of a list that the vendor gives whole: from which item on, and at most how many (0: all)."""

    start: int = 0
    most: int = 0


WHOLE = Part()


def part(operation: Operation, arguments: dict[str, Any]) -> Part:
    """`limit` and `next_cursor` of a list that the vendor does not page: it is cut here."""
    style = operation.page
    if style is None or operation.returns != "page" or style.send:
        return WHOLE
    limit = None if takes_limit(operation) else arguments.get("limit")
    cursor = arguments.get("next_cursor") or arguments.get("prev_cursor")
    start = 0
    if cursor:
        way, value = _read_cursor(cursor)
        if way != _FROM or not value.isdecimal():
            raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
        start = int(value)
    return Part(start, 0 if limit is None else int(_limit(operation, limit)))


def takes_limit(operation: Offered) -> bool:
    """Whether the vendor itself has an argument of that name."""
    return any(each.name == "limit" for each in operation.parameters)


def ask(operation: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with `limit` and `next_cursor` in the vendor's words."""
    style = operation.page
    if style is None or operation.returns != "page":
        return arguments
    if not style.send:
        ours = _OURS - {"limit"} if takes_limit(operation) else _OURS
        return {name: value for name, value in arguments.items() if name not in ours}
    asked = dict(arguments)
    cursor = asked.pop("next_cursor", None) or asked.pop("prev_cursor", None)
    asked.pop("prev_cursor", None)
    limit = asked.pop("limit", None)
    if limit is not None and style.limit:
        asked[style.limit] = _limit(operation, limit)
    if cursor:
        way, value = _read_cursor(cursor)
        if way == _FROM:
            raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
        asked[style.before if way == _BACK and style.before else style.send] = value
    return asked


def read(style: PageStyle, content: bytes, asked: dict[str, Any], wanted: Part = WHOLE) -> Page:
    """The page in a vendor's answer. The items stay as the vendor wrote them."""
    try:
        items, envelope = _reader(style)(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise VendorGarbled from problem
    if items is None:
        raise VendorGarbled(f"The vendor's list has no {style.items!r}.")
    if not style.send:
        return _cut(items, wanted)
    following = _counted(style, envelope, len(items), asked) if style.counts else _next(style, envelope, items)
    if following is not None and following == str(asked.get(style.send, "")):
        following = None  # a list that points at itself would never end
    return Page(
        items=_written(items),
        count=len(items),
        next_cursor=_write_cursor(_FORWARD, following) if following else None,
        prev_cursor=_previous(style, envelope, items, asked),
    )


@cache
def _reader(style: PageStyle) -> Callable[[bytes], tuple[list[msgspec.Raw] | None, dict[str, msgspec.Raw]]]:
    """Reads the items and the fields that lead on in one pass, and skips all else."""
    told = {style.more, style.next, style.total, style.first} - {"", style.items}
    names = {f"told_{number}": name for number, name in enumerate(sorted(told))}
    fields: list[tuple[str, Any, Any]] = [("items", list[msgspec.Raw], None)]
    fields += [(field, msgspec.Raw, None) for field in names]
    decode = msgspec.json.Decoder(msgspec.defstruct("Told", fields, rename={"items": style.items, **names})).decode

    def read_one(content: bytes) -> tuple[list[msgspec.Raw] | None, dict[str, msgspec.Raw]]:
        found: Any = decode(content)
        values = ((name, getattr(found, field)) for field, name in names.items())
        return found.items, {name: value for name, value in values if value is not None}

    return read_one


def _written(items: list[msgspec.Raw]) -> bytes:
    return b"[" + b",".join(items) + b"]"


def _cut(items: list[msgspec.Raw], wanted: Part) -> Page:
    end = wanted.start + wanted.most if wanted.most else len(items)
    kept = items[wanted.start : end]
    before = max(wanted.start - wanted.most, 0) if wanted.most else 0
    return Page(
        items=_written(kept),
        count=len(kept),
        next_cursor=_write_cursor(_FROM, str(end)) if end < len(items) else None,
        prev_cursor=_write_cursor(_FROM, str(before)) if wanted.start else None,
    )


def _next(style: PageStyle, envelope: dict[str, msgspec.Raw], items: list[msgspec.Raw]) -> str | None:
    if style.more and not _value(envelope.get(style.more)):
        return None
    if style.next.startswith(_LAST_ITEM):
        return _field_of(items[-1], style.next.removeprefix(_LAST_ITEM)) if items else None
    value = _value(envelope.get(style.next))
    return str(value) if value not in (None, "") else None


def _counted(style: PageStyle, envelope: dict[str, msgspec.Raw], count: int, asked: dict[str, Any]) -> str | None:
    """The number of the next page, or of its first item; None where this page was the last or had nothing."""
    if not count or (style.more and not _value(envelope.get(style.more))):
        return None
    at, size = _whole(asked.get(style.send), style.start), _whole(asked.get(style.limit), 0)
    following = at + (count if style.counts == "items" else 1)
    total = _value(envelope.get(style.total)) if style.total else None
    if isinstance(total, int):
        done = following if style.counts == "items" else (following - style.start) * (size or count)
        return str(following) if done < total else None
    return str(following) if style.more or not size or count >= size else None


def _whole(value: Any, otherwise: int) -> int:
    text = str(value if value is not None else "")
    return int(text) if text.isdecimal() else otherwise


def _previous(
    style: PageStyle, envelope: dict[str, msgspec.Raw], items: list[msgspec.Raw], asked: dict[str, Any]
) -> str | None:
    if not style.before or not items or not (asked.get(style.send) or asked.get(style.before)):
        return None
    value = _value(envelope.get(style.first)) or _field_of(items[0], "id")
    return _write_cursor(_BACK, str(value)) if value else None


def _field_of(item: msgspec.Raw, name: str) -> str | None:
    try:
        value: Any = decode(item)
    except NotJson:
        return None
    found = value.get(name) if is_record(value) else None
    return str(found) if found else None


def _value(raw: msgspec.Raw | None) -> Any:
    return None if raw is None else msgspec.json.decode(raw)


def _limit(operation: Operation, limit: Any) -> str:
    try:
        number = int(limit)
    except (TypeError, ValueError):
        raise InvalidArguments([Failure("limit", "must be a whole number")]) from None
    if number < 1:
        raise InvalidArguments([Failure("limit", "must be at least 1")])
    style = operation.page
    known = operation.named.get(style.limit) if style else None
    most = known.schema.get("maximum") if known else None
    return str(min(number, most) if most else number)


def _write_cursor(way: str, value: str) -> str:
    return base64.urlsafe_b64encode(f"{way}{value}".encode()).decode().rstrip("=")


def _read_cursor(cursor: Any) -> tuple[str, str]:
    try:
        text = base64.urlsafe_b64decode(str(cursor) + "=" * (-len(str(cursor)) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    if text[:1] not in {_FORWARD, _BACK, _FROM} or len(text) < 2:
        raise InvalidArguments(
            [Failure("next_cursor", "is not a cursor of ours; send back next_cursor exactly as it was received")]
        )
    return text[0], text[1:]
