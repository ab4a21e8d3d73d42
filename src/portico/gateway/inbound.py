"""Vendors' webhooks: have an account's events sent here, check what comes, tell the environment's own webhooks.

What a vendor's messages look like and what they mean is said in its definition; nothing here knows any vendor.
"""

from collections.abc import Sequence
from typing import Any

from portico.errors import Failure, InvalidArguments, NotFound, Refusal, VendorFailure, VendorGarbled
from portico.gateway import facts
from portico.gateway.answer import at
from portico.gateway.ask import ask
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.log import logger
from portico.model.account import AccountId, EnvironmentId
from portico.model.call import Call
from portico.model.caller import Caller
from portico.model.event import VENDOR
from portico.model.operation import VendorWebhooks
from portico.model.webhook import InboundEndpoint
from portico.shapes import Json, NotJson, decode, is_record
from portico.store.database import Session
from portico.vault import signatures
from portico.vault.envelope import CannotOpen, Place
from portico.vault.signatures import SecretMalformed, Signed

PATH = "/integrated-account-webhook"
LONGEST_TYPE = 100
# Stands in where there is no secret, so that an unknown account takes as long to refuse as a wrong signature.
_NO_SECRET = signatures.make_secret()
_log = logger("inbound")


class NoVendorWebhooks(Refusal):
    """This integration has no webhooks that Portico could register."""

    status = 409
    code = "no_vendor_webhooks"


class NoPublicAddress(Refusal):
    """Vendors can only send to a public address, and none is set: start Portico with PORTICO_PUBLIC_URL."""

    status = 409
    code = "no_public_address"


async def register(caller: Caller, account_id: AccountId, event_types: Sequence[str], parts: Parts) -> InboundEndpoint:
    """Have the vendor send the account's events here. An endpoint registered earlier is given up for the new one."""
    connected = await parts.lookup.connected(caller.environment_id, account_id)
    rule = _rule(connected)
    if not parts.settings.public_url:
        raise NoPublicAddress
    url = f"{parts.settings.public_url.rstrip('/')}{PATH}/{account_id}"
    wanted = tuple(dict.fromkeys(event_types)) or tuple(each for ends in rule.ends.values() for each in ends)
    before = await parts.later.inbound.get(caller.environment_id, account_id)
    made = await _call(caller, account_id, rule.create, _filled(rule.arguments, url, wanted), parts)
    vendor_id, secret = at(made, rule.id), at(made, rule.secret)
    if not isinstance(vendor_id, str) or not isinstance(secret, str):
        raise VendorGarbled
    try:
        endpoint = await _keep(caller, connected, InboundEndpoint(
            account_id=account_id, environment_id=caller.environment_id, vendor_id=vendor_id, url=url,
            event_types=wanted, sealed=await _seal(secret, caller.environment_id, account_id, parts),
            created_at=parts.clock(),
        ), parts)  # fmt: skip
    except Exception:
        await _forget(caller, account_id, rule, vendor_id, parts)
        raise
    if before is not None:
        await _forget(caller, account_id, rule, before.vendor_id, parts)
    return endpoint


async def unregister(caller: Caller, account_id: AccountId, parts: Parts) -> InboundEndpoint:
    """Have the vendor send nothing any more."""
    connected = await parts.lookup.connected(caller.environment_id, account_id)
    endpoint = await find(caller.environment_id, account_id, parts)
    rule = _rule(connected)
    if rule.delete:
        try:
            await _call(caller, account_id, rule.delete, {"id": endpoint.vendor_id}, parts)
        except VendorFailure as problem:
            if problem.vendor_status != 404:
                raise
    async with parts.database.transaction() as session:
        await parts.later.inbound.delete(session, caller.environment_id, account_id)
        await parts.audit.add(session, caller, "vendor_webhook.deleted", account_id, parts.clock())
    return endpoint


async def find(environment_id: EnvironmentId, account_id: AccountId, parts: Parts) -> InboundEndpoint:
    found = await parts.later.inbound.get(environment_id, account_id)
    if found is None:
        raise NotFound("The account's vendor has not been asked to send its events.")
    return found


async def receive(account_id: str, signed: Signed, parts: Parts) -> None:
    """Take a vendor's message. Raises one and the same NotFound for all that is not proved to come from the vendor."""
    endpoint = await parts.operators.inbound_endpoint(account_id)
    secret = await _open(endpoint, parts) if endpoint else _NO_SECRET
    is_signed = signatures.is_signed(secret, signed, int(parts.clock().timestamp()))
    if endpoint is None or not is_signed:
        raise NotFound("There is nothing here for this message.")
    connected = await parts.lookup.connected(endpoint.environment_id, endpoint.account_id)
    message = _read(signed.body)
    async with parts.database.transaction() as session:
        if await parts.later.inbound.take(session, endpoint, signed.message_id, parts.clock()):
            await _tell(session, connected, signed.message_id, message, parts)


async def _tell(session: Session, connected: Connected, message_id: str, message: Json, parts: Parts) -> None:
    rule, account = _rule(connected), connected.account
    kind, object_id = _text(at(message, rule.type)), _text(at(message, rule.object)) if rule.object else ""
    data: Any = at(message, rule.data) if rule.data else message
    payload = {
        "integrated_account_id": account.id,
        "tenant_id": account.tenant_id,
        "integration": {"name": account.integration},
        "type": kind,
        "message_id": message_id,
        "object_id": object_id,
        "data": facts.hidden(data),
    }
    await parts.later.announce(session, account.environment_id, f"{VENDOR}:{kind or 'unknown'}", payload)
    looks = {look for look, ends in rule.ends.items() if kind in ends}
    if not looks or not object_id:
        return
    # Only a hint: the watch looks for itself, so that the vendor's object has the last word.
    for watch in await parts.later.watches.going(session, account.environment_id, account.id, object_id):
        if f"{watch.resource}.{watch.method}" in looks:
            await parts.later.jobs.wake(session, account.environment_id, "watch", watch.id, parts.clock())


def _rule(connected: Connected) -> VendorWebhooks:
    rule = connected.view.integration.webhooks
    if rule is None:
        raise NoVendorWebhooks(f"{connected.view.integration.label} has no webhooks that Portico could register.")
    return rule


async def _keep(caller: Caller, connected: Connected, endpoint: InboundEndpoint, parts: Parts) -> InboundEndpoint:
    async with parts.database.transaction() as session:
        await parts.later.inbound.set(session, endpoint)
        await parts.audit.add(
            session, caller, "vendor_webhook.registered", connected.account.id, endpoint.created_at,
            vendor_id=endpoint.vendor_id, event_types=list(endpoint.event_types),
        )  # fmt: skip
    return endpoint


async def _forget(caller: Caller, account_id: AccountId, rule: VendorWebhooks, vendor_id: str, parts: Parts) -> None:
    """Best effort: an endpoint that stays behind at the vendor does no harm, its messages are refused."""
    if not rule.delete:
        return
    try:
        await _call(caller, account_id, rule.delete, {"id": vendor_id}, parts)
    except Refusal as problem:
        _log.warning("an endpoint stays behind at its vendor", endpoint=vendor_id, reason=problem.sentence)


async def _call(caller: Caller, account_id: AccountId, key: str, arguments: Json, parts: Parts) -> Any:
    resource, _, method = key.partition(".")
    call = Call(account_id=account_id, face="admin", resource=resource, method=method, arguments=arguments)
    return await ask(caller, call, parts)


def _filled(arguments: Json, url: str, event_types: Sequence[str]) -> Json:
    values: Json = {"{url}": url, "{event_types}": list(event_types)}
    return {name: values.get(value, value) if isinstance(value, str) else value for name, value in arguments.items()}


def _read(body: bytes) -> Json:
    try:
        message = decode(body)
    except NotJson:
        message = None
    if not is_record(message):
        raise InvalidArguments([Failure("", "the body is not a JSON object")])
    return message


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_TYPE else ""


async def _seal(secret: str, environment_id: EnvironmentId, account_id: AccountId, parts: Parts) -> bytes:
    try:
        signatures.key_of(secret)
    except SecretMalformed:
        raise VendorGarbled("The vendor's webhook secret is not one that messages could be checked with.") from None
    return await parts.keyring.seal(secret.encode(), _place(environment_id, account_id))


async def _open(endpoint: InboundEndpoint, parts: Parts) -> str:
    try:
        opened = await parts.keyring.open(endpoint.sealed, _place(endpoint.environment_id, endpoint.account_id))
    except CannotOpen:
        _log.error("a vendor's webhook secret cannot be opened; register it again", account=endpoint.account_id)
        return _NO_SECRET
    return opened.decode()


def _place(environment_id: str, account_id: str) -> Place:
    return Place("inbound webhook secret", environment_id, f"inbound_endpoints.sealed:{account_id}")
