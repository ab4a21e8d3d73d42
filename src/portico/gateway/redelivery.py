"""Deliver again: one message, or what a webhook missed (or all of it) in a stretch of time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct, structs

from portico.clock import iso
from portico.errors import Failure, InvalidArguments, NotFound, Refusal
from portico.gateway import webhooks
from portico.gateway.parts import Parts
from portico.model.caller import Caller
from portico.model.event import Event, is_wanted
from portico.model.webhook import Delivery, Webhook
from portico.store.database import Session

Which = Literal["missed", "all"]
MOST_EVENTS = 10_000
_AT_ONCE = 200


class WebhookOff(Refusal):
    """The webhook is switched off, so nothing would arrive: switch it on first."""

    status = 409
    code = "webhook_off"


class Stretch(Struct, frozen=True, kw_only=True):
    """From `since` up to, and not including, `until`. `missed`: what failed, was dropped or was never sent."""

    since: datetime
    until: datetime
    which: Which = "missed"


async def replay(caller: Caller, webhook: Webhook, delivery: Delivery, parts: Parts) -> Delivery:
    """The same message again, under the same id, with a whole new schedule of attempts."""
    _admit(webhook)
    moment = parts.clock()
    if await parts.later.events.get(webhook.environment_id, delivery.event_id) is None:
        raise NotFound("The event of this delivery is no longer kept, so it cannot be sent again.")
    async with parts.database.transaction() as session:
        await parts.later.deliveries.restart(session, delivery, moment)
        await parts.later.jobs.add(session, webhook.environment_id, "deliver", delivery.id, moment, lane=webhook.id)
        await parts.audit.add(session, caller, "webhook.replayed", webhook.id, moment, delivery_id=delivery.id)
    return structs.replace(delivery, state="waiting", started_at=moment, next_at=moment, updated_at=moment)


async def replay_stretch(caller: Caller, webhook: Webhook, stretch: Stretch, parts: Parts) -> int:
    """How many messages are on their way because of this; those that were already waiting are not among them.

    What the webhook asks for now is what counts, so an event that it has subscribed to since then comes too.
    """
    _admit(webhook)
    _check(stretch, parts.clock())
    wanted = await _wanted(webhook, stretch, parts)
    queued = 0
    for first in range(0, len(wanted), _AT_ONCE):
        async with parts.database.transaction() as session:
            if first == 0:
                await parts.audit.add(
                    session, caller, "webhook.replayed", webhook.id, parts.clock(), since=iso(stretch.since),
                    until=iso(stretch.until), which=stretch.which, events=len(wanted),
                )  # fmt: skip
            for event in wanted[first : first + _AT_ONCE]:
                queued += await _queue(session, webhook, event, stretch.which, parts)
    return queued


async def _wanted(webhook: Webhook, stretch: Stretch, parts: Parts) -> Sequence[Event]:
    """All of it is known before the first is queued, so that a stretch is either taken or refused."""
    wanted: list[Event] = []
    since, after = stretch.since, ""
    store, environment_id = parts.later.events, webhook.environment_id
    while found := await store.between(environment_id, since, stretch.until, after, _AT_ONCE):
        wanted += [each for each in found if each.name != "test" and is_wanted(webhook.event_types, each.name)]
        if len(wanted) > MOST_EVENTS:
            problem = f"holds more than {MOST_EVENTS} events that this webhook asks for"
            raise InvalidArguments([Failure("since", problem, "a shorter stretch; ask for several one after another")])
        since, after = found[-1].created_at, found[-1].id
    return wanted


async def _queue(session: Session, webhook: Webhook, event: Event, which: Which, parts: Parts) -> bool:
    moment = parts.clock()
    fresh = webhooks.new_delivery(webhook, event.id, event.name, moment)
    if await parts.later.deliveries.add(session, fresh):
        delivery_id: str | None = fresh.id
    else:
        delivery_id = await parts.later.deliveries.restart_ended(session, fresh, moment, even_delivered=which == "all")
    if delivery_id is None:
        return False
    await parts.later.jobs.add(session, webhook.environment_id, "deliver", delivery_id, moment, lane=webhook.id)
    return True


def _admit(webhook: Webhook) -> None:
    if not webhook.is_active:
        reason = f" ({webhook.disabled_reason})" if webhook.disabled_reason else ""
        raise WebhookOff(f"The webhook is switched off{reason}, so nothing would arrive: switch it on first.")


def _check(stretch: Stretch, moment: datetime) -> None:
    if stretch.since >= stretch.until:
        raise InvalidArguments([Failure("since", f"is not before until ({iso(stretch.until)})", "an earlier time")])
    if stretch.since > moment:
        raise InvalidArguments([Failure("since", "is ahead", f"a time before now ({iso(moment)})")])
