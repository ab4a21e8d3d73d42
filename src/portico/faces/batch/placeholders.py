"""`{{…}}` in a batch: values of its arguments and of what was fetched before, put where they are needed. Pure.

`{{args.x}}`, `{{resources.projects.id}}`, `{{item.id}}`; `a|b` takes the first that is there, `a?:x` says what stands
in for nothing, and `:int`, `:bool`, `:json`, `:str`, `:any` and `:undefined` say what it is to become.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from portico.errors import Failure, InvalidArguments
from portico.shapes import Json, NotJson, decode, is_list, is_record

_PLACE = re.compile(r"\{\{([^{}]+)\}\}")
_CAST = re.compile(r"(.*):(int|bool|json|str|any|undefined)", re.DOTALL)
_ROOT = "resources"
_UNTRUE = ("", "false", "0", "null")
_MISSING = object()


def holds_any(value: str) -> bool:
    return _PLACE.search(value) is not None


def fill(value: Any, scope: Json) -> Any:
    """The value with everything in braces replaced. A text that is one placeholder becomes what that stands for."""
    if isinstance(value, str):
        whole = _PLACE.fullmatch(value.strip())
        return _resolve(whole[1], scope) if whole else _PLACE.sub(lambda found: _text(found[1], scope), value)
    if is_list(value):
        return [each for each in (fill(item, scope) for item in value) if each is not _MISSING]
    if is_record(value):
        filled = {name: fill(each, scope) for name, each in value.items()}
        return {name: each for name, each in filled.items() if each is not _MISSING}
    return value


def filled(value: Any, scope: Json) -> Any:
    """As `fill`, and null for what is nowhere."""
    found = fill(value, scope)
    return None if found is _MISSING else found


def is_true(value: Any) -> bool:
    return value.strip().lower() not in _UNTRUE if isinstance(value, str) else bool(value)


def key_in(text: str, keys: Mapping[str, Any]) -> tuple[str, str] | None:
    """Which of the keys a path begins with, and what follows it. `model/resource` may be written with a dot."""
    for key in sorted(keys, key=len, reverse=True):
        for spelled in (key, key.replace("/", ".")):
            if text == spelled or text.startswith(f"{spelled}."):
                return key, text[len(spelled) + 1 :]
    return None


def _resolve(expression: str, scope: Json) -> Any:
    wanted, otherwise, default = expression.partition("?:")
    is_dropped = False
    for alternative in wanted.split("|"):
        cast = _CAST.fullmatch(alternative.strip())
        path, kind = (cast[1].strip(), cast[2]) if cast else (alternative.strip(), "any")
        is_dropped = is_dropped or kind == "undefined"
        found = _look(path, scope)
        if found is not None:
            return _cast(found, kind, path)
    if otherwise:
        return default.strip().strip("'\"")
    return _MISSING if is_dropped else None


def _look(path: str, scope: Json) -> Any:
    root, _, rest = path.partition(".")
    place: Any = scope.get(root)
    if root == _ROOT and is_record(place) and rest:
        found = key_in(rest, place)
        if found is None:
            return None
        place, rest = place[found[0]], found[1]
    for step in rest.split(".") if rest else ():
        if is_record(place):
            place = place.get(step)
        elif is_list(place) and step.isdecimal() and int(step) < len(place):
            place = place[int(step)]
        else:
            return None
    return place


def _cast(value: Any, kind: str, path: str) -> Any:
    try:
        if kind == "int":
            return int(value)
        if kind == "json":
            return decode(value.encode()) if isinstance(value, str) else value
    except (TypeError, ValueError, NotJson):
        raise InvalidArguments([Failure(path, f"is {str(value)[:100]!r}, which is no {kind}")]) from None
    if kind == "bool":
        return is_true(value)
    return _written(value) if kind == "str" else value


def _text(expression: str, scope: Json) -> str:
    value = _resolve(expression, scope)
    return "" if value is None or value is _MISSING else _written(value)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
