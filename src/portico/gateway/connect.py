"""Connect an account: sort its keys into their slots, prove them with harmless calls, seal them, keep its state."""

import asyncio
import re
from typing import Any

from msgspec import Struct, structs

from portico.clock import iso, zone_named
from portico.errors import Failure, InvalidArguments, Refusal
from portico.gateway.answer import failure as read_failure
from portico.gateway.arguments import sort
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.gateway.request import build
from portico.gateway.secrets import hint, split
from portico.gateway.sign import sign
from portico.model.account import Account, AccountId, AccountState
from portico.model.call import Call
from portico.model.operation import Credential, Integration
from portico.upstream.egress import check_base_url

Json = dict[str, Any]
# What every account may keep, whatever its integration: the zone in which its days begin.
ZONE_FIELD = "timezone"
# Somebody sits and waits for it, and a model that thinks for minutes is not asked anything here.
PROOF_SECONDS = 20.0
_FIELD = re.compile(r"\{(\w+)\}")


class Proof(Struct, frozen=True, kw_only=True):
    """What a harmless call said about one key."""

    credential: str
    works: bool
    message: str = ""
    status: int = 0


def tidy(integration: Integration, context: Json) -> Json:
    """The context under its own names: other spellings understood, each key put into the slot that fits its form."""
    tidied: Json = {}
    names = {alias: each.name for each in integration.context for alias in (each.name, *each.aliases)}
    for name, value in context.items():
        known = names.get(name, name)
        if known in tidied and tidied[known] not in (None, value):
            raise InvalidArguments([Failure(f"context.{name}", f"says the same as {known!r} with another value")])
        tidied[known] = value.strip() if isinstance(value, str) else value
    return _slotted(integration, tidied)


def _slotted(integration: Integration, context: Json) -> Json:
    """Each key in the slot that its form fits. Where two keys fit the same one, both stay where they were put."""
    keys = {each.field: context[each.field] for each in integration.credentials if context.get(each.field)}
    fitting = {field: slot_of(integration, key) if isinstance(key, str) else None for field, key in keys.items()}
    right = {field: slot.field if slot else field for field, slot in fitting.items()}
    if len(set(right.values())) < len(right):
        return context
    rest = {name: value for name, value in context.items() if name not in keys}
    return rest | {right[field]: key for field, key in keys.items()}


def slot_of(integration: Integration, key: str) -> Credential | None:
    """The slot whose prefix fits the key best; None when the key looks like nothing known."""
    fitting = [
        (len(prefix), each) for each in integration.credentials for prefix in each.prefixes if key.startswith(prefix)
    ]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def check_context(integration: Integration, context: Json) -> None:
    failures = [
        Failure(f"context.{each.name}", "must be text")
        for each in integration.context
        if context.get(each.name) is not None and not isinstance(context[each.name], str)
    ]
    failures += [
        Failure(f"context.{name}", "holds a character that no header can carry", "visible ASCII characters")
        for name in sorted(_in_headers(integration) & context.keys())
        if isinstance(context[name], str) and not (context[name].isascii() and context[name].isprintable())
    ]
    zone = context.get(ZONE_FIELD)
    if zone is not None and zone_named(str(zone)) is None:
        failures.append(Failure(f"context.{ZONE_FIELD}", f"{zone!r} is not a time zone", "such as Europe/Berlin"))
    if (
        not failures
        and integration.credentials
        and not any(context.get(each.field) for each in integration.credentials)
    ):
        slots = " or ".join(f"{each.field} ({each.label})" for each in integration.credentials)
        failures.append(Failure("context", "has no key", slots))
    if failures:
        raise InvalidArguments(failures)


def _in_headers(integration: Integration) -> set[str]:
    templates = [template for each in integration.credentials for template in each.headers.values()]
    return {name for template in templates for name in _FIELD.findall(template)}


def base_url_of(integration: Integration, wanted: str, parts: Parts) -> str:
    """What is kept as the account's base URL; empty: whatever the integration's default is."""
    if not wanted:
        return ""
    return check_base_url(wanted, (*integration.base_urls, *parts.settings.extra_base_urls()))


async def with_context(account: Account, integration: Integration, context: Json, parts: Parts) -> Account:
    """The account with this context, its secret half sealed."""
    shown, secret = split(integration, context)
    return structs.replace(
        account,
        context=shown,
        held={name: hint(value) for name, value in secret.items()},
        sealed=await parts.secrets.seal(account.environment_id, account.id, secret) if secret else b"",
    )


async def prove(account: Account, parts: Parts) -> list[Proof]:
    """One harmless call for each key that the account holds."""
    connected = await parts.lookup.connect(account)
    credentials = [each for each in connected.view.integration.credentials if each.field in account.held and each.proof]
    secrets = await parts.secrets.open(connected.account) if credentials else {}
    return [await prove_one(connected, each, secrets, parts) for each in credentials]


async def prove_one(connected: Connected, credential: Credential, secrets: Json, parts: Parts) -> Proof:
    """One harmless call with one of these secrets, which may be a key that the account does not hold."""
    resource, _, method = credential.proof.partition(".")
    operation = connected.view.find(resource, method)
    call = Call(
        account_id=AccountId(connected.account.id), face="admin", arguments={"limit": "1"} if operation.page else {}
    )
    request = build(operation, sort(operation, call), connected)
    context = connected.account.context | secrets
    try:
        async with asyncio.timeout(PROOF_SECONDS):
            response = await parts.transport.send(sign(request, credential, context, connected))
            if response.status < 400:
                response.release()
                return Proof(credential=credential.name, works=True, status=response.status)
            problem = await read_failure(response, connected.view.integration)
    except TimeoutError:
        sentence = f"The vendor did not answer within {PROOF_SECONDS:g} seconds."
        return Proof(credential=credential.name, works=False, message=sentence)
    except Refusal as problem:
        return Proof(credential=credential.name, works=False, message=without(secrets, problem.sentence))
    # A key that may not do even this is still a key: restricted ones are refused with 403.
    return Proof(
        credential=credential.name,
        works=problem.vendor_status == 403,
        message=without(secrets, problem.sentence),
        status=problem.vendor_status,
    )


def without(secrets: Json, sentence: str) -> str:
    """Some vendors repeat the key that they refuse; what is kept of their words must not."""
    for value in secrets.values():
        if isinstance(value, str) and value:
            sentence = sentence.replace(value, hint(value))
    return sentence


def judged(account: Account, proofs: list[Proof], parts: Parts) -> Account:
    """The account in the state that its proofs show; what somebody has blocked stays so."""
    failed = [each for each in proofs if not each.works]
    moment = parts.clock()
    error: Json | None = None
    if failed:
        first = failed[0]
        error = {
            "message": f"The {first.credential} could not be proved: {first.message}",
            "credential": first.credential,
            "occurred_at": iso(moment),
        }
    state: AccountState = "validation_error" if failed else "active"
    result = {each.credential: structs.asdict(each) for each in proofs}
    return structs.replace(
        account,
        status="blocked" if account.status == "blocked" else state,
        last_error=error,
        last_action_result={"action": "validation", "keys": result, "at": iso(moment)},
        updated_at=moment,
    )
