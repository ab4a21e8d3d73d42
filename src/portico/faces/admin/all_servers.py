"""/mcp-server: the MCP servers of all accounts of an environment, in one list."""

from typing import Any

from portico.faces.admin.servers import TAG, ServerShown, show
from portico.faces.endpoint import Asked, Endpoint, Paging, page, position
from portico.model.server import McpServer


class ServerQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: tuple[str, ...] = ()


class ServerOfAccount(ServerShown, frozen=True, kw_only=True):
    """`tenant_id` is its account's."""

    tenant_id: str


async def list_all_servers(asked: Asked) -> Any:
    query: ServerQuery = asked.query
    before, count = position(query)
    rows = await asked.parts.servers.of_environment(asked.environment_id, before, count + 1, query.id)
    rules = await asked.parts.limits.rules(asked.environment_id)

    def shown(row: tuple[McpServer, str]) -> dict[str, Any]:
        server, tenant_id = row
        return show(server, rules) | {"tenant_id": tenant_id}

    return page(rows, query, shown, lambda row: row[0].id)


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/mcp-server", name="listAllMcpServers", summary="List all MCP servers", tag=TAG,
        description="Those of every account of the environment, newest first.",
        handler=list_all_servers, query=ServerQuery, returns=list[ServerOfAccount], scope="accounts:read",
    ),
)  # fmt: skip
