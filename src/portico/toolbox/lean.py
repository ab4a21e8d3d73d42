"""What fills a context and helps no model stays out of answers until somebody asks. Which fields, the catalog says."""

from collections.abc import Mapping, Sequence
from typing import Any

from portico.shapes import Json, is_list, is_record
from portico.toolbox.fields import Selection


def leave_out(value: Any, bulky: Mapping[str, Json], arguments: Json, selection: Selection) -> tuple[Any, list[str]]:
    """The value without its bulky fields, and which they were. Kept are those that `fields` names, and those that the
    call's own arguments asked the vendor for."""
    left: list[str] = []
    for field, asked_by in bulky.items():
        if selection.names(field) or _is_asked(asked_by, arguments):
            continue
        value, was_there = _without(value, field.split("."))
        if was_there:
            left.append(field)
    return value, left


def _is_asked(asked_by: Json, arguments: Json) -> bool:
    return any(_says(arguments.get(name), wanted) for name, wanted in asked_by.items())


def _says(given: Any, wanted: Any) -> bool:
    if wanted is None:
        return given is not None
    return wanted in given if is_list(given) else given == wanted


def _without(value: Any, steps: Sequence[str]) -> tuple[Any, bool]:
    """Empty ones stay: they take no room, and say that there is nothing."""
    if is_list(value):
        each = [_without(item, steps) for item in value]
        return [item for item, _ in each], any(was_there for _, was_there in each)
    if not is_record(value) or not value.get(steps[0]):
        return value, False
    if len(steps) == 1:
        return {name: each for name, each in value.items() if name != steps[0]}, True
    inner, was_there = _without(value[steps[0]], steps[1:])
    return {**value, steps[0]: inner} if was_there else value, was_there
