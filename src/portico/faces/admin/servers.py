"""/integrated-account/{id}/mcp: MCP servers made on the fly. Address and token are shown once, when they are made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from portico.catalog.schema import compile_check
from portico.clock import in_seconds, iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, missing, page, position
from portico.gateway.lifted import lift
from portico.gateway.lookup import Connected
from portico.model.account import AccountId
from portico.model.server import McpServer, ServerConfig, ServerId
from portico.shapes import Json
from portico.store.changes import Topic
from portico.store.ids import new_id
from portico.toolbox import discovery, shown_once
from portico.toolbox.clients import SECRET_HERE, Snippet, Warned, snippets, warnings, ways_into
from portico.toolbox.fit import clean
from portico.toolbox.offer import CONSTRAINT_WORDS, Offer, offer
from portico.toolbox.tools import Tool
from portico.vault import tokens

TAG = "MCP servers"
_OF_SERVERS: tuple[Topic, ...] = ("servers", "quotas")
SHORTEST_LIFE_SECONDS = 60
LEAST_RESULT, MOST_RESULT = 1_000, 1_000_000
MOST_CONFIRM_WAIT_SECONDS = 600


class ServerBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`config` narrows what is offered; left out, everything that the account's keys allow."""

    name: str
    config: ServerConfig = ServerConfig()
    expires_at: datetime | None = None


class ServerChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left out stays; `expires_at: null` takes the end away; `config` merges by its top-level names."""

    name: str | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
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


def show(server: McpServer) -> Json:
    config: Json = {name: getattr(server.config, name) for name in server.config.__struct_fields__}
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
    return page(rows, query, show, lambda row: row.id)


async def get_server(asked: Asked) -> Any:
    return show(await _found(asked))


async def create_server(asked: Asked) -> Any:
    body: ServerBody = asked.body
    connected = await _connected(asked)
    moment = asked.parts.clock()
    _check(body.name, body.config, body.expires_at, moment)
    offered = _offered(connected, body.config)
    text = tokens.make("mcp")
    server = McpServer(
        id=ServerId(new_id()),
        environment_id=asked.environment_id,
        account_id=connected.account.id,
        name=body.name.strip(),
        config=body.config,
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
    return show(server) | _secret(asked, text) | _counted(connected, offered, body.config)


async def change_server(asked: Asked) -> Any:
    body: ServerChange = asked.body
    server = await _found(asked)
    config = server.config if body.config is UNSET else _merged(server.config, body.config)
    changed = structs.replace(
        server,
        name=server.name if body.name is UNSET else body.name.strip(),
        config=config,
        expires_at=server.expires_at if body.expires_at is UNSET else body.expires_at,
        updated_at=asked.parts.clock(),
    )
    _check(changed.name, config, None if body.expires_at is UNSET else body.expires_at, asked.parts.clock())
    if body.config is not UNSET:
        _offered(await _connected(asked), config)
    async with asked.parts.database.transaction() as session:
        await asked.parts.servers.update(session, changed, asked.parts.clock())
        await asked.parts.audit.add(session, asked.caller, "mcp_server.updated", server.id, asked.parts.clock())
        await asked.parts.changes.tell(session, "servers")
    asked.parts.changes.apply("servers")
    return show(await _found(asked))


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
    return show(await _found(asked)) | _secret(asked, text) | counted


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
    connected = await _connected(asked)
    _check(body.name, body.config, body.expires_at, asked.parts.clock())
    offered = _offered(connected, body.config)
    moment = asked.parts.clock()
    server = McpServer(
        id=ServerId(""), environment_id=asked.environment_id, account_id=connected.account.id, name=body.name,
        config=body.config, hint="", revision=1, created_by="", created_at=moment, updated_at=moment, expires_at=None,
    )  # fmt: skip
    counted = _counted(connected, offered, body.config)
    words = discovery.instructions(server, connected, offered, is_discovery=counted["exposure"] == "discovery")
    listed = [
        structs.asdict(each) | {"tokens": discovery.count_tokens([each])}
        for each in _listed(connected, offered, body.config)
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
    return discovery.tools(connected.view) if is_discovery else offered.tools


def _offered(connected: Connected, config: ServerConfig) -> Offer:
    _check_words(connected, config)
    offered = offer(connected, config)
    if not offered.operations:
        raise InvalidArguments(
            [Failure("config", "leaves no tool: no operation passes methods and tags with the account's keys")]
        )
    return offered


def _check_words(connected: Connected, config: ServerConfig) -> None:
    known = connected.view.integration.tags
    failures = [
        Failure("config.tags", f"{tag!r} is not an area", ", ".join(known))
        for tag in config.tags
        if known and tag not in known
    ]
    arguments = {
        name for each in connected.view.operations for name in (parameter.name for parameter in each.parameters)
    }
    failures += [
        Failure(f"config.arguments.{name}", "is not an argument of any tool")
        for name in config.arguments
        if name not in arguments and name != "id"
    ]
    failures += shown_once.problems(config.secret_rules, connected.view)
    failures += [problem for name, constraint in config.arguments.items() if (problem := _unsound(name, constraint))]
    if failures:
        raise InvalidArguments(failures)


def _unsound(name: str, constraint: Json) -> Failure | None:
    """A constraint that cannot be read would stand there and hold nothing back."""
    where = f"config.arguments.{name}"
    if not constraint:
        return Failure(where, "says nothing", "a JSON Schema such as {enum: [...]}")
    if unknown := sorted(constraint.keys() - CONSTRAINT_WORDS):
        return Failure(where, f"holds {', '.join(unknown)}", ", ".join(sorted(CONSTRAINT_WORDS)))
    try:
        compile_check(constraint)
    except ValueError as problem:
        return Failure(where, f"is not a JSON Schema: {str(problem).partition(chr(10))[0]}"[:300])
    return None


def _merged(config: ServerConfig, change: Json) -> ServerConfig:
    present = msgspec.to_builtins(config)
    merged = {name: value for name, value in (present | change).items() if value is not None}
    try:
        return msgspec.convert(merged, ServerConfig)
    except msgspec.ValidationError as problem:
        raise InvalidArguments([Failure("config", str(problem), ", ".join(ServerConfig.__struct_fields__))]) from None


def _check(name: str, config: ServerConfig, expires_at: datetime | None, moment: datetime) -> None:
    failures: list[Failure] = []
    if not 1 <= len(name.strip()) <= 100 or clean(name) != name:
        failures.append(Failure("name", "must have 1 to 100 visible characters"))
    if expires_at is not None and expires_at.tzinfo is None:
        failures.append(Failure("expires_at", "needs a time zone", "for example 2030-01-31T12:00:00Z"))
    elif expires_at is not None and expires_at < in_seconds(moment, SHORTEST_LIFE_SECONDS):
        failures.append(Failure("expires_at", f"must be at least {SHORTEST_LIFE_SECONDS} seconds ahead"))
    if not LEAST_RESULT <= config.result_limit <= MOST_RESULT:
        failures.append(Failure("config.result_limit", f"is {config.result_limit}", f"{LEAST_RESULT} to {MOST_RESULT}"))
    if not 0 <= config.confirm_wait_seconds <= MOST_CONFIRM_WAIT_SECONDS:
        told = f"is {config.confirm_wait_seconds:g}"
        failures.append(Failure("config.confirm_wait_seconds", told, f"0 to {MOST_CONFIRM_WAIT_SECONDS}"))
    if failures:
        raise InvalidArguments(failures)


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
