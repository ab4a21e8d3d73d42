"""The tools explorer: what an account can do, found by words, tried dry or for real, and written for elsewhere."""

from typing import Any

from starlette.routing import Route

from portico.errors import InvalidArguments
from portico.faces.web.admin import schema_form, words
from portico.faces.web.admin.frame import Frame, Turn, quoted, with_query
from portico.faces.web.admin.same_call import written
from portico.faces.web.page import Redirect, Reply
from portico.gateway.lookup import Connected
from portico.model.account import AccountId
from portico.model.offered import Offered
from portico.shapes import Json
from portico.toolbox.results import ToolResult
from portico.toolbox.run import ToolCall
from portico.toolbox.tools import tool_of

MOST_FOUND = 100
PER_PAGE = 50
MOST_SHOWN_CHARACTERS = 100_000
DRY_RUN = "dry_run"


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route("/tools", choose),
        frame.route("/accounts/{id}/tools", show_all),
        frame.route("/accounts/{id}/tools/{name}", show_one, {"run": run, "dry": run_dry, "write": write}),
    ]


async def choose(turn: Turn) -> Reply:
    accounts = (await turn.do("listIntegratedAccounts", query=[("limit", "1000")]))["result"]
    wanted = turn.asked("account", accounts[0]["id"] if len(accounts) == 1 else "")
    if wanted:
        return Redirect(turn.at(f"/accounts/{quoted(wanted)}/tools"))
    choices = [(each["id"], each["tenant_id"]) for each in accounts]
    return turn.page("tools_choose.html", "tools", accounts=choices)


async def show_all(turn: Turn) -> Reply:
    account = await turn.do("getIntegratedAccount", path={"id": turn.ids["id"]})
    words, tag, effect = (turn.asked(name) for name in ("q", "tag", "effect"))
    found = await turn.do("listTools", path={"id": turn.ids["id"]}, query=[("include_removed", "true")])
    everything: list[Json] = found["result"]
    tools = [each for each in everything if _fits(each, tag, effect)]
    if words:
        names = {each["name"]: each for each in tools}
        connected = await _connected(turn)
        index = turn.frame.toolbox.index(connected.view)
        tools = [names[each] for each in index.search(words, among=names, count=MOST_FOUND) if each in names]
    start = int(turn.asked("from")) if turn.asked("from").isdecimal() else 0
    kept = {"q": words, "tag": tag, "effect": effect}

    def address(first: int) -> str:
        query = kept | {"from": str(first) if first > 0 else ""}
        return with_query(
            turn.at(f"/accounts/{account['id']}/tools"), {name: text for name, text in query.items() if text}
        )

    return turn.page(
        "tools.html",
        "tools",
        account=account,
        tools=tools[start : start + PER_PAGE],
        found=len(tools),
        start=start,
        address=address,
        per_page=PER_PAGE,
        tags=sorted({tag for each in everything for tag in each["tags"]}),
        total=len(everything),
        words=words,
        tag=tag,
        effect=effect,
    )


async def show_one(turn: Turn, result: Json | None = None) -> Reply:
    connected = await _connected(turn)
    offered = turn.frame.toolbox.find(connected, turn.ids["name"])
    tool = tool_of(offered)
    given, _ = schema_form.arguments(_schema(offered), turn.visit.form)
    account = await turn.do("getIntegratedAccount", path={"id": turn.ids["id"]})
    url = turn.parts.settings.public_url.rstrip("/")
    return turn.page(
        "tool.html",
        "tools",
        account=account,
        tool=tool,
        offered=offered,
        fields=schema_form.fields(_schema(offered), turn.visit.form, offered.times),
        result=result,
        calls=written(url, account["id"], tool.name, given),
        is_written=bool(turn.visit.fields),
        may_run=turn.caller.may("call:read" if offered.effect == "read" else "call"),
    )


async def run(turn: Turn) -> Reply:
    return await _run(turn, is_dry=False)


async def run_dry(turn: Turn) -> Reply:
    return await _run(turn, is_dry=True)


async def write(turn: Turn) -> Reply:
    """Only the calls as one would write them elsewhere."""
    connected = await _connected(turn)
    _read(turn, turn.frame.toolbox.find(connected, turn.ids["name"]))
    return await show_one(turn)


async def _run(turn: Turn, *, is_dry: bool) -> Reply:
    connected = await _connected(turn)
    offered = turn.frame.toolbox.find(connected, turn.ids["name"])
    arguments = _read(turn, offered)
    asked = ToolCall(
        account_id=AccountId(connected.account.id),
        name=offered.tool.name,
        arguments=arguments | ({DRY_RUN: True} if is_dry else {}),
        face="admin",
        request_id=turn.visit.incoming.request_id,
        client="admin pages",
    )
    result = await turn.frame.toolbox.run(turn.caller, asked)
    return await show_one(turn, _shown(result, turn.visit.incoming.request_id, is_dry=is_dry))


def _read(turn: Turn, offered: Offered) -> Json:
    given, failures = schema_form.arguments(_schema(offered), turn.visit.form)
    if failures:
        raise InvalidArguments(failures)
    return given


def _schema(offered: Offered) -> Json:
    """A dry run has a button of its own."""
    schema: Json = tool_of(offered).input_schema
    properties = {name: each for name, each in schema["properties"].items() if name != DRY_RUN}
    return schema | {"properties": properties}


def _shown(result: ToolResult, request_id: str, *, is_dry: bool) -> Json:
    value: Any = result.structured if result.structured is not None else result.content
    text = words.pretty(value)
    links = [each for each in result.content if each.get("type") == "resource_link"]
    return {
        "is_error": result.is_error,
        "is_dry": is_dry,
        "text": text[:MOST_SHOWN_CHARACTERS],
        "is_cut": len(text) > MOST_SHOWN_CHARACTERS,
        "links": [{"url": each["uri"], "name": each.get("name") or "the file"} for each in links],
        "request_id": request_id,
    }


async def _connected(turn: Turn) -> Connected:
    return await turn.parts.lookup.connected(turn.environment.id, AccountId(turn.ids["id"]))


def _fits(tool: Json, tag: str, effect: str) -> bool:
    looks = tool["annotations"]["readOnlyHint"]
    return (not tag or tag in tool["tags"]) and (not effect or (effect == "look") is looks)
