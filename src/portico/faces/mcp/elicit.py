"""Asking the people at a program whether a call may happen, in both of MCP's ways of asking.

With a handshake, the program says there whether it can ask, and is given a session id that says so with each of its
requests; nothing is kept of sessions here. The question goes out on the call's own stream, and the answer comes in a
request of its own, to whichever process. Without a handshake, the call is answered with what is to be asked, and made
again with what was said and with a state that proves itself.
"""

from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import NotFound
from portico.faces.http import Incoming
from portico.faces.mcp import eras
from portico.faces.mcp.eras import CAPABILITIES_KEY, SERVER_KEY
from portico.faces.mcp.reply import Reply
from portico.faces.mcp.served import Served
from portico.faces.mcp.wire import INVALID_PARAMS, Message, ProtocolFault
from portico.gateway.parts import Parts
from portico.model.approval import Approval
from portico.model.caller import Caller
from portico.shapes import Json, is_record
from portico.toolbox.confirm import Asking, ClientAnswer, InputNeeded, answer
from portico.vault import tokens

SESSION = "mcp-session-id"
METHOD = "elicitation/create"
APPROVAL, APPROVE = "approval", "approve"
# Programs of the handshake era know the method from this version on.
_FIRST_VERSION = "2025-06-18"
_ASKS, _STATE = "asks", "state"
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
    question: str


class Elicitation:
    def __init__(self, parts: Parts) -> None:
        self._parts, self._pepper = parts, parts.keyring.pepper

    def session(self, served: Served, message: Message) -> str:
        """The id for a program that can ask its people, at a server that may want that; empty for all others."""
        capabilities: Any = message.arguments.get("capabilities")
        is_wanted = served.server.config.confirm != "never" and eras.negotiated(message) >= _FIRST_VERSION
        return self._session_of(served) if is_wanted and _takes_forms(capabilities) else ""

    def asking(self, served: Served, caller: Caller, incoming: Incoming, message: Message, reply: Reply) -> Asking:
        """How the people at this program are asked, if they can be."""
        if served.server.config.confirm == "never":
            return Asking()
        if eras.is_modern(incoming.headers):
            if not _takes_forms(message.meta.get(CAPABILITIES_KEY)):
                return Asking()
            return Asking(elicit=_needed, answer=self._brought(served, caller, message))
        if not reply.takes_stream or incoming.header(SESSION) != self._session_of(served):
            return Asking()

        async def elicit(approval: Approval, question: str) -> None:
            reply.ask(f"{APPROVAL}:{approval.id}", METHOD, _form(question))

        return Asking(elicit=elicit)

    async def answered(self, served: Served, caller: Caller, message: Message) -> None:
        """The answer of a program with a handshake: it counts where this caller asked, at this server."""
        kind, _, approval_id = str(message.identity).partition(":")
        said = _said(message.result)
        if kind != APPROVAL or said is None:
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
        proof = tokens.signed(_STATE, _bound(served, caller, approval.id), until, self._pepper)
        told: Json = {
            "resultType": "input_required",
            "inputRequests": {APPROVAL: {"method": METHOD, "params": _form(needed.question)}},
            "requestState": f"{approval.id}.{proof}",
            "_meta": {SERVER_KEY: served.server_info},
        }
        return _encoder.encode(told)

    def _brought(self, served: Served, caller: Caller, message: Message) -> ClientAnswer | None:
        state: Any = message.arguments.get("requestState")
        responses: Any = message.arguments.get("inputResponses")
        if state is None:
            return None
        approval_id, _, proof = str(state).partition(".")
        now = int(self._parts.clock().timestamp())
        if not tokens.is_signed(proof, _STATE, _bound(served, caller, approval_id), now, self._pepper):
            raise ProtocolFault(INVALID_PARAMS, "requestState is not one of ours for this caller, or its time is up.")
        said = _said(responses.get(APPROVAL)) if is_record(responses) else None
        return None if said is None else ClientAnswer(approval_id=approval_id, is_yes=said)

    def _session_of(self, served: Served) -> str:
        return tokens.mark(_ASKS, served.server.id, self._pepper).hex()


async def _needed(approval: Approval, question: str) -> None:
    raise InputNeeded(approval, question)


def _bound(served: Served, caller: Caller, approval_id: str) -> str:
    return f"{served.server.id}:{caller.token_id}:{approval_id}"


def _form(question: str) -> Json:
    return {"mode": "form", "message": question, "requestedSchema": _SCHEMA}


def _takes_forms(capabilities: Any) -> bool:
    """`elicitation: {}` has meant forms from the beginning; pages to visit are asked for by name."""
    told: Any = capabilities.get("elicitation") if is_record(capabilities) else None
    return is_record(told) and (not told or "form" in told)


def _said(result: Any) -> bool | None:
    """Yes or no; None where nothing was said, because the program could not ask."""
    action: Any = result.get("action") if is_record(result) else None
    if action == "accept":
        content: Any = result.get("content")
        return is_record(content) and content.get(APPROVE) is True
    return False if action in {"decline", "cancel"} else None
