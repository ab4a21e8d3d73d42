"""Calls that happen only once somebody has said yes: asked at the program where it can, else wherever people look.

What was asked is found again by the call's very arguments, so a program only has to make the same call again. A yes
lets one call through; another call, or the same one once more, is another question.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec
from msgspec import Struct, structs

from portico.clock import iso
from portico.errors import AlreadyDecided, ApprovalDenied, ApprovalPending, NotFound, Refusal
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.approval import Approval, Wanted
from portico.model.caller import Caller
from portico.model.offered import Offered
from portico.model.server import McpServer, ServerConfig
from portico.shapes import Json
from portico.toolbox.handing import Open
from portico.toolbox.progress import Report

_encoder = msgspec.json.Encoder(order="sorted")
# People at a program are looking at it; nobody waits longer for them than that.
AT_PROGRAM_SECONDS = 300.0
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0
_MOST_CHANGES, _LONGEST_SAID = 10, 300


class InputNeeded(Exception):
    """The program is to ask its people and to make the call again with what they said. `ask`: as it is to be asked."""

    def __init__(self, approval: Approval, ask: Json) -> None:
        super().__init__(approval.title)
        self.approval, self.ask = approval, ask


class Elicit(Protocol):
    """Have the people at the program asked. Raises InputNeeded where the answer comes with another request."""

    async def __call__(self, approval: Approval, *, tells_state: bool) -> None: ...


class ClientAnswer(Struct, frozen=True, kw_only=True):
    """What the people at the program said, brought along with the call."""

    approval_id: str
    is_yes: bool


class Asking(Struct, frozen=True, kw_only=True):
    """What the face can do to have people asked, and to show them a key (`open_page`). `decided` hears when the waiting
    for them is over; `visited` is the approval whose page was opened before the call was made again."""

    elicit: Elicit | None = None
    decided: Callable[[Approval], None] | None = None
    answer: ClientAnswer | None = None
    visited: str = ""
    open_page: Open | None = None


class Held(Struct, frozen=True, kw_only=True):
    """A call that may have to wait. `describe` tells what it would do; it is asked only where nobody was yet.

    `tells_state` says whether the server lets its callers see the present state, which people at the program then see.
    """

    account_id: AccountId
    server: McpServer
    offered: Offered
    digest: bytes
    describe: Callable[[], Awaitable[Json]]
    tells_state: bool
    client: str = ""
    asking: Asking = Asking()
    report: Report | None = None


def is_held(offered: Offered, config: ServerConfig) -> bool:
    if config.confirm == "writes":
        return offered.effect != "read"
    return config.confirm == "destructive" and offered.effect == "destroy"


def digest(offered: Offered, said: Json, understood: Json) -> bytes:
    """Of what will be done: ids as names were understood, but times as they were said, since those move on."""
    meant = {name: value for name, value in understood.items() if name not in offered.times}
    times = {name: said[name] for name in offered.times if name in said}
    return hashlib.sha256(_encoder.encode([offered.key, meant, times])).digest()


async def hold(caller: Caller, held: Held, parts: Parts) -> None:
    """Returns when the call may go on, this once; refuses it otherwise."""
    approval = await parts.approvals.standing(caller, held.server.id, held.digest)
    approval = approval or await _refused_on_page(caller, held, parts)
    if approval is None:
        approval = await parts.approvals.ask(caller, await _wanted(held))
    approval = await _ask_people(caller, held, approval, parts)
    if approval.state == "pending":
        approval = await _decided(held, approval, parts)
        if approval.state != "pending" and held.asking.decided is not None:
            held.asking.decided(approval)
    if approval.state == "approved" and await parts.approvals.use(approval):
        return
    raise refusal(await parts.approvals.find(caller.environment_id, approval.id), held.offered)


async def answer(caller: Caller, approval: Approval, client: str, parts: Parts, *, is_yes: bool) -> Approval:
    """What the people at the program said, written down as theirs."""
    person = structs.replace(caller, name=f"somebody at {client or 'the program'}")
    return await decide(person, approval, parts, is_yes=is_yes)


async def decide(caller: Caller, approval: Approval, parts: Parts, *, is_yes: bool) -> Approval:
    """As it was decided: by this, or by whoever was first."""
    try:
        return await parts.approvals.decide(caller, approval.id, is_yes=is_yes, reason="")
    except AlreadyDecided:
        return await parts.approvals.find(caller.environment_id, approval.id)


def refusal(approval: Approval, offered: Offered) -> Refusal:
    facts: Json = {"id": approval.id, "state": approval.state, "expires_at": iso(approval.expires_at)}
    if approval.state == "denied":
        why = f" The reason: {approval.reason}" if approval.reason else ""
        sentence = (
            f"{approval.decided_by_name} refused to approve this call.{why} Do not try another way; ask your user."
        )
        return ApprovalDenied(sentence, approval=facts)
    if approval.state == "pending":
        sentence = (
            f"{offered.title} needs somebody's approval, which is asked for. Tell your user: `portico approvals "
            f"approve {approval.id}`, or the approvals in Portico's admin pages. Then make the very same call again."
        )
        return ApprovalPending(sentence, approval=facts)
    gone = "was used by another call just like this one" if approval.state == "used" else "is over"
    return ApprovalPending(f"The approval for this call {gone}; make the call again to ask anew.", approval=facts)


def question(approval: Approval, *, tells_state: bool) -> str:
    """What people at a program are asked, in plain text."""
    shown: Json = approval.shown
    impact: Json = shown.get("impact") or {}
    lines = [headline(approval)]
    request: Json = shown.get("request") or {}
    if request.get("method"):
        lines.append(f"{request['method']} {request['path']}")
    if request.get("body"):
        lines.append(_encoder.encode(request["body"]).decode()[:1000])
    steps: list[Json] = request.get("steps") or []
    lines += [f"{each['step']}. {each['does']}" for each in steps]
    if tells_state:
        found: list[Json] = shown.get("changes") or []
        lines += [f"{each['field']}: {_said(each['from'])} → {_said(each['to'])}" for each in found[:_MOST_CHANGES]]
        if impact.get("target"):
            lines.append(f"It is now: {_said(impact['target'])}")
    if price := impact.get("price"):
        lines.append(f"Price: {price['sentence']}")
    return "\n".join(lines)


def headline(approval: Approval) -> str:
    """What would be done, in one sentence."""
    impact: Json = approval.shown.get("impact") or {}
    return str(impact.get("sentence") or approval.title)


async def _wanted(held: Held) -> Wanted:
    return Wanted(
        account_id=held.account_id,
        server_id=held.server.id,
        client=held.client,
        tool=held.offered.tool.name,
        title=held.offered.title,
        effect=held.offered.effect,
        digest=held.digest,
        shown=await held.describe(),
        by_client=held.asking.elicit is not None,
    )


async def _refused_on_page(caller: Caller, held: Held, parts: Parts) -> Approval | None:
    """What was refused while the page was open, and is not told yet: it would else be asked anew."""
    if not held.asking.visited:
        return None
    try:
        found = await parts.approvals.find(caller.environment_id, held.asking.visited)
    except NotFound:
        return None
    is_this = (found.server_id, found.asked_by, found.digest) == (held.server.id, caller.token_id, held.digest)
    return found if is_this and found.state == "denied" else None


async def _ask_people(caller: Caller, held: Held, approval: Approval, parts: Parts) -> Approval:
    """Those at the program, where it can; or what they have said already."""
    if approval.state != "pending" or not approval.by_client:
        return approval
    said = held.asking.answer
    if said is not None and said.approval_id == approval.id:
        return await answer(caller, approval, held.client, parts, is_yes=said.is_yes)
    if held.asking.elicit is not None and held.asking.visited != approval.id:
        await held.asking.elicit(approval, tells_state=held.tells_state)
    return approval


async def _decided(held: Held, approval: Approval, parts: Parts) -> Approval:
    """As soon as it is decided, here or in another process; as it is when the patience is at its end."""
    is_asked_here = approval.by_client and held.asking.elicit is not None
    patience = AT_PROGRAM_SECONDS if is_asked_here else held.server.config.confirm_wait_seconds
    waited, pause = 0.0, _FIRST_PAUSE_SECONDS
    while approval.state == "pending" and waited < patience:
        await parts.pause(min(pause, patience - waited))
        waited, pause = waited + pause, min(pause * 2, _LONGEST_PAUSE_SECONDS)
        if held.report is not None:
            held.report(waited, None, f"Waiting for somebody to approve: {held.offered.title}")
        approval = await parts.approvals.find(approval.environment_id, approval.id)
    return approval


def _said(value: object) -> str:
    return msgspec.json.encode(value).decode()[:_LONGEST_SAID]
