"""Bearer tokens at servers that ask for one: API tokens of the environment, and OAuth tokens for this server alone.

Whoever has none, or one that is not valid here, is told where a token can be had (RFC 9728); whoever may only look and
wants to change something is told which scope that takes.
"""

from typing import Any
from urllib.parse import unquote, urlsplit

from portico.errors import NotAllowed, NotAuthenticated, NotFound
from portico.faces.http import Incoming
from portico.faces.mcp.calls import Tools
from portico.faces.mcp.served import Served
from portico.faces.mcp.wire import Message
from portico.gateway.parts import Parts
from portico.model.caller import Caller
from portico.model.grant import READ, WRITE
from portico.model.server import McpServer
from portico.shapes import is_record
from portico.toolbox import discovery
from portico.vault import tokens

PREFIX = "/mcp/"
_WRITING = (discovery.CALL_WRITE, discovery.CALL)


class InsufficientScope(NotAllowed):
    """The token may only look; this tool changes something."""

    code = "insufficient_scope"


class Bearers:
    def __init__(self, parts: Parts, tools: Tools) -> None:
        self._parts, self._tools = parts, tools
        public = urlsplit(parts.settings.public_url.rstrip("/"))
        self._metadata = f"{public.scheme}://{public.netloc}/.well-known/oauth-protected-resource{public.path}/mcp/"

    async def caller(self, server: McpServer, incoming: Incoming) -> Caller:
        """Who calls a server that asks for a token. NotAuthenticated carries the challenge."""
        address = unquote(incoming.path.removeprefix(PREFIX))
        try:
            text = incoming.token()
        except NotAuthenticated as problem:
            sentence = "This MCP server asks for a token: sign in (OAuth), or send an API token of its environment."
            raise NotAuthenticated(sentence, headers=self._challenge(address)) from problem
        if text.startswith("ptc_oat_"):
            digest = tokens.digest(address, self._parts.keyring.pepper)
            found = await self._parts.grants.caller(server, digest, text)
        else:
            found = await self._holder(text)
        if found is None or found.environment_id != server.environment_id:
            raise self._invalid(address)
        if found.account_id not in {None, server.account_id}:
            raise self._invalid(address)
        return found

    def check_scope(self, served: Served, caller: Caller, incoming: Incoming, message: Message) -> None:
        """Before a tool is called: a token that may only look is asked to come back with more (step-up)."""
        if not caller.token_id.startswith("grant:") or caller.may("call") or not self._changes(served, message):
            return
        address = unquote(incoming.path.removeprefix(PREFIX))
        words = f'error="insufficient_scope", scope="{READ} {WRITE}", resource_metadata="{self._metadata}{address}"'
        raise InsufficientScope(headers={"www-authenticate": f"Bearer {words}", "cache-control": "no-store"})

    def _changes(self, served: Served, message: Message) -> bool:
        """Whether this message calls a tool of this server that changes something. What is no tool, and what no scope
        could open here, is refused elsewhere."""
        name: Any = message.arguments.get("name")
        if served.is_discovery and name in _WRITING:
            inner: Any = message.arguments.get("arguments")
            name = (inner.get("tool_name") or inner.get("name")) if is_record(inner) else None
        if not isinstance(name, str):
            return False
        try:
            wanted = self._tools.find(served.connected, name)
        except NotFound:
            return False
        return wanted.effect != "read" and any(each is wanted for each in served.offered.operations)

    async def _holder(self, text: str) -> Caller | None:
        try:
            return await self._parts.lookup.caller(text)
        except NotAuthenticated:
            return None

    def _invalid(self, address: str) -> NotAuthenticated:
        sentence = "The token is not valid for this server: unknown, revoked, expired, or given for another."
        return NotAuthenticated(sentence, headers=self._challenge(address, 'error="invalid_token", '))

    def _challenge(self, address: str, error: str = "") -> dict[str, str]:
        if not self._parts.settings.public_url:
            return {"www-authenticate": "Bearer"}
        metadata = f'resource_metadata="{self._metadata}{address}"'
        return {"www-authenticate": f'Bearer {error}{metadata}, scope="{READ}"'}
