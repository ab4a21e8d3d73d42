"""Approvals: calls that wait for somebody's yes, shown as what they would do; decided here with a note."""

from typing import Any

from starlette.routing import Route

from portico.faces.web.admin import words
from portico.faces.web.admin.frame import Frame, Turn
from portico.faces.web.page import Reply
from portico.gateway.approvals import LONGEST_REASON
from portico.shapes import Json

# What the page can show, by the state that its address names; the API calls every state "".
SHOWN = (
    ("pending", "Waiting"),
    ("approved", "Approved"),
    ("used", "Done"),
    ("denied", "Refused"),
    ("expired", "Ran out"),
    ("all", "All"),
)
MOST_ACCOUNTS = 1000
FILTERS = ("integrated_account_id", "mcp_server_id")


def routes(frame: Frame) -> list[Route]:
    return [
        frame.route("/approvals", show_all),
        frame.route("/approvals/{id}", show_one, {"approve": approve, "refuse": refuse}),
    ]


async def show_all(turn: Turn) -> Reply:
    state = turn.asked("state", "pending")
    kept = {name: turn.asked(name) for name in FILTERS if turn.asked(name)}
    query = [*turn.paging(), ("state", "" if state == "all" else state), *kept.items()]
    found = await turn.do("listApprovals", query=query)
    return turn.page(
        "approvals.html",
        "approvals",
        rows=found["result"],
        state=state,
        shown=SHOWN,
        kept=kept,
        approval_states=words.APPROVALS,
        customers=await _customers(turn),
        next_page=turn.next_page(found["next_cursor"]),
        cursor=turn.asked("cursor"),
    )


async def show_one(turn: Turn) -> Reply:
    approval = await turn.do("getApproval", path=turn.ids)
    account_id = approval["integrated_account_id"]
    body: Any = approval["request"].get("body")
    target: Json = approval["impact"].get("target") or {}
    return turn.page(
        "approval.html",
        "approvals",
        approval=approval,
        body=words.pretty(body) if body is not None else "",
        changes=[(each["field"], _said(each["from"]), _said(each["to"])) for each in approval["changes"]],
        target=[(name, _said(value)) for name, value in target.items() if value is not None],
        customer=(await turn.do("getIntegratedAccount", path={"id": account_id}))["tenant_id"],
        approval_states=words.APPROVALS,
        longest_reason=LONGEST_REASON,
    )


async def approve(turn: Turn) -> Reply:
    return await _decided(turn, "approveCall", "approval-given")


async def refuse(turn: Turn) -> Reply:
    return await _decided(turn, "denyCall", "approval-refused")


async def _decided(turn: Turn, act: str, said: str) -> Reply:
    await turn.do(act, path=turn.ids, body={"reason": turn.visit.form.get("reason", "")})
    return turn.back(f"/approvals/{turn.ids['id']}", said)


async def _customers(turn: Turn) -> dict[str, str]:
    """What the accounts are called, by id."""
    found = await turn.do("listIntegratedAccounts", query=[("limit", str(MOST_ACCOUNTS))])
    return {each["id"]: each["tenant_id"] for each in found["result"]}


def _said(value: Any) -> str:
    """A value as people read it: words as they are, anything else as JSON."""
    return value if isinstance(value, str) else words.pretty(value)
