"""Webhooks: who listens to which events, what is to be delivered, and how the end of a job is noticed.

A family reports with `announce` what has just happened, or has a job watched to its end with `follow`.
Sending is the pump's part (webhook_pump.py).
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from portico.sandbox.shapes import Json, is_record
from portico.sandbox.shelves import Kind
from portico.sandbox.state import Project, World
from portico.sandbox.wire import Ask, Inside

KEPT_SECRET_SECONDS = 24 * 3600

# First segment of the path of a job -> the status that it ends with -> the event that tells.
ENDINGS: dict[str, dict[str, str]] = {
    "batches": {status: f"batch.{status}" for status in ("completed", "failed", "expired", "cancelled")},
    "responses": {status: f"response.{status}" for status in ("completed", "failed", "cancelled", "incomplete")},
    "fine_tuning": {status: f"fine_tuning.job.{status}" for status in ("succeeded", "failed", "cancelled")},
    "videos": {status: f"video.{status}" for status in ("completed", "failed")},
    "evals": {"completed": "eval.run.succeeded", "failed": "eval.run.failed", "canceled": "eval.run.canceled"},
}

EVENT_TYPES = (
    *(event for endings in ENDINGS.values() for event in endings.values()),
    "realtime.call.incoming",
    "agent.environment.ready",
    "agent.environment.failed",
    "agent.environment.suspended",
    "agent.environment.expired",
    "agent.session.created",
    "agent.session.action_required",
    "agent.session.in_progress",
    "agent.session.idle",
    "agent.session.failed",
    "safety.alert.created",
)


@dataclass(slots=True)
class Endpoint:
    """An address that hears of some kinds of events. After a rotation the old secret may sign along for a day."""

    id: str
    name: str
    url: str
    event_types: list[str]
    created_at: int
    updated_at: int
    secret: str
    old_secret: str = ""
    old_until: int = 0

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "webhook_endpoint",
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "name": self.name,
            "url": self.url,
            "event_types": self.event_types,
            "signing_secret_hint": f"whsec_...{self.secret[-4:]}",
        }

    def rotate(self, world: World, *, keeps_old: bool) -> None:
        self.old_secret = self.secret if keeps_old else ""
        self.old_until = world.now() + KEPT_SECRET_SECONDS
        self.secret = new_secret(world)
        self.updated_at = world.now()

    def sign(self, message_id: str, timestamp: int, body: bytes, now: int) -> str:
        """The signature header of Standard Webhooks: one entry for each secret that is valid now."""
        secrets = [self.secret, *([self.old_secret] if self.old_secret and now < self.old_until else [])]
        return " ".join(_signature(secret, message_id, timestamp, body) for secret in secrets)


@dataclass(slots=True)
class Delivery:
    """One event on its way to one endpoint: waiting, delivered, failed (given up), or dropped with its endpoint."""

    id: str
    endpoint: Endpoint
    event: Json
    due_at: float
    state: str = "waiting"
    attempts: list[Json] = field(default_factory=list[Json])

    def show(self) -> Json:
        return {
            "id": self.id,
            "endpoint_id": self.endpoint.id,
            "url": self.endpoint.url,
            "event": self.event,
            "state": self.state,
            "due_at": self.due_at if self.state == "waiting" else None,
            "attempts": self.attempts,
        }


@dataclass(frozen=True, slots=True)
class Followed:
    """A job that somebody waits for; `inside` reads it with the key that made it."""

    path: str
    inside: Inside


ENDPOINTS = Kind[Endpoint]("webhook endpoint", "we_")
DELIVERIES = Kind[Delivery]("webhook delivery", "wh_")
FOLLOWED = Kind[Followed]("followed job", "")


def announce(world: World, project: Project, event_type: str, data: Json) -> None:
    """Something has happened in a project: whoever listens will be told. `data` is the event's own part."""
    event = new_event(world, event_type, data)
    for endpoint in project.shelf.of(ENDPOINTS):
        if event_type in endpoint.event_types:
            delivery = Delivery(world.new_id(DELIVERIES.prefix), endpoint, event, world.time())
            project.shelf.of(DELIVERIES).add(delivery.id, delivery)


def follow(ask: Ask, path: str) -> None:
    """Announce the end of a job once reading that path (below /v1) shows a status of ENDINGS."""
    ask.held(FOLLOWED).add(path, Followed(path, ask.inside))


async def take_ended(project: Project) -> list[tuple[str, Json]]:
    """Read every followed job and stop following those that have ended or are gone; the events that tell of them."""
    followed = project.shelf.of(FOLLOWED)
    events: list[tuple[str, Json]] = []
    for job in followed:
        reply = await job.inside("GET", job.path, {})
        shown = reply.body if is_record(reply.body) else {}
        event_type = ENDINGS[job.path.split("/")[1]].get(str(shown.get("status")))
        if (event_type is not None or reply.status == 404) and job.path in followed:
            followed.remove(job.path)
            if event_type is not None:
                events.append((event_type, {"id": shown["id"]}))
    return events


def new_event(world: World, event_type: str, data: Json) -> Json:
    return {
        "id": world.new_id("evt_"),
        "object": "event",
        "created_at": world.now(),
        "type": event_type,
        "data": data,
    }


def new_secret(world: World) -> str:
    return "whsec_" + base64.b64encode(world.random.randbytes(32)).decode()


def _signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
