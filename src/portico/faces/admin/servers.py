"""/integrated-account/{id}/mcp: MCP servers made on the fly. Address and token are shown once, when they are made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from portico.clock import iso
from portico.faces.admin import server_config
from portico.faces.admin.server_config import ConfigSaid
from portico.faces.endpoint import Asked, Endpoint, Paging, missing, page, position
from portico.gateway import budgets
from portico.gateway.lifted import lift
from portico.gateway.limits import Rules
from portico.gateway.lookup import Connected
from portico.model.account import AccountId
from portico.model.server import McpServer, ServerConfig, ServerId
from portico.shapes import Json
from portico.store.changes import Topic
from portico.store.ids import new_id
from portico.toolbox import discovery
from portico.toolbox.clients import SECRET_HERE, Snippet, Warned, snippets, warnings, ways_into
from portico.toolbox.offer import Offer, offer
from portico.toolbox.tools import Tool
from portico.vault import tokens

TAG = "MCP servers"
_NO_CONFIG = ServerConfig()
_OF_SERVERS: tuple[Topic, ...] = ("servers", "quotas")


class ServerBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config` narrows what is offered; left out, everything that the account's keys allow."""

    name: str
    config: ConfigSaid = ConfigSaid()
    expires_at: datetime | None = None


class ServerChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; `expires_at: null` takes the end away; `config` merges by its top-level names, and null
    takes one away."""

    name: str | UnsetType = UNSET
    config: ConfigSaid | UnsetType = UNSET
    expires_at: datetime | UnsetType | None = UNSET


class ServerShown(Struct, frozen=True, kw_only=True):
    id: str
    name: str
    integrated_account_id: str
    config: dict[str, Any]
    hint: str
    created_by: str
    created_at: str
    updated_at: str
    expires_at: str | None


class ServerMade(ServerShown, frozen=True, kw_only=True):
    """`tools` counts what may be called, `exposure` says how it is shown, `tokens` what the definitions would cost if
    all were shown; `warnings` names programs for which what is shown is too much."""

    token: str
    url: str
    tools: int
    tokens: int
    exposure: str
    listed_tokens: int
    warnings: list[Warned]


class ToolPreview(Struct, frozen=True, kw_only=True):
    """A tool as it is listed, and about how many tokens that costs."""

    name: str
    title: str
    description: str
    input_schema: dict[str, Any]
    annotations: dict[str, Any]
    tokens: int


class ServerPreview(Struct, frozen=True, kw_only=True):
    """What a model would see. `listed` is what tools/list answers: with discovery, the few that stand for the many."""

    exposure: str
    tools: int
    tokens: int
    listed_tokens: int
    warnings: list[Warned]
    instructions: str
    listed: list[ToolPreview]


class Deleted(Struct, frozen=True, kw_only=True):
    id: str


def show(server: McpServer, rules: Rules) -> Json:
    config: Json = {name: getattr(server.config, name) for name in server.config.__struct_fields__}
    config["budget"] = budgets.of(rules, server.id)
    return {
        "id": server.id,
        "name": server.name,
        "integrated_account_id": server.account_id,
        "config": config,
        "hint": f"…{server.hint}",
        "created_by": server.created_by,
        "created_at": iso(server.created_at),
        "updated_at": iso(server.updated_at),
        "expires_at": iso(server.expires_at) if server.expires_at else None,
    }


async def list_servers(asked: Asked) -> Any:
    query: Paging = asked.query
    before, count = position(query)
    connected = await _connected(asked)
    rows = await asked.parts.servers.page(asked.environment_id, connected.account.id, before, count + 1)
    rules = await asked.parts.limits.rules(asked.environment_id)
    return page(rows, query, lambda row: show(row, rules), lambda row: row.id)


async def get_server(asked: Asked) -> Any:
    return await _shown(asked, await _found(asked))


async def create_server(asked: Asked) -> Any:
    body: ServerBody = asked.body
    connected = await _connected(asked)
    moment = asked.parts.clock()
    config = server_config.merged(_NO_CONFIG, body.config)
    server_config.check(body.name, config, body.expires_at, moment)
    offered = _offered(connected, config)
    text = tokens.make("mcp")
    server = McpServer(
        id=ServerId(new_id()),
        environment_id=asked.environment_id,
        account_id=connected.account.id,
        name=body.name.strip(),
        config=structs.replace(config, budget=None),
        hint=text[-4:],
        revision=1,
        created_by=asked.caller.token_id,
        created_at=moment,
        updated_at=moment,
        expires_at=body.expires_at,
    )
    async with asked.parts.database.transaction() as session:
        await asked.parts.servers.add(session, server, tokens.digest(text, asked.parts.keyring.pepper))
        await asked.parts.audit.add(session, asked.caller, "mcp_server.created", server.id, moment, name=server.name)
        if config.budget is not None:
            await budgets.keep(session, asked.caller, server, config.budget, asked.parts)
    if config.budget is not None:
        asked.parts.changes.apply("quotas")
    return await _shown(asked, server) | _secret(asked, text) | _counted(connected, offered, config)


async def change_server(asked: Asked) -> Any:
    body: ServerChange = asked.body
    server = await _found(asked)
    config = server.config if body.config is UNSET else server_config.merged(server.config, body.config)
    says_budget = body.config is not UNSET and body.config.budget is not UNSET
    changed = structs.replace(
        server,
        name=server.name if body.name is UNSET else body.name.strip(),
        config=structs.replace(config, budget=None),
        expires_at=server.expires_at if body.expires_at is UNSET else body.expires_at,
        updated_at=asked.parts.clock(),
    )
    server_config.check(
        changed.name, config, None if body.expires_at is UNSET else body.expires_at, asked.parts.clock()
    )
    if body.config is not UNSET:
        _offered(await _connected(asked), config, server.config)
    async with asked.parts.database.transaction() as session:
        await asked.parts.servers.update(session, changed, asked.parts.clock())
        await asked.parts.audit.add(session, asked.caller, "mcp_server.updated", server.id, asked.parts.clock())
        await asked.parts.changes.tell(session, "servers")
        if says_budget:
            await budgets.keep(session, asked.caller, server, config.budget, asked.parts)
    for topic in _OF_SERVERS if says_budget else _OF_SERVERS[:1]:
        asked.parts.changes.apply(topic)
    return await _shown(asked, await _found(asked))


async def rotate_server(asked: Asked) -> Any:
    """A new address; the old one is gone at once."""
    server = await _found(asked)
    text = tokens.make("mcp")
    digest = tokens.digest(text, asked.parts.keyring.pepper)
    async with asked.parts.database.transaction() as session:
        await asked.parts.servers.rotate(session, server, digest, text[-4:], asked.parts.clock())
        await asked.parts.audit.add(session, asked.caller, "mcp_server.rotated", server.id, asked.parts.clock())
        await asked.parts.changes.tell(session, "servers")
    asked.parts.changes.apply("servers")
    connected = await _connected(asked)
    counted = _counted(connected, offer(connected, server.config), server.config)
    return await _shown(asked, await _found(asked)) | _secret(asked, text) | counted


async def delete_server(asked: Asked) -> Any:
    server = await _found(asked)
    async with asked.parts.database.transaction() as session:
        await asked.parts.servers.delete(session, asked.environment_id, server.account_id, server.id)
        await lift(session, asked.caller, "server", server.id, asked.parts)
        await asked.parts.audit.add(session, asked.caller, "mcp_server.deleted", server.id, asked.parts.clock())
        for topic in _OF_SERVERS:
            await asked.parts.changes.tell(session, topic)
    for topic in _OF_SERVERS:
        asked.parts.changes.apply(topic)
    return {"id": server.id}


async def list_snippets(asked: Asked) -> Any:
    """The address itself is kept nowhere: whoever has it puts it in."""
    server = await _found(asked)
    url = _secret(asked, SECRET_HERE)["url"]
    ways = ways_into(asks_for_token=server.config.require_api_token_auth)
    found = snippets(url, server.name, ways)
    return {"result": found, "next_cursor": None, "prev_cursor": None, "result_count": len(found)}


async def preview(asked: Asked) -> Any:
    """The same choice and count as creating, with nothing made."""
    body: ServerBody = asked.body
    connected, config = await _connected(asked), server_config.merged(_NO_CONFIG, body.config)
    server_config.check(body.name, config, body.expires_at, asked.parts.clock())
    offered = _offered(connected, config)
    moment = asked.parts.clock()
    server = McpServer(
        id=ServerId(""), environment_id=asked.environment_id, account_id=connected.account.id, name=body.name,
        config=config, hint="", revision=1, created_by="", created_at=moment, updated_at=moment, expires_at=None,
    )  # fmt: skip
    counted = _counted(connected, offered, config)
    words = discovery.instructions(server, connected, offered, is_discovery=counted["exposure"] == "discovery")
    listed = [
        structs.asdict(each) | {"tokens": discovery.count_tokens([each])}
        for each in _listed(connected, offered, config)
    ]
    return counted | {"instructions": words, "listed": listed}


def _secret(asked: Asked, text: str) -> Json:
    return {"token": text, "url": f"{asked.parts.settings.public_url.rstrip('/')}/mcp/{text}"}


def _counted(connected: Connected, offered: Offer, config: ServerConfig) -> Json:
    tokens = discovery.count_tokens(offered.tools)
    listed = _listed(connected, offered, config)
    cost = discovery.count_tokens(listed)
    return {
        "tools": len(offered.tools),
        "tokens": tokens,
        "exposure": "discovery" if discovery.is_discovery(config.tool_exposure, tokens) else "all",
        "listed_tokens": cost,
        "warnings": [structs.asdict(each) for each in warnings(len(listed), cost)],
    }


def _listed(connected: Connected, offered: Offer, config: ServerConfig) -> Sequence[Tool]:
    """What tools/list answers."""
    is_discovery = discovery.is_discovery(config.tool_exposure, discovery.count_tokens(offered.tools))
    return discovery.tools(connected.view, offered) if is_discovery else offered.tools


def _offered(connected: Connected, config: ServerConfig, before: ServerConfig = _NO_CONFIG) -> Offer:
    server_config.check_words(connected, config, before)
    offered = offer(connected, config)
    server_config.check_offer(connected, config, offered)
    return offered


async def _shown(asked: Asked, server: McpServer) -> Json:
    return show(server, await asked.parts.limits.rules(asked.environment_id))


async def _connected(asked: Asked) -> Connected:
    return await asked.parts.lookup.connected(asked.environment_id, AccountId(asked.path["id"]))


async def _found(asked: Asked) -> McpServer:
    found = await asked.parts.servers.get(
        asked.environment_id, AccountId(asked.path["id"]), ServerId(asked.path["server_id"])
    )
    if found is None:
        raise missing("MCP server", asked.path["server_id"])
    return found


_ALL, _ONE = "/integrated-account/{id}/mcp", "/integrated-account/{id}/mcp/{server_id}"
ENDPOINTS = (
    Endpoint(
        verb="GET", path=_ALL, name="listMcpServers", summary="List an account's MCP servers", tag=TAG,
        handler=list_servers, query=Paging, returns=list[ServerShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path=_ALL, name="createMcpServer", summary="Make an MCP server", tag=TAG,
        description="`token` and `url` are shown this once. 400 where the filters leave no tool.",
        handler=create_server, body=ServerBody, returns=ServerMade, scope="accounts", status=201,
    ),
    Endpoint(
        verb="POST", path="/integrated-account/{id}/mcp/preview", name="previewMcpServer", tag=TAG,
        summary="What a model would see", handler=preview, body=ServerBody, returns=ServerPreview,
        scope="accounts:read",
    ),
    Endpoint(
        verb="GET", path=_ONE, name="getMcpServer", summary="Get an MCP server", tag=TAG,
        handler=get_server, returns=ServerShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path=_ONE, name="updateMcpServer", summary="Change an MCP server", tag=TAG,
        description="Holds at once here and within a second in every replica.",
        handler=change_server, body=ServerChange, returns=ServerShown, scope="accounts",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/rotate", name="rotateMcpServer", summary="Give an MCP server a new address", tag=TAG,
        handler=rotate_server, returns=ServerMade, scope="accounts",
    ),
    Endpoint(
        verb="GET", path=_ONE + "/snippets", name="listMcpSnippets", tag=TAG,
        summary="List what to paste into which program",
        description=f"Put the server's own address in the place of the one that ends in {SECRET_HERE}.",
        handler=list_snippets, returns=list[Snippet], scope="accounts:read",
    ),
    Endpoint(
        verb="DELETE", path=_ONE, name="deleteMcpServer", summary="Delete an MCP server", tag=TAG,
        handler=delete_server, returns=Deleted, scope="accounts",
    ),
)  # fmt: skip
