"""The tools of an agent: what may be configured, and how each is shown. Secrets in transports are never kept."""

import re
from typing import Any

import msgspec

from portico.sandbox.checks import Check, array, boolean, fields, one_of, record, text
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json, is_record

LARGEST_BYTES = 3 * 1024 * 1024
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
STRINGS = array(str)


def texts(value: Any, path: str) -> dict[str, str]:
    """A check for an object whose values are all texts."""
    checked = record()(value, path)
    return {name: text()(item, f"{path}.{name}") for name, item in checked.items()}


def variant(variants: dict[str, Check], named: str = "type") -> Check:
    """A check for objects that come in several kinds, told apart by one field."""

    def check(value: Any, path: str) -> Json:
        kind = record()(value, path).get(named)
        if kind is None:
            raise missing(f"{path}.{named}")
        one_of(*variants)(kind, f"{path}.{named}")
        return variants[kind](value, path)

    return check


def several(saved: bool) -> Check:
    """A check for the tools of a `saved` agent (without any secrets) or of a session; answers them with defaults."""
    one = SAVED if saved else RUNNING

    def check(value: Any, path: str) -> list[Json]:
        if len(msgspec.json.encode(value)) > LARGEST_BYTES:
            raise invalid(f"'{path}' may be {LARGEST_BYTES} bytes of JSON at most.", path, "string_above_max_length")
        tools: list[Json] = array(one)(value, path)
        named = [tool.get("name") or tool.get("server_label") for tool in tools]
        twice = [name for name in named if name is not None and named.count(name) > 1]
        if twice:
            raise invalid(f"'{path}' has two tools that are called '{twice[0]}'.", path, "duplicate_tool")
        return tools

    return check


def running(tools: list[Json]) -> list[Json]:
    """The tools as a session shows them: no tool search, and no headers of a transport."""
    shown: list[Json] = []
    for tool in tools:
        if tool["type"] == "mcp":
            transport = {name: item for name, item in tool["transport"].items() if name != "headers"}
            shown.append({**tool, "transport": transport})
        elif tool["type"] != "tool_search":
            shown.append(tool)
    return shown


def _function(value: Any, path: str) -> Json:
    needed = {"type": str, "name": str, "description": str, "parameters": dict}
    tool = fields(value, needed, {"async": boolean, "defer_loading": boolean}, path=path)
    if not NAME.fullmatch(tool["name"]):
        raise invalid(f"'{path}.name' may have letters, digits, _ and -, 64 at most.", f"{path}.name")
    return {"defer_loading": False, **tool}


def _plain(value: Any, path: str) -> Json:
    return fields(value, {"type": str}, path=path)


def _programmatic(value: Any, path: str) -> Json:
    return {"enabled": True, **fields(value, {"type": str}, {"enabled": boolean}, path=path)}


def _computer(value: Any, path: str) -> Json:
    return {"include_screenshots": False, **fields(value, {"type": str}, {"include_screenshots": boolean}, path=path)}


def _web_search(value: Any, path: str) -> Json:
    place = record({}, dict.fromkeys(("city", "country", "region", "timezone"), str))
    optional = {
        "allowed_domains": STRINGS,
        "context_size": one_of("low", "medium", "high"),
        "location": place,
        "mode": one_of("disabled", "cached", "live"),
    }
    tool = fields(value, {"type": str}, optional, path=path)
    if is_record(tool.get("location")):
        tool["location"] = {**dict.fromkeys(("city", "country", "region", "timezone")), **tool["location"]}
    return {"allowed_domains": None, "context_size": "medium", "location": None, "mode": "live", **tool}


def _mcp(secrets: bool) -> Check:
    transport = variant({"http": _http(secrets), "stdio": _stdio(secrets)})
    optional = {
        "allowed_tools": STRINGS,
        "connection_origin": one_of("service", "environment"),
        "credential_id": str,
        "request_metadata": dict,
        "required": boolean,
    }

    def check(value: Any, path: str) -> Json:
        tool = fields(value, {"type": str, "server_label": str, "transport": transport}, optional, path=path)
        defaults: Json = {
            "allowed_tools": None,
            "connection_origin": "service",
            "credential_id": None,
            "request_metadata": {},
            "required": False,
        }
        return {**defaults, **tool}

    return check


def _http(secrets: bool) -> Check:
    optional: dict[str, Check | type] = {"headers": texts, **({"authorization": str} if secrets else {})}

    def check(value: Any, path: str) -> Json:
        transport = fields(value, {"type": str, "server_url": str}, optional, path=path)
        if not re.match(r"https?://[^/\s]+", transport["server_url"]):
            raise invalid(f"'{path}.server_url' is no HTTP address.", f"{path}.server_url", "invalid_url")
        kept: Json = {} if secrets else transport.get("headers", {})
        return {"type": "http", "server_url": transport["server_url"], "headers": kept}

    return check


def _stdio(secrets: bool) -> Check:
    optional: dict[str, Check | type] = {
        "args": STRINGS,
        "env_vars": STRINGS,
        **({"env": texts} if secrets else {}),
    }

    def check(value: Any, path: str) -> Json:
        transport = fields(value, {"type": str, "command": str, "cwd": str}, optional, path=path)
        return {"args": [], "env_vars": [], **{name: item for name, item in transport.items() if name != "env"}}

    return check


PLAIN: dict[str, Check] = {
    "function": _function,
    "tool_search": _plain,
    "programmatic_tool_calling": _programmatic,
    "web_search": _web_search,
    "computer_use": _computer,
    "automations": _plain,
}
SAVED = variant({**PLAIN, "mcp": _mcp(secrets=False)})
RUNNING = variant({**PLAIN, "mcp": _mcp(secrets=True)})
