"""Calls that the application must answer: functions of its own, and requests that need the user's decision."""

from typing import Any

import msgspec

from portico.sandbox.agents.session import Asking, Item, Script
from portico.sandbox.agents.stage import Stage
from portico.sandbox.mind.fill import fill
from portico.sandbox.mind.prose import Turn as Said
from portico.sandbox.mind.think import Talk, Tool, think
from portico.sandbox.shapes import Json


def call(stage: Stage, asked: str) -> Script:
    """Call the functions that the message names, or else the one whose description fits; then wait for the results."""
    chosen = _choose(_callable(stage), asked)
    items = [_begin(stage, tool, arguments) for tool, arguments in chosen]
    if chosen and all(tool.get("async") for tool, _ in chosen):
        names = ", ".join(tool["name"] for tool, _ in chosen)
        yield from stage.say(f"I have asked {names} and go on meanwhile.", "commentary")
    while items:
        items = [item for item in items if not _settle(stage, item)]
        if items:
            stage.turn.status = "waiting"
            yield None
    stage.turn.status = "in_progress"


def required_answer(stage: Stage, kind: str, request: Json, request_id: str | None = None) -> Asking[Json]:
    """Ask the application for a decision and wait until it has come."""
    known_as = request_id or stage.session.owner.new_id("cuar_" if kind.startswith("computer") else "mcpr_")
    action = {"type": kind, "turn_id": stage.turn.id, "request_id": known_as, "request": request}
    stage.session.required[known_as] = action
    while known_as not in stage.turn.results:
        stage.turn.status = "waiting"
        yield None
    stage.turn.status = "in_progress"
    return stage.turn.results.pop(known_as)


def _callable(stage: Stage) -> list[Json]:
    tools: list[Json] = stage.session.agent["tools"]
    can_search = any(tool["type"] == "tool_search" for tool in tools)
    return [tool for tool in tools if tool["type"] == "function" and (can_search or not tool["defer_loading"])]


def _choose(tools: list[Json], asked: str) -> list[tuple[Json, Any]]:
    named = [tool for tool in tools if tool["name"] in asked]
    if named:
        return [(tool, fill(tool["parameters"], asked)) for tool in named]
    known = [Tool(tool["name"], tool["description"], tool["parameters"]) for tool in tools]
    calls = think(Talk([Said("user", asked)], known)).calls
    by_name = {tool["name"]: tool for tool in tools}
    return [(by_name[one.name], msgspec.json.decode(one.arguments)) for one in calls]


def _begin(stage: Stage, tool: Json, arguments: Any) -> Item:
    call_id = stage.session.owner.new_id("call_")
    known: Json = {"name": tool["name"], "call_id": call_id, "arguments": arguments}
    # Known as pending before anyone is told: an application may answer at once.
    stage.session.required[call_id] = {"type": "function_call", "turn_id": stage.turn.id, **known}
    return stage.add("fc_", "function_call", status="in_progress", **known)


def _settle(stage: Stage, item: Item) -> bool:
    """Write down the result of a call, if it has come."""
    result = stage.turn.results.pop(item.data["call_id"], None)
    if result is None:
        return False
    status = "completed" if result["success"] else "failed"
    stage.finish(item, status=status)
    stage.add(
        "fco_",
        "function_call_output",
        is_output=False,
        status=status,
        call_id=item.data["call_id"],
        output=result.get("output") if result["success"] else None,
        error=None if result["success"] else result.get("error"),
    )
    return True
