"""Answers cut to a stated size, into parts of which the first says what it lacks and the others hold that. Pure."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from portico.gateway.shorten import SHORTEST_KEPT, Cut, head, room_in, shorten, size_of
from portico.shapes import Json, is_list, is_record

# Characters that could steer a terminal or hide text from a reader: control, bidirectional, invisible, tags. The two
# zero-width joiners stay, because words of some scripts are written with them.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_UNSEEN_ASCII = bytes(each for each in range(128) if _UNSEEN.match(chr(each)))
# As JSON can spell them: by number, or as backspace and form feed.
_SPELLED = re.compile(rb"\\[ubf]")
CONTINUES = "continues"
_ROUND_PARTS, _ROUND_PIECE = 20, 80


def clean(value: Any) -> Any:
    """The value without characters that are there only to mislead."""
    if isinstance(value, str):
        return _UNSEEN.sub("", value) if _UNSEEN.search(value) else value
    if is_list(value):
        return [clean(each) for each in value]
    if is_record(value):
        return {clean(str(key)): clean(each) for key, each in value.items()}
    return value


def is_clean(content: bytes) -> bool:
    """Whether what should be JSON holds no such character, told at one look: written out, or spelled as an escape."""
    return is_clean_json(content) and len(content.translate(None, _UNSEEN_ASCII)) == len(content)


def is_clean_json(content: bytes) -> bool:
    """The same of what is known to be JSON, where nothing below the blank stands in a text."""
    if b"\\" in content and _SPELLED.search(content):
        return False
    if content.isascii():
        return b"\x7f" not in content
    try:
        return not _UNSEEN.search(content.decode())
    except UnicodeDecodeError:
        return False


def split_page(items: list[Any], wrap: Callable[[list[Any]], Json], limit: int) -> list[Json]:
    """A list as so many pages that each of them fits; what an item that is too long lost, follows its page."""
    parts: list[Json] = []
    most = room_in(limit)
    room = most - size_of(wrap([]))
    kept: list[Any] = []
    left = room
    for number, item in enumerate(items):
        size = size_of(item) + 1
        if size > left and kept:
            parts.append(wrap(kept))
            kept, left = [], room
        if size > left:
            item, cuts = shorten(item, left, f"result[{number}]")
            parts += [wrap([item]), *_rest(cuts, most)]
            continue
        kept.append(item)
        left -= size
    return [*parts, wrap(kept)] if kept or not parts else parts


def split_value(value: Json, limit: int) -> tuple[list[Json], list[Cut]]:
    """An object as parts of which each fits: itself with its longest texts and lists shortened, then what they lost."""
    if size_of(value) <= limit:
        return [value], []
    room = room_in(limit)
    shown, cuts = shorten(value, room)
    return [shown, *_rest(cuts, room)], cuts


def split_text(text: str, first: int, room: int) -> list[str]:
    """Texts that take no more room than that when they are written as JSON: a first one, and the others."""
    parts = [head(text, first)]
    start = len(parts[0])
    while start < len(text):
        parts.append(head(text[start : start + room], room))
        start += len(parts[-1])
    return parts


def fit_notes(notes: Json, room: int) -> Json:
    """Notes beside an answer, the longest texts in them shortened until they take no more than that."""
    return notes if not notes or size_of(notes) <= room else shorten(notes, room)[0]


def _rest(cuts: Sequence[Cut], room: int) -> list[Json]:
    """Everything that was cut off, in pieces that say where they belong, as many in one part as fit."""
    parts: list[Json] = []
    kept: list[Json] = []
    left = most = room - _ROUND_PARTS
    for piece in _pieces(cuts, most):
        size = size_of(piece) + 1
        if size > left and kept:
            parts.append({CONTINUES: kept})
            kept, left = [], most
        kept.append(piece)
        left -= size
    return [*parts, {CONTINUES: kept}] if kept else parts


def _pieces(cuts: Sequence[Cut], room: int) -> Iterator[Json]:
    for cut in cuts:
        whole, start = cut.whole, cut.kept
        most = max(room - _ROUND_PIECE - size_of(cut.path), SHORTEST_KEPT // 2)
        while start < len(whole):
            said: Json = {"at": cut.path, "from": start, "of": len(whole)}
            if isinstance(whole, str):
                text = head(whole[start : start + most], most)
                start += len(text)
                yield said | {"to": start, "text": text}
                continue
            items, inner = _items_from(whole, start, most, cut.path)
            start += len(items)
            yield said | {"to": start, "items": items}
            yield from _pieces(inner, room)


def _items_from(whole: list[Any], start: int, room: int, path: str) -> tuple[list[Any], list[Cut]]:
    """As many of a list's items from there on as fit; a single one that does not, shortened."""
    items: list[Any] = []
    for number in range(start, len(whole)):
        size = size_of(whole[number]) + 1
        if size > room and not items:
            shown, cuts = shorten(whole[number], room, f"{path}[{number}]")
            return [shown], cuts
        if size > room:
            break
        items.append(whole[number])
        room -= size
    return items, []
