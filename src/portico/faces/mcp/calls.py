"""tools/call: a real tool, or one of the few that stand for the many."""

from typing import Any

from portico.errors import Failure, InvalidArguments, NotAllowed, Refusal
from portico.faces.mcp.served import Served
from portico.faces.mcp.wire import INVALID_PARAMS, Message, ProtocolFault
from portico.model.account import AccountId
from portico.model.caller import Caller
from portico.shapes import Json, is_list, is_record
from portico.toolbox import discovery, results
from portico.toolbox.results import ToolResult
from portico.toolbox.run import Toolbox, ToolCall
from portico.toolbox.teach import teach

MOST_FOUND = 25
USUALLY_FOUND = 8


async def call(
    served: Served, caller: Caller, message: Message, toolbox: Toolbox, request_id: str, client: str
) -> ToolResult:
    """The result of the call; ProtocolFault where the call itself is malformed or names no tool."""
    name: Any = message.arguments.get("name")
    arguments: Any = message.arguments.get("arguments")
    if not isinstance(name, str):
        raise ProtocolFault(INVALID_PARAMS, "params.name must be the name of a tool.")
    if arguments is not None and not is_record(arguments):
        raise ProtocolFault(INVALID_PARAMS, "params.arguments must be an object.")
    asked = ToolCall(
        account_id=AccountId(served.connected.account.id),
        name=name,
        arguments=arguments or {},
        face="mcp",
        server=served.server,
        request_id=request_id,
        client=client,
    )
    if served.is_discovery and name in discovery.NAMES:
        try:
            return await _discovery(served, caller, asked, toolbox)
        except Refusal as problem:
            return teach(problem, None)
    if served.connected.view.tool(name) is None:
        near = ", ".join(served.connected.view.nearest_tools(name))
        hint = f" Nearest: {near}." if near else ""
        raise ProtocolFault(INVALID_PARAMS, f"Unknown tool: {name}.{hint}")
    return await toolbox.run(caller, asked)


async def _discovery(served: Served, caller: Caller, asked: ToolCall, toolbox: Toolbox) -> ToolResult:
    if asked.name == discovery.SEARCH:
        return _search(served, asked.arguments, toolbox)
    if asked.name == discovery.DESCRIBE:
        return _describe(served, asked.arguments)
    name: Any = asked.arguments.get("tool_name") or asked.arguments.get("name")
    arguments: Any = asked.arguments.get("arguments") or {}
    if not isinstance(name, str) or not name:
        raise InvalidArguments([Failure("tool_name", "is required", "a name that search_tools gave")])
    if not is_record(arguments):
        raise InvalidArguments([Failure("arguments", "must be an object", "as get_tool_schema describes them")])
    operation = toolbox.find(served.connected, name)
    if asked.name == discovery.CALL_READ and operation.effect != "read":
        raise NotAllowed(f"{name} changes something; run it with {discovery.CALL_WRITE}.")
    return await toolbox.run(
        caller,
        ToolCall(
            account_id=asked.account_id,
            name=name,
            arguments=arguments,
            face="mcp",
            server=asked.server,
            request_id=asked.request_id,
            client=asked.client,
        ),
    )


def _search(served: Served, arguments: Json, toolbox: Toolbox) -> ToolResult:
    query, tag = str(arguments.get("query") or ""), str(arguments.get("tag") or "")
    if tag and tag not in served.connected.view.integration.tags:
        raise InvalidArguments([Failure("tag", f"is {tag!r}", ", ".join(served.connected.view.integration.tags))])
    limit: Any = arguments.get("limit") or USUALLY_FOUND
    if not isinstance(limit, int) or not 1 <= limit <= MOST_FOUND:
        raise InvalidArguments([Failure("limit", "must be a whole number", f"1 to {MOST_FOUND}")])
    offered = {each.tool.name: each for each in served.offered.operations}
    tools = {each.name: each for each in served.offered.tools}
    index = toolbox.index(served.connected.view)
    names = index.search(query, tag=tag, among=offered.keys(), count=limit) if query else []
    if not names:
        matching = [each for each in served.offered.operations if not tag or tag in each.tags]
        note = "Nothing matches; these are all the names there are." if query else "All names, by resource."
        return results.of_value({"note": note, "tools": discovery.grouped(matching)})
    return results.of_value({"result": discovery.found([offered[name] for name in names], tools)})


def _describe(served: Served, arguments: Json) -> ToolResult:
    wanted: Any = arguments.get("tool_names")
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if not is_list(wanted) or not 1 <= len(wanted) <= discovery.MOST_DESCRIBED:
        raise InvalidArguments([Failure("tool_names", "must be a list", f"1 to {discovery.MOST_DESCRIBED} names")])
    tools = {each.name: each for each in served.offered.tools}
    described: list[Json] = []
    for name in wanted:
        operation = served.connected.view.tool(str(name))
        tool = tools.get(operation.tool.name) if operation else None
        if tool is None:
            near = [each for each in served.connected.view.nearest_tools(str(name)) if each in tools]
            described.append(
                {"name": name, "error": f"There is no such tool here; nearest: {', '.join(near) or 'none'}."}
            )
        else:
            described.append({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema})
    return results.of_value({"result": described})
