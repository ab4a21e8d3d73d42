"""Many tools without a crowded context: a few tools that find, describe and call the rest. Pure but for the calls."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from portico.catalog.find import View
from portico.gateway.lookup import Connected
from portico.model.offered import Offered
from portico.model.server import Exposure, McpServer
from portico.shapes import Json
from portico.toolbox.fit import clean
from portico.toolbox.offer import Offer
from portico.toolbox.tools import Tool

# Above this many tokens of definitions, `auto` shows the few instead of the many.
BUDGET_TOKENS = 12_000
MOST_DESCRIBED = 5
_BYTES_PER_TOKEN = 4.0
_MOST_TENANT_CHARACTERS = 100
_TIMES = "Times: last 7 days, 2026-11-01, start of month, Unix seconds."
_SAID_TO_ALL = {
    "fields": "Name `fields` to keep answers small (id, amount.value, data[].id, -usage).",
    "tables": "`as: table` gives lists as rows.",
    "cursors": "A truncated answer of any tool goes on when the tool is called with its next_cursor alone.",
    "dry_run": "`dry_run: true` shows a request without sending it.",
}
_PATIENCE = " `portico_retry: {max_seconds: 30}` waits out a rate limit where a tool only reads."
_encoder = msgspec.json.Encoder()

SEARCH, DESCRIBE = "search_tools", "get_tool_schema"
CALL_READ, CALL_WRITE, CALL = "call_read_tool", "call_write_tool", "call_tool"
NAMES = frozenset({SEARCH, DESCRIBE, CALL_READ, CALL_WRITE, CALL})

_SEARCHED: Json = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "What you want to do"},
        "tag": {"type": "string", "description": "Only this area"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 25, "description": "How many; 8 if left out"},
    },
    "required": ["query"],
}
_DESCRIBED: Json = {
    "type": "object",
    "properties": {
        "tool_names": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "maxItems": MOST_DESCRIBED,
            "description": "Names that search_tools gave",
        }
    },
    "required": ["tool_names"],
}
_CALLED: Json = {
    "type": "object",
    "properties": {
        "tool_name": {"type": "string", "description": "A name that search_tools gave"},
        "arguments": {"type": "object", "description": "As get_tool_schema describes them"},
    },
    "required": ["tool_name"],
}


# What each of them takes. `name` is how some models write `tool_name`.
_CALLS = (*_CALLED["properties"], "name")
WORDS: dict[str, tuple[str, ...]] = {
    SEARCH: (*_SEARCHED["properties"],),
    DESCRIBE: (*_DESCRIBED["properties"],),
    **dict.fromkeys((CALL_READ, CALL_WRITE, CALL), _CALLS),
}
READING = frozenset({SEARCH, DESCRIBE})


def count_tokens(tools: Sequence[Tool]) -> int:
    """About what a model pays for the definitions: names, sentences and schemas."""
    return tokens_in(*([each.name, each.description, each.input_schema] for each in tools))


def tokens_in(*values: Any) -> int:
    """About what a model pays for values that are shown to it as JSON."""
    return round(sum(len(_encoder.encode(each)) for each in values) / _BYTES_PER_TOKEN)


def is_discovery(exposure: Exposure, tokens: int) -> bool:
    return exposure == "discovery" or (exposure == "auto" and tokens > BUDGET_TOKENS)


def tools(view: View, offered: Offer) -> tuple[Tool, ...]:
    """The few tools of discovery, for one integration; what changes something only where there is anything such."""
    areas = clean(", ".join(view.areas))
    label = view.integration.label
    few = (
        _tool(
            SEARCH,
            "Search tools",
            f"Find {label} tools by what they do, best in the API's own words ('project rate limits', 'usage "
            f"completions'). Answers names, one line and the required arguments. Areas for tag: {areas}.",
            _SEARCHED,
            effect="read",
        ),
        _tool(
            DESCRIBE,
            "Describe tools",
            "The arguments of up to five tools. Read them before the first call of a tool.",
            _DESCRIBED,
            effect="read",
        ),
        _tool(CALL_READ, "Call a reading tool", "Run a tool that changes nothing.", _CALLED, effect="read"),
        _tool(
            CALL_WRITE,
            "Call a changing tool",
            "Run a tool that creates, changes or deletes.",
            _CALLED,
            effect="destroy",
        ),
    )
    return few if _changes(offered) else tuple(each for each in few if each.name != CALL_WRITE)


def _changes(offered: Offer) -> bool:
    return any(each.effect != "read" for each in offered.operations)


def instructions(server: McpServer, connected: Connected, offered: Offer, *, is_discovery: bool) -> str:
    """What a model should know before its first call: whose account, which areas, how ids, lists and errors work."""
    label = connected.view.integration.label
    areas = list(dict.fromkeys(clean(tag) for each in offered.operations for tag in each.tags))
    tenant = clean(connected.account.tenant_id)[:_MOST_TENANT_CHARACTERS]
    lines = [f"{label} account of {tenant}: {len(offered.tools)} tools for {', '.join(areas)}."]
    if is_discovery:
        ways = f"{CALL_READ} or {CALL_WRITE}" if _changes(offered) else CALL_READ
        lines.append(f"Find tools with {SEARCH}, read their arguments with {DESCRIBE}, run them with {ways}.")
    off = server.config.comforts_off
    names = "" if "names" in off else "; a unique name serves as well"
    times = "Times are Unix seconds." if "times" in off else _TIMES
    lines.append(
        f"Ids come from the list_all_… tools{names}. Lists come in pages: send next_cursor back exactly as received; "
        f"many take order: asc or desc. {times} An error says what is allowed and what to do next.{_spoken(off)}"
    )
    if server.config.read_only:
        lines.append("This server is read-only.")
    if server.config.confirm != "never":
        which = "destroys" if server.config.confirm == "destructive" else "changes"
        lines.append(
            f"Whatever {which} something waits until a person approves it; where that takes long, make the very same "
            "call again later."
        )
    if server.config.arguments:
        lines.append(f"Limited here: {', '.join(server.config.arguments)}.")
    return " ".join(lines)


def _spoken(off: Collection[str]) -> str:
    """What may be said to every tool here, although no schema shows it."""
    return "".join(f" {words}" for comfort, words in _SAID_TO_ALL.items() if comfort not in off) + _PATIENCE


def found(operations: Sequence[Offered], tools_by_name: dict[str, Tool]) -> list[Json]:
    """Search results: enough to choose by."""
    return [
        {
            "name": each.tool.name,
            "does": tools_by_name[each.tool.name].description,
            "required": tools_by_name[each.tool.name].input_schema.get("required", []),
            "call_with": CALL_READ if each.effect == "read" else CALL_WRITE,
        }
        for each in operations
    ]


def grouped(operations: Sequence[Offered]) -> dict[str, list[str]]:
    """All names by resource, for a search that found nothing."""
    groups: dict[str, list[str]] = {}
    for each in operations:
        groups.setdefault(each.resource, []).append(each.tool.name)
    return groups


def _tool(name: str, title: str, description: str, schema: Json, *, effect: str) -> Tool:
    annotations: dict[str, Any] = {
        "title": title,
        "readOnlyHint": effect == "read",
        "destructiveHint": effect == "destroy",
        "idempotentHint": effect == "read",
        "openWorldHint": True,
    }
    return Tool(name=name, title=title, description=description, input_schema=schema, annotations=annotations)
