"""Have a vendor send an account's events here, through its own API or by hand; renew its secret, try it, end it."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct, structs

from portico.clock import to_milliseconds
from portico.errors import ChangedMeanwhile, Failure, InvalidArguments, NotFound, Refusal, VendorFailure, VendorGarbled
from portico.gateway.answer import at
from portico.gateway.ask import ask
from portico.gateway.inbound import PATH, NoVendorWebhooks, VendorSecret, open_secrets, rule_of, seal
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.log import logger
from portico.model.account import AccountId, EnvironmentId
from portico.model.call import Call
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from portico.model.operation import VendorWebhooks
from portico.model.webhook import InboundEndpoint
from portico.shapes import Json
from portico.vault import signatures
from portico.vault.signatures import SecretMalformed

# Messages that were signed before a new secret came are still on their way.
KEEPS_OLD = timedelta(hours=24)
MOST_SECRETS = 4
# For all accounts that are deleted at once.
ENDING_SECONDS = 10.0
_ENDED_AT_ONCE = 8
_log = logger("inbound")


class LeftBehind(Struct, frozen=True, kw_only=True):
    """An endpoint that a vendor goes on sending to although its account is deleted here."""

    account_id: AccountId
    vendor_id: str
    url: str
    reason: str


class NoPublicAddress(Refusal):
    """Vendors can only send to a public address, and none is set: start Portico with PORTICO_PUBLIC_URL."""

    status = 409
    code = "no_public_address"


class MadeByHand(Refusal):
    """The endpoint was made at the vendor by hand, so only there can this be done."""

    status = 409
    code = "made_by_hand"


def address_of(account_id: AccountId, parts: Parts) -> str:
    """Where the vendor is to send an account's events."""
    if not parts.settings.public_url:
        raise NoPublicAddress
    return f"{parts.settings.public_url.rstrip('/')}{PATH}/{account_id}"


async def register(caller: Caller, account_id: AccountId, event_types: Sequence[str], parts: Parts) -> InboundEndpoint:
    """Made through the vendor's API. An endpoint registered earlier is given up for the new one."""
    connected = await parts.lookup.connected(caller.environment_id, account_id)
    rule = rule_of(connected)
    url = address_of(account_id, parts)
    wanted = tuple(dict.fromkeys(event_types)) or tuple(each for ends in rule.ends.values() for each in ends)
    before = await parts.later.inbound.get(caller.environment_id, account_id)
    values: Json = {"{url}": url, "{event_types}": list(wanted)}
    made = await _call(caller, account_id, rule.create, _filled(rule.arguments, values), parts)
    vendor_id = at(made, rule.id)
    if not isinstance(vendor_id, str):
        raise VendorGarbled
    try:
        secret = _checked(at(made, rule.secret))
        endpoint = await _keep(caller, _new(connected, vendor_id, url, wanted, parts), before, secret, parts)
    except Exception:
        await _forget(caller, account_id, rule, vendor_id, parts)
        raise
    if before is not None:
        await _forget(caller, account_id, rule, before.vendor_id, parts)
    return endpoint


async def adopt(
    caller: Caller, account_id: AccountId, event_types: Sequence[str], secret: str, parts: Parts
) -> InboundEndpoint:
    """Somebody made the endpoint at the vendor by hand; this is the secret that it was given there."""
    connected = await parts.lookup.connected(caller.environment_id, account_id)
    rule_of(connected)
    if not _is_secret(secret):
        raise InvalidArguments([Failure("secret", "is not a signing secret", "whsec_ and base64, as the vendor shows")])
    before = await parts.later.inbound.get(caller.environment_id, account_id)
    endpoint = _new(connected, "", address_of(account_id, parts), tuple(dict.fromkeys(event_types)), parts)
    kept = await _keep(caller, endpoint, before, secret, parts)
    if before is not None:
        await _forget(caller, account_id, rule_of(connected), before.vendor_id, parts)
    return kept


async def rotate(caller: Caller, account_id: AccountId, parts: Parts) -> InboundEndpoint:
    """A new secret at the vendor; what it signed with the old one is taken for another day."""
    connected, endpoint = await _registered(caller, account_id, parts)
    rule = rule_of(connected)
    if not rule.rotate:
        raise NoVendorWebhooks(f"{connected.view.integration.label} does not renew secrets; register it again instead.")
    arguments = {"id": endpoint.vendor_id} | rule.rotate_arguments
    made = await _call(caller, account_id, rule.rotate, arguments, parts)
    return await _keep(caller, endpoint, endpoint, _checked(at(made, rule.secret)), parts)


async def send_test(caller: Caller, account_id: AccountId, event_type: str, parts: Parts) -> Any:
    """Have the vendor send a sample here, now; what it says about it."""
    connected, endpoint = await _registered(caller, account_id, parts)
    rule = rule_of(connected)
    if not rule.test:
        raise NoVendorWebhooks(f"{connected.view.integration.label} sends no samples.")
    kind = event_type or next(iter(endpoint.event_types), "")
    arguments = {"id": endpoint.vendor_id} | _filled(rule.test_arguments, {"{event_type}": kind})
    return await _call(caller, account_id, rule.test, arguments, parts)


async def unregister(caller: Caller, account_id: AccountId, parts: Parts) -> InboundEndpoint:
    """Have the vendor send nothing any more. Where the endpoint was made by hand, it is only refused from now on."""
    connected = await parts.lookup.connected(caller.environment_id, account_id)
    endpoint = await find(caller.environment_id, account_id, parts)
    rule = rule_of(connected)
    if rule.delete and endpoint.vendor_id:
        await _end(caller, _deletion(rule, endpoint), parts)
    async with parts.database.transaction() as session:
        await parts.later.inbound.delete(session, caller.environment_id, account_id)
        await parts.audit.add(session, caller, "vendor_webhook.deleted", account_id, parts.clock())
    return endpoint


async def end_with_accounts(caller: Caller, account_ids: Sequence[AccountId], parts: Parts) -> list[LeftBehind]:
    """Before accounts are deleted, for their keys go with them: those endpoints that stay at their vendor, and why.

    Best effort, and nobody waits for it long: what stays behind sends messages that are refused.
    """
    gate = asyncio.Semaphore(_ENDED_AT_ONCE)
    deadline = asyncio.get_running_loop().time() + ENDING_SECONDS

    async def one(account_id: AccountId) -> LeftBehind | None:
        endpoint = await parts.later.inbound.get(caller.environment_id, account_id)
        if endpoint is None:
            return None
        try:
            async with asyncio.timeout_at(deadline), gate:
                await _end_of(caller, endpoint, parts)
                return None
        except TimeoutError:
            reason = "The vendor did not answer in time."
        except Refusal as problem:
            reason = problem.sentence
        return LeftBehind(account_id=account_id, vendor_id=endpoint.vendor_id, url=endpoint.url, reason=reason)

    ended = await asyncio.gather(*(one(each) for each in dict.fromkeys(account_ids)))
    left = [each for each in ended if each is not None]
    for each in left:
        _log.warning("an endpoint stays behind at its vendor", endpoint=each.vendor_id, reason=each.reason)
    return left


async def _end_of(caller: Caller, endpoint: InboundEndpoint, parts: Parts) -> None:
    connected = await parts.lookup.connected(caller.environment_id, endpoint.account_id)
    rule = rule_of(connected)
    if not endpoint.vendor_id:
        raise MadeByHand
    if not rule.delete:
        raise NoVendorWebhooks(f"{connected.view.integration.label} lets nobody delete endpoints through its API.")
    # Who may delete an account may do this, whether or not they may call vendors otherwise, and whether it is blocked.
    caller = structs.replace(caller, scopes=caller.scopes | ACCOUNT_TOKEN_SCOPES)
    deletion = structs.replace(_deletion(rule, endpoint), uncounted=True, despite_block=True)
    await _end(caller, deletion, parts)


def _deletion(rule: VendorWebhooks, endpoint: InboundEndpoint) -> Call:
    return _to_call(endpoint.account_id, rule.delete, {"id": endpoint.vendor_id})


async def _end(caller: Caller, deletion: Call, parts: Parts) -> None:
    """What is gone already is as it should be."""
    try:
        await ask(caller, deletion, parts)
    except VendorFailure as problem:
        if problem.vendor_status != 404:
            raise


async def find(environment_id: EnvironmentId, account_id: AccountId, parts: Parts) -> InboundEndpoint:
    found = await parts.later.inbound.get(environment_id, account_id)
    if found is None:
        url = parts.settings.public_url and f" It would send them to {address_of(account_id, parts)}"
        raise NotFound(f"The account's vendor has not been asked to send its events.{url}")
    return found


async def _registered(caller: Caller, account_id: AccountId, parts: Parts) -> tuple[Connected, InboundEndpoint]:
    connected = await parts.lookup.connected(caller.environment_id, account_id)
    endpoint = await find(caller.environment_id, account_id, parts)
    if not endpoint.vendor_id:
        raise MadeByHand
    return connected, endpoint


def _new(connected: Connected, vendor_id: str, url: str, event_types: tuple[str, ...], parts: Parts) -> InboundEndpoint:
    account = connected.account
    return InboundEndpoint(
        account_id=account.id, environment_id=account.environment_id, vendor_id=vendor_id, url=url,
        event_types=event_types, sealed=b"", created_at=parts.clock(),
    )  # fmt: skip


async def _keep(
    caller: Caller, endpoint: InboundEndpoint, before: InboundEndpoint | None, secret: str, parts: Parts
) -> InboundEndpoint:
    """With the secrets that were good until now, which end in a day. Raises ChangedMeanwhile."""
    moment = parts.clock()
    end = to_milliseconds(moment + KEEPS_OLD)
    known = await open_secrets(before, parts) if before else []
    older = [structs.replace(each, until_ms=each.until_ms or end) for each in known if each.text != secret]
    secrets = [VendorSecret(text=secret), *older][:MOST_SECRETS]
    kept = structs.replace(endpoint, sealed=await seal(parts.keyring, endpoint, secrets))
    act = "vendor_webhook.secret_rotated" if endpoint is before else "vendor_webhook.registered"
    async with parts.database.transaction() as session:
        if not await parts.later.inbound.set(session, kept, before):
            raise ChangedMeanwhile
        await parts.audit.add(
            session, caller, act, kept.account_id, moment, vendor_id=kept.vendor_id, event_types=list(kept.event_types)
        )
    return kept


def _is_secret(secret: Any) -> bool:
    try:
        return isinstance(secret, str) and bool(signatures.key_of(secret))
    except SecretMalformed:
        return False


def _checked(secret: Any) -> str:
    if not _is_secret(secret):
        raise VendorGarbled("The vendor's webhook secret is not one that messages could be checked with.")
    return secret


async def _forget(caller: Caller, account_id: AccountId, rule: VendorWebhooks, vendor_id: str, parts: Parts) -> None:
    """Best effort: an endpoint that stays behind at the vendor does no harm, its messages are refused."""
    if not rule.delete or not vendor_id:
        return
    try:
        await _call(caller, account_id, rule.delete, {"id": vendor_id}, parts)
    except Refusal as problem:
        _log.warning("an endpoint stays behind at its vendor", endpoint=vendor_id, reason=problem.sentence)


async def _call(caller: Caller, account_id: AccountId, key: str, arguments: Json, parts: Parts) -> Any:
    return await ask(caller, _to_call(account_id, key, arguments), parts)


def _to_call(account_id: AccountId, key: str, arguments: Json) -> Call:
    resource, _, method = key.partition(".")
    return Call(account_id=account_id, face="admin", resource=resource, method=method, arguments=arguments)


def _filled(arguments: Json, values: Json) -> Json:
    return {name: values.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}
