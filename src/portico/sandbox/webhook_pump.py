"""Sends webhook deliveries that are due, from a small loop that the application runs, or when a control asks for it."""

import asyncio
import http.client
import logging
from urllib.parse import urlsplit

import msgspec

from portico.sandbox.shapes import Json
from portico.sandbox.state import Project, World
from portico.sandbox.webhooks import DELIVERIES, ENDPOINTS, Delivery, announce, take_ended

TICK_SECONDS = 0.2
PATIENCE_SECONDS = 5.0
# OpenAI tries again for up to three days, ever more slowly. Counted by the emulator's clock.
WAITS_SECONDS = (5, 30, 300, 1800, 7200, 18_000, 36_000, 86_400, 86_400)


async def run(world: World) -> None:
    """Send what is due, for ever."""
    while True:
        try:
            await pump(world)
        except Exception:
            # A job that can't be read must not silence all others.
            logging.getLogger(__name__).exception("webhooks could not be pumped")
        await asyncio.sleep(TICK_SECONDS)


async def pump(world: World) -> list[Delivery]:
    """Announce the jobs that have ended and try all deliveries that are due, once; they are returned."""
    async with world.pumping:
        due: list[Delivery] = []
        for project in _projects(world):
            # Where nobody listens, jobs are left alone until somebody reads them.
            if len(project.shelf.of(ENDPOINTS)):
                project.settle(world.time())
                for event_type, data in await take_ended(project):
                    announce(world, project, event_type, data)
            due += [delivery for delivery in project.shelf.of(DELIVERIES) if _is_due(delivery, project, world)]
        await asyncio.gather(*(attempt(world, delivery) for delivery in due))
        return due


async def attempt(world: World, delivery: Delivery) -> int | None:
    """Send once and write down what came of it. The receiver's status, or None where there was no answer."""
    body = msgspec.json.encode(delivery.event)
    # Receivers compare the timestamp with real time, however far the emulator's clock was turned.
    timestamp = int(world.time() - world.clock_offset)
    headers = {
        "content-type": "application/json",
        "user-agent": "portico-sandbox",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": delivery.endpoint.sign(delivery.id, timestamp, body, world.now()),
    }
    status, trouble = await asyncio.to_thread(_post, delivery.endpoint.url, body, headers)
    delivery.attempts.append({"at": world.now(), "status": status, "error": trouble})
    tried = len(delivery.attempts)
    if status is not None and 200 <= status < 300:
        delivery.state = "delivered"
    elif tried > len(WAITS_SECONDS):
        delivery.state = "failed"
    else:
        delivery.due_at = world.time() + WAITS_SECONDS[tried - 1]
    return status


def deliveries(world: World) -> list[Json]:
    return [
        {"project_id": project.id, **delivery.show()}
        for project in _projects(world)
        for delivery in project.shelf.of(DELIVERIES)
    ]


def _projects(world: World) -> list[Project]:
    return [project for held in list(world.organizations.values()) for project in list(held.projects.values())]


def _is_due(delivery: Delivery, project: Project, world: World) -> bool:
    if delivery.state == "waiting" and delivery.endpoint.id not in project.shelf.of(ENDPOINTS):
        delivery.state = "dropped"
    return delivery.state == "waiting" and delivery.due_at <= world.time()


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[int | None, str | None]:
    """The answer's status, or what went wrong. Redirects are not followed: to OpenAI they are failures."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", target, body, headers)
        return connection.getresponse().status, None
    except (OSError, http.client.HTTPException, UnicodeError) as failure:
        return None, f"{type(failure).__name__}: {failure}"
    finally:
        connection.close()
