"""The emulator as an ASGI application: OpenAI's API below /v1, and controls for tests below /_sandbox."""

import asyncio
import time

from starlette.types import Receive, Scope, Send

from portico.sandbox import controls, faults, published, webhook_pump
from portico.sandbox.deliver import Wire, deliver, instead, pack, spoil
from portico.sandbox.dispatch import Dispatcher, Outcome, Request
from portico.sandbox.families import FAMILIES, SEEDS
from portico.sandbox.faults import Fault
from portico.sandbox.ledger import Entry, without_secrets
from portico.sandbox.receive import Gone, read_body
from portico.sandbox.refusals import HeaderPairs, Refusal, not_found
from portico.sandbox.routes import Table
from portico.sandbox.state import World
from portico.sandbox.wire import Reply

VERSION = "2020-10-01"


class App:
    def __init__(self, world: World) -> None:
        self.world = world
        self.table = Table(route for family in FAMILIES for route in family.ROUTES)
        self.dispatcher = Dispatcher(world, self.table)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._not_http(scope, receive, send)
            return
        started = time.perf_counter()
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        headers = {name.lower(): value for name, value in pairs}
        raw_path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        entry = Entry(scope["method"], raw_path, scope["query_string"].decode("latin-1"), pairs)
        wire = Wire(send, receive)
        try:
            body = await read_body(receive, headers.get("content-type", ""))
        except Gone:
            return
        if raw_path.startswith("/_sandbox"):
            request = Request(entry.verb, raw_path, entry.query, headers, body)
            await deliver(wire, pack(await controls.answer(self.world, self.table, request), ()), None)
            return
        if raw_path.startswith(published.PREFIX):
            await deliver(wire, pack(published.answer(self.world, entry.verb, raw_path), ()), None)
            return
        await self._exchange(wire, Request(entry.verb, raw_path, entry.query, headers, body), entry, started)

    async def _exchange(self, wire: Wire, request: Request, entry: Entry, started: float) -> None:
        entry.at, entry.body_bytes, entry.body_sha256 = self.world.time(), request.body.size, request.body.sha256
        entry.request_id = self.world.new_id("req_")
        self.world.requests.append(entry)
        outcome, fault = await self._answer(request)
        # A key that was unknown is known by now, so the ledger can name it.
        entry.headers = without_secrets(entry.headers, self.world.keys)
        outgoing = pack(outcome.answer, self._headers(entry.request_id, outcome, started))
        if fault is not None:
            outgoing = spoil(fault, outgoing)
            if fault.name == "delay":
                await asyncio.sleep(fault.number)
        is_silent = fault is not None and fault.name == "reset" and not fault.value
        entry.status = 0 if is_silent else outgoing.status
        await deliver(wire, outgoing, fault)

    async def _answer(self, request: Request) -> tuple[Outcome, Fault | None]:
        """The right answer or the one that a fault puts in its place, and the fault that is still to be done."""
        try:
            path = request.path
            fault = faults.pick(self.world.faults, request.headers.get("x-sandbox-fault"), request.verb, path)
            if not path.startswith("/v1/"):
                raise not_found(f"Invalid URL ({request.verb} {path})", None, None)
        except Refusal as refusal:
            return Outcome(Reply(refusal.envelope(), refusal.status)), None
        if fault is not None and (answer := instead(fault)) is not None:
            return Outcome(answer), None
        request.path = path.removeprefix("/v1")
        return await self.dispatcher.answer(request), fault

    def _headers(self, request_id: str, outcome: Outcome, started: float) -> HeaderPairs:
        spent = (time.perf_counter() - started) * 1000
        cookie = f"__edge={request_id[-16:]}; Path=/; HttpOnly; Secure; SameSite=None"
        organization = (("openai-organization", outcome.organization),) if outcome.organization else ()
        return (
            ("x-request-id", request_id),
            ("openai-processing-ms", str(int(spent))),
            ("openai-version", VERSION),
            *organization,
            # OpenAI's edge sets cookies; whoever stands in between must not hand them on.
            ("set-cookie", cookie),
            *outcome.headers,
        )

    async def _not_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "There are no sockets here."})
            return
        pumping: asyncio.Task[None] | None = None
        try:
            while (await receive())["type"] == "lifespan.startup":
                pumping = asyncio.create_task(webhook_pump.run(self.world))
                await send({"type": "lifespan.startup.complete"})
        except asyncio.CancelledError:
            return  # a server that is told to leave at once does not wait for the end of the lifespan
        finally:
            if pumping is not None:
                pumping.cancel()
        await send({"type": "lifespan.shutdown.complete"})


def build(world: World) -> App:
    world.seeds = SEEDS
    return App(world)
