"""Events on their way out: one delivery for each webhook that wants it, tried until it is taken or given up."""

import asyncio
import time
from datetime import timedelta

import msgspec
from msgspec import Struct

from portico import errors
from portico.clock import in_seconds, iso
from portico.gateway import webhooks
from portico.gateway.later import system_caller
from portico.gateway.parts import Parts
from portico.jobs import schedule
from portico.jobs.outcome import DONE, Outcome
from portico.jobs.schedule import Dice
from portico.log import logger
from portico.model.event import Event, is_wanted
from portico.model.webhook import Attempt, Delivery, Webhook
from portico.store.database import Session
from portico.store.jobs import Job
from portico.upstream.targets import check_target
from portico.upstream.transport import UpstreamRequest
from portico.vault import signatures
from portico.vault.envelope import CannotOpen

_GONE = 410
_BUSY = frozenset({429, 503})
_LONGEST_WISH_SECONDS = 86_400.0
_TEST = "test"
_log = logger("webhooks")

# What went wrong, in a receiver's terms: the errors themselves speak of vendors.
_PROBLEMS: tuple[tuple[type[errors.Refusal], str], ...] = (
    (errors.ForbiddenAddress, "Its address is private and not allowed."),
    (errors.VendorInsecure, "Its TLS certificate could not be verified."),
    (errors.VendorTimeout, "No connection could be made in time."),
    (errors.VendorInterrupted, "It closed the connection without an answer."),
    (errors.VendorProtocol, "Its answer broke the rules of HTTP."),
    (errors.VendorUnreachable, "No connection could be made."),
)


class Answered(Struct, frozen=True, kw_only=True):
    """What came of one attempt. `status` 0: no answer. `wish_seconds`: how long the receiver wants to be left alone."""

    status: int = 0
    problem: str = ""
    wish_seconds: float = 0.0

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300


class Deliverer:
    def __init__(self, parts: Parts, dice: Dice, patience_seconds: float) -> None:
        self._parts, self._dice, self._patience_seconds = parts, dice, patience_seconds

    async def fan_out(self, job: Job) -> Outcome:
        """One event → a delivery for each webhook of its environment that asked for it."""
        later = self._parts.later
        event = await later.events.get(job.environment_id, job.subject)
        if event is None:
            return DONE
        moment = self._parts.clock()

        async def write(session: Session) -> None:
            known = await later.webhooks.all_of(session, job.environment_id, webhooks.MOST_WEBHOOKS)
            for webhook in known:
                if webhook.is_active and is_wanted(webhook.event_types, event.name):
                    delivery = webhooks.new_delivery(webhook, event.id, event.name, moment)
                    await webhooks.queue(session, delivery, self._parts)

        return Outcome(write=write)

    async def deliver(self, job: Job) -> Outcome:
        """One attempt at one delivery, and what follows from how it went."""
        later = self._parts.later
        delivery = await later.deliveries.get(job.environment_id, job.subject)
        if delivery is None or delivery.state != "waiting":
            return DONE
        webhook = await later.webhooks.get(job.environment_id, delivery.webhook_id)
        event = await later.events.get(job.environment_id, delivery.event_id)
        if webhook is None or event is None or not (webhook.is_active or event.name == _TEST):
            return self._dropped(delivery)
        started, at = time.perf_counter(), self._parts.clock()
        answered = await self._send(webhook, event)
        milliseconds = round((time.perf_counter() - started) * 1000)
        attempt = Attempt(
            number=delivery.attempts + 1,
            at=at,
            status=answered.status,
            duration_ms=milliseconds,
            problem=answered.problem,
        )
        if answered.is_taken:
            return self._taken(webhook, delivery, attempt)
        return self._refused(job, webhook, delivery, attempt, answered)

    async def _send(self, webhook: Webhook, event: Event) -> Answered:
        try:
            request = await self._request(webhook, event)
            async with asyncio.timeout(self._patience_seconds):
                response = await self._parts.transport.send(request)
        except TimeoutError:
            return Answered(problem=f"No answer within {self._patience_seconds:g} seconds.")
        except CannotOpen:
            return Answered(problem="The webhook's secret cannot be opened; rotate it.")
        except errors.Refusal as problem:
            return Answered(problem=_sentence(problem))
        response.release()
        status, wish = response.status, response.header("retry-after")
        problem = "" if 200 <= status < 300 else _sentence_of_status(status)
        is_asked = status in _BUSY and wish.isascii() and wish.isdigit()
        return Answered(
            status=status,
            problem=problem,
            wish_seconds=min(float(wish), _LONGEST_WISH_SECONDS) if is_asked else 0.0,
        )

    async def _request(self, webhook: Webhook, event: Event) -> UpstreamRequest:
        """The same body and id every time; time and signatures are of this attempt."""
        moment = self._parts.clock()
        secrets = await webhooks.open_secrets(self._parts.keyring, webhook, moment)
        target = check_target(webhook.target_url, self._parts.settings.allowed_webhook_urls)
        body, stamp = write_body(webhook, event), int(moment.timestamp())
        signed = " ".join(signatures.sign(each.text, event.id, stamp, body) for each in secrets)
        return UpstreamRequest(
            verb="POST",
            url=target.url,
            headers=[
                ("Content-Type", "application/json"),
                ("webhook-id", event.id),
                ("webhook-timestamp", str(stamp)),
                ("webhook-signature", signed),
                ("X-Truto-Signature", signatures.sign_body(secrets[0].text, body)),
            ],
            content=body,
            is_trusted=target.is_trusted,
        )

    def _dropped(self, delivery: Delivery) -> Outcome:
        moment = self._parts.clock()

        async def write(session: Session) -> None:
            await self._parts.later.deliveries.drop(session, delivery, moment)

        return Outcome(write=write)

    def _taken(self, webhook: Webhook, delivery: Delivery, attempt: Attempt) -> Outcome:
        later = self._parts.later

        async def write(session: Session) -> None:
            await later.deliveries.tried(session, delivery, attempt, "delivered", None)
            await later.webhooks.note_success(session, webhook, attempt.at)

        return Outcome(write=write)

    def _refused(self, job: Job, webhook: Webhook, delivery: Delivery, attempt: Attempt, answered: Answered) -> Outcome:
        failures = job.tries + 1
        pauses = () if delivery.event == _TEST else schedule.DELIVERY_PAUSES
        pause = None if answered.status == _GONE else schedule.stepped(pauses, failures, self._dice)
        if pause is not None:
            again_at = in_seconds(self._parts.clock(), max(pause, answered.wish_seconds))

            async def put_off(session: Session) -> None:
                await self._parts.later.deliveries.tried(session, delivery, attempt, "waiting", again_at)

            return Outcome(again_at=again_at, tries=failures, write=put_off)

        async def give_up(session: Session) -> None:
            await self._parts.later.deliveries.tried(session, delivery, attempt, "failed", None)
            if delivery.event != _TEST and (reason := _lasting(webhook, delivery, attempt)):
                await self._disable(session, webhook, reason)

        return Outcome(write=give_up)

    async def _disable(self, session: Session, webhook: Webhook, reason: str) -> None:
        """Switched off, and said so: in the log, in the audit trail, and to the environment's other webhooks."""
        parts, moment = self._parts, self._parts.clock()
        if not await parts.later.webhooks.disable(session, webhook, reason, moment):
            return
        caller = system_caller(webhook.environment_id)
        await parts.audit.add(session, caller, "webhook.disabled", webhook.id, moment, reason=reason)
        payload = {
            "id": webhook.id,
            "target_url": webhook.target_url,
            "event_types": list(webhook.event_types),
            "reason": reason,
            "disabled_at": iso(moment),
        }
        await parts.later.announce(session, webhook.environment_id, "webhook:disabled", payload)
        _log.warning("a webhook was switched off", webhook=webhook.id, reason=reason)


def write_body(webhook: Webhook, event: Event) -> bytes:
    """Bytes that are the same at each attempt, since signatures and replays hang on them."""
    return msgspec.json.encode(
        {
            "id": event.id,
            "event": event.name,
            "payload": msgspec.Raw(event.payload.encode()),
            "environment_id": event.environment_id,
            "webhook_id": webhook.id,
            "created_at": iso(event.created_at),
        }
    )


def _lasting(webhook: Webhook, delivery: Delivery, attempt: Attempt) -> str:
    """Why the webhook is to be switched off; empty where it is only this message that it does not take."""
    if attempt.status == _GONE:
        return "It answered 410 Gone."
    if webhook.last_success_at is not None and webhook.last_success_at >= delivery.started_at:
        return ""
    hours = (attempt.at - delivery.started_at) / timedelta(hours=1)
    return f"Nothing could be delivered for {hours:.0f} hours. Last: {attempt.problem}"


def _sentence(problem: errors.Refusal) -> str:
    return next((words for kind, words in _PROBLEMS if isinstance(problem, kind)), problem.sentence)


def _sentence_of_status(status: int) -> str:
    if 300 <= status < 400:
        return f"It answered {status}; redirects are not followed."
    return f"It answered {status}."
