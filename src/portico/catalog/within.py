"""Places inside an argument, such as `[].vector_store_ids[]`: read, and held against what is known of it. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping

from portico.shapes import Json

EACH = "[]"
_STEP = re.compile(r"\[\]|[^.\[\]]+")


def steps(place: str) -> tuple[str, ...]:
    """`[].ids[]` → each, `ids`, each; nothing where it is not a place."""
    found = tuple(_STEP.findall(place))
    return found if _written(found) == place else ()


def whole(argument: str, place: str) -> str:
    """The place with the argument that it is in, without the `[]` at its end: as the lint says it."""
    return f"{argument}{'' if place.startswith(EACH) else '.'}{place}".removesuffix(EACH)


def astray(fact: Json, places: Mapping[str, str]) -> list[str]:
    """Those places that lead nowhere in an argument as the inventory knows it; what is open leads everywhere."""
    return [place for place in places if not (path := steps(place)) or not _leads(fact, path)]


def _written(path: Iterable[str]) -> str:
    return "".join(each if each == EACH else f".{each}" for each in path).removeprefix(".")


def _leads(fact: Json, path: tuple[str, ...]) -> bool:
    if not path:
        return True
    forms = [fact, *fact.get("any_of", ())]
    inside = [each for form in forms for each in _inside(form, path[0])]
    return any(_leads(each, path[1:]) for each in inside) or any(_is_open(each) for each in forms)


def _inside(fact: Json, step: str) -> Iterator[Json]:
    if step == EACH:
        if fact.get("items"):
            yield fact["items"]
        return
    members = [*fact.get("properties", ()), *(each for form in fact.get("variants", ()) for each in form["properties"])]
    yield from (each for each in members if each["name"] == step)


def _is_open(fact: Json) -> bool:
    """Nothing more is known of what is in it."""
    is_known = any(fact.get(word) for word in ("items", "properties", "variants", "any_of"))
    return fact.get("type", "any") in {"any", "object", "array"} and not is_known
