"""The vendor's own API with the account's key on it: `/custom/…` and `/passthrough/{account}/…`, untouched."""

from typing import Any
from urllib.parse import unquote_plus

from msgspec import structs

from portico.errors import Failure, InvalidArguments, NotFound, Refusal
from portico.faces.envelope import CUSTOM, FORMATS, SKIP, enclose, refuse_skipping
from portico.faces.http import (
    Incoming,
    Send,
    account_of,
    begin,
    describe,
    take_body,
    while_connected,
    write_answer,
    write_json,
)
from portico.gateway.execute import execute
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.call import Call, Face, RawTarget
from portico.model.caller import Caller
from portico.model.operation import Failing

CUSTOM_PREFIX = "/custom/"
PASSTHROUGH_PREFIX = "/passthrough/"
# Belongs to the connection between the caller and us, or is written anew.
_STAYS = frozenset(
    {
        "authorization", "connection", "content-length", "cookie", "expect", "forwarded", "host", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "via",
        "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip",
    }
)  # fmt: skip


async def serve_custom(incoming: Incoming, send: Send, parts: Parts) -> None:
    """Like passthrough, with the account in the query: the bare vendor answer unless a format is asked for.

    Its refusals come as everywhere, with the vendor's own body in them, unless `raw` is what was asked for.
    """
    caller = await incoming.caller(parts.lookup)

    async def work() -> None:
        with begin(parts.recorder, caller, incoming, "custom", incoming.path) as entry:
            ours, query = split_query(incoming.query)
            chosen = ours.get("truto_response_format", "raw")
            if chosen not in FORMATS:
                raise InvalidArguments([Failure("truto_response_format", f"is {chosen!r}", ", ".join(FORMATS))])
            if failures := refuse_skipping(ours.get(SKIP, "")):
                raise InvalidArguments(failures)
            path = "/" + incoming.path.removeprefix(CUSTOM_PREFIX)
            account_id = account_of(caller, ours.get("integrated_account_id", ""))
            is_bare = ours.get("truto_response_format") in {"raw", "stream"}
            call = structs.replace(await _call("custom", account_id, path, query, incoming), shaped=not is_bare)
            answer = await execute(caller, call, parts, entry)
            answer = await enclose(answer, CUSTOM, chosen, (), parts.settings.reshape_limit_bytes)
            await write_answer(send, answer, (("x-portico-request-id", incoming.request_id),))

    await while_connected(incoming, work())


async def serve_passthrough(incoming: Incoming, send: Send, parts: Parts) -> None:
    """Byte for byte. Our own refusals come in the vendor's error form, so that its SDK understands them."""
    caller: Caller | None = None
    account_id, slash, rest = incoming.path.removeprefix(PASSTHROUGH_PREFIX).partition("/")
    try:
        known = caller = await incoming.caller(parts.lookup)

        async def work() -> None:
            with begin(parts.recorder, known, incoming, "passthrough", incoming.path) as entry:
                if not account_id or not slash:
                    raise NotFound(
                        "Passthrough addresses are /passthrough/{integrated_account_id}/{the vendor's path}."
                    )
                call = await _call("passthrough", AccountId(account_id), f"/{rest}", incoming.query, incoming)
                answer = await execute(known, call, parts, entry)
                await write_answer(send, answer, (("x-portico-request-id", incoming.request_id),))

        await while_connected(incoming, work())
    except Refusal as problem:
        failing = await _failing_of(parts, caller, AccountId(account_id))
        status, body, headers = describe(problem, incoming.request_id)
        await write_json(send, status, in_vendor_form(failing, problem, body), headers)


def split_query(query: str) -> tuple[dict[str, str], str]:
    """Our own parameters taken out of a query, and the rest exactly as it was written."""
    ours: dict[str, str] = {}
    kept: list[str] = []
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        if name == "integrated_account_id" or name.startswith("truto_"):
            ours[name] = unquote_plus(value)
        else:
            kept.append(part)
    return ours, "&".join(kept)


def in_vendor_form(failing: Failing, problem: Refusal, body: dict[str, Any]) -> dict[str, Any]:
    """One of our refusals, put where the vendor's error body would keep its message, code and kind."""
    if not failing.message:
        return body
    shaped: dict[str, Any] = {name: value for name, value in body.items() if name in {"statusCode", "request_id"}}
    values = ((failing.message, problem.sentence), (failing.code, problem.code), (failing.kind, "portico_error"))
    for path, value in values:
        if path:
            _put(shaped, path.split("."), value)
    return shaped


def _put(body: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {})
    body[path[-1]] = value


async def _failing_of(parts: Parts, caller: Caller | None, account_id: AccountId) -> Failing:
    """The account's vendor's form; where the account is unknown, that of the one vendor there is, if it is one."""
    if caller is not None:
        try:
            connected = await parts.lookup.connected(caller.environment_id, account_id)
        except Refusal:
            pass
        else:
            return connected.view.integration.failure
    shipped = list(parts.views.shipped.values())
    return shipped[0].integration.failure if len(shipped) == 1 else Failing()


async def _call(face: Face, account_id: AccountId, path: str, query: str, incoming: Incoming) -> Call:
    named = incoming.header("connection").lower().replace(" ", "").split(",")
    headers = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in incoming.scope["headers"]
        if name.decode("latin-1") not in _STAYS and name.decode("latin-1") not in named
    ]
    return Call(
        account_id=account_id,
        face=face,
        raw=RawTarget(verb=incoming.verb, path=path, query=query, headers=headers),
        body=await take_body(incoming),
        idempotency_key=(incoming.header("idempotency-key") or None) if face == "custom" else None,
        shaped=False,
        request_id=incoming.request_id,
        client=incoming.client,
        trace_id=incoming.trace_id,
    )
