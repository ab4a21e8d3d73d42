"""What can be done with webhooks: make, change, rotate their secret, test, delete. Each act is audited.

A webhook's secrets are sealed together: the newest first, then one that still signs along until it is forgotten.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from portico.clock import from_milliseconds, iso, to_milliseconds
from portico.errors import ChangedMeanwhile, Failure, ForbiddenAddress, InvalidArguments, NotFound, Refusal
from portico.gateway.keyring import Keyring
from portico.gateway.parts import Parts
from portico.model.account import EnvironmentId
from portico.model.caller import Caller
from portico.model.event import EVENTS, is_known
from portico.model.webhook import Delivery, Webhook
from portico.store.database import Session
from portico.store.ids import new_id
from portico.upstream.targets import Target, check_target
from portico.vault import signatures
from portico.vault.envelope import Place

MOST_WEBHOOKS = 100
LONGEST_KEPT_HOURS = 168
MOST_OLD_SECRETS = 4


class TooManyWebhooks(Refusal):
    """The environment has as many webhooks as it may have; delete one first."""

    status = 409
    code = "too_many_webhooks"


class SigningSecret(Struct, frozen=True, kw_only=True):
    """`until_ms` 0: it has no end."""

    text: str
    until_ms: int = 0


class Change(Struct, frozen=True, kw_only=True):
    """What to change of a webhook; what is unset stays."""

    target_url: str | UnsetType = UNSET
    event_types: tuple[str, ...] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


class Rotated(Struct, frozen=True, kw_only=True):
    """`old_until`: how long the secret before signs along; None: it has ended."""

    webhook: Webhook
    secret: str
    old_until: datetime | None


_decoder = msgspec.json.Decoder(list[SigningSecret])


async def create(
    caller: Caller, target_url: str, event_types: Sequence[str], parts: Parts, *, is_active: bool = True
) -> tuple[Webhook, str]:
    """The webhook and its secret, which is shown this once."""
    target = check_url(target_url, parts)
    moment = parts.clock()
    webhook_id, secret = new_id(), signatures.make_secret()
    webhook = Webhook(
        id=webhook_id,
        environment_id=caller.environment_id,
        target_url=target.url,
        event_types=checked_types(event_types),
        is_active=is_active,
        sealed=await seal(parts.keyring, caller.environment_id, webhook_id, [SigningSecret(text=secret)]),
        created_by=caller.token_id,
        created_at=moment,
        updated_at=moment,
    )
    async with parts.database.transaction() as session:
        if await parts.later.webhooks.count(session, caller.environment_id) >= MOST_WEBHOOKS:
            raise TooManyWebhooks
        await parts.later.webhooks.add(session, webhook)
        await parts.audit.add(
            session, caller, "webhook.created", webhook_id, moment, event_types=list(webhook.event_types)
        )
    return webhook, secret


async def change(caller: Caller, webhook: Webhook, wanted: Change, parts: Parts) -> Webhook:
    """Switching one on again forgives what it was switched off for."""
    moment = parts.clock()
    mentioned = {name: getattr(wanted, name) for name in wanted.__struct_fields__ if getattr(wanted, name) is not UNSET}
    if "target_url" in mentioned:
        mentioned["target_url"] = check_url(mentioned["target_url"], parts).url
    if "event_types" in mentioned:
        mentioned["event_types"] = checked_types(mentioned["event_types"])
    async with parts.database.transaction() as session:
        if not await parts.later.webhooks.change(session, webhook, moment, **mentioned):
            raise missing(webhook.id)
        await parts.audit.add(session, caller, "webhook.updated", webhook.id, moment, fields=sorted(mentioned))
    return await find(caller.environment_id, webhook.id, parts)


async def rotate(caller: Caller, webhook: Webhook, keep_old_hours: int, parts: Parts) -> Rotated:
    """A new secret, shown this once. The one before signs along for the given hours, so that no message is refused."""
    if not 0 <= keep_old_hours <= LONGEST_KEPT_HOURS:
        raise InvalidArguments([Failure("keep_old_hours", f"is {keep_old_hours}", f"0 to {LONGEST_KEPT_HOURS}")])
    moment = parts.clock()
    secret = signatures.make_secret()
    secrets = [SigningSecret(text=secret)]
    if keep_old_hours:
        newest, *older = await open_secrets(parts.keyring, webhook, moment)
        until = to_milliseconds(moment + timedelta(hours=keep_old_hours))
        secrets += [structs.replace(newest, until_ms=until), *older][:MOST_OLD_SECRETS]
    sealed = await seal(parts.keyring, webhook.environment_id, webhook.id, secrets)
    async with parts.database.transaction() as session:
        if not await parts.later.webhooks.rotate(session, webhook, sealed, moment):
            raise ChangedMeanwhile
        await parts.audit.add(
            session, caller, "webhook.secret_rotated", webhook.id, moment, keep_old_hours=keep_old_hours
        )
    until = moment + timedelta(hours=keep_old_hours) if keep_old_hours else None
    return Rotated(webhook=structs.replace(webhook, sealed=sealed, updated_at=moment), secret=secret, old_until=until)


async def delete(caller: Caller, webhook: Webhook, parts: Parts) -> None:
    """With all that was on its way to it."""
    async with parts.database.transaction() as session:
        await parts.later.deliveries.delete_of_webhook(session, webhook.environment_id, webhook.id)
        if not await parts.later.webhooks.delete(session, webhook.environment_id, webhook.id):
            raise missing(webhook.id)
        await parts.audit.add(session, caller, "webhook.deleted", webhook.id, parts.clock())


async def send_test(caller: Caller, webhook: Webhook, parts: Parts) -> Delivery:
    """A message to this one webhook, whatever it has subscribed to, delivered like any other."""
    moment = parts.clock()
    payload = {"message": "This is a test.", "webhook_id": webhook.id, "sent_at": iso(moment)}
    async with parts.database.transaction() as session:
        event = await parts.later.events.add(session, webhook.environment_id, "test", payload, moment)
        delivery = new_delivery(webhook, event.id, event.name, moment)
        await queue(session, delivery, parts)
        await parts.audit.add(session, caller, "webhook.tested", webhook.id, moment, delivery_id=delivery.id)
    return delivery


async def find(environment_id: EnvironmentId, webhook_id: str, parts: Parts) -> Webhook:
    found = await parts.later.webhooks.get(environment_id, webhook_id)
    if found is None:
        raise missing(webhook_id)
    return found


def missing(webhook_id: str) -> NotFound:
    return NotFound(f"There is no webhook {webhook_id!r}.")


def new_delivery(webhook: Webhook, event_id: str, event: str, moment: datetime) -> Delivery:
    return Delivery(
        id=new_id(),
        environment_id=webhook.environment_id,
        webhook_id=webhook.id,
        event_id=event_id,
        event=event,
        started_at=moment,
        next_at=moment,
        created_at=moment,
        updated_at=moment,
    )


async def queue(session: Session, delivery: Delivery, parts: Parts) -> None:
    """A delivery and the job that makes it, in its webhook's own lane; nothing where it exists already."""
    if await parts.later.deliveries.add(session, delivery):
        await parts.later.jobs.add(
            session,
            delivery.environment_id,
            "deliver",
            delivery.id,
            delivery.created_at,
            lane=delivery.webhook_id,
        )


def check_url(url: str, parts: Parts) -> Target:
    """Raises InvalidArguments that says what is wrong with it."""
    try:
        return check_target(url, parts.settings.allowed_webhook_urls)
    except ForbiddenAddress as problem:
        raise InvalidArguments([Failure("target_url", problem.sentence)]) from None


def checked_types(event_types: Sequence[str]) -> tuple[str, ...]:
    failures = [
        Failure("event_types", f"{each!r} is not an event", f"{', '.join(EVENTS)}, vendor:<type>, <group>:* and *")
        for each in event_types
        if not is_known(each)
    ]
    if not event_types:
        failures.append(Failure("event_types", "must name at least one", ", ".join(EVENTS)))
    if failures:
        raise InvalidArguments(failures)
    return tuple(dict.fromkeys(event_types))


async def seal(keyring: Keyring, environment_id: EnvironmentId, webhook_id: str, secrets: list[SigningSecret]) -> bytes:
    return await keyring.seal(msgspec.json.encode(secrets), sealed_place(environment_id, webhook_id))


async def open_secrets(keyring: Keyring, webhook: Webhook, moment: datetime) -> list[SigningSecret]:
    """Those that sign now, the newest first."""
    opened = await keyring.open(webhook.sealed, sealed_place(webhook.environment_id, webhook.id))
    kept = _decoder.decode(opened)
    return [each for each in kept if not each.until_ms or from_milliseconds(each.until_ms) > moment]


def sealed_place(environment_id: str, webhook_id: str) -> Place:
    return Place("webhook secret", environment_id, f"webhooks.sealed:{webhook_id}")
