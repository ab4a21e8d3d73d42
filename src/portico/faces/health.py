"""Open addresses: is it alive, can it take requests, what has it counted."""

import asyncio
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from portico.errors import Refusal
from portico.gateway.parts import Parts
from portico.store.statement import Statement

# A database that takes longer to say that it is there is of no use to a request either.
PING_SECONDS = 2.0
# What is in no file would be answered also when the file is gone.
_PING = Statement("SELECT MAX(number) FROM schema_migrations")


def routes(parts: Parts, is_draining: Callable[[], bool]) -> list[Route]:
    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        if is_draining():
            return JSONResponse({"status": "draining"}, 503)
        if not await _has_database(parts):
            return JSONResponse({"status": "no database"}, 503)
        if parts.keyring.lacks_root:
            return JSONResponse({"status": "no root key"}, 503)
        if parts.keyring.trouble:
            # Shared by all replicas, and what has been opened goes on for minutes: no reason to take this one out.
            return JSONResponse({"status": "ready", "keys": "unavailable"})
        return JSONResponse({"status": "ready"})

    async def metrics(_request: Request) -> Response:
        return PlainTextResponse(parts.metrics.text(), media_type="text/plain; version=0.0.4")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]


async def _has_database(parts: Parts) -> bool:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await parts.database.one(_PING)
    except (Refusal, TimeoutError):
        return False
    return True
