"""/approval: calls that wait for somebody's yes. What is decided here lets one call through, or none."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.endpoint import Asked, Endpoint, Paging, page, position
from portico.gateway.approvals import LONGEST_REASON
from portico.model.approval import Approval, ApprovalState
from portico.store.approvals import Chosen

TAG = "Approvals"


class ApprovalShown(Struct, frozen=True, kw_only=True):
    """`request` is what would be sent (method, path, body), `changes` what differs from the present state, `impact`
    what it means: a sentence, what it hits, what it costs as far as that is known."""

    id: str
    integrated_account_id: str
    mcp_server_id: str
    tool: str
    title: str
    effect: str
    request: dict[str, Any]
    changes: list[dict[str, Any]]
    impact: dict[str, Any]
    client: str
    asked_by: str
    asked_by_name: str
    asks_client: bool
    state: ApprovalState
    reason: str
    decided_by: str | None
    decided_by_name: str | None
    created_at: str
    expires_at: str
    decided_at: str | None
    used_at: str | None


class ApprovalQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: tuple[ApprovalState, ...] = ()
    integrated_account_id: tuple[str, ...] = ()
    mcp_server_id: tuple[str, ...] = ()


class DecisionBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason` is told to whoever asked, and may be shown to a model."""

    reason: str = ""


def show(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "integrated_account_id": approval.account_id,
        "mcp_server_id": approval.server_id,
        "tool": approval.tool,
        "title": approval.title,
        "effect": approval.effect,
        "request": approval.shown.get("request", {}),
        "changes": approval.shown.get("changes", []),
        "impact": approval.shown.get("impact", {}),
        "client": approval.client,
        "asked_by": approval.asked_by,
        "asked_by_name": approval.asked_by_name,
        "asks_client": approval.by_client,
        "state": approval.state,
        "reason": approval.reason,
        "decided_by": approval.decided_by or None,
        "decided_by_name": approval.decided_by_name or None,
        "created_at": iso(approval.created_at),
        "expires_at": iso(approval.expires_at),
        "decided_at": iso(approval.decided_at) if approval.decided_at else None,
        "used_at": iso(approval.used_at) if approval.used_at else None,
    }


async def list_approvals(asked: Asked) -> Any:
    query: ApprovalQuery = asked.query
    before, count = position(query)
    chosen = Chosen(account_ids=query.integrated_account_id, server_ids=query.mcp_server_id, states=query.state)
    rows = await asked.parts.approvals.page(asked.environment_id, chosen, before, count + 1)
    return page(rows, query, show, lambda row: row.id)


async def get_approval(asked: Asked) -> Any:
    return show(await asked.parts.approvals.find(asked.environment_id, asked.path["id"]))


async def approve(asked: Asked) -> Any:
    return show(await asked.parts.approvals.approve(asked.caller, asked.path["id"], _reason(asked)))


async def deny(asked: Asked) -> Any:
    return show(await asked.parts.approvals.deny(asked.caller, asked.path["id"], _reason(asked)))


def _reason(asked: Asked) -> str:
    body: DecisionBody = asked.body
    if len(body.reason) > LONGEST_REASON:
        raise InvalidArguments([Failure("reason", f"has {len(body.reason)} characters", f"at most {LONGEST_REASON}")])
    return body.reason.strip()


_ONE = "/approval/{id}"
ENDPOINTS = (
    Endpoint(
        verb="GET", path="/approval", name="listApprovals", summary="List calls that wait for a yes", tag=TAG,
        description="Newest first; `state=pending` for those that wait.",
        handler=list_approvals, query=ApprovalQuery, returns=list[ApprovalShown], scope="accounts:read",
    ),
    Endpoint(
        verb="GET", path=_ONE, name="getApproval", summary="Get an approval", tag=TAG,
        handler=get_approval, returns=ApprovalShown, scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/approve", name="approveCall", summary="Let a waiting call through", tag=TAG,
        description="Once: the same call again asks again. 409 where it was decided already or its time is up.",
        handler=approve, body=DecisionBody, returns=ApprovalShown, scope="accounts",
    ),
    Endpoint(
        verb="POST", path=_ONE + "/deny", name="denyCall", summary="Refuse a waiting call", tag=TAG,
        description="Whoever asked is told the reason. 409 where it was decided already or its time is up.",
        handler=deny, body=DecisionBody, returns=ApprovalShown, scope="accounts",
    ),
)  # fmt: skip
