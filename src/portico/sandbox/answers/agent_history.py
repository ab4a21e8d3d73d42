"""What happened in a session: its turns and items, its subagents and theirs, its artifacts and its traces."""

from portico.sandbox.agents.session import Session, Subagent, Thread, Turn
from portico.sandbox.agents.traces import trace
from portico.sandbox.answers.agent_sessions import BETA, HOME, require_session
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import no_such
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Rows, rows_of
from portico.sandbox.wire import Answer, Ask, Reply, Route, gone

LIST = Cursor(default=20, maximum=100, ends=False)


def list_items(ask: Ask) -> Answer:
    return _items(ask, require_session(ask).root)


def list_turns(ask: Ask) -> Answer:
    return _turns(ask, require_session(ask).root)


def get_turn(ask: Ask) -> Answer:
    return _turn(ask, require_session(ask).root).show()


def list_turn_items(ask: Ask) -> Answer:
    """The only list here that says where it ended."""
    thread = require_session(ask).root
    page = _items(ask, thread, _turn(ask, thread).id)
    return {**page, "last_id": page["data"][-1]["id"] if page["data"] else None}


def list_subagents(ask: Ask) -> Answer:
    return LIST.answer(ask, rows_of(require_session(ask).subagents), lambda subagent: subagent.show())


def get_subagent(ask: Ask) -> Answer:
    return _subagent(ask).show()


def list_subagent_items(ask: Ask) -> Answer:
    return _items(ask, _subagent(ask).thread)


def list_subagent_turns(ask: Ask) -> Answer:
    return _turns(ask, _subagent(ask).thread)


def get_subagent_turn(ask: Ask) -> Answer:
    return _turn(ask, _subagent(ask).thread).show()


def list_subagent_turn_items(ask: Ask) -> Answer:
    thread = _subagent(ask).thread
    return _items(ask, thread, _turn(ask, thread).id)


def list_artifacts(ask: Ask) -> Answer:
    session, place = require_session(ask), ask.query.text("environment_id")
    chosen = {known_as: one for known_as, one in session.artifacts.items() if place in (None, one.environment_id)}
    return LIST.answer(ask, Rows(chosen, session.published), lambda artifact: artifact.show())


def get_artifact(ask: Ask) -> Answer:
    session = require_session(ask)
    return session.artifacts[_artifact_id(ask, session)].show()


def delete_artifact(ask: Ask) -> Answer:
    session = require_session(ask)
    del session.artifacts[_artifact_id(ask, session)]
    return gone(ask["artifact_id"], "agent.session.artifact.deleted")


def get_artifact_content(ask: Ask) -> Answer:
    session = require_session(ask)
    artifact = session.artifacts[_artifact_id(ask, session)]
    name = artifact.path.rpartition("/")[2].encode("ascii", "replace").decode().replace('"', "'")
    headers = (("content-disposition", f'attachment; filename="{name}"'),)
    return Reply(artifact.content, content_type="application/octet-stream", headers=headers)


def list_traces(ask: Ask) -> Answer:
    """Turns are published here once they have ended."""
    session = require_session(ask)
    ended = {turn.id: turn for turn in session.root.turns.values() if not turn.is_open}
    return LIST.answer(ask, rows_of(ended), lambda turn: trace(session, turn))


def _items(ask: Ask, thread: Thread, turn_id: str | None = None) -> Json:
    held = {known_as: item for known_as, item in thread.items.items() if turn_id in (None, item.data["turn_id"])}
    return LIST.answer(ask, rows_of(held), lambda item: item.data)


def _turns(ask: Ask, thread: Thread) -> Json:
    return LIST.answer(ask, rows_of(thread.turns), lambda turn: turn.show())


def _turn(ask: Ask, thread: Thread) -> Turn:
    if ask["turn_id"] not in thread.turns:
        raise no_such("turn", ask["turn_id"])
    return thread.turns[ask["turn_id"]]


def _subagent(ask: Ask) -> Subagent:
    subagents = require_session(ask).subagents
    if ask["subagent_id"] not in subagents:
        raise no_such("subagent", ask["subagent_id"])
    return subagents[ask["subagent_id"]]


def _artifact_id(ask: Ask, session: Session) -> str:
    if ask["artifact_id"] not in session.artifacts:
        raise no_such("artifact", ask["artifact_id"])
    return ask["artifact_id"]


SESSION = f"{HOME}/{{session_id}}"
SUBAGENT = f"{SESSION}/subagents/{{subagent_id}}"
ARTIFACT = f"{SESSION}/artifacts/{{artifact_id}}"
ROUTES = (
    Route("GET", f"{SESSION}/items", list_items, beta=BETA),
    Route("GET", f"{SESSION}/turns", list_turns, beta=BETA),
    Route("GET", f"{SESSION}/turns/{{turn_id}}", get_turn, beta=BETA),
    Route("GET", f"{SESSION}/turns/{{turn_id}}/items", list_turn_items, beta=BETA),
    Route("GET", f"{SESSION}/subagents", list_subagents, beta=BETA),
    Route("GET", SUBAGENT, get_subagent, beta=BETA),
    Route("GET", f"{SUBAGENT}/items", list_subagent_items, beta=BETA),
    Route("GET", f"{SUBAGENT}/turns", list_subagent_turns, beta=BETA),
    Route("GET", f"{SUBAGENT}/turns/{{turn_id}}", get_subagent_turn, beta=BETA),
    Route("GET", f"{SUBAGENT}/turns/{{turn_id}}/items", list_subagent_turn_items, beta=BETA),
    Route("GET", f"{SESSION}/artifacts", list_artifacts, beta=BETA),
    Route("GET", ARTIFACT, get_artifact, beta=BETA),
    Route("DELETE", ARTIFACT, delete_artifact, beta=BETA),
    Route("GET", f"{ARTIFACT}/content", get_artifact_content, beta=BETA),
    Route("GET", f"{SESSION}/traces", list_traces, beta=BETA),
)
