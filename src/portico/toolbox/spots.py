"""Where in an argument's value something stands: found by its place, put back in a copy. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from portico.catalog.within import EACH
from portico.shapes import is_list, is_record

# The way from an argument to one value in it: names of fields, numbers of items.
Spot = tuple[str | int, ...]


def spots(value: Any, path: Sequence[str]) -> Iterator[tuple[Spot, Any]]:
    """Everything that stands at the place, spelled as in `portico.catalog.within`; none where the shape is another."""
    if not path:
        yield (), value
        return
    step, *rest = path
    inside: list[tuple[str | int, Any]] = []
    if step == EACH and is_list(value):
        inside = list(enumerate(value))
    elif step != EACH and is_record(value) and step in value:
        inside = [(step, value[step])]
    for key, each in inside:
        yield from (((key, *spot), found) for spot, found in spots(each, rest))


def put(value: Any, spot: Spot, new: Any) -> Any:
    """A copy with something else at one spot."""
    if not spot:
        return new
    key, *rest = spot
    copy: Any = list(value) if is_list(value) else dict(value)
    copy[key] = put(copy[key], tuple(rest), new)
    return copy


def shown(argument: str, spot: Spot) -> str:
    """`tools[0].vector_store_ids[1]`, as errors and answers say it."""
    return argument + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in spot)
