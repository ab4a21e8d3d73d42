"""Open addresses: is it alive, can it take requests, what has it counted."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from portico.errors import Refusal
from portico.gateway.parts import Parts
from portico.store.statement import Statement

_PING = Statement("SELECT 1")


def routes(parts: Parts, is_draining: Callable[[], bool]) -> list[Route]:
    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        if is_draining():
            return JSONResponse({"status": "draining"}, 503)
        try:
            await parts.database.one(_PING)
        except Refusal:
            return JSONResponse({"status": "no database"}, 503)
        return JSONResponse({"status": "ready"})

    async def metrics(_request: Request) -> Response:
        return PlainTextResponse(parts.metrics.text(), media_type="text/plain; version=0.0.4")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]
