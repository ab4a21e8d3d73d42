"""What an application can send into a session: messages, cancellation, results and decisions. All or nothing."""

from typing import Any

from portico.sandbox.agents import clockwork, endings
from portico.sandbox.agents.opening import hear
from portico.sandbox.agents.session import Session
from portico.sandbox.agents.tools import variant
from portico.sandbox.agents.wish import PART, spoken
from portico.sandbox.checks import array, boolean, either, fields, one_of, record
from portico.sandbox.refusals import conflict, invalid, missing
from portico.sandbox.shapes import Json

PREFIX = "agent.session.input."
DECISION = one_of("approve", "deny", "cancel")
MOST_EVENTS = 64
MOST_FIELDS = 6

SUBMIT = record(
    {
        "type": str,
        "action": str,
        "fields": array(record({"field_id": str, "value": str}), longest=MOST_FIELDS),
    },
    {"selected_option": str},
)
SIGN_IN = variant({"submit": SUBMIT, "cancel": record({"type": str, "action": str})}, "action")
MCP_RESPONSE = record({"type": one_of("mcp_tool_call"), "decision": DECISION})
COMPUTER_RESPONSE = variant(
    {
        "browser_authentication": SIGN_IN,
        "browser_origin_access": record({"type": str, "decision": DECISION}),
    }
)
RESULT = record(
    {"type": str, "turn_id": str, "call_id": str, "success": boolean},
    {"error": str, "output": either(str, array(PART))},
)
EVENT = variant(
    {
        f"{PREFIX}message": record({"type": str, "input": spoken}),
        f"{PREFIX}cancel": record({"type": str}),
        f"{PREFIX}tool_result": RESULT,
        f"{PREFIX}mcp_approval_request_result": record({"type": str, "request_id": str, "response": MCP_RESPONSE}),
        f"{PREFIX}computer_use_approval_request_result": record(
            {"type": str, "request_id": str, "response": COMPUTER_RESPONSE}
        ),
    }
)


def read(body: Json) -> list[Json]:
    """The events of a request, each checked by itself."""
    return fields(body, {"events": array(EVENT, longest=MOST_EVENTS)})["events"]


def check(session: Session, events: list[Json]) -> None:
    """Refuse events that the session does not wait for."""
    answered: list[str] = []
    for place, event in enumerate(events):
        kind = event["type"].removeprefix(PREFIX)
        if kind == "message" and session.status == "failed":
            raise conflict("The session has failed and takes no messages.", "session_failed")
        if kind == "tool_result":
            _check_result(session, event, answered)
            answered.append(event["call_id"])
        elif kind.endswith("approval_request_result"):
            _check_decision(session, event, kind.removesuffix("_result"), answered, f"events[{place}]")
            answered.append(event["request_id"])


def take(session: Session, events: list[Json]) -> None:
    """Let checked events take effect, in their order."""
    for event in events:
        kind = event["type"].removeprefix(PREFIX)
        if kind == "message":
            hear(session, event["input"])
        elif kind == "cancel":
            endings.cancel(session)
        elif kind == "tool_result":
            _settle(session, event["call_id"], event)
        else:
            _settle(session, event["request_id"], event["response"])
        session.tell_status()


def _settle(session: Session, known_as: str, answer: Json) -> None:
    action = session.required.pop(known_as, None)
    if action is None:
        # The turn was cancelled by an earlier event of the same request.
        return
    threads = (session.root, *(subagent.thread for subagent in session.subagents.values()))
    turn = next(thread.turns[action["turn_id"]] for thread in threads if action["turn_id"] in thread.turns)
    turn.results[known_as] = answer
    clockwork.wake(session)


def _check_result(session: Session, event: Json, answered: list[str]) -> None:
    action = session.required.get(event["call_id"])
    if action is None or action["type"] != "function_call" or event["call_id"] in answered:
        # Clients know this very sentence: they send the result again, in case the call was not yet known.
        raise invalid(f"Unknown pending tool call: {event['call_id']}", None, "invalid_request_error")
    if action["turn_id"] != event["turn_id"]:
        raise invalid("That tool call belongs to another turn.", None, "invalid_request_error")


def _check_decision(session: Session, event: Json, kind: str, answered: list[str], path: str) -> None:
    action = session.required.get(event["request_id"])
    if action is None or action["type"] != kind or event["request_id"] in answered:
        raise invalid(f"Nothing waits for the answer '{event['request_id']}'.", None, "invalid_request_error")
    response, request = event["response"], action["request"]
    if response["type"] != request["type"]:
        message = f"'{path}.response.type' must be {request['type']}."
        raise invalid(message, f"{path}.response.type")
    if response.get("action") == "submit":
        _check_fields(request, response, f"{path}.response.fields")


def _check_fields(request: Json, response: Json, path: str) -> None:
    given: dict[str, Any] = {entry["field_id"]: entry["value"] for entry in response["fields"]}
    known: dict[str, Json] = {field["id"]: field for field in request["fields"]}
    for name in given:
        if name not in known:
            raise invalid(f"'{path}' has no field '{name}'.", path)
    for name, field in known.items():
        if field["required"] and not given.get(name):
            raise missing(f"{path}.{name}")
