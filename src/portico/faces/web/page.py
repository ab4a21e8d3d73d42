"""What a page answers, and how it is written: templates that escape everything, headers that allow next to nothing."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from msgspec import Struct
from starlette.responses import Response
from starlette.routing import Route

from portico.faces.http import Send
from portico.settings import Settings

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors FRAMED; form-action 'self'"
)
# The admin pages' one script: it copies, previews and asks twice. Every page works without it.
_SCRIPTED = "; script-src 'self'; connect-src 'self'"
_KINDS = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Page(Struct, frozen=True, kw_only=True):
    """A template and its values. `form_target`: where a form on it may lead besides to ourselves. `is_scripted`: it may
    run our own script. `frame_ancestor`: the one site that may show it in a frame."""

    template: str
    values: dict[str, Any] = {}
    status: int = 200
    form_target: str = ""
    is_scripted: bool = False
    frame_ancestor: str = ""
    headers: dict[str, str] = {}


class Redirect(Struct, frozen=True):
    """Go there next, with GET. A path of ours, or a whole address."""

    location: str


class Download(Struct, frozen=True, kw_only=True):
    """A file that the browser keeps."""

    filename: str
    content: bytes
    content_type: str


Reply = Page | Redirect | Download


class Pages:
    """Writes replies. `base` is the path under which Portico is reached, where that is not the root."""

    def __init__(self, settings: Settings) -> None:
        self.base = urlsplit(settings.public_url).path.rstrip("/")
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def link(self, path: str) -> str:
        return self.base + path

    def static(self, name: str) -> str:
        """The address of a static file, which changes with its content."""
        return f"{self.base}/static/{name}?v={_digest(name)}"

    async def write(self, send: Send, reply: Reply, shared: Mapping[str, Any], cookies: list[str]) -> None:
        headers = [("cache-control", "no-store"), ("referrer-policy", "same-origin")]
        headers += [("x-content-type-options", "nosniff")]
        framed = reply.frame_ancestor if isinstance(reply, Page) else ""
        headers += [] if framed else [("x-frame-options", "DENY")]
        headers += [("set-cookie", each) for each in cookies]
        if isinstance(reply, Redirect):
            place = self.link(reply.location) if reply.location.startswith("/") else reply.location
            headers += [("location", place), ("content-length", "0")]
            await _send(send, 303, headers, b"")
            return
        if isinstance(reply, Download):
            headers += [("content-disposition", f'attachment; filename="{reply.filename}"')]
            headers += [("content-type", reply.content_type), ("content-length", str(len(reply.content)))]
            await _send(send, 200, headers, reply.content)
            return
        named = {"link": self.link, "static": self.static, "look": None, **shared, **reply.values}
        content = self._templates.get_template(reply.template).render(named).encode()
        policy = _POLICY.replace("FRAMED", framed or "'none'") + (f" {reply.form_target}" if reply.form_target else "")
        policy += _SCRIPTED if reply.is_scripted else ""
        headers += [("content-security-policy", policy), ("content-type", "text/html; charset=utf-8")]
        headers += [("content-length", str(len(content))), *reply.headers.items()]
        await _send(send, reply.status, headers, content)


def static_routes() -> list[Route]:
    """Our own stylesheet and pictures. Their addresses change with their content, so they may be kept for good."""

    async def serve(request: Any) -> Response:
        name: str = request.path_params["name"]
        path = next((each for each in STATIC.iterdir() if each.name == name), None)
        if path is None or path.suffix not in _KINDS:
            return Response("There is no such file.\n", 404, {"cache-control": "no-store"}, "text/plain")
        is_named = request.query_params.get("v") == _digest(name)
        keep = "public, max-age=31536000, immutable" if is_named else "no-cache"
        headers = {"cache-control": keep, "x-content-type-options": "nosniff"}
        return Response(path.read_bytes(), 200, headers, _KINDS[path.suffix])

    return [Route("/static/{name}", serve)]


@cache
def _digest(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


async def _send(send: Send, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})
