"""Arguments that several reports share, with their sentences, and how they are read. Pure."""

from typing import Any

from portico.model.operation import Parameter
from portico.shapes import Json
from portico.toolbox.journal import IDEMPOTENCY_KEY

TOP = 10
MOST_ROWS = 200


def argument(name: str, kind: str, says: str, *, required: bool = False, names: str = "", **facts: Any) -> Parameter:
    schema: Json = {"type": kind, **facts, "description": says}
    return Parameter(name=name, place="body", schema=schema, required=required, names=names)


def several(name: str, says: str, *, names: str = "", allowed: tuple[str, ...] = (), rare: bool = False) -> Parameter:
    """A list of texts."""
    items: Json = {"type": "string", "enum": list(allowed)} if allowed else {"type": "string"}
    schema: Json = {"type": "array", "items": items, "description": says}
    return Parameter(name=name, place="body", schema=schema, names=names, shown="rare" if rare else "always")


START = argument("start_time", "integer", "Start: last month, 2026-11-01, last 7 days …; start of this month if absent")
END = argument("end_time", "integer", "End, excluded; now if absent")
PROJECTS = several("project_ids", "Only these projects, by name or id", names="projects.list")
TOP_ROWS = argument(
    "top", "integer", f"Rows of a table; the rest is summed up. {TOP} if absent", minimum=1, maximum=MOST_ROWS
)
COMPARE = argument("compare", "boolean", "Compare with the period before; true if absent")
ONCE = argument(
    IDEMPOTENCY_KEY, "string", "A key of yours: the same key never does it twice", minLength=1, maxLength=100
)
RANGE = ("start_time", "end_time")


def chosen(arguments: Json, *names: str) -> Json:
    """Those of these arguments that were given."""
    return {name: arguments[name] for name in names if arguments.get(name) not in (None, [])}


def unique(values: Any, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values or otherwise))
