"""Limits: how much may be used, by whom, and how much of it is used. The API calls them quotas."""

from collections.abc import Mapping
from typing import Any

from starlette.routing import Route

from portico.errors import Failure, InvalidArguments, NotFound
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Redirect, Reply
from portico.shapes import Json

MEASURES = (("spend", "US dollars (estimate)"), ("tokens", "tokens"), ("requests", "requests"))
PERIODS = (("day", "a day"), ("month", "a month"), ("minute", "a minute"))
# Who is limited, and what it is called for one of them and for each of them.
BEARERS = (
    ("environment", "this environment, as a whole"),
    ("tenant", "customers"),
    ("integrated_account", "accounts"),
    ("mcp_server", "MCP servers"),
)
MOST_NAMED = 1000


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route("/limits", show_all, {"limit": create}),
        frame.route("/limits/{quota_id}", show_one, {"change": change, "lift": lift}),
    ]


async def show_all(turn: Turn) -> Reply:
    found = await turn.do("listQuotas", query=turn.paging())
    names = await _names(turn)
    return turn.page(
        "limits.html",
        "limits",
        limits=[{**each, "whose": _whose(each, names)} for each in found["result"]],
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
        bearers=BEARERS,
        **choices(),
    )


async def show_one(turn: Turn) -> Reply:
    quota = await turn.do("getQuota", path={"id": turn.ids["quota_id"]})
    used = await turn.do("listQuotaUse", path={"id": quota["id"]}, query=turn.paging())
    names = await _names(turn)
    rows = [
        {**each, "whose": _whose({"applies_to": quota["applies_to"], **each}, names)} for each in used["result"]
    ]  # fmt: skip
    return turn.page(
        "limit.html",
        "limits",
        limit={**quota, "whose": _whose(quota, names)},
        rows=rows,
        next_page=turn.next_page(used["next_cursor"]),
        cursor=turn.asked("cursor"),
    )


async def create(turn: Turn) -> Reply:
    form = turn.visit.form
    subject = form.get("subject", "").strip()
    whose = {"applies_to": form.get("applies_to", "")} | ({"subject": subject} if subject else {})
    await turn.do("createQuota", body={**whose, **_kind(form), "maximum": _maximum(form)})
    return turn.back("/limits", "limit-set")


async def change(turn: Turn) -> Reply:
    await turn.do("updateQuota", path={"id": turn.ids["quota_id"]}, body={"maximum": _maximum(turn.visit.form)})
    return turn.back(f"/limits/{turn.ids['quota_id']}", "limit-set")


async def lift(turn: Turn) -> Reply:
    await turn.do("deleteQuota", path={"id": turn.ids["quota_id"]})
    return turn.back("/limits", "limit-lifted")


async def set_own(turn: Turn, applies_to: str, subject: str, page: str) -> Redirect:
    """Of this one alone; where it has one of the kind already, that one is changed."""
    form = turn.visit.form
    maximum = _maximum(form)
    own = {"applies_to": applies_to, "subject": subject}
    known = (await turn.do("listQuotas", query=[*own.items(), *_kind(form).items()]))["result"]
    if known:
        await turn.do("updateQuota", path={"id": known[0]["id"]}, body={"maximum": maximum})
    else:
        await turn.do("createQuota", body={**own, **_kind(form), "maximum": maximum})
    return turn.back(page, "limit-set")


async def lift_own(turn: Turn, subject: str, page: str) -> Redirect:
    """Only a limit that is this one's own: others are not this page's to lift."""
    quota = await turn.do("getQuota", path={"id": turn.visit.form.get("quota", "")})
    if quota["subject"] != subject:
        raise NotFound(f"There is no limit {quota['id']!r} of this one alone.")
    await turn.do("deleteQuota", path={"id": quota["id"]})
    return turn.back(page, "limit-lifted")


def choices() -> Json:
    """What a form that limits something offers."""
    return {"limit_measures": MEASURES, "limit_periods": PERIODS}


def _kind(form: Mapping[str, str]) -> dict[str, str]:
    return {"measure": form.get("measure", ""), "period": form.get("limit_period", "")}


def _maximum(form: Mapping[str, str]) -> float:
    try:
        return float(form.get("maximum", ""))
    except ValueError:
        allowed = "so many requests or tokens, or US dollars"
        raise InvalidArguments([Failure("maximum", "is no number", allowed)]) from None


async def _names(turn: Turn) -> dict[str, tuple[str, str]]:
    """Of accounts and servers, by their ids: what they are called and where their page is."""
    most = [("limit", str(MOST_NAMED))]
    accounts = (await turn.do("listIntegratedAccounts", query=most))["result"]
    servers = (await turn.do("listAllMcpServers", query=most))["result"]
    return {each["id"]: (each["tenant_id"], f"/accounts/{each['id']}") for each in accounts} | {
        each["id"]: (each["name"], f"/accounts/{each['integrated_account_id']}/servers/{each['id']}")
        for each in servers
    }


def _whose(quota: Mapping[str, Any], names: Mapping[str, tuple[str, str]]) -> Json:
    """Whom it bears on, in words, and their page, where they have one."""
    noun = {"tenant": "customer", "integrated_account": "account", "mcp_server": "MCP server"}.get(quota["applies_to"])
    if noun is None:
        return {"noun": "The environment", "name": "", "path": ""}
    subject = quota["subject"]
    if not subject:
        return {"noun": f"Each {noun}", "name": "", "path": ""}
    path = f"/accounts?tenant_id={subject}" if noun == "customer" else ""
    name, path = names.get(subject, (subject, path))
    return {"noun": noun[0].upper() + noun[1:], "name": name, "path": path}
