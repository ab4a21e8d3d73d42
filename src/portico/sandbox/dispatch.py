"""From a request to its answer: route, key, scope, beta header, rate limit, handler. Knows nothing of sockets."""

import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec

from portico.sandbox import access
from portico.sandbox.blobs import Blob
from portico.sandbox.receive import Body
from portico.sandbox.refusals import HeaderPairs, Refusal, invalid, not_found
from portico.sandbox.routes import Table
from portico.sandbox.shapes import Json
from portico.sandbox.spending import require_budget
from portico.sandbox.state import World
from portico.sandbox.values import Values
from portico.sandbox.wire import Answer, Ask, Events, Inside, Reply, Route

CHARACTERS_PER_TOKEN = 4
FORM_TOKENS = 500
MOST_GUESSED = 100_000


@dataclass(slots=True)
class Request:
    """A request taken off its socket. The path is below /v1 and still percent-encoded."""

    verb: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Body = field(default_factory=Body)


@dataclass(slots=True)
class Outcome:
    """An answer with the headers that only the dispatcher knows."""

    answer: Answer
    headers: HeaderPairs = ()
    organization: str = ""


class Dispatcher:
    def __init__(self, world: World, table: Table) -> None:
        self.world = world
        self.table = table

    async def answer(self, request: Request) -> Outcome:
        """Answer a request; every refusal becomes the answer that says so."""
        outcome = Outcome({})
        try:
            ask, route = self._admit(request, outcome)
            if route.metered:
                now = self.world.time()
                outcome.headers = ask.project.limits.take(_model(ask, route), _tokens(request), now)
            outcome.answer = await _handle(route, ask)
        except Refusal as refusal:
            known = {name for name, _ in refusal.headers}
            outcome.headers = (*refusal.headers, *(pair for pair in outcome.headers if pair[0] not in known))
            outcome.answer = Reply(refusal.envelope(), refusal.status)
        return outcome

    def _admit(self, request: Request, outcome: Outcome) -> tuple[Ask, Route]:
        found = self.table.find(request.verb, request.path)
        if found.route is None:
            raise _nowhere(request, found.verbs)
        caller = access.identify(self.world, request.headers)
        caller.project.settle(self.world.time())
        outcome.organization = caller.organization.id
        access.permit(caller, found.route)
        _need_beta(found.route, request.headers)
        if request.body.broken is not None:
            raise request.body.broken
        ask = Ask(
            verb=request.verb,
            path=request.path,
            parameters=found.parameters,
            query=Values.from_query(request.query),
            headers=request.headers,
            raw=request.body.raw,
            world=self.world,
            organization=caller.organization,
            project=caller.project,
            key=caller.key,
            inside=self._inside(caller),
            form=request.body.form,
            files=request.body.files,
        )
        return ask, found.route

    def _inside(self, caller: access.Caller) -> Inside:
        """For jobs that call the API themselves, such as batches: same key, no limits, marked as batch work."""

        async def inside(verb: str, path: str, body: Json) -> Reply:
            try:
                found = self.table.find(verb, path)
                if found.route is None:
                    raise _nowhere(Request(verb, path), found.verbs)
                ask = Ask(
                    verb=verb,
                    path=path,
                    parameters=found.parameters,
                    query=Values(()),
                    headers={},
                    raw=Blob(msgspec.json.encode(body)),
                    world=self.world,
                    organization=caller.organization,
                    project=caller.project,
                    key=caller.key,
                    inside=inside,
                    is_batch=True,
                )
                answer = await _handle(found.route, ask)
            except Refusal as refusal:
                return Reply(refusal.envelope(), refusal.status)
            if isinstance(answer, Events):
                return Reply(invalid("Streams have no place here.", "stream").envelope(), 400)
            return answer if isinstance(answer, Reply) else Reply(answer)

        return inside


async def stream(events: Events) -> AsyncIterator[bytes]:
    """Write events in their framing. A refusal on the way becomes an error event, as OpenAI sends it."""
    try:
        if isinstance(events.source, AsyncIterator):
            async for event in events.source:
                yield _frame(event, events.named)
        else:
            for event in events.source:
                yield _frame(event, events.named)
    except Refusal as refusal:
        error: Json = refusal.envelope()["error"]
        yield _frame({"type": "error", **error} if events.named else {"error": error}, events.named)
        return
    if not events.named:
        yield b"data: [DONE]\n\n"


def _frame(event: Json, named: bool) -> bytes:
    head = f"event: {event['type']}\n".encode() if named else b""
    return head + b"data: " + msgspec.json.encode(event) + b"\n\n"


async def _handle(route: Route, ask: Ask) -> Answer:
    if route.metered:
        require_budget(ask)
    answer = route.handler(ask)
    if inspect.isawaitable(answer):
        return await answer
    return answer


def _nowhere(request: Request, verbs: tuple[str, ...]) -> Refusal:
    if verbs:
        refusal = Refusal(405, f"{request.verb} is not possible here, only {', '.join(verbs)}.")
        refusal.headers = (("allow", ", ".join(verbs)),)
        return refusal
    return not_found(f"Invalid URL ({request.verb} /v1{request.path})", None, None)


def _need_beta(route: Route, headers: dict[str, str]) -> None:
    sent = [part.strip() for part in headers.get("openai-beta", "").split(",")]
    if route.beta is not None and route.beta not in sent:
        raise invalid(f"This endpoint needs the header 'OpenAI-Beta: {route.beta}'.", None, "invalid_beta")


def _model(ask: Ask, route: Route) -> str:
    return str(ask.body.get("model") or route.usual_model or "default")


def _tokens(request: Request) -> int:
    """A guess from the size of the body. Pictures and sounds are large, but not in tokens."""
    if request.body.form is not None:
        return FORM_TOKENS
    return max(1, min(request.body.size // CHARACTERS_PER_TOKEN, MOST_GUESSED))
