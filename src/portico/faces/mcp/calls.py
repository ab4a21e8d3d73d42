"""tools/call: a real tool, or one of the few that stand for the many."""

from typing import Any, Protocol

from msgspec import Struct, structs

from portico.catalog.find import View
from portico.catalog.near import nearest
from portico.errors import Failure, InvalidArguments, NotAllowed, NotFound, Refusal
from portico.faces.mcp.served import Served
from portico.faces.mcp.wire import INVALID_PARAMS, Message, ProtocolFault
from portico.gateway.admit import admit_state
from portico.gateway.lookup import Connected
from portico.gateway.record import Entry
from portico.gateway.shorten import fit_value, size_of
from portico.model.account import AccountId
from portico.model.caller import Caller
from portico.model.offered import Offered
from portico.model.server import ServerConfig
from portico.shapes import Json, decode_or_text, is_list, is_record
from portico.toolbox import discovery, fit, results
from portico.toolbox.confirm import Asking
from portico.toolbox.offer import Offer
from portico.toolbox.progress import Report
from portico.toolbox.results import ToolResult
from portico.toolbox.run import ToolCall
from portico.toolbox.search import Index
from portico.toolbox.teach import teach

MOST_FOUND = 25
_MOST_SHOWN, _NOTE_ROOM = 100, 150
USUALLY_FOUND = 8


class Tools(Protocol):
    """What the face needs of the toolbox: which tools a server offers, how to find them, and how to run one.

    `find` and `run` raise NotFound for a tool that does not exist; every other refusal is a result.
    """

    def offer(self, connected: Connected, config: ServerConfig) -> Offer: ...

    def find(self, connected: Connected, name: str) -> Offered: ...

    def index(self, view: View) -> Index: ...

    async def run(self, caller: Caller, asked: ToolCall) -> ToolResult: ...


class Circumstances(Struct, frozen=True, kw_only=True):
    """What comes with a call and is not in its message. `entry` is its row in the log."""

    client: str
    entry: Entry
    report: Report | None = None
    asking: Asking = Asking()


def name_call(served: Served, message: Message, circumstances: Circumstances) -> None:
    """What the log says of the call, whatever becomes of it."""
    name: Any = message.arguments.get("name")
    entry, server = circumstances.entry, served.server
    entry.call = structs.replace(
        entry.call,
        account_id=server.account_id,
        tool=name if isinstance(name, str) else "",
        server_id=server.id,
        client=circumstances.client,
    )


async def call(
    served: Served, caller: Caller, message: Message, tools: Tools, circumstances: Circumstances
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
        request_id=circumstances.entry.call.request_id,
        client=circumstances.client,
        trace_id=circumstances.entry.call.trace_id,
        report=circumstances.report,
        entry=circumstances.entry,
        asking=circumstances.asking,
    )
    if served.is_discovery and name in discovery.NAMES:
        try:
            return await _discovery(served, caller, asked, tools)
        except Refusal as problem:
            circumstances.entry.fail(problem)
            return teach(problem, None, config=served.server.config)
    try:
        return await tools.run(caller, asked)
    except NotFound:
        raise ProtocolFault(INVALID_PARAMS, f"Unknown tool: {_missing(served, name)}") from None


async def _discovery(served: Served, caller: Caller, asked: ToolCall, tools: Tools) -> ToolResult:
    admit_state(served.connected)
    _check_words(asked.name, asked.arguments)
    if asked.name == discovery.SEARCH:
        return _search(served, asked.arguments, tools)
    if asked.name == discovery.DESCRIBE:
        return _describe(served, asked.arguments)
    name: Any = asked.arguments.get("tool_name") or asked.arguments.get("name")
    arguments: Any = asked.arguments.get("arguments")
    arguments = {} if arguments is None or arguments == "" else arguments
    arguments = decode_or_text(arguments) if isinstance(arguments, str) else arguments  # some models write it as text
    if not isinstance(name, str) or not name:
        raise InvalidArguments([Failure("tool_name", "is required", f"a name that {discovery.SEARCH} gave")])
    if not is_record(arguments):
        raise InvalidArguments([Failure("arguments", "must be an object", f"as {discovery.DESCRIBE} describes them")])
    if asked.name == discovery.CALL_READ:
        _check_reads(served, tools, name)
    try:
        return await tools.run(caller, structs.replace(asked, name=name, arguments=arguments))
    except NotFound:
        raise NotFound(f"There is no tool {_missing(served, name)}") from None


def _check_words(name: str, arguments: Json) -> None:
    """What stands in the wrong place would be lost without a sound: a filter, or that a run is to be a dry one."""
    known = discovery.WORDS[name]
    where = "" if name in discovery.READING else "; what the called tool takes goes into arguments"
    strange = [each for each in arguments if each not in known and arguments[each] is not None]
    if strange:
        raise InvalidArguments(
            [Failure(each[:_MOST_SHOWN], f"is not an argument of {name}{where}", ", ".join(known)) for each in strange]
        )


def _check_reads(served: Served, tools: Tools, name: str) -> None:
    """Approval prompts tell reading from changing by the tool that is called; so must we."""
    known = next((each for each in served.offered.tools if each.name == name), None)
    if known is not None:
        reads = bool(known.annotations.get("readOnlyHint"))
    else:
        try:
            reads = tools.find(served.connected, name).effect == "read"
        except NotFound:
            raise NotFound(f"There is no tool {_missing(served, name)}") from None
    if not reads:
        raise NotAllowed(f"{name} changes something; run it with {discovery.CALL_WRITE}.")


def _search(served: Served, arguments: Json, tools: Tools) -> ToolResult:
    query, tag = str(arguments.get("query") or ""), str(arguments.get("tag") or "")
    areas = served.connected.view.areas
    if tag and tag not in areas:
        raise InvalidArguments([Failure("tag", f"is {tag[:_MOST_SHOWN]!r}", ", ".join(areas))])
    given: Any = arguments.get("limit")
    limit: Any = USUALLY_FOUND if given is None else given
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST_FOUND:
        raise InvalidArguments([Failure("limit", "must be a whole number", f"1 to {MOST_FOUND}")])
    offered = {each.tool.name: each for each in served.offered.operations}
    by_name = {each.name: each for each in served.offered.tools}
    index = tools.index(served.connected.view)
    names = index.search(query, tag=tag, among=offered.keys(), count=limit) if query else []
    if names:
        found = discovery.found([offered[name] for name in names], by_name)
        kept, note = _fitting(found, served.server.config.result_limit)
        return results.of_value({"result": kept, **note})
    matching = [each for each in served.offered.operations if not tag or tag in each.tags]
    note = "Nothing matches; these are all the names there are." if query else "All names, by resource."
    listed: Json = {"note": note, "tools": discovery.grouped(matching)}
    shown, cut = fit_value(listed, served.server.config.result_limit)
    note = f"{note} Not all of them fit; narrow it with tag." if cut else note
    return results.of_value({**shown, "note": note})


def _describe(served: Served, arguments: Json) -> ToolResult:
    wanted: Any = arguments.get("tool_names")
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if not is_list(wanted) or not 1 <= len(wanted) <= discovery.MOST_DESCRIBED:
        raise InvalidArguments([Failure("tool_names", "must be a list", f"1 to {discovery.MOST_DESCRIBED} names")])
    by_name = {each.name: each for each in served.offered.tools}
    described: list[Json] = []
    for name in map(str, wanted):
        operation = served.connected.view.tool(name)
        tool = by_name.get(operation.tool.name if operation else name)
        if tool is None:
            described.append({"name": name[:_MOST_SHOWN], "error": f"There is no tool {_missing(served, name)}"})
        else:
            described.append({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema})
    return results.of_value({"result": described})


def _fitting(found: list[Json], limit: int) -> tuple[list[Json], Json]:
    """As many as fit into an answer of this server, the best first, and the word that there were more."""
    kept = found
    while len(kept) > 1 and size_of(kept) > limit - _NOTE_ROOM:
        kept = kept[:-1]
    if len(kept) == len(found):
        return kept, {}
    return kept, {
        "truncated": f"{len(kept)} of {len(found)} fit; say more exactly what you want, or narrow it with tag."
    }


def _missing(served: Served, name: str) -> str:
    """The name with the nearest ones that this server offers."""
    shown = repr(fit.clean(name[:_MOST_SHOWN]))
    if served.is_discovery and name in discovery.NAMES:
        return f"{shown} behind another; call it by its own name."
    near = ", ".join(nearest(name, [each.name for each in served.offered.tools]))
    if near:
        return f"{shown}; nearest: {near}."
    return f"{shown}; {discovery.SEARCH} finds tools." if served.is_discovery else f"{shown}; tools/list has them all."
