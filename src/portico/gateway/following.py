"""What follows connecting, once the keys are proved: calls that the vendor's definition names; what they tell is kept.

A step that fails leaves the account in `post_install_error`: kept, told to webhooks, tried again later and on request.
"""

from typing import Any

from msgspec import structs

from portico.clock import iso
from portico.errors import Refusal
from portico.gateway import connect
from portico.gateway.answer import at, inflate
from portico.gateway.answer import failure as read_failure
from portico.gateway.arguments import sort
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.gateway.request import build
from portico.gateway.sign import sign
from portico.model.account import Account, AccountId
from portico.model.call import Call
from portico.model.operation import Step
from portico.shapes import Json, NotJson, decode

MOST_BYTES = 1_048_576


class StepFailed(Refusal):
    """What has to follow a connection did not work."""

    status = 422
    code = "post_install_error"


async def settled(account: Account, parts: Parts) -> Account:
    """The account in the state that its keys show and, where they work, what follows connecting."""
    return await follow(connect.judged(account, await connect.prove(account, parts), parts), parts)


async def follow(account: Account, parts: Parts) -> Account:
    """An active account with what the steps found out; in `post_install_error` where one of them failed."""
    connected = await parts.lookup.connect(account)
    steps = connected.view.integration.after_connecting
    if account.status != "active" or not steps:
        return account
    secrets = await parts.secrets.open(account)
    done: list[str] = []
    for step in steps:
        try:
            found = await _taken(step, connected, secrets, parts)
        except Refusal as problem:
            sentence = connect.without(secrets, problem.sentence)
            return _failed(connected.account, step, sentence, done, parts)
        done.append(step.call)
        context = connected.account.context | found
        connected = structs.replace(connected, account=structs.replace(connected.account, context=context))
    return _told(connected.account, {"steps": done})


async def _taken(step: Step, connected: Connected, secrets: Json, parts: Parts) -> Json:
    """What the step's answer tells; what the account knows already is not asked for, and stays as somebody said it."""
    context = connected.account.context
    wanted = {field: place for field, place in step.keep.items() if not context.get(field)}
    operation = connected.view.find(*step.call.split("."))
    slots = {each.name: each for each in connected.view.integration.credentials}
    slot = slots.get(operation.credential)
    if (step.keep and not wanted) or slot is None or slot.field not in connected.account.held:
        return {}
    call = Call(account_id=AccountId(connected.account.id), face="admin", arguments=dict(step.arguments))
    request = build(operation, sort(operation, call), connected)
    response = await parts.transport.send(sign(request, slot, context | secrets, connected))
    if response.status >= 400:
        raise await read_failure(response, connected.view.integration)
    raw = await response.read(MOST_BYTES)
    if not wanted:
        return {}
    return _kept(step, wanted, inflate(raw, response.header("content-encoding"), MOST_BYTES))


def _kept(step: Step, wanted: dict[str, str], raw: bytes) -> Json:
    try:
        body: Any = decode(raw)
    except NotJson:
        raise StepFailed(f"{step.call} did not answer with JSON.") from None
    found = {field: at(body, place) for field, place in wanted.items()}
    if lacking := [place for field, place in wanted.items() if not isinstance(found[field], str) or not found[field]]:
        raise StepFailed(f"{step.call} answered without {lacking[0]}.")
    return found


def _failed(account: Account, step: Step, sentence: str, done: list[str], parts: Parts) -> Account:
    moment = parts.clock()
    error: Json = {
        "message": f"The keys work, but what follows ({step.call}) did not: {sentence}",
        "step": step.call,
        "occurred_at": iso(moment),
    }
    failed = structs.replace(account, status="post_install_error", last_error=error, updated_at=moment)
    return _told(failed, {"steps": done, "failed": step.call})


def _told(account: Account, facts: Json) -> Account:
    return structs.replace(account, last_action_result=(account.last_action_result or {}) | {"post_install": facts})
