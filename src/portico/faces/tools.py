"""Tools over plain HTTP, for agent frameworks: list them, and run one by its name."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import msgspec
from msgspec import structs
from starlette.routing import Route

from portico.errors import Failure, InvalidArguments, Refusal
from portico.faces.http import Incoming, Receive, Scope, Send, begin, while_connected, write_json
from portico.faces.json_body import read_json
from portico.gateway.admit import admit_account
from portico.gateway.idempotency import MOST_KEPT_BYTES, Claim, Fingerprint, Kept
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.caller import Caller
from portico.model.secret import SecretRules, SecretWay
from portico.shapes import is_record
from portico.store import replays
from portico.toolbox.results import ToolResult
from portico.toolbox.run import Toolbox, ToolCall

MOST_BODY_BYTES = 33_554_432
# After these the vendor may have acted although nobody knows what it answered.
_UNKNOWN_OUTCOMES = frozenset(
    {
        "internal", "outcome_unknown", "stopping", "upstream_bad_encoding", "upstream_interrupted",
        "upstream_invalid_json", "upstream_protocol", "upstream_redirect_refused", "upstream_timeout",
        "upstream_too_large",
    }
)  # fmt: skip


class ToolsFace:
    """`POST /integrated-account/{id}/tools/{name}` with the arguments as JSON, as an ASGI application."""

    def __init__(self, parts: Parts, toolbox: Toolbox) -> None:
        self._parts, self._toolbox = parts, toolbox

    def route(self) -> Route:
        return Route("/integrated-account/{id}/tools/{name}", self, methods=["POST"], name="runTool")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming: Incoming = scope["portico.incoming"]
        account_id, name = AccountId(scope["path_params"]["id"]), scope["path_params"]["name"]
        caller = await incoming.caller(self._parts.lookup)

        async def work() -> None:
            with begin(self._parts.recorder, caller, incoming, "tools") as entry:
                entry.call = structs.replace(entry.call, account_id=account_id, tool=name)
                admit_account(caller, account_id)
                content = await incoming.body(MOST_BODY_BYTES) if incoming.has_body else b""
                asked = ToolCall(
                    account_id=account_id,
                    name=name,
                    arguments=_arguments(content, incoming.header("content-type")),
                    face="tools",
                    secrets=_secrets(incoming),
                    request_id=incoming.request_id,
                    client=incoming.client,
                    trace_id=incoming.trace_id,
                    entry=entry,
                )
                told = [("x-portico-request-id", incoming.request_id)]
                key = incoming.header("idempotency-key")
                if not key:
                    await write_json(send, 200, (await self._toolbox.run(caller, asked)).shown(), told)
                    return
                fingerprint = Fingerprint(incoming.verb, incoming.path, incoming.query)
                fingerprint.add(content)
                place = replays.tool_runs(account_id, "" if caller.account_id else caller.token_id)
                claimed = await self._parts.idempotency.claim(caller, place, key, fingerprint)
                if isinstance(claimed, Kept):
                    await write_json(send, 200, claimed.content, [*told, ("idempotent-replayed", "true")])
                    return
                await write_json(send, 200, await _settle(claimed, self._toolbox.run, caller, asked), told)

        await while_connected(incoming, work())


async def _settle(
    claim: Claim, run: Callable[[Caller, ToolCall], Awaitable[ToolResult]], caller: Caller, asked: ToolCall
) -> bytes:
    """Run it under its Idempotency-Key. What was refused before the vendor was asked leaves the key unused."""
    try:
        result = await run(caller, asked)
    except Refusal:
        await asyncio.shield(claim.give_back())
        raise
    except BaseException:
        await asyncio.shield(claim.mark_unknown())
        raise
    encoded = msgspec.json.encode(result.shown())
    code = (result.structured or {}).get("code") if result.is_error else "vendor_failure"
    if code in _UNKNOWN_OUTCOMES:
        await asyncio.shield(claim.mark_unknown())
    elif code != "vendor_failure":
        await asyncio.shield(claim.give_back())
    elif len(encoded) > MOST_KEPT_BYTES:
        await asyncio.shield(claim.mark_unkept())
    else:
        await asyncio.shield(claim.keep(Kept(status=200, headers=[], content=encoded)))
    return encoded


def _secrets(incoming: Incoming) -> SecretRules | None:
    """How keys that are shown once are handed over here, where whoever asks has said so."""
    given = dict(incoming.pairs()).get("secrets", "")
    if not given:
        return None
    try:
        return SecretRules(way=msgspec.convert(given, SecretWay))
    except msgspec.ValidationError:
        raise InvalidArguments([Failure("secrets", f"is {given[:100]!r}", ", ".join(get_args(SecretWay)))]) from None


def _arguments(content: bytes, content_type: str) -> dict[str, Any]:
    arguments = read_json(content, content_type)
    if not is_record(arguments):
        raise InvalidArguments([Failure("", "the body must be an object of arguments")])
    return arguments
