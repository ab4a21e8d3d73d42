"""A session of an agent and all it holds: turns, items, subagents, artifacts, and what is yet to happen in it."""

from collections.abc import Generator
from dataclasses import dataclass, field

from portico.sandbox.agents import settings
from portico.sandbox.agents.environments import Environment
from portico.sandbox.agents.owner import Owner
from portico.sandbox.blobs import Blob
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind, T
from portico.sandbox.webhooks import announce

OPEN = ("queued", "in_progress", "waiting")


@dataclass(frozen=True, slots=True)
class Until:
    """A pause up to a moment of the clock; the pace of the world does not shorten it."""

    moment: float


# What happens in a session, step by step: a number pauses for so many seconds, None until something wakes it.
Script = Generator[float | Until | None, None, None]
# A script that finds something out on the way.
Asking = Generator[float | Until | None, None, T]


@dataclass(slots=True)
class Process:
    script: Script
    number: int
    # None while it waits to be woken.
    due: float | None
    turn_id: str | None = None


@dataclass(slots=True)
class Item:
    data: Json
    began: float
    # Its number among what the agent gave out in this turn; None for what came from outside.
    place: int | None = None
    ended: float | None = None


@dataclass(slots=True)
class Turn:
    id: str
    agent_id: str
    session_id: str
    created_at: float
    subagent_id: str | None = None
    ttl: str | None = None
    # Whether actions that need an approval are reviewed without asking anyone.
    is_reviewed: bool = False
    # Begun by an automation.
    is_notice: bool = False
    status: str = "queued"
    started_at: float | None = None
    completed_at: float | None = None
    error: Json | None = None
    usage: Json | None = None
    outputs: int = 0
    # Results and answers that came in for calls of this turn, by call or request.
    results: dict[str, Json] = field(default_factory=dict[str, Json])
    # Paths of files that were written in this turn.
    written: set[str] = field(default_factory=set[str])

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "agent.session.turn",
            "agent_id": self.agent_id,
            "session_id": self.session_id,
            "subagent_id": self.subagent_id,
            "status": self.status,
            "created_at": int(self.created_at),
            "started_at": None if self.started_at is None else int(self.started_at),
            "completed_at": None if self.completed_at is None else int(self.completed_at),
            "error": self.error,
            "usage": self.usage,
            "prompt_cache_options": None if self.ttl is None else {"ttl": self.ttl},
        }


@dataclass(slots=True)
class Thread:
    """The history of one agent of a session: of the main one, or of a subagent."""

    agent_id: str
    subagent_id: str | None = None
    turns: dict[str, Turn] = field(default_factory=dict[str, Turn])
    items: dict[str, Item] = field(default_factory=dict[str, Item])

    @property
    def open_turn(self) -> Turn | None:
        return next((turn for turn in reversed(self.turns.values()) if turn.is_open), None)


@dataclass(slots=True)
class Subagent:
    id: str
    name: str
    task: str
    session_id: str
    parent_agent_id: str
    opened_at: float
    thread: Thread
    closed_at: float | None = None

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "agent.session.subagent",
            "name": self.name,
            "instructions": [{"type": "output_text", "text": self.task}],
            "session_id": self.session_id,
            "parent_agent_id": self.parent_agent_id,
            "opened_at": int(self.opened_at),
            "closed_at": None if self.closed_at is None else int(self.closed_at),
            "status": "active" if self.closed_at is None else "closed",
        }


@dataclass(slots=True)
class Artifact:
    id: str
    session_id: str
    turn_id: str
    environment_id: str
    path: str
    created_at: float
    content: Blob

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "agent.session.artifact",
            "session_id": self.session_id,
            "turn_id": self.turn_id,
            "environment_id": self.environment_id,
            "path": self.path,
            "created_at": int(self.created_at),
            "size_bytes": self.content.size,
        }


@dataclass(slots=True)
class Session:
    id: str
    owner: Owner
    agent: Json
    environment: Environment | None
    created_at: float
    root: Thread
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    vault_ids: list[str] = field(default_factory=list[str])
    review: str = "none"
    ttl: str | None = None
    spend_limit: int | None = None
    usage: Json | None = None
    error: str | None = None
    # The moment up to which everything has happened, and the last one when something did.
    moment: float = 0.0
    active_at: float = 0.0
    subagents: dict[str, Subagent] = field(default_factory=dict[str, Subagent])
    artifacts: dict[str, Artifact] = field(default_factory=dict[str, Artifact])
    # Where each artifact stood, also after its deletion.
    published: dict[str, int] = field(default_factory=dict[str, int])
    required: dict[str, Json] = field(default_factory=dict[str, Json])
    origins: set[str] = field(default_factory=set[str])
    processes: list[Process] = field(default_factory=list[Process])
    started: int = 0
    listeners: list[list[Json]] = field(default_factory=list[list[Json]])
    told: int = 0
    told_status: str = "idle"
    told_actions: set[str] = field(default_factory=set[str])
    is_registered: bool = False
    is_watched: bool = False
    is_deleted: bool = False

    @property
    def status(self) -> str:
        if self.error is not None:
            return "failed"
        if self.required:
            return "requires_action"
        return "idle" if self.root.open_turn is None else "in_progress"

    def show(self) -> Json:
        shown: Json = {
            "id": self.id,
            "object": "agent.session",
            "status": self.status,
            "agent": settings.shown(self.agent),
            "environment": {"type": "none"} if self.environment is None else self.environment.show(),
            "created_at": int(self.created_at),
            "last_active_at": int(self.active_at),
            "error": self.error,
            "metadata": self.metadata,
            "required_actions": list(self.required.values()),
            "usage": self.usage,
            "vault_ids": self.vault_ids,
        }
        if self.ttl is not None:
            shown["prompt_cache_options"] = {"ttl": self.ttl}
        if self.review != "none":
            shown["review"] = self.review
        if self.spend_limit is not None:
            shown["spend_control"] = {"limit": self.spend_limit, "consumed": consumed_cents(self.usage)}
        return shown

    def tell(self, kind: str, **fields: object) -> None:
        """Give an event to whoever listens; nobody hears it later."""
        self.told += 1
        self.active_at = self.moment
        event = {"type": kind, "event_id": self._event_id(), **fields}
        for heard in self.listeners:
            heard.append(event)

    def tell_again(self, heard: list[Json]) -> None:
        """Tell one listener who comes late how the session stands."""
        self.told += 1
        kind = f"agent.session.{self.status}"
        heard.append({"type": kind, "event_id": self._event_id(), "session": self.show()})

    def tell_created(self) -> None:
        self.tell("agent.session.created", session=self.show())
        environment = self.environment
        url = None if environment is None or environment.is_hosted else environment.show()["remote_url"]
        connect: Json = {} if url is None else {"connect": {"remote_url": url}}
        self._announce("created", {**self._place(), **connect})

    def tell_status(self) -> None:
        """Tell the status if it, or what the session waits for, is another than was told last."""
        asked = set(self.required)
        if self.status == self.told_status and asked <= self.told_actions:
            return
        self.tell(f"agent.session.{self.status}", session=self.show())
        if self.status == "requires_action":
            for known_as in sorted(asked - self.told_actions):
                kind = self.required[known_as]["type"]
                self._announce("action_required", {"id": self.id, "required_action": {"type": kind}})
        else:
            self._announce(self.status, self._place())
        self.told_status, self.told_actions = self.status, asked

    def _event_id(self) -> str:
        return f"evt_{self.id.removeprefix('sess_')}{self.told:06d}"

    def _place(self) -> Json:
        if self.environment is None:
            return {"id": self.id, "environment_type": "none"}
        return {"id": self.id, "environment_type": self.environment.type, "environment_id": self.environment.id}

    def _announce(self, event: str, data: Json) -> None:
        announce(self.owner.world, self.owner.project, f"agent.session.{event}", data)


AGENTS = Kind[Json]("agent", "agent_")
SESSIONS = Kind[Session]("session", "sess_")

# The emulator's one price: a cent for so many tokens.
TOKENS_PER_CENT = 1000


def consumed_cents(usage: Json | None) -> int:
    return 0 if usage is None else int(usage["total_tokens"]) // TOKENS_PER_CENT
