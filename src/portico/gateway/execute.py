"""The one path: from a call to its vendor and back. Every face ends here."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import structs

from portico import errors
from portico.gateway import answer as answers
from portico.gateway import idempotency, pages, retry
from portico.gateway.admit import admit_account, admit_effect, admit_key, admit_lifecycle, admit_state
from portico.gateway.arguments import sort
from portico.gateway.connect import prove_one
from portico.gateway.idempotency import Claim, Fingerprint, Kept
from portico.gateway.lookup import Connected
from portico.gateway.meter import Meter, readable
from portico.gateway.parts import Parts
from portico.gateway.record import Entry
from portico.gateway.request import build, build_raw, decoded_path
from portico.gateway.sign import is_aimed_by_caller, sign
from portico.model.call import Answer, Call, Patience
from portico.model.caller import Caller
from portico.model.operation import Credential, Effect, Operation
from portico.shapes import Json, NotJson, decode
from portico.store import replays
from portico.upstream.transport import UpstreamRequest, UpstreamResponse

# The request never reached the vendor, so it cannot have acted and its key may be used again.
_NEVER_SENT = frozenset(
    {
        errors.ForbiddenAddress, errors.NeedsReauth, errors.QuotaSpent, errors.Unavailable,
        errors.VendorConnectTimeout, errors.VendorInsecure, errors.VendorUnreachable,
    }
)  # fmt: skip


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A call that was found, admitted and built: ready to be sent."""

    connected: Connected
    operation: Operation | None
    effect: Effect
    credential: Credential
    request: UpstreamRequest
    asked: dict[str, Any]
    part: pages.Part = pages.WHOLE


async def execute(caller: Caller, call: Call, parts: Parts, entry: Entry | None = None) -> Answer:
    """Take one call to its vendor and back. `entry`: its row in the log, where whoever asks has opened it already."""
    if entry is None:
        entry = parts.recorder.open(caller, call)
    entry.call = call
    try:
        prepared = await prepare(caller, call, parts, entry)
        entry.listen(prepared.request)
        if call.dry_run:
            return entry.finish(preview(prepared))
        if call.idempotency_key and prepared.effect != "read":
            return entry.finish(await _act_once(caller, call, prepared, parts, entry))
        return entry.finish(await _act(call, prepared, parts, entry))
    except BaseException as problem:
        entry.fail(problem)
        raise


async def prepare(caller: Caller, call: Call, parts: Parts, entry: Entry) -> Prepared:
    """Find, admit, check and build; nothing has left the house yet."""
    admit_account(caller, call.account_id)
    entry.connected = connected = await parts.lookup.connected(caller.environment_id, call.account_id)
    if call.raw is not None:
        return _prepare_raw(caller, call, connected, entry)
    operation = connected.view.find(call.resource, call.method)
    entry.found(operation, operation.verb, operation.path)
    credential = connected.view.credentials[operation.credential]
    _admit(caller, call, connected, operation.effect, credential)
    admit_lifecycle(operation, connected)
    part = pages.part(operation, dict(call.arguments))
    asked = pages.ask(operation, dict(call.arguments))
    request = build(operation, sort(operation, call, asked), connected)
    if operation.idempotent and call.idempotency_key:
        request.headers.append(("Idempotency-Key", call.idempotency_key))
    return Prepared(
        connected=connected,
        operation=operation,
        effect=operation.effect,
        credential=credential,
        request=request,
        asked=asked,
        part=part,
    )


def _prepare_raw(caller: Caller, call: Call, connected: Connected, entry: Entry) -> Prepared:
    """A custom or passthrough call: the vendor's own path, and by the same rule its key."""
    target = call.raw
    if target is None:
        raise errors.NoSuchOperation
    request = build_raw(
        target, call.body.content if call.body else None, call.body.size_bytes if call.body else None, connected
    )
    path = decoded_path(request.url.removeprefix(connected.base_url))
    operation = connected.view.by_path(target.verb, path)
    entry.found(operation, target.verb, operation.path if operation else path)
    if operation is not None and operation.usage is not None:
        request = structs.replace(request, headers=readable(request.headers))
    credential = connected.view.credential_for(path)
    effect: Effect = operation.effect if operation else ("read" if target.verb in {"GET", "HEAD"} else "write")
    _admit(caller, call, connected, effect, credential)
    return Prepared(
        connected=connected, operation=operation, effect=effect, credential=credential, request=request, asked={}
    )


def _admit(caller: Caller, call: Call, connected: Connected, effect: Effect, credential: Credential) -> None:
    admit_effect(caller, effect)
    if not call.despite_block:
        admit_state(connected)
    admit_key(credential, connected)


async def _act_once(caller: Caller, call: Call, prepared: Prepared, parts: Parts, entry: Entry) -> Answer:
    """Act under an Idempotency-Key: the first answer is kept, and every later request with the key gets it."""
    request = prepared.request
    fingerprint = Fingerprint(request.verb, request.url)
    streamed: AsyncIterator[bytes] | None = None
    if isinstance(request.content, bytes):
        fingerprint.add(request.content)
    elif request.content is not None:
        streamed = request.content
        prepared = structs.replace(prepared, request=structs.replace(request, content=fingerprint.watch(streamed)))
    place = replays.proxied(call.account_id)
    claimed = await parts.idempotency.claim(caller, place, call.idempotency_key or "", fingerprint, streamed)
    if isinstance(claimed, Kept):
        return idempotency.replayed(claimed)
    return await _settle(claimed, call, prepared, parts, entry)


async def _settle(claim: Claim, call: Call, prepared: Prepared, parts: Parts, entry: Entry) -> Answer:
    try:
        answer = await idempotency.gathered(await _act(call, prepared, parts, entry))
    except errors.VendorFailure as problem:
        await asyncio.shield(claim.keep(idempotency.from_failure(problem)))
        raise
    except BaseException as problem:
        never_sent = type(problem) in _NEVER_SENT
        await asyncio.shield(claim.give_back() if never_sent else claim.mark_unknown())
        raise
    kept = idempotency.to_kept(answer)
    await asyncio.shield(claim.keep(kept) if kept else claim.mark_unkept())
    return answer


async def _act(call: Call, prepared: Prepared, parts: Parts, entry: Entry) -> Answer:
    connected = prepared.connected
    if not call.uncounted:
        await parts.limits.take(connected, call.server_id)
    secrets = await parts.secrets.open(connected.account)
    context = connected.account.context | secrets
    if entry.heard is not None:
        entry.heard.signed(secrets)
    signed = sign(prepared.request, prepared.credential, context, connected)
    try:
        response = await _send(signed, call, prepared, parts, entry)
    finally:
        if prepared.effect != "read":
            parts.written.note(connected.account.id)
    try:
        parts.seen.note(connected, signed, response)
        if response.status in {401, 403}:
            return await _refused(response, call, prepared, parts, signed, secrets)
        await parts.states.note(connected, prepared.operation, prepared.credential.name, response.status)
        if prepared.operation is not None and prepared.operation.usage is not None and response.status < 400:
            entry.meter = Meter(prepared.operation.usage, call, signed, response)
        return await _read(response, call, prepared, parts, signed)
    except BaseException:
        response.release()
        raise


async def _refused(
    response: UpstreamResponse, call: Call, prepared: Prepared, parts: Parts, signed: UpstreamRequest, secrets: Json
) -> Answer:
    """The answer of a vendor that takes not the key, or not for this; what it says is remembered of the account."""
    connected, scopes = prepared.connected, list[str]()
    failing = connected.view.integration.failure
    try:
        answer = await _read(response, call, prepared, parts, signed)
        scopes = answers.missing_scopes(failing, answers.sentence_of(failing, answers.plain(answer)))
        return answer
    except errors.VendorFailure as problem:
        scopes = problem.missing_scopes
        raise
    finally:
        if response.status == 403 or scopes or not await _is_callers_fault(prepared, secrets, parts):
            await parts.states.note(connected, prepared.operation, prepared.credential.name, response.status, scopes)


async def _is_callers_fault(prepared: Prepared, secrets: dict[str, Any], parts: Parts) -> bool:
    """A 401 to a caller who sent an organization of its own may be about that; then the key is asked by itself."""
    connected, credential = prepared.connected, prepared.credential
    context = connected.account.context | secrets
    if not credential.proof or not is_aimed_by_caller(prepared.request, credential, context):
        return False
    return (await prove_one(connected, credential, secrets, parts)).status != 401


async def _read(
    response: UpstreamResponse, call: Call, prepared: Prepared, parts: Parts, signed: UpstreamRequest
) -> Answer:
    integration = prepared.connected.view.integration
    if call.raw is not None and call.shaped and response.status >= 400:
        raise await answers.failure(response, integration)
    if call.raw is not None or prepared.operation is None:
        return await answers.read_raw(response, signed, integration)
    reading = answers.Reading(
        operation=prepared.operation,
        integration=integration,
        call=call,
        asked=prepared.asked,
        part=prepared.part,
        limit_bytes=parts.settings.reshape_limit_bytes,
    )
    return await answers.read(reading, response, signed)


async def _send(
    request: UpstreamRequest, call: Call, prepared: Prepared, parts: Parts, entry: Entry
) -> UpstreamResponse:
    """One attempt; another only where the caller asked for patience and the operation changes nothing."""
    waited = 0.0
    is_repeatable = request.content is None or isinstance(request.content, bytes)
    patience = call.patience if is_repeatable else Patience()
    entry.bytes_in += len(request.content) if isinstance(request.content, bytes) else request.size_bytes or 0
    while True:
        response = await _ask(request, call, prepared, parts, entry)
        wait = retry.decide(prepared.effect, response.status, response.header("retry-after"), patience, waited)
        if wait is None:
            return response
        response.release()
        await asyncio.sleep(wait)
        waited += wait


async def _ask(
    request: UpstreamRequest, call: Call, prepared: Prepared, parts: Parts, entry: Entry
) -> UpstreamResponse:
    asking = entry.trace.ask(request, is_raw=call.raw is not None) if entry.trace else None
    started = time.perf_counter()
    try:
        response = await parts.transport.send(asking.request if asking else request)
    except BaseException as problem:
        if asking is not None:
            asking.failed(problem)
        raise
    finally:
        entry.vendor_seconds += time.perf_counter() - started
    entry.vendor_status = response.status
    entry.vendor_request_id = response.header(prepared.connected.view.integration.trace)
    if asking is not None:
        asking.answered(entry.vendor_status, entry.vendor_request_id)
    return response


def preview(prepared: Prepared) -> Answer:
    """What would be sent, with the key left out: the answer to a dry run."""
    request = prepared.request
    shown: dict[str, Any] = {
        "dry_run": True,
        "request": {"method": request.verb, "url": request.url, "headers": dict(request.headers)},
        "key": prepared.credential.name,
    }
    if isinstance(request.content, bytes) and request.content:
        shown["request"]["body"] = _shown(request.content)
    elif request.content is not None:
        shown["request"]["body"] = f"(a stream of {request.size_bytes or 'unknown'} bytes)"
    return Answer(status=200, headers=[], content=msgspec.json.encode(shown), is_preview=True, request_url=request.url)


def _shown(content: bytes) -> Any:
    try:
        return decode(content)
    except NotJson:
        return f"({len(content)} bytes)"
