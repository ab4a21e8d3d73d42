"""/integrated-account/{id}/mcp/{server_id}/grants: who has access to a server, with which program, since when."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.faces.endpoint import Asked, Endpoint, Paging, missing, page, position
from portico.model.account import AccountId
from portico.model.grant import Grant
from portico.model.server import McpServer, ServerId
from portico.shapes import Json

TAG = "MCP servers"


class GrantShown(Struct, frozen=True, kw_only=True):
    """`last_used_at`: when its tokens were last renewed. It ends at `expires_at` unless they are renewed before."""

    id: str
    mcp_server_id: str
    user_id: str
    user_name: str
    client_id: str
    client_name: str
    redirect_host: str
    scopes: list[str]
    created_at: str
    last_used_at: str
    expires_at: str


class Revoked(Struct, frozen=True, kw_only=True):
    id: str


def show(found: tuple[Grant, str]) -> Json:
    grant, person = found
    return {
        "id": grant.id,
        "mcp_server_id": grant.server_id,
        "user_id": grant.person_id,
        "user_name": person,
        "client_id": grant.client_id,
        "client_name": grant.client_name,
        "redirect_host": grant.redirect_host,
        "scopes": sorted(grant.scopes),
        "created_at": iso(grant.created_at),
        "last_used_at": iso(grant.used_at),
        "expires_at": iso(grant.expires_at),
    }


async def list_grants(asked: Asked) -> Any:
    query: Paging = asked.query
    before, count = position(query)
    rows = await asked.parts.grants.page(await _server(asked), before, count + 1)
    return page(rows, query, show, lambda row: row[0].id)


async def revoke_grant(asked: Asked) -> Any:
    server, grant_id = await _server(asked), asked.path["grant_id"]
    if not await asked.parts.grants.revoke(asked.caller, server.id, grant_id):
        raise missing("grant", grant_id)
    return {"id": grant_id}


async def _server(asked: Asked) -> McpServer:
    account_id, server_id = AccountId(asked.path["id"]), ServerId(asked.path["server_id"])
    found = await asked.parts.servers.get(asked.environment_id, account_id, server_id)
    if found is None:
        raise missing("MCP server", server_id)
    return found


_ALL = "/integrated-account/{id}/mcp/{server_id}/grants"
ENDPOINTS = (
    Endpoint(
        verb="GET", path=_ALL, name="listMcpGrants", summary="List who has access to an MCP server", tag=TAG,
        description="Programs that people let in with OAuth, newest first.",
        handler=list_grants, query=Paging, returns=list[GrantShown], scope="accounts:read",
    ),
    Endpoint(
        verb="DELETE", path=_ALL + "/{grant_id}", name="revokeMcpGrant", summary="End a program's access", tag=TAG,
        description="Its tokens stop working here at once and in every replica within a second.",
        handler=revoke_grant, returns=Revoked, scope="accounts",
    ),
)  # fmt: skip
