"""Watch something asynchronous to its end: what may be watched, from now until when, and how to stop."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from portico.catalog.find import View
from portico.errors import Failure, InvalidArguments, NoSuchOperation, NotFound
from portico.gateway.admit import admit_account, admit_key, admit_lifecycle, admit_state
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.model.account import AccountId, EnvironmentId
from portico.model.caller import Caller
from portico.model.operation import Operation, Wait
from portico.model.watch import Watch
from portico.store.ids import new_id
from portico.store.watches import Seen

USUAL_LIFE, LONGEST_LIFE = timedelta(days=7), timedelta(days=30)
LONGEST_ID = 500


class Wanted(Struct, frozen=True, kw_only=True):
    """What to watch: the operation that started it or the one that looks at it, by tool name or by resource."""

    account_id: AccountId
    object_id: str
    tool: str = ""
    resource: str = ""
    method: str = ""
    arguments: dict[str, Any] = {}
    expires_at: datetime | None = None


async def start(caller: Caller, wanted: Wanted, parts: Parts) -> Watch:
    """The watch, from now on; the one that there is already where the same object is being watched."""
    admit_account(caller, wanted.account_id)
    connected = await parts.lookup.connected(caller.environment_id, wanted.account_id)
    wait, look = _rule(connected.view, _named(connected.view, wanted))
    _admit(connected, look)
    moment = parts.clock()
    _check(wanted, look, moment)
    watch = Watch(
        id=new_id(),
        environment_id=caller.environment_id,
        account_id=wanted.account_id,
        resource=look.resource,
        method=look.method,
        object_id=wanted.object_id,
        arguments=wanted.arguments,
        wait=wait,
        created_by=caller.token_id,
        created_at=moment,
        updated_at=moment,
        expires_at=wanted.expires_at or moment + USUAL_LIFE,
    )
    async with parts.database.transaction() as session:
        if await parts.later.watches.add(session, watch):
            # All looks at one account share a lane, so that its vendor is not asked a thousand things at once.
            lane = f"watch:{watch.account_id}"
            await parts.later.jobs.add(session, watch.environment_id, "watch", watch.id, moment, lane=lane)
            await parts.audit.add(session, caller, "watch.started", watch.id, moment, **_facts(watch))
            return watch
        going = await parts.later.watches.going(session, watch.environment_id, watch.account_id, watch.object_id)
    return next((each for each in going if (each.resource, each.method) == (watch.resource, watch.method)), watch)


async def stop(caller: Caller, watch: Watch, parts: Parts) -> Watch:
    """Nobody is told of its end; what goes on at the vendor goes on."""
    moment = parts.clock()
    seen = Seen(
        state="canceled", vendor_status=watch.vendor_status, facts=watch.facts, problem=watch.problem, looked=False
    )
    async with parts.database.transaction() as session:
        if watch.state == "watching":
            await parts.later.watches.looked(session, watch, seen, moment)
            await parts.audit.add(session, caller, "watch.stopped", watch.id, moment, **_facts(watch))
        await parts.later.jobs.remove(session, watch.environment_id, "watch", watch.id)
    return await find(watch.environment_id, watch.account_id, watch.id, parts)


async def find(environment_id: EnvironmentId, account_id: AccountId, watch_id: str, parts: Parts) -> Watch:
    found = await parts.later.watches.get(environment_id, watch_id)
    if found is None or found.account_id != account_id:
        raise NotFound(f"There is no watch {watch_id!r}.")
    return found


def _facts(watch: Watch) -> dict[str, Any]:
    return {
        "integrated_account_id": watch.account_id,
        "resource": watch.resource,
        "method": watch.method,
        "object_id": watch.object_id,
    }


def _named(view: View, wanted: Wanted) -> Operation:
    if not wanted.tool and not wanted.resource:
        raise InvalidArguments([Failure("tool", "is required (or resource)", "what started the job, or looks at it")])
    if not wanted.tool:
        return view.find(wanted.resource, wanted.method or "get")
    operation = view.tool(wanted.tool)
    if not isinstance(operation, Operation):
        near = ", ".join(view.nearest_tools(wanted.tool)) or "none is near"
        raise NoSuchOperation(f"There is no tool {wanted.tool!r}; nearest: {near}.")
    return operation


def _rule(view: View, operation: Operation) -> tuple[Wait, Operation]:
    """How to tell that it is over, and the operation that looks."""
    asynchronous = [each for each in view.operations if each.wait is not None]
    # What makes the object says best what was hoped for: to the one that cancels it, being cancelled is success.
    asynchronous.sort(key=lambda each: each.method != "create")
    for each in [operation, *asynchronous]:
        if each.wait is None:
            continue
        resource, _, method = each.wait.look.partition(".")
        look = view.find(resource, method)
        if each.key == operation.key or look.key == operation.key:
            return each.wait, look
    allowed = ", ".join(dict.fromkeys(each.wait.look for each in asynchronous if each.wait))
    raise InvalidArguments([Failure("tool", f"{operation.key} is over as soon as it has answered", allowed or "none")])


def _admit(connected: Connected, look: Operation) -> None:
    admit_state(connected)
    admit_key(connected.view.credentials[look.credential], connected)
    admit_lifecycle(look, connected)


def _check(wanted: Wanted, look: Operation, moment: datetime) -> None:
    parents = [name for name in look.path_parameters if name != look.identity]
    failures = [
        Failure(f"arguments.{name}", f"is required: {look.key} needs it")
        for name in parents
        if not isinstance(wanted.arguments.get(name), str) or not wanted.arguments[name]
    ]
    failures += [
        Failure(f"arguments.{name}", f"is not asked for by {look.key}", ", ".join(parents) or "none")
        for name in wanted.arguments
        if name not in parents
    ]
    if not 1 <= len(wanted.object_id) <= LONGEST_ID:
        failures.append(Failure("id", f"must have 1 to {LONGEST_ID} characters", "the id of the job at the vendor"))
    if wanted.expires_at is not None and wanted.expires_at.tzinfo is None:
        failures.append(Failure("expires_at", "needs a time zone", "for example 2030-01-31T12:00:00Z"))
    elif wanted.expires_at is not None and not moment < wanted.expires_at <= moment + LONGEST_LIFE:
        failures.append(Failure("expires_at", f"must be ahead, at most {LONGEST_LIFE.days} days"))
    if failures:
        raise InvalidArguments(failures)
