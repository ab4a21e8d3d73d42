"""The door: every request comes in here. The hot faces are chosen on the raw path, ahead of any framework's routing."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Router

from portico.errors import ClientLeft, NotFound, Refusal, Stopping, VerbNotAllowed
from portico.faces import local_pages
from portico.faces.http import Aborted, Incoming, Receive, Scope, Send, describe, write_json
from portico.faces.leaving import is_leaving
from portico.gateway.parts import Parts
from portico.log import about, redact

HotFace = Callable[[Incoming, Send, Parts], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
_NOTHING = re.compile(r"(?!)")
_READING = frozenset({"GET", "HEAD"})
MOST_HEADERS = 100
MOST_HEADER_BYTES = 32_768


class HeadersTooLarge(Refusal):
    """The request has more header fields or bytes than are taken here (100 fields, 32 kB)."""

    status = 431
    code = "headers_too_large"


class BadHost(Refusal):
    """A request needs exactly one Host header."""

    status = 400
    code = "bad_host"


class Front:
    """An ASGI application: `hot` by first path segment, `routes` for everything else, and for what is read at `cold`
    addresses that begin like hot ones."""

    def __init__(
        self,
        parts: Parts,
        hot: Mapping[str, HotFace],
        routes: Sequence[BaseRoute],
        lifespan: Application,
        *,
        cold: re.Pattern[str] = _NOTHING,
    ) -> None:
        self._parts, self._hot, self._lifespan, self._cold = parts, hot, lifespan, cold
        self._router = Router(routes, redirect_slashes=False, default=_nothing_here)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._lifespan(scope, receive, send)
            return
        incoming = Incoming(scope, receive)
        send = incoming.exchange or send
        self._introduce(incoming)
        page = local_pages.page_of(incoming) if b"origin" in incoming.headers else ""
        send = local_pages.readable_by(page, send) if page else send
        try:
            _check_head(scope)
            if page and local_pages.is_question(incoming):
                await local_pages.allow(send)
                return
            face = self._hot.get(incoming.path[1:].partition("/")[0])
            if face is not None and not (incoming.verb in _READING and self._cold.fullmatch(incoming.path)):
                await face(incoming, send, self._parts)
            else:
                await self._route(incoming, scope, receive, send)
        except ClientLeft:
            return
        except Aborted:
            raise
        except asyncio.CancelledError as problem:
            if not is_leaving(problem):
                raise
            await _refuse(send, Stopping(), incoming)
        except Exception as problem:
            await _refuse(send, problem, incoming)

    def _introduce(self, incoming: Incoming) -> None:
        """To the log, and to the trace that it is part of."""
        about(request_id=incoming.request_id, trace_id=incoming.trace_id)
        if self._parts.tracing is not None:
            self._parts.tracing.came(incoming.header("traceparent"), incoming.header("tracestate"))

    async def _route(self, incoming: Incoming, scope: Scope, receive: Receive, send: Send) -> None:
        scope["portico.incoming"] = incoming
        scope["app"] = self  # its presence makes the router raise a 405 instead of answering it
        if scope["path"].endswith("/") and scope["path"] != "/" and not self._verbs_at(scope):
            scope["path"] = scope["path"][:-1]  # answered here: a redirect would lose the body of a write
        try:
            router: Any = self._router  # the framework's own ASGI types differ from ours in name only
            await router(scope, receive, send)
        except HTTPException as problem:
            if problem.status_code != 405:
                raise
            allowed = ", ".join(sorted(self._verbs_at(scope)))
            raise VerbNotAllowed(
                f"{redact(scope['path'])} takes {allowed}, not {incoming.verb}.", headers={"allow": allowed}
            ) from None

    def _verbs_at(self, scope: Scope) -> set[str]:
        matching = (each for each in self._router.routes if each.matches(scope)[0] is not Match.NONE)
        return {verb for each in matching for verb in getattr(each, "methods", None) or ()}


async def _refuse(send: Send, problem: Exception, incoming: Incoming) -> None:
    status, body, headers = describe(problem, incoming.request_id)
    await write_json(send, status, body, headers)


async def _nothing_here(scope: Any, _receive: Any, _send: Any) -> None:
    raise NotFound(f"There is nothing at {redact(scope['path'])}; /docs shows what there is.")


def _check_head(scope: Scope) -> None:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size = hosts = 0
    for name, value in headers:
        size += len(name) + len(value)
        if name == b"host":
            hosts += 1
    if size > MOST_HEADER_BYTES or len(headers) > MOST_HEADERS:
        raise HeadersTooLarge
    if hosts != 1:
        raise BadHost
