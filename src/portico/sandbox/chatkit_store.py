"""ChatKit as its endpoints and the control share it: sessions, and the threads that their users talk in.

OpenAI's widget writes threads over a channel of its own; here the control /_sandbox/chatkit/messages does.
"""

from collections import deque
from dataclasses import dataclass, field

from portico.sandbox.mind.hints import telling
from portico.sandbox.mind.prose import Turn
from portico.sandbox.mind.think import Talk, think
from portico.sandbox.refusals import forbidden, no_such, too_many
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.state import Project, World

MINUTE = 60
TITLE_WORDS = 6


@dataclass(slots=True)
class Session:
    """What lets one end user talk to a workflow for a while."""

    id: str
    client_secret: str
    user: str
    workflow: Json
    expires_at: int
    requests_a_minute: int
    configuration: Json
    is_cancelled: bool = False
    spoken_at: deque[float] = field(default_factory=deque[float])

    def status(self, now: int) -> str:
        if self.is_cancelled:
            return "cancelled"
        return "expired" if now >= self.expires_at else "active"

    def show(self, now: int) -> Json:
        return {
            "id": self.id,
            "object": "chatkit.session",
            "client_secret": self.client_secret,
            "expires_at": self.expires_at,
            "status": self.status(now),
            "user": self.user,
            "workflow": self.workflow,
            "rate_limits": {"max_requests_per_1_minute": self.requests_a_minute},
            "max_requests_per_1_minute": self.requests_a_minute,
            "chatkit_configuration": self.configuration,
        }


@dataclass(slots=True)
class Talked:
    """A thread of a user with what was said in it."""

    id: str
    user: str
    created_at: int
    title: str | None = None
    turns: list[Turn] = field(default_factory=list[Turn])
    items: Collection[Json] = field(default_factory=lambda: Collection[Json]("thread item"))

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "chatkit.thread",
            "created_at": self.created_at,
            "title": self.title,
            "status": {"type": "active"},
            "user": self.user,
        }


SESSIONS = Kind[Session]("ChatKit session", "cksess_")
TALKED = Kind[Talked]("ChatKit thread", "cthr_")


def find_session(world: World, named: str) -> tuple[Project, Session]:
    """The session with that id or client secret, wherever it is."""
    for organization in world.organizations.values():
        for project in organization.projects.values():
            for session in project.shelf.of(SESSIONS):
                if named in (session.id, session.client_secret):
                    return project, session
    raise no_such(SESSIONS.noun, named)


def say(world: World, project: Project, session: Session, text: str, thread_id: str | None = None) -> Talked:
    """The session's user says something, in a new thread or in one of theirs, and the workflow answers."""
    _admit(world, session)
    threads = project.shelf.of(TALKED)
    if thread_id is None:
        thread = Talked(world.new_id(TALKED.prefix), session.user, world.now())
    else:
        thread = threads.get(thread_id)
    if thread.user != session.user:
        raise no_such(TALKED.noun, thread.id)
    if thread.title is None and session.configuration["automatic_thread_titling"]["enabled"]:
        thread.title = " ".join((telling(text) or text.split())[:TITLE_WORDS]).capitalize() or None
    thread.turns.append(Turn("user", text))
    answer = think(Talk(thread.turns)).text
    thread.turns.append(Turn("assistant", answer))
    _add(world, thread, "user_message", {"type": "input_text", "text": text}, attachments=[], inference_options=None)
    _add(world, thread, "assistant_message", {"type": "output_text", "text": answer, "annotations": []})
    return threads.add(thread.id, thread)


def _admit(world: World, session: Session) -> None:
    if (status := session.status(world.now())) != "active":
        raise forbidden(f"The ChatKit session '{session.id}' is {status}.", "session_not_active")
    now = world.time()
    while session.spoken_at and session.spoken_at[0] <= now - MINUTE:
        session.spoken_at.popleft()
    if len(session.spoken_at) >= session.requests_a_minute:
        wait = int(session.spoken_at[0] + MINUTE - now) + 1
        raise too_many(f"This session may ask {session.requests_a_minute} times a minute.", wait)
    session.spoken_at.append(now)


def _add(world: World, thread: Talked, kind: str, part: Json, **more: object) -> None:
    item: Json = {
        "id": world.new_id("cthi_"),
        "object": "chatkit.thread_item",
        "created_at": world.now(),
        "thread_id": thread.id,
        "type": f"chatkit.{kind}",
        "content": [part],
        **more,
    }
    thread.items.add(item["id"], item)
