"""The look that an environment gives the pages that its customers see: name, logo, and colours as a stylesheet."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portico.gateway import looks
from portico.gateway.parts import Parts
from portico.shapes import Json
from portico.store.link_pages import LinkPage

LOGO, STYLE = "/look/logo/", "/look.css"
_FOR_GOOD = {"cache-control": "public, max-age=31536000, immutable", "x-content-type-options": "nosniff"}


def routes(parts: Parts) -> list[Route]:
    async def style(request: Request) -> Response:
        """The colours stand in the address, so it is one that may be kept, and it tells nothing of anybody."""
        given = [request.query_params.get(name, "") for name in ("main", "paper")]
        colors = [f"#{each}" if looks.is_color(f"#{each}") else "" for each in given]
        return Response(looks.stylesheet(*colors), 200, _FOR_GOOD, "text/css; charset=utf-8")

    async def logo(request: Request) -> Response:
        """By the digest of its bytes: whoever has that has seen the logo."""
        found = await parts.operators.logo(request.path_params["digest"])
        if found is None:
            return Response("There is no such logo.\n", 404, {"cache-control": "no-store"}, "text/plain")
        headers = _FOR_GOOD | {"content-security-policy": "default-src 'none'; sandbox"}
        return Response(found.content, 200, headers, found.content_type)

    return [Route(STYLE, style), Route(LOGO + "{digest}", logo)]


def look_of(page: LinkPage) -> Json:
    """What templates call `look`."""
    colors = {"main": page.main_color[1:], "paper": page.paper_color[1:]}
    given = {name: color for name, color in colors.items() if color}
    return {
        "name": page.name,
        "logo": LOGO + page.logo_digest if page.logo_digest else "",
        "style": f"{STYLE}?{urlencode(given)}" if given else "",
    }
