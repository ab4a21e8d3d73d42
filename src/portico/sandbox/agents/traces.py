"""Traces of turns as OpenTelemetry's JSON: one span for the turn and one for each item of it."""

import hashlib

from portico.sandbox.agents.session import Item, Session, Turn
from portico.sandbox.shapes import Json

CLIENT, INTERNAL = 3, 1
OK, FAILED = 1, 2
OPERATIONS = {
    "message": "chat",
    "reasoning": "chat",
    "function_call": "execute_tool",
    "mcp_call": "execute_tool",
    "web_search_call": "execute_tool",
    "command_execution": "execute_tool",
    "computer_use_call": "execute_tool",
    "create_subagent_call": "create_agent",
}


def trace(session: Session, turn: Turn) -> Json:
    items = [item for item in session.root.items.values() if item.data["turn_id"] == turn.id and item.place is not None]
    spans = [_turn_span(session, turn), *(_item_span(session, turn, item) for item in items)]
    resource = {"attributes": [_attribute("service.name", "agents"), _attribute("session.id", session.id)]}
    scope = {"scope": {"name": "agents.turns", "version": "1"}, "spans": spans}
    return {
        "id": turn.id,
        "object": "agent.session.trace",
        "session_id": session.id,
        "created_at": int(turn.created_at),
        "otlp": {"resourceSpans": [{"resource": resource, "scopeSpans": [scope]}]},
    }


def _turn_span(session: Session, turn: Turn) -> Json:
    usage = turn.usage or {}
    counted = {f"gen_ai.usage.{name}": usage.get(name, 0) for name in ("input_tokens", "output_tokens")}
    details = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.id": turn.agent_id,
        "gen_ai.request.model": session.agent["model"],
        **counted,
    }
    status = OK if turn.status == "completed" else FAILED
    ended = turn.completed_at or turn.created_at
    return _span(turn.id, turn.id, "invoke_agent", (turn.created_at, ended, status), details)


def _item_span(session: Session, turn: Turn, item: Item) -> Json:
    kind = item.data["type"]
    operation = OPERATIONS.get(kind, "execute_tool")
    details = {"gen_ai.operation.name": operation, "item.type": kind, "item.id": item.data["id"]}
    if operation == "execute_tool":
        details["gen_ai.tool.name"] = str(item.data.get("name") or kind)
    status = FAILED if item.data.get("status") in ("failed", "incomplete") else OK
    course = (item.began, item.ended or item.began, status)
    span = _span(turn.id, item.data["id"], f"{operation} {kind}", course, details)
    return {**span, "parentSpanId": _identity(turn.id, 16)}


def _span(turn_id: str, known_as: str, name: str, course: tuple[float, float, int], details: Json) -> Json:
    began, ended, status = course
    return {
        "traceId": _identity(turn_id, 32),
        "spanId": _identity(known_as, 16),
        "parentSpanId": "",
        "name": name,
        "kind": CLIENT if name.startswith("chat") else INTERNAL,
        "startTimeUnixNano": str(int(began * 1e9)),
        "endTimeUnixNano": str(int(ended * 1e9)),
        "attributes": [_attribute(key, value) for key, value in details.items()],
        "status": {"code": status},
    }


def _attribute(key: str, value: str | int) -> Json:
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}


def _identity(known_as: str, length: int) -> str:
    return hashlib.sha256(known_as.encode()).hexdigest()[:length]
