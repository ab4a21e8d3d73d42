"""ChatKit (OpenAI-Beta: chatkit_beta=v1): sessions for end users, and the threads that came of them."""

from typing import Any

from portico.sandbox.chatkit_store import SESSIONS, TALKED, Session, Talked
from portico.sandbox.checks import Checks, boolean, fields, integer, one_of, record, text, wrong_type
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_record
from portico.sandbox.wire import Answer, Ask, Route

BETA = "chatkit_beta=v1"
LIST = Cursor(before=True)
USUAL_SECONDS = 600
USUAL_REQUESTS = 10
MOST_VARIABLES = 64
USUAL: dict[str, Json] = {
    "automatic_thread_titling": {"enabled": True},
    "file_upload": {"enabled": False, "max_file_size": 512, "max_files": 10},
    "history": {"enabled": True, "recent_threads": None},
}


def variables(value: Any, path: str) -> Json:
    """Plain values by name."""
    if not is_record(value):
        raise wrong_type(path, "an object", value)
    if len(value) > MOST_VARIABLES:
        raise invalid(f"'{path}' may hold {MOST_VARIABLES} pairs at most.", path, "object_above_max_properties")
    for name, item in value.items():
        text(longest=64)(name, path)
        if not isinstance(item, str | bool | int | float):
            raise wrong_type(f"{path}.{name}", "a string, number or boolean", item)
    return value


WORKFLOW = record(
    {"id": text(shortest=1)},
    {"version": str, "state_variables": variables, "tracing": record(optional={"enabled": boolean})},
)
OPTIONS: Checks = {
    "chatkit_configuration": record(
        optional={
            "automatic_thread_titling": record(optional={"enabled": boolean}),
            "file_upload": record(
                optional={"enabled": boolean, "max_file_size": integer(1, 512), "max_files": integer(1)}
            ),
            "history": record(optional={"enabled": boolean, "recent_threads": integer(1)}),
        }
    ),
    "expires_after": record({"anchor": one_of("created_at"), "seconds": integer(1, USUAL_SECONDS)}),
    "rate_limits": record(optional={"max_requests_per_1_minute": integer(1)}),
}


def create_session(ask: Ask) -> Answer:
    body = fields(ask.body, {"workflow": WORKFLOW, "user": text(shortest=1)}, OPTIONS)
    wished: Json = body.get("chatkit_configuration", {})
    session = Session(
        id=ask.new_id(SESSIONS),
        client_secret=ask.new_id("ek_"),
        user=body["user"],
        workflow=_workflow(body["workflow"]),
        expires_at=ask.now + body.get("expires_after", {}).get("seconds", USUAL_SECONDS),
        requests_a_minute=body.get("rate_limits", {}).get("max_requests_per_1_minute", USUAL_REQUESTS),
        configuration={name: {**usual, **wished.get(name, {})} for name, usual in USUAL.items()},
    )
    return ask.held(SESSIONS).add(session.id, session).show(ask.now)


def cancel_session(ask: Ask) -> Answer:
    session = ask.held(SESSIONS).get(ask["session_id"])
    session.is_cancelled = session.is_cancelled or session.status(ask.now) == "active"
    return session.show(ask.now)


def list_threads(ask: Ask) -> Answer:
    user = ask.query.text("user")
    rows = ask.held(TALKED).rows(lambda thread: user in (None, thread.user))
    return LIST.answer(ask, rows, Talked.show)


def get_thread(ask: Ask) -> Answer:
    return ask.held(TALKED).get(ask["thread_id"]).show()


def delete_thread(ask: Ask) -> Answer:
    thread = ask.held(TALKED).remove(ask["thread_id"])
    return {"id": thread.id, "object": "chatkit.thread.deleted", "deleted": True}


def list_items(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(TALKED).get(ask["thread_id"]).items.rows(), lambda item: item)


def _workflow(wished: Json) -> Json:
    tracing = {"enabled": True, **wished.get("tracing", {})}
    return {"version": None, "state_variables": {}, **wished, "tracing": tracing}


ROUTES = (
    Route("POST", "/chatkit/sessions", create_session, beta=BETA),
    Route("POST", "/chatkit/sessions/{session_id}/cancel", cancel_session, beta=BETA),
    Route("GET", "/chatkit/threads", list_threads, beta=BETA),
    Route("GET", "/chatkit/threads/{thread_id}", get_thread, beta=BETA),
    Route("DELETE", "/chatkit/threads/{thread_id}", delete_thread, beta=BETA),
    Route("GET", "/chatkit/threads/{thread_id}/items", list_items, beta=BETA),
)
