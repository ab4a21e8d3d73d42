"""/openapi.json: what Portico serves, for programs. People read the same at /docs."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Json = dict[str, Any]


def routes(document: Callable[[], Json]) -> list[Route]:
    """It is not made before somebody reads it: a gateway that starts has better things to do."""
    encoded = cache(lambda: msgspec.json.encode(document()))

    async def openapi(_request: Request) -> Response:
        return Response(encoded(), media_type="application/json")

    return [Route("/openapi.json", openapi)]
