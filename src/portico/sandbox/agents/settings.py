"""How an agent is configured: checks, defaults and overrides, the same for saved agents, sessions and automations."""

from copy import deepcopy
from typing import Any

from portico.sandbox import roster
from portico.sandbox.agents import tools
from portico.sandbox.checks import Check, boolean, fields, integer, one_of, record, text
from portico.sandbox.refusals import missing
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Ask

TIERS = ("auto", "default", "flex", "priority", "fast", "ultrafast")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
SUBAGENTS_AT_ONCE = 6
MOST_SUBAGENTS = 2**32 - 1

REASONING = record({}, {"effort": one_of(*EFFORTS), "summary": one_of("concise", "detailed", "auto")})
FORMAT = tools.variant(
    {"text": record({"type": str}), "json_schema": record({"type": str, "schema": dict})},
)
TEXT = record({}, {"format": FORMAT, "verbosity": one_of("low", "medium", "high")})
MULTI_AGENT = record({"enabled": boolean}, {"max_concurrent_subagents": integer(1, MOST_SUBAGENTS)})

CHECKS: dict[str, Check | type] = {
    "compaction": record({}, {"async": boolean}),
    "experimental": record({}, {"time_awareness": boolean}),
    "instructions": str,
    "model": text(shortest=1),
    "multi_agent": MULTI_AGENT,
    "reasoning": REASONING,
    "service_tier": one_of(*TIERS),
    "text": TEXT,
}
# What a field is where nothing, or null, was given.
DEFAULTS: Json = {
    "compaction": {"async": False},
    "experimental": {"time_awareness": False},
    "instructions": None,
    "multi_agent": {"enabled": False, "max_concurrent_subagents": None},
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "auto",
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tools": [],
}


def checks(*, saved: bool) -> dict[str, Check | type]:
    return {**CHECKS, "tools": tools.several(saved)}


def settled(given: Json, checked: Json, start: Json | None = None, path: str = "") -> Json:
    """The settings that follow from what was `given` (and `checked`), over a `start` such as a saved agent.

    An object or a list replaces the whole field, except that experimental settings are merged; null is the default.
    """
    settings: Json = deepcopy(start) if start is not None else deepcopy(DEFAULTS)
    for name in (*CHECKS, "tools"):
        if name in checked:
            settings[name] = _filled(name, checked[name], settings.get(name))
        elif name in given and name != "model":
            settings[name] = deepcopy(DEFAULTS[name])
    if settings.get("model") is None:
        raise missing(f"{path}.model" if path else "model")
    return settings


def resolve(ask: Ask, given: Json, checked: Json, start: Json | None = None, path: str = "") -> Json:
    """The same, with a model that the project really has."""
    if "model" in checked:
        roster.require(ask, checked["model"], "chat")
    return settled(given, checked, start, path)


def inline(ask: Ask, value: Any, path: str = "agent", start: Json | None = None) -> Json:
    """The settings of an agent that is described inside another request."""
    checked = fields(value, {}, checks(saved=False), path=path)
    return resolve(ask, value, checked, start, path)


def shown(settings: Json) -> Json:
    """The settings as a session shows them."""
    return {**settings, "tools": tools.running(settings["tools"])}


def _filled(name: str, value: Any, before: Any) -> Any:
    if name == "experimental":
        return {**(before or DEFAULTS[name]), **value}
    if name == "multi_agent" and value["enabled"]:
        return {"max_concurrent_subagents": SUBAGENTS_AT_ONCE, **value}
    if name == "multi_agent":
        return dict(DEFAULTS[name])
    if name in ("compaction", "reasoning", "text"):
        return {**deepcopy(DEFAULTS[name]), **value}
    return value
