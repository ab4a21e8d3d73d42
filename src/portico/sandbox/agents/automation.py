"""Automations: when they act, and on what; and the record of each time they did."""

from dataclasses import dataclass, field

from portico.sandbox.agents.cron import Cron
from portico.sandbox.agents.owner import Owner
from portico.sandbox.agents.wish import Wish
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind


@dataclass(slots=True)
class Automation:
    id: str
    owner: Owner
    name: str
    created_at: float
    target: Json
    # `periodic` with expression and timezone, or `once` with run_at.
    timing: Json
    created_by: Json
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    # For targets that are new sessions: what each of them begins with.
    wish: Wish | None = None
    status: str = "active"
    pause_reason: str | None = None
    next_at: float | None = None

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "agent.automation",
            "name": self.name,
            "created_at": int(self.created_at),
            "created_by": self.created_by,
            "metadata": self.metadata,
            "status": self.status,
            "pause_reason": self.pause_reason,
            "target": self.target,
            **self.timing,
        }

    def plan(self, moment: float) -> None:
        """Find the next occurrence after a moment."""
        if self.timing["type"] == "once":
            self.next_at = float(self.timing["run_at"]) if self.timing["run_at"] > moment else None
        else:
            self.next_at = Cron.read(self.timing["expression"], self.timing["timezone"]).after(moment)


@dataclass(slots=True)
class Invocation:
    id: str
    automation_id: str
    created_at: float
    # When it is to be delivered; later if the target is busy then.
    due: float
    source: Json
    scheduled_at: int | None = None
    status: str = "queued"
    session_id: str | None = None
    error: Json | None = None
    skip_reason: str | None = None

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "agent.automation.invocation",
            "automation_id": self.automation_id,
            "created_at": int(self.created_at),
            "scheduled_at": self.scheduled_at,
            "status": self.status,
            "session_id": self.session_id,
            "source": self.source,
            "error": self.error,
            "skip_reason": self.skip_reason,
        }


AUTOMATIONS = Kind[Automation]("automation", "automation_")
INVOCATIONS = Kind[Invocation]("automation invocation", "invocation_")
