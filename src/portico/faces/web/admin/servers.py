"""MCP servers: made with a live count of what a model would see, handed over once with snippets, and looked after."""

from typing import Any

from starlette.routing import Route

from portico.errors import Failure, InvalidArguments
from portico.faces.web.admin import limits, server_form, words
from portico.faces.web.admin.accounts import can
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.admin.log import gathered
from portico.faces.web.page import Page, Redirect, Reply
from portico.shapes import Json
from portico.toolbox.clients import SECRET_HERE, TOKEN_HERE, WAYS

NEW, ONE = "/accounts/{id}/servers/new", "/accounts/{id}/servers/{server_id}"
MOST_ACCOUNTS = 200
MOST_APPROVALS = 5
MOST_CALLS = 5
ROWS_READ = 100


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route("/servers", show_all),
        frame.route("/servers/new", choose),
        frame.route(NEW, show_new, {"create": create, "preview": preview}),
        frame.route(
            ONE,
            show_one,
            {
                "change": change,
                "preview": preview_change,
                "rotate": rotate,
                "delete": delete,
                "revoke": revoke_grant,
                "limit": limit,
                "lift": lift,
            },
        ),
    ]


async def show_all(turn: Turn) -> Reply:
    found = await turn.do("listAllMcpServers", query=turn.paging())
    accounts = await turn.do("listIntegratedAccounts", query=[("limit", str(MOST_ACCOUNTS))])
    return turn.page(
        "servers.html",
        "servers",
        servers=found["result"],
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
        accounts=[(each["id"], each["tenant_id"]) for each in accounts["result"]],
    )


async def choose(turn: Turn) -> Reply:
    """From an account that was chosen in a form to its own page."""
    account_id = turn.asked("account")
    if not account_id:
        raise InvalidArguments([Failure("account", "must be chosen", "one of the environment's accounts")])
    account = await turn.do("getIntegratedAccount", path={"id": account_id})
    return Redirect(turn.at(f"/accounts/{account['id']}/servers/new"))


async def show_new(turn: Turn, seen: Json | None = None) -> Reply:
    if turn.visit.form.get("part"):
        return _part(turn, seen)
    shown = server_form.of_visit(turn.visit) if turn.visit.fields else server_form.Shown()
    if seen is None and turn.problem is None:
        seen = await _preview(turn, {"config": {"read_only": True}})
    return turn.page("server_new.html", "servers", seen=seen, shown=shown, **await _about(turn))


async def preview(turn: Turn) -> Reply:
    return await show_new(turn, await _preview(turn, server_form.asked(turn.visit)))


async def create(turn: Turn) -> Reply:
    body = server_form.asked(turn.visit)
    made = await turn.do("createMcpServer", path=turn.ids, body=body)
    return await _made(turn, made, "is made")


async def show_one(turn: Turn, seen: Json | None = None) -> Reply:
    if turn.visit.form.get("part"):
        return _part(turn, seen)
    server = await turn.do("getMcpServer", path=turn.ids)
    grants = await turn.do("listMcpGrants", path=turn.ids)
    asked = await turn.do("listApprovals", query=[("limit", str(MOST_APPROVALS)), ("mcp_server_id", server["id"])])
    of_server = [("mcp_server_id", str(server["id"]))]
    calls = await turn.do("listLog", query=[("limit", str(ROWS_READ)), *of_server])
    is_form = turn.visit.form.get("do") in {"change", "preview"}
    shown = server_form.of_visit(turn.visit) if is_form else server_form.of_server(server)
    if seen is None:
        seen = await _preview(turn, {"name": server["name"], "config": _said(server["config"])})
    return turn.page(
        "server.html",
        "servers",
        server=server,
        is_form=is_form,
        shown=shown,
        seen=seen,
        grants=grants["result"],
        asked=asked["result"],
        calls=gathered(calls["result"])[:MOST_CALLS],
        limits=(await turn.do("listAccountQuotas", path={"id": turn.ids["id"]}, query=of_server))["result"],
        approval_states=words.APPROVALS,
        snippets=(await turn.do("listMcpSnippets", path=turn.ids))["result"],
        secret_here=SECRET_HERE,
        ways=WAYS,
        token_here=TOKEN_HERE,
        **limits.choices(),
        **await _about(turn),
    )


async def preview_change(turn: Turn) -> Reply:
    return await show_one(turn, await _preview(turn, server_form.asked(turn.visit)))


async def change(turn: Turn) -> Reply:
    await turn.do("updateMcpServer", path=turn.ids, body=server_form.asked(turn.visit))
    return turn.back(_place(turn), "server-changed")


async def rotate(turn: Turn) -> Reply:
    made = await turn.do("rotateMcpServer", path=turn.ids)
    return await _made(turn, made, "has a new address; the old one is gone")


async def delete(turn: Turn) -> Reply:
    await turn.do("deleteMcpServer", path=turn.ids)
    return turn.back("/servers", "server-deleted")


async def revoke_grant(turn: Turn) -> Reply:
    await turn.do("revokeMcpGrant", path={**turn.ids, "grant_id": turn.visit.form.get("grant", "")})
    return turn.back(_place(turn), "grant-revoked")


async def limit(turn: Turn) -> Reply:
    return await limits.set_own(turn, "mcp_server", turn.ids["server_id"], _place(turn))


async def lift(turn: Turn) -> Reply:
    return await limits.lift_own(turn, turn.ids["server_id"], _place(turn))


async def _made(turn: Turn, made: Json, what: str) -> Reply:
    """The one time that an address is shown, put into everything that one may want to paste."""
    path = {"id": made["integrated_account_id"], "server_id": made["id"]}
    snippets = (await turn.do("listMcpSnippets", path=path))["result"]
    placeholder = made["url"].replace(made["token"], SECRET_HERE)
    for each in snippets:
        each["text"] = each["text"].replace(placeholder, made["url"])
    return turn.page(
        "server_made.html",
        "servers",
        server=made,
        what=what,
        snippets=snippets,
        ways=WAYS,
        token_here=TOKEN_HERE,
        account=await turn.do("getIntegratedAccount", path={"id": path["id"]}),
    )


async def _about(turn: Turn) -> Json:
    """What the form offers: the integration's areas, ends, and who the account belongs to."""
    account = await turn.do("getIntegratedAccount", path={"id": turn.ids["id"]})
    capabilities = await turn.do("getIntegratedAccountCapabilities", path={"id": turn.ids["id"]})
    held = {name for name, key in account["keys"].items() if key["present"]}
    methods = [method for each in capabilities["proxy"] for method in each["methods"]]
    found = {tag for each in methods if not each["key"] or each["key"] in held for tag in each["tags"]}
    meanings = (await turn.parts.views.base(turn.environment.id, account["integration"]["name"])).integration.tags
    return {
        "account": account,
        "tags": [(tag, tag) for tag in sorted(found)],
        "missing": can(capabilities["proxy"], held)["missing"],
        "areas": [(tag, meanings[tag]) for tag in sorted(found) if tag in meanings],
        "methods": server_form.METHODS,
        "exposures": server_form.EXPOSURES,
        "comforts": server_form.COMFORTS,
        "confirms": server_form.CONFIRMS,
        "confirms_at": server_form.CONFIRMS_AT,
        "secrets": server_form.SECRETS,
        "endings": server_form.endings(turn.parts.clock()),
    }


async def _preview(turn: Turn, body: Json) -> Json:
    """What a model would see, whatever the server is called and whenever it ends."""
    wanted = {"name": "preview", "config": body["config"]}
    return await turn.do("previewMcpServer", path={"id": turn.ids["id"]}, body=wanted)


def _part(turn: Turn, seen: Json | None) -> Reply:
    """The count and the list alone, for the page that shows them while one types."""
    whole: Any = turn.page("server_seen.html", "servers", seen=seen)
    return Page(template=whole.template, values=whole.values, status=whole.status, headers={"x-portico-part": "1"})


def _said(config: Json) -> Json:
    return {name: value for name, value in config.items() if value is not None}


def _place(turn: Turn) -> str:
    return f"/accounts/{turn.ids['id']}/servers/{turn.ids['server_id']}"
