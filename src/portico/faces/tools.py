"""Tools over plain HTTP, for agent frameworks: list them, and run one by its name."""

from typing import Any, get_args

import msgspec
from msgspec import structs
from starlette.routing import Route

from portico.errors import Failure, InvalidArguments
from portico.faces.http import Incoming, Receive, Scope, Send, begin, while_connected, write_json
from portico.gateway.admit import admit_account
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.secret import SecretRules, SecretWay
from portico.shapes import is_record
from portico.toolbox.run import Toolbox, ToolCall

MOST_BODY_BYTES = 33_554_432


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
                asked = ToolCall(
                    account_id=account_id,
                    name=name,
                    arguments=_arguments(await incoming.body(MOST_BODY_BYTES) if incoming.has_body else b""),
                    face="tools",
                    secrets=_secrets(incoming),
                    request_id=incoming.request_id,
                    client=incoming.client,
                    trace_id=incoming.trace_id,
                    entry=entry,
                )
                result = await self._toolbox.run(caller, asked)
                await write_json(send, 200, result.shown(), (("x-portico-request-id", incoming.request_id),))

        await while_connected(incoming, work())


def _secrets(incoming: Incoming) -> SecretRules | None:
    """How keys that are shown once are handed over here, where whoever asks has said so."""
    given = dict(incoming.pairs()).get("secrets", "")
    if not given:
        return None
    try:
        return SecretRules(way=msgspec.convert(given, SecretWay))
    except msgspec.ValidationError:
        raise InvalidArguments([Failure("secrets", f"is {given[:100]!r}", ", ".join(get_args(SecretWay)))]) from None


def _arguments(content: bytes) -> dict[str, Any]:
    try:
        arguments: Any = msgspec.json.decode(content) if content else {}
    except msgspec.DecodeError as problem:
        raise InvalidArguments([Failure("", f"the body is not valid JSON: {problem}")]) from None
    if not is_record(arguments):
        raise InvalidArguments([Failure("", "the body must be an object of arguments")])
    return arguments
