"""Asking the people at a program whether a call may happen, in all of MCP's ways of asking.

With a handshake, the program says there how it can ask, and is given a session id that says so with each of its
requests; nothing is kept of sessions here. The question goes out on the call's own stream, and the answer comes in a
request of its own, to whichever process. Without a handshake, the call is answered with what is to be asked, and made
again with what was said and with a state that proves itself.

A form is answered in the program; a page is ours, and only there is anything decided: that the program opened it is no
yes. A program that can only open pages is sent to one, and so is every program where its server wants that.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, structs

from portico.errors import NotFound
from portico.faces.http import Incoming
from portico.faces.mcp import eras
from portico.faces.mcp.eras import CAPABILITIES_KEY, SERVER_KEY
from portico.faces.mcp.reply import Reply
from portico.faces.mcp.served import Served
from portico.faces.mcp.wire import INVALID_PARAMS, PAGE_NEEDED, Message, ProtocolFault
from portico.gateway import approval_page
from portico.gateway.approval_page import Bounds
from portico.gateway.parts import Parts
from portico.model.approval import Approval
from portico.model.caller import Caller
from portico.model.secret import HandedSecret
from portico.shapes import Json, is_record
from portico.toolbox import confirm
from portico.toolbox.confirm import Asking, ClientAnswer, InputNeeded, answer
from portico.toolbox.handing import Open
from portico.vault import tokens

SESSION = "mcp-session-id"
METHOD = "elicitation/create"
DONE = "notifications/elicitation/complete"
APPROVAL, PAGE, SECRET, APPROVE = "approval", "page", "secret", "approve"
FORM, URL = "form", "url"
# Programs of the handshake era know the method from the first version on, and pages from the second.
_FIRST_VERSION, _FIRST_WITH_PAGES = "2025-06-18", "2025-11-25"
_ASKS = "asks"
# What a state proves: that a form was to be answered, or that a page was to be opened.
_STATES = {FORM: "state", URL: "visit"}
_SCHEMA: Json = {
    "type": "object",
    "properties": {
        APPROVE: {"type": "boolean", "title": "Approve", "description": "Let this one call through", "default": False}
    },
    "required": [APPROVE],
}
_encoder = msgspec.json.Encoder()


class Needed(Struct, frozen=True, kw_only=True):
    """What a call is answered with that cannot go on before somebody was asked."""

    approval: Approval
    ask: Json


class Elicitation:
    def __init__(self, parts: Parts) -> None:
        self._parts, self._pepper = parts, parts.keyring.pepper
        self._has_pages = bool(parts.settings.public_url)

    def session(self, served: Served, message: Message) -> str:
        """The id for a program that can ask its people, at a server that may want that; empty for all others."""
        version = eras.negotiated(message)
        told = _modes(message.arguments.get("capabilities")) if version >= _FIRST_VERSION else []
        known = [each for each in told if each == FORM or version >= _FIRST_WITH_PAGES]
        is_wanted = served.server.config.confirm != "never" or (URL in known and self._links(served))
        return self._session_of(served, "-".join(known)) if known and is_wanted else ""

    def asking(self, served: Served, caller: Caller, incoming: Incoming, message: Message, reply: Reply) -> Asking:
        """How the people at this program are asked, if they can be."""
        if eras.is_modern(incoming.headers):
            if served.server.config.confirm == "never":
                return Asking()
            mode = self._mode(served, _modes(message.meta.get(CAPABILITIES_KEY)))
            return self._by_calling_again(served, caller, message, mode) if mode else Asking()
        session = incoming.header(SESSION)
        modes = session.partition(".")[0]
        if not session or session != self._session_of(served, modes):
            return Asking()
        told = modes.split("-")
        mode = self._mode(served, told) if served.server.config.confirm != "never" else ""
        asking = self._on_stream(served, reply, mode)
        if URL in told and reply.takes_stream and self._links(served):
            return structs.replace(asking, open_page=_opening(reply))
        return asking

    def _links(self, served: Served) -> bool:
        """Whether keys may come behind links there, which the program could open past its model."""
        rules = served.server.config.secret_rules
        return self._has_pages and "link" in {rules.way, *rules.tools.values()}

    def _mode(self, served: Served, modes: list[str]) -> str:
        """A form where the program has them and the server takes its word; else a page, if it opens those."""
        if FORM in modes and served.server.config.confirm_at == "program":
            return FORM
        return URL if URL in modes and self._has_pages else ""

    def _on_stream(self, served: Served, reply: Reply, mode: str) -> Asking:
        async def by_form(approval: Approval, *, tells_state: bool) -> None:
            reply.ask(f"{APPROVAL}:{approval.id}", METHOD, _form(approval, tells_state=tells_state))

        async def by_page(approval: Approval, *, tells_state: bool) -> None:
            ask = self._page(served, approval, tells_state=tells_state) | {"elicitationId": approval.id}
            if not reply.takes_stream:
                raise ProtocolFault(PAGE_NEEDED, f"{ask['message']} Then make the call again.", {"elicitations": [ask]})
            reply.ask(f"{PAGE}:{approval.id}", METHOD, ask)

        def decided(approval: Approval) -> None:
            reply.tell(DONE, {"elicitationId": approval.id})

        if mode == URL:
            return Asking(elicit=by_page, decided=decided)
        return Asking(elicit=by_form) if mode and reply.takes_stream else Asking()

    def _by_calling_again(self, served: Served, caller: Caller, message: Message, mode: str) -> Asking:
        brought = self._brought(served, caller, message)

        async def elicit(approval: Approval, *, tells_state: bool) -> None:
            if mode == FORM:
                raise InputNeeded(approval, _form(approval, tells_state=tells_state))
            raise InputNeeded(approval, self._page(served, approval, tells_state=tells_state))

        if brought is None or (brought.said and mode != FORM):
            return Asking(elicit=elicit)
        if brought.said is None:
            return Asking(elicit=elicit, visited=brought.visited)
        return Asking(elicit=elicit, answer=ClientAnswer(approval_id=brought.approval_id, is_yes=brought.said))

    async def answered(self, served: Served, caller: Caller, message: Message) -> None:
        """The answer of a program with a handshake: it counts where this caller asked, at this server."""
        kind, _, approval_id = str(message.identity).partition(":")
        if kind == SECRET and _said_to_page(message.result) is False:
            await self._parts.handover.decline(caller, served.server.account_id, approval_id)
            return
        said = {APPROVAL: _said, PAGE: _said_to_page}.get(kind, _nothing)(message.result)
        if said is None or (said and served.server.config.confirm_at != "program"):
            return
        try:
            approval = await self._parts.approvals.find(caller.environment_id, approval_id)
        except NotFound:
            return
        is_own = (approval.server_id, approval.asked_by) == (served.server.id, caller.token_id)
        if is_own and approval.by_client:
            await answer(caller, approval, approval.client, self._parts, is_yes=said)

    def input_required(self, served: Served, caller: Caller, needed: Needed) -> bytes:
        """The answer to a call in the newer era that has to be made again with what people say."""
        approval = needed.approval
        until = int(approval.expires_at.timestamp())
        kind = _STATES[needed.ask["mode"]]
        proof = tokens.signed(kind, _bound(served, caller, approval.id), until, self._pepper)
        told: Json = {
            "resultType": "input_required",
            "inputRequests": {APPROVAL: {"method": METHOD, "params": needed.ask}},
            "requestState": f"{approval.id}.{proof}",
            "_meta": {SERVER_KEY: served.server_info},
        }
        return _encoder.encode(told)

    def _brought(self, served: Served, caller: Caller, message: Message) -> "_Brought | None":
        state: Any = message.arguments.get("requestState")
        responses: Any = message.arguments.get("inputResponses")
        if state is None:
            return None
        approval_id, _, proof = str(state).partition(".")
        now, bound = int(self._parts.clock().timestamp()), _bound(served, caller, approval_id)
        proved = (each for each, kind in _STATES.items() if tokens.is_signed(proof, kind, bound, now, self._pepper))
        mode = next(proved, None)
        if mode is None:
            raise ProtocolFault(INVALID_PARAMS, "requestState is not one of ours for this caller, or its time is up.")
        result: Any = responses.get(APPROVAL) if is_record(responses) else None
        if mode == FORM:
            return _Brought(approval_id=approval_id, said=_said(result))
        is_opened = is_record(result) and result.get("action") == "accept"
        visited = approval_id if is_opened else ""
        return _Brought(approval_id=approval_id, said=_said_to_page(result), visited=visited)

    def _page(self, served: Served, approval: Approval, *, tells_state: bool) -> Json:
        """What the program is told of a call is what it does; what would be sent stands on the page alone."""
        bounds = Bounds(tells_state=tells_state, needs_person=served.server.config.confirm_at == "sign_in")
        words = f"{confirm.headline(approval)} Open the page to see what would be sent, and to approve or refuse it."
        return {"mode": URL, "message": words, "url": approval_page.address(self._parts, approval, bounds)}

    def _session_of(self, served: Served, modes: str) -> str:
        return f"{modes}.{tokens.mark(_ASKS, f'{served.server.id}:{modes}', self._pepper).hex()}"


class _Brought(Struct, frozen=True, kw_only=True):
    """What came with a call that is made again. `visited` is the approval where its page was opened."""

    approval_id: str
    said: bool | None
    visited: str = ""


def _opening(reply: Reply) -> Open:
    def open_page(secret: HandedSecret, url: str) -> Callable[[], None]:
        words = f"A key was made ({secret.about}). Open the page to see it: it is shown once, and to you alone."
        told: Json = {"elicitationId": secret.id}
        reply.ask(f"{SECRET}:{secret.id}", METHOD, {"mode": URL, "message": words, "url": url} | told)
        return lambda: reply.tell(DONE, told)

    return open_page


def _bound(served: Served, caller: Caller, approval_id: str) -> str:
    return f"{served.server.id}:{caller.token_id}:{approval_id}"


def _form(approval: Approval, *, tells_state: bool) -> Json:
    words = confirm.question(approval, tells_state=tells_state)
    return {"mode": FORM, "message": words, "requestedSchema": _SCHEMA}


def _modes(capabilities: Any) -> list[str]:
    """`elicitation: {}` has meant forms from the beginning; pages to visit are asked for by name."""
    told: Any = capabilities.get("elicitation") if is_record(capabilities) else None
    if not is_record(told):
        return []
    return [each for each in (FORM, URL) if each in told] if told else [FORM]


def _said(result: Any) -> bool | None:
    """Yes or no; None where nothing was said, because the program could not ask."""
    action: Any = result.get("action") if is_record(result) else None
    if action == "accept":
        content: Any = result.get("content")
        return is_record(content) and content.get(APPROVE) is True
    return False if action in ("decline", "cancel") else None


def _said_to_page(result: Any) -> bool | None:
    """No, where the page was not opened. That it was is no yes: what they say, they say there."""
    action: Any = result.get("action") if is_record(result) else None
    return False if action in ("decline", "cancel") else None


def _nothing(_: Any) -> None:
    """An answer to a question that is none of ours."""
