"""Bracketed names of a query → the nested JSON that they stand for: `filter[values][]=a`, `items[0][id]=b`. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from portico.errors import Failure, InvalidArguments
from portico.shapes import Json, decode_or_text, is_list, is_record

DEEPEST = 16
_INDEX = re.compile(r"\[\d+\]$")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
# A list on its way: numbers are places, and what has no number comes after the highest.
_Tree = dict[Any, Any]


def plain_list(name: str) -> str:
    """`a[0]` as `a[]`: some clients number the items of a list, and the numbers say nothing."""
    return _INDEX.sub("[]", name)


def stem(name: str) -> str:
    return name.partition("[")[0]


def is_nested(name: str) -> bool:
    """Whether the name leads into a value, and is not just a list's."""
    return _NAME.fullmatch(name.removesuffix("[]")) is not None


def nest(pairs: Iterable[tuple[str, Any]]) -> Json:
    """One value for each stem, its leaves as they are. Where two names contradict each other, the later one wins."""
    tree: _Tree = {}
    for name, value in pairs:
        steps = list(_steps(name))
        if len(steps) >= DEEPEST:
            raise InvalidArguments([Failure(stem(name), "is nested too deeply", f"{DEEPEST} levels at most")])
        if not steps:
            tree[stem(name)] = value
            continue
        place = _below(tree, stem(name))
        for step in steps[:-1]:
            place = _below(place, len(place) if step == "" else step)
        _put(place, steps[-1], value)
    return {str(name): _listed(value) for name, value in tree.items()}


def typed(value: Any, schema: Json) -> Any:
    """Texts from a query as the JSON that the schema asks for; what it does not know stays text."""
    if is_record(value):
        members: Json = schema.get("properties") or {}
        return {name: typed(each, members.get(name) or {}) for name, each in value.items()}
    if is_list(value):
        return [typed(each, schema.get("items") or {}) for each in value]
    kind: Any = schema.get("type", "string")
    takes_text = "string" in (kind if is_list(kind) else [kind])
    return value if takes_text or not isinstance(value, str) else decode_or_text(value)


def _steps(name: str) -> Iterator[str | int]:
    """The steps below the stem; an empty one is the next place of a list."""
    for step in re.findall(r"\[([^\[\]]*)\]", name):
        yield int(step) if step.isdecimal() and len(step) < 5 else step


def _below(place: _Tree, step: str | int) -> _Tree:
    child = place.get(step)
    if not is_record(child):
        child = place[step] = {}
    return child


def _put(place: _Tree, step: str | int, value: Any) -> None:
    if step != "":
        place[step] = value
        return
    for item in value if is_list(value) else [value]:
        place[len(place)] = item


def _listed(value: Any) -> Any:
    if not is_record(value):
        return value
    children: _Tree = value
    if children and all(isinstance(step, int) for step in children):
        return [_listed(children[step]) for step in sorted(children)]
    return {str(step): _listed(each) for step, each in children.items()}
