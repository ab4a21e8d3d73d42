"""What a site needs to show /connect: the script, and the question whether a link is good before anything is shown.

Both may be asked from anywhere. Neither looks at cookies, and the question tells nothing that the link does not.
"""

from functools import cache
from hashlib import sha256
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portico.errors import Refusal
from portico.faces.http import Incoming, is_known
from portico.faces.web.page import STATIC
from portico.gateway import embedding, linking
from portico.gateway.parts import Parts
from portico.shapes import Json

MOST_BYTES = 8_192
_OPEN = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff"}
_KEPT = {
    "cache-control": "public, max-age=300, stale-while-revalidate=86400",
    "cross-origin-resource-policy": "cross-origin",
}
# One body, two endings: for a <script>, and for whoever imports a module.
_ENDINGS = {
    "embed.js": "globalThis.Portico = portico(document.currentScript?.src);",
    "embed.mjs": "const made = portico(import.meta.url);\nexport const { authenticate, returned } = made;\n"
    "export default authenticate;",
}


def routes(parts: Parts) -> list[Route]:
    async def check(request: Request) -> Response:
        incoming: Incoming = request.scope["portico.incoming"]
        try:
            content = await incoming.body(MOST_BYTES)
            asked = dict(parse_qsl(content.decode("utf-8", "replace")))
            told, status = await _checked(asked, incoming.header("origin"), parts), 200
        except Refusal as problem:
            told, status = {"error_type": problem.code, "message": problem.sentence}, problem.status
        headers = _OPEN | {"cache-control": "no-store"}
        return Response(msgspec.json.encode(told), status, headers, "application/json")

    return [Route("/connect/check", check, methods=["POST"]), *(_script(name) for name in _ENDINGS)]


async def _checked(asked: dict[str, str], origin: str, parts: Parts) -> Json:
    """Whether the page would show its form to this site; what it may be asked to connect."""
    link = await linking.find(asked.get("link_token", ""), parts)
    if link.used_at:
        raise linking.LinkRefused
    embedding.check_origin(origin, await parts.environments.link_pages.get(link.environment_id))
    offers = await linking.offered(link, parts)
    wanted = [*asked.get("integrations", "").split(","), asked.get("integration", "")]
    return {"result": "ready", "integrations": list(linking.narrowed(offers, tuple(filter(None, wanted))))}


def _script(name: str) -> Route:
    async def serve(request: Request) -> Response:
        content = script(name)
        tag = f'"{sha256(content).hexdigest()[:16]}"'
        headers = _OPEN | _KEPT | {"etag": tag}
        if is_known(tag, request.headers.get("if-none-match", "")):
            return Response(b"", 304, headers)
        return Response(content, 200, headers, "text/javascript; charset=utf-8")

    return Route(f"/{name}", serve)


@cache
def script(name: str) -> bytes:
    body = (STATIC / "embed.js").read_text("utf-8")
    text = f"{body}\n{_ENDINGS[name]}\n"
    return (text if name.endswith(".mjs") else "{\n" + text + "}\n").encode()
