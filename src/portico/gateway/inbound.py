"""Vendors' messages as they come in: proved to be the vendor's, taken once, told to the environment's own webhooks.

What a vendor's messages look like and what they mean is said in its definition; nothing here knows any vendor.
"""

from typing import Any

import msgspec
from msgspec import Struct

from portico.clock import from_milliseconds
from portico.errors import Failure, InvalidArguments, NotFound, Refusal
from portico.gateway import facts
from portico.gateway.answer import at
from portico.gateway.keyring import Keyring
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.log import logger
from portico.model.event import VENDOR
from portico.model.operation import VendorWebhooks
from portico.model.webhook import InboundEndpoint
from portico.shapes import Json, NotJson, decode, is_record
from portico.store.database import Session
from portico.vault import signatures
from portico.vault.envelope import CannotOpen, Place
from portico.vault.signatures import Signed

PATH = "/integrated-account-webhook"
LONGEST_TYPE = 100
# Stands in where there is no secret, so that an unknown account takes as long to refuse as a wrong signature.
_NO_SECRET = signatures.make_secret()
_log = logger("inbound")


class NoVendorWebhooks(Refusal):
    """This integration has no webhooks that Portico could take."""

    status = 409
    code = "no_vendor_webhooks"


class VendorSecret(Struct, frozen=True, kw_only=True):
    """A secret that the vendor signs with, until then; 0: it has no end."""

    text: str
    until_ms: int = 0


_decoder = msgspec.json.Decoder(list[VendorSecret])


async def receive(account_id: str, signed: Signed, parts: Parts) -> None:
    """Take a vendor's message. Raises one and the same NotFound for all that is not proved to come from the vendor."""
    endpoint = await parts.operators.inbound_endpoint(account_id)
    is_signed = await _is_signed(endpoint, signed, parts)
    if endpoint is None or not is_signed:
        parts.metrics.message("refused")
        raise NotFound("There is nothing here for this message.")
    connected = await parts.lookup.connected(endpoint.environment_id, endpoint.account_id)
    message = _read(signed.body)
    rule = rule_of(connected)
    object_id = _text(at(message, rule.object)) if rule.object else ""
    async with parts.database.transaction() as session:
        is_new = await parts.later.inbound.take(session, endpoint, signed.message_id, object_id, parts.clock())
        if is_new:
            await _tell(session, connected, signed.message_id, message, parts)
            await parts.changes.tell(session, "arrivals")
    parts.changes.apply("arrivals")
    parts.metrics.message("taken" if is_new else "repeated")


async def _tell(session: Session, connected: Connected, message_id: str, message: Json, parts: Parts) -> None:
    rule, account = rule_of(connected), connected.account
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


async def seal(keyring: Keyring, endpoint: InboundEndpoint, secrets: list[VendorSecret]) -> bytes:
    return await keyring.seal(msgspec.json.encode(secrets), sealed_place(endpoint.environment_id, endpoint.account_id))


async def open_secrets(endpoint: InboundEndpoint, parts: Parts) -> list[VendorSecret]:
    """Those that the vendor may sign with now, the newest first; none where they cannot be opened."""
    try:
        opened = await parts.keyring.open(endpoint.sealed, sealed_place(endpoint.environment_id, endpoint.account_id))
    except CannotOpen:
        _log.error("a vendor's webhook secret cannot be opened; register it again", account=endpoint.account_id)
        return []
    # Before there were several, the secret stood there by itself.
    kept = _decoder.decode(opened) if opened.startswith(b"[") else [VendorSecret(text=opened.decode())]
    return [each for each in kept if not each.until_ms or from_milliseconds(each.until_ms) > parts.clock()]


def rule_of(connected: Connected) -> VendorWebhooks:
    rule = connected.view.integration.webhooks
    if rule is None:
        raise NoVendorWebhooks(f"{connected.view.integration.label} has no webhooks that Portico could take.")
    return rule


async def _is_signed(endpoint: InboundEndpoint | None, signed: Signed, parts: Parts) -> bool:
    secrets = [each.text for each in await open_secrets(endpoint, parts)] if endpoint else []
    now = int(parts.clock().timestamp())
    # All are tried, so that the time taken does not tell which one it was, nor whether there is one.
    return any([signatures.is_signed(each, signed, now) for each in secrets or [_NO_SECRET]])


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


def sealed_place(environment_id: str, account_id: str) -> Place:
    return Place("inbound webhook secret", environment_id, f"inbound_endpoints.sealed:{account_id}")
