"""What programs discover: the authorization server (RFC 8414), and which servers it protects (RFC 9728).

Only servers that ask for a token have such a page. For all others, and for addresses that do not exist, every
well-known address answers like any address where there is nothing.
"""

from typing import Any
from urllib.parse import urlsplit

from starlette.routing import Route

from portico.errors import NotFound
from portico.faces.http import Incoming, Receive, Scope, Send, write_json
from portico.gateway.oauth.asking import server_at
from portico.gateway.parts import Parts
from portico.log import redact
from portico.model.grant import GRANT_SCOPES, READ
from portico.model.server import McpServer
from portico.shapes import Json

_SERVER = "/.well-known/oauth-authorization-server"
_RESOURCE = "/.well-known/oauth-protected-resource"
_FRESH = (("cache-control", "public, max-age=300"),)
_PRIVATE = (("cache-control", "no-store"), ("referrer-policy", "no-referrer"))


class MetadataFace:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._issuer = parts.settings.public_url.rstrip("/")

    def routes(self) -> list[Route]:
        """Under the root, and with the path of the public address put behind, as the standards have it."""
        if not self._issuer:
            return []
        below = {"", urlsplit(self._issuer).path.rstrip("/")}
        servers = [Route(f"{_SERVER}{path}", _Get(self._server), methods=["GET"]) for path in below]
        resources = [Route(f"{_RESOURCE}{path}/mcp/{{token}}", _Get(self._resource), methods=["GET"]) for path in below]
        return [*servers, *resources]

    async def _server(self, _incoming: Incoming, _path: dict[str, str], send: Send) -> None:
        await write_json(send, 200, self.describe(), _FRESH)

    async def _resource(self, incoming: Incoming, path: dict[str, str], send: Send) -> None:
        found = await server_at(self._parts, path["token"])
        if found is None:
            raise NotFound(f"There is nothing at {redact(incoming.scope['path'])}; /docs shows what there is.")
        await write_json(send, 200, self._protected(found[0], path["token"]), _PRIVATE)

    def describe(self) -> Json:
        issuer = self._issuer
        described: Json = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "scopes_supported": list(GRANT_SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
            "client_id_metadata_document_supported": self._parts.clients.takes_documents,
            "service_documentation": f"{issuer}/docs",
        }
        if self._parts.clients.takes_registrations:
            described["registration_endpoint"] = f"{issuer}/oauth/register"
        return described

    def _protected(self, server: McpServer, token: str) -> Json:
        """Only the least scope is offered: programs ask for all that they see here, and for more when they need it."""
        return {
            "resource": f"{self._issuer}/mcp/{token}",
            "authorization_servers": [self._issuer],
            "scopes_supported": [READ],
            "bearer_methods_supported": ["header"],
            "resource_name": server.name,
        }


class _Get:
    def __init__(self, handler: Any) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handler(scope["portico.incoming"], scope["path_params"], send)
