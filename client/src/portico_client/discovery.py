"""Many tools without a crowded context: four that find, describe and run the rest, and no others. No I/O.

Finding is the gateway's work, which knows what people call things; what may be run is looked up in the chosen list.
"""

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from portico_client.tools import Rows, ToolResult
from portico_client.wire import Flow, Json, is_record

SEARCH, DESCRIBE, CALL_READ, CALL_WRITE = "search_tools", "get_tool_schema", "call_read_tool", "call_write_tool"
USUALLY_FOUND, MOST_FOUND, MOST_DESCRIBED = 8, 25, 5


class Listed(Protocol):
    """The chosen tools, all or those that fit the words."""

    def __call__(self, include_removed: bool = False, search: str = "", limit: int | None = None) -> Flow[Rows]: ...


def _row(name: str, description: str, properties: Json, required: list[str], *, reads: bool) -> Json:
    schema = {"type": "object", "properties": properties, "required": required}
    annotations = {"readOnlyHint": reads, "destructiveHint": not reads, "openWorldHint": True}
    return {"name": name, "description": description, "input_schema": schema, "annotations": annotations, "tags": []}


_CALLED: Json = {
    "tool_name": {"type": "string", "description": f"A name that {SEARCH} gave"},
    "arguments": {"type": "object", "description": f"As {DESCRIBE} describes them"},
}
ROWS: tuple[Json, ...] = (
    _row(
        SEARCH,
        "Find tools by what they do. Answers names, a line about each and the arguments that it needs.",
        {
            "query": {"type": "string", "description": "What you want to do"},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST_FOUND, "description": "8 if left out"},
        },
        ["query"],
        reads=True,
    ),
    _row(
        DESCRIBE,
        f"All arguments of up to {MOST_DESCRIBED} tools. Read them before the first call of a tool.",
        {"tool_names": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST_DESCRIBED}},
        ["tool_names"],
        reads=True,
    ),
    _row(CALL_READ, "Run a tool that changes nothing.", _CALLED, ["tool_name"], reads=True),
    _row(CALL_WRITE, "Run a tool that creates, changes or deletes.", _CALLED, ["tool_name"], reads=False),
)


@dataclass(frozen=True)
class Stock:
    """What the four tools know of the others."""

    listed: Listed
    called: Callable[[str, Mapping[str, Any]], Flow[ToolResult]]

    def run(self, name: str, arguments: Mapping[str, Any]) -> Flow[ToolResult]:
        if name == SEARCH:
            return (yield from self._search(arguments))
        if name == DESCRIBE:
            return (yield from self._describe(arguments))
        return (yield from self._call(name, arguments))

    def _search(self, arguments: Mapping[str, Any]) -> Flow[ToolResult]:
        query, limit = str(arguments.get("query") or ""), arguments.get("limit") or USUALLY_FOUND
        if not isinstance(limit, int) or not 1 <= limit <= MOST_FOUND:
            return _wrong(f"limit must be a whole number from 1 to {MOST_FOUND}.")
        rows = (yield from self.listed(search=query, limit=limit)) if query.strip() else []
        if rows:
            return _value({"result": [_line(row) for row in rows]})
        every = yield from self.listed()
        names: dict[str, list[str]] = {}
        for row in every:
            names.setdefault(row["resource"], []).append(row["name"])
        return _value({"note": "Nothing matches; these are all names, by resource.", "tools": names})

    def _describe(self, arguments: Mapping[str, Any]) -> Flow[ToolResult]:
        given: Any = arguments.get("tool_names")
        wanted: list[Any] = cast("list[Any]", given) if isinstance(given, list) else [given] if given else []
        if not 1 <= len(wanted) <= MOST_DESCRIBED:
            return _wrong(f"tool_names must be a list of 1 to {MOST_DESCRIBED} names that {SEARCH} gave.")
        known = {row["name"]: row for row in (yield from self.listed())}
        described = [
            {field: known[name][field] for field in ("name", "description", "input_schema")}
            if name in known
            else {"name": name, "error": _unknown(name, known)}
            for name in map(str, wanted)
        ]
        return _value({"result": described})

    def _call(self, through: str, arguments: Mapping[str, Any]) -> Flow[ToolResult]:
        name, own = arguments.get("tool_name"), _object(arguments.get("arguments"))
        if not isinstance(name, str) or own is None:
            return _wrong(f"Give tool_name, a name that {SEARCH} gave, and arguments, an object.")
        known = {row["name"]: row for row in (yield from self.listed())}
        if name not in known:
            return _wrong(_unknown(name, known))
        if through == CALL_READ and not known[name]["annotations"].get("readOnlyHint"):
            return _wrong(f"{name} changes something; run it with {CALL_WRITE}.")
        return (yield from self.called(name, own))


def _object(given: Any) -> Json | None:
    """Some models write objects as text."""
    if isinstance(given, str) and given.strip():
        try:
            given = json.loads(given)
        except ValueError:
            return None
    return given if is_record(given) else None if given else {}


def _line(row: Json) -> Json:
    reads = row["annotations"].get("readOnlyHint")
    return {
        "name": row["name"],
        "does": row["description"],
        "required": row["required"],
        "call_with": CALL_READ if reads else CALL_WRITE,
    }


def _unknown(name: str, known: Mapping[str, Json]) -> str:
    near = ", ".join(difflib.get_close_matches(name, known, n=3))
    return f"There is no tool {name[:100]!r} here; {f'nearest: {near}' if near else f'{SEARCH} finds tools'}."


def _value(value: Json) -> ToolResult:
    return ToolResult([{"type": "text", "text": json.dumps(value, ensure_ascii=False)}], value)


def _wrong(sentence: str) -> ToolResult:
    told = {"error": sentence}
    return ToolResult([{"type": "text", "text": json.dumps(told, ensure_ascii=False)}], told, is_error=True)
