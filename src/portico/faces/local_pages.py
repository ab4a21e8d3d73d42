"""Pages on this computer, such as an inspector of a developer's, may call MCP servers and sign in to them.

Whoever knows an address may use it, but a browser asks first whether a page may, and hides the answer unless it is told
which page may read it. Nothing goes along by itself: cookies are not asked for, so a page has what it was given and no
more. Pages from elsewhere are told nothing.
"""

from typing import Any
from urllib.parse import urlsplit

from portico.faces.http import Incoming, Send

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_PLACES = ("/mcp/", "/.well-known/oauth-", "/oauth/register", "/oauth/token", "/oauth/revoke")
_SENT = (
    b"accept, authorization, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id"
)
_READ = b"mcp-session-id, retry-after, www-authenticate, x-portico-request-id"
_ASKS = b"access-control-request-method"
_MAY: list[tuple[bytes, bytes]] = [
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", _SENT),
    (b"access-control-max-age", b"600"),
]


def is_local(origin: str) -> bool:
    try:
        return urlsplit(origin).hostname in _LOOPBACK
    except ValueError:
        return False


def page_of(incoming: Incoming) -> str:
    """The page on this computer that calls from a browser; empty for everybody else."""
    origin = incoming.header("origin").strip()
    return origin if incoming.path.startswith(_PLACES) and is_local(origin) else ""


def is_question(incoming: Incoming) -> bool:
    return incoming.verb == "OPTIONS" and _ASKS in incoming.headers


async def allow(send: Send) -> None:
    """What a browser asks before it lets a page call."""
    await send({"type": "http.response.start", "status": 204, "headers": _MAY})
    await send({"type": "http.response.body", "body": b""})


def readable_by(page: str, send: Send) -> Send:
    """The same answers, which that one page may read."""
    told = [
        (b"access-control-allow-origin", page.encode("latin-1")),
        (b"access-control-expose-headers", _READ),
        (b"vary", b"origin"),
    ]

    async def tell(message: Any) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *told]}
        await send(message)

    return tell
