"""The controls below /_sandbox: clock, reset, faults, ledger, routes, webhooks, calls, ChatKit.

They need no key, but a loopback Host.
"""

import inspect
from collections.abc import Awaitable, Callable

from portico.sandbox import call_controls, chatkit_store, faults, webhook_pump
from portico.sandbox.checks import fields, number, wrong_type
from portico.sandbox.dispatch import Request
from portico.sandbox.refusals import Refusal, forbidden, not_found
from portico.sandbox.routes import Table
from portico.sandbox.shapes import Json
from portico.sandbox.state import World
from portico.sandbox.values import Values
from portico.sandbox.wire import Answer, Reply, decode

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

Control = Callable[[World, Table, Request], Answer | Awaitable[Answer]]


async def answer(world: World, table: Table, request: Request) -> Answer:
    """Answer a control, or say in OpenAI's envelope why not."""
    try:
        host = request.headers.get("host", "")
        name = host if host.endswith("]") else host.rsplit(":", 1)[0]
        if name not in LOOPBACK:
            raise forbidden("The controls answer only on this machine's own address.")
        control = CONTROLS.get((request.verb, request.path.rstrip("/")))
        if control is None:
            raise not_found(f"There is no control {request.verb} {request.path}.", None, None)
        answered = control(world, table, request)
        return await answered if inspect.isawaitable(answered) else answered
    except Refusal as refusal:
        return Reply(refusal.envelope(), refusal.status)


def read_clock(world: World, table: Table, request: Request) -> Answer:
    return {"now": world.now(), "offset_seconds": world.clock_offset}


def turn_clock(world: World, table: Table, request: Request) -> Answer:
    body = fields(decode(request.body.raw.read()), optional={"advance_seconds": number(), "set": number(0)})
    if len(body) != 1:
        raise wrong_type("body", "an object with either 'advance_seconds' or 'set'", body)
    if "set" in body:
        world.turn_to(body["set"])
    else:
        world.advance(body["advance_seconds"])
    return read_clock(world, table, request)


def reset(world: World, table: Table, request: Request) -> Answer:
    world.reset()
    return {"reset": True}


def list_faults(world: World, table: Table, request: Request) -> Answer:
    return {"data": [rule.show() for rule in world.faults]}


def add_fault(world: World, table: Table, request: Request) -> Answer:
    world.faults.append(faults.from_body(decode(request.body.raw.read())))
    return list_faults(world, table, request)


def clear_faults(world: World, table: Table, request: Request) -> Answer:
    world.faults.clear()
    return list_faults(world, table, request)


def list_requests(world: World, table: Table, request: Request) -> Answer:
    """The ledger, oldest first; `path` keeps those that begin with it, `limit` the newest ones."""
    query = Values.from_query(request.query)
    prefix = query.text("path") or ""
    entries = [entry for entry in world.requests if entry.raw_path.startswith(prefix)]
    limit = query.integer("limit", len(entries))
    data: list[Json] = [entry.show() for entry in entries[len(entries) - min(limit, len(entries)) :]]
    return {"data": data}


def forget_requests(world: World, table: Table, request: Request) -> Answer:
    world.requests.clear()
    return {"data": []}


def list_routes(world: World, table: Table, request: Request) -> Answer:
    return {"data": [{"verb": route.verb, "path": route.path} for route in table.routes]}


def list_webhooks(world: World, table: Table, request: Request) -> Answer:
    """Every delivery with its attempts, by project, oldest first."""
    return {"data": webhook_pump.deliveries(world)}


def speak_in_chatkit(world: World, table: Table, request: Request) -> Answer:
    """What OpenAI's widget does: a session's user says something, in a new thread or one that is there."""
    body = fields(decode(request.body.raw.read()), {"session": str, "text": str}, {"thread_id": str})
    project, session = chatkit_store.find_session(world, body["session"])
    return chatkit_store.say(world, project, session, body["text"], body.get("thread_id")).show()


async def pump_webhooks(world: World, table: Table, request: Request) -> Answer:
    """Send now what is due by the clock, and wait for it."""
    return {"data": [delivery.show() for delivery in await webhook_pump.pump(world)]}


CONTROLS: dict[tuple[str, str], Control] = {
    ("GET", "/_sandbox/clock"): read_clock,
    ("POST", "/_sandbox/clock"): turn_clock,
    ("POST", "/_sandbox/reset"): reset,
    ("GET", "/_sandbox/faults"): list_faults,
    ("POST", "/_sandbox/faults"): add_fault,
    ("DELETE", "/_sandbox/faults"): clear_faults,
    ("GET", "/_sandbox/requests"): list_requests,
    ("DELETE", "/_sandbox/requests"): forget_requests,
    ("GET", "/_sandbox/routes"): list_routes,
    ("GET", "/_sandbox/calls"): call_controls.list_calls,
    ("POST", "/_sandbox/calls"): call_controls.ring,
    ("POST", "/_sandbox/chatkit/messages"): speak_in_chatkit,
    ("GET", "/_sandbox/webhooks"): list_webhooks,
    ("POST", "/_sandbox/webhooks/pump"): pump_webhooks,
}
