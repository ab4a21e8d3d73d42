"""/integrated-account/{id}/tools: an account's tools as agent frameworks load them; /integration/{id}/tools: all."""

from typing import Any

from msgspec import Struct

from portico.catalog.answers import answer_schema
from portico.catalog.find import View, select
from portico.errors import Failure, InvalidArguments
from portico.faces.admin.integrations import TAG as INTEGRATIONS
from portico.faces.admin.integrations import name_of, words
from portico.faces.endpoint import Asked, Endpoint
from portico.gateway.admit import admit_account
from portico.model.account import AccountId
from portico.model.offered import Offered
from portico.model.operation import Operation
from portico.model.server import ServerConfig
from portico.shapes import Json
from portico.toolbox.offer import Offer, offer
from portico.toolbox.search import index_of
from portico.toolbox.tools import Tool, describe, input_schema, shown_name

TAG = "Tools"
_SENT_AS_BODY = frozenset({"body", "upload"})
# What the Proxy API is asked for by GET or DELETE takes all its arguments in the query, whatever the vendor does.
_WITHOUT_BODY = frozenset({"list", "get", "delete"})


class NarrowedQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`methods` and `tags` narrow together; without `limit` everything comes at once."""

    methods: list[str] | str = ""
    tags: list[str] | str = ""
    include_removed: bool = False
    limit: int | None = None
    next_cursor: str = ""


class ToolQuery(NarrowedQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """With `search`, what fits the words comes best first."""

    has_description: bool = True
    search: str = ""


class ToolNamed(Struct, frozen=True, kw_only=True):
    """A tool by name, and the operation that it is."""

    name: str
    description: str
    resource: str
    method: str


class ToolShown(Struct, frozen=True, kw_only=True):
    """`input_schema` is what running the tool takes, comforts and all; `query_schema` and `body_schema` are the
    arguments of the same operation at the Proxy API, by the place in which it takes them, and nothing else, and
    `response_schema` is what that answers: null where it is no JSON, for composed tools, and where nothing is known.
    `date` is when its `lifecycle` began or, of what is deprecated, ends; `ends` is when the vendor switches off what is
    read-only."""

    name: str
    title: str
    resource: str
    method: str
    description: str
    input_schema: dict[str, Any]
    query_schema: dict[str, Any]
    body_schema: dict[str, Any]
    required: list[str]
    tags: list[str]
    annotations: dict[str, Any]
    response_schema: dict[str, Any] | None
    lifecycle: str
    date: str | None
    ends: str | None
    replacement: str | None


def show(operation: Offered, tool: Tool) -> Json:
    """As it is run, and beside that its arguments as the Proxy API takes them."""
    sent = _SENT_AS_BODY if operation.method not in _WITHOUT_BODY else frozenset[str]()
    bodied = {shown_name(operation, each) for each in operation.parameters if each.place in sent}
    properties: Json = input_schema(operation, plain=True)["properties"]
    query = {name: schema for name, schema in properties.items() if name not in bodied}
    body = {name: schema for name, schema in properties.items() if name in bodied}
    lifecycle = operation.lifecycle
    return {
        "name": tool.name,
        "title": tool.title,
        "resource": operation.resource,
        "method": operation.method,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "query_schema": {"type": "object", "properties": query},
        "body_schema": {"type": "object", "properties": body},
        "required": tool.input_schema.get("required", []),
        "tags": list(operation.tags),
        "annotations": tool.annotations,
        "response_schema": answer_schema(operation) if isinstance(operation, Operation) else None,
        "lifecycle": lifecycle.state,
        "date": lifecycle.date.isoformat() if lifecycle.date else None,
        "ends": lifecycle.ends.isoformat() if lifecycle.ends else None,
        "replacement": lifecycle.replacement or None,
    }


async def list_tools(asked: Asked) -> Any:
    query: ToolQuery = asked.query
    account_id = AccountId(asked.path["id"])
    admit_account(asked.caller, account_id)
    connected = await asked.parts.lookup.connected(asked.environment_id, account_id)
    config = ServerConfig(
        methods=tuple(words(query.methods)), tags=tuple(words(query.tags)), include_removed=query.include_removed
    )
    offered = offer(connected, config, undescribed=not query.has_description)
    chosen = (
        _found(connected.view, offered, query.search)
        if query.search
        else zip(offered.operations, offered.tools, strict=True)
    )
    return _page([show(operation, tool) for operation, tool in chosen], query)


async def list_tools_of_integration(asked: Asked) -> Any:
    """What there is whatever an account's keys allow; what nobody has described is no tool."""
    query: NarrowedQuery = asked.query
    view = await asked.parts.views.base(asked.environment_id, await name_of(asked))
    rows = [
        {"name": each.tool.name, "description": describe(each), "resource": each.resource, "method": each.method}
        for each in select(view.offered, words(query.methods), words(query.tags))
        if each.says and (query.include_removed or each.lifecycle.state != "removed")
    ]
    return _page(rows, query)


def _found(view: View, offered: Offer, words: str) -> list[tuple[Offered, Tool]]:
    by_name = {pair[1].name: pair for pair in zip(offered.operations, offered.tools, strict=True)}
    names = index_of(view).search(words, among=by_name.keys(), count=len(by_name))
    return [by_name[name] for name in names]


def _page(rows: list[Json], query: NarrowedQuery) -> Json:
    start = int(query.next_cursor) if query.next_cursor.isdigit() else 0
    if query.next_cursor and not query.next_cursor.isdigit():
        raise InvalidArguments([Failure("next_cursor", "is not a cursor of this list")])
    if query.limit is not None and query.limit < 1:
        raise InvalidArguments([Failure("limit", "must be at least 1")])
    end = len(rows) if query.limit is None else start + query.limit
    shown = rows[start:end]
    return {
        "result": shown,
        "next_cursor": str(end) if end < len(rows) else None,
        "prev_cursor": None,
        "result_count": len(shown),
    }


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/integrated-account/{id}/tools", name="listTools", summary="List an account's tools", tag=TAG,
        description="Those that its keys allow. Switched-off ones only with include_removed=true, those that nobody "
        "has described (and that cannot be run) only with has_description=false.",
        handler=list_tools, query=ToolQuery, returns=list[ToolShown], scope="call:read", account_token=True,
        tagged=True,
    ),
    Endpoint(
        verb="GET", path="/integration/{id}/tools", name="listIntegrationTools", summary="List an integration's tools",
        tag=INTEGRATIONS, description="By name, with a sentence. What an account can run of it, with schemas, is at "
        "/integrated-account/{id}/tools.",
        handler=list_tools_of_integration, query=NarrowedQuery, returns=list[ToolNamed], scope="accounts:read",
        tagged=True,
    ),
)  # fmt: skip
