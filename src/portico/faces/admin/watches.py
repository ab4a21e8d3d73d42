"""/integrated-account/{id}/watch: jobs at a vendor that are looked at until they are over; then webhooks hear of it."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from portico.clock import iso
from portico.errors import NotFound
from portico.faces.endpoint import Asked, Endpoint, Paging, page, position
from portico.gateway import watches
from portico.gateway.admit import admit_account
from portico.model.account import AccountId
from portico.model.watch import Watch, WatchState

TAG = "Watches"


class WatchBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`id` is the job's at the vendor; `tool` (or `resource` and `method`) is what started it or looks at it.

    `arguments` names its parents, where it has any.
    """

    id: str
    tool: str = ""
    resource: str = ""
    method: str = ""
    arguments: dict[str, Any] = {}
    expires_at: datetime | None = None


class WatchShown(Struct, frozen=True, kw_only=True):
    """`status` is the vendor's word for where the job stands, `facts` the small things of its object."""

    id: str
    integrated_account_id: str
    resource: str
    method: str
    object_id: str
    arguments: dict[str, Any]
    state: WatchState
    status: str
    facts: dict[str, Any]
    problem: str
    looks: int
    created_by: str
    created_at: str
    updated_at: str
    expires_at: str
    ended_at: str | None


class WatchQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    state: tuple[Literal["watching", "completed", "failed", "canceled"], ...] = ()


class AllWatchesQuery(WatchQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    integrated_account_id: tuple[str, ...] = ()


def show(watch: Watch) -> dict[str, Any]:
    return {
        "id": watch.id,
        "integrated_account_id": watch.account_id,
        "resource": watch.resource,
        "method": watch.method,
        "object_id": watch.object_id,
        "arguments": watch.arguments,
        "state": watch.state,
        "status": watch.vendor_status,
        "facts": watch.facts,
        "problem": watch.problem,
        "looks": watch.looks,
        "created_by": watch.created_by,
        "created_at": iso(watch.created_at),
        "updated_at": iso(watch.updated_at),
        "expires_at": iso(watch.expires_at),
        "ended_at": iso(watch.ended_at) if watch.ended_at else None,
    }


async def list_watches(asked: Asked) -> Any:
    query: WatchQuery = asked.query
    before, count = position(query)
    account_id = await _account(asked)
    rows = await asked.parts.later.watches.page(asked.environment_id, (account_id,), before, count + 1, query.state)
    return page(rows, query, show, lambda row: row.id)


async def list_all_watches(asked: Asked) -> Any:
    """An account token sees those of its own account, whatever it asks for."""
    query: AllWatchesQuery = asked.query
    before, count = position(query)
    own = asked.caller.account_id
    account_ids = (own,) if own else query.integrated_account_id
    rows = await asked.parts.later.watches.page(asked.environment_id, account_ids, before, count + 1, query.state)
    return page(rows, query, show, lambda row: row.id)


async def start_watch(asked: Asked) -> Any:
    body: WatchBody = asked.body
    wanted = watches.Wanted(
        account_id=await _account(asked),
        object_id=body.id.strip(),
        tool=body.tool,
        resource=body.resource,
        method=body.method,
        arguments=body.arguments,
        expires_at=body.expires_at,
    )
    return show(await watches.start(asked.caller, wanted, asked.parts))


async def get_watch(asked: Asked) -> Any:
    return show(await _found(asked))


async def stop_watch(asked: Asked) -> Any:
    return show(await watches.stop(asked.caller, await _found(asked), asked.parts))


async def _account(asked: Asked) -> AccountId:
    account_id = AccountId(asked.path["id"])
    admit_account(asked.caller, account_id)
    if await asked.parts.accounts.get(asked.environment_id, account_id) is None:
        raise NotFound(f"There is no integrated account {account_id!r}.")
    return account_id


async def _found(asked: Asked) -> Watch:
    account_id = await _account(asked)
    return await watches.find(asked.environment_id, account_id, asked.path["watch_id"], asked.parts)


_ALL, _ONE = "/integrated-account/{id}/watch", "/integrated-account/{id}/watch/{watch_id}"
ENDPOINTS = (
    Endpoint(
        verb="GET", path="/watch", name="listAllWatches", summary="List watched jobs of all accounts", tag=TAG,
        handler=list_all_watches, query=AllWatchesQuery, returns=list[WatchShown], scope="call:read",
        account_token=True,
    ),
    Endpoint(
        verb="GET", path=_ALL, name="listWatches", summary="List watched jobs", tag=TAG, account_token=True,
        handler=list_watches, query=WatchQuery, returns=list[WatchShown], scope="call:read",
    ),
    Endpoint(
        verb="POST", path=_ALL, name="startWatch", summary="Watch a job to its end", tag=TAG, account_token=True,
        description="Ends in the event job:completed or job:failed. What is watched already is not watched twice.",
        handler=start_watch, body=WatchBody, returns=WatchShown, scope="call:read", status=201,
    ),
    Endpoint(
        verb="GET", path=_ONE, name="getWatch", summary="Get a watch", tag=TAG, account_token=True,
        handler=get_watch, returns=WatchShown, scope="call:read",
    ),
    Endpoint(
        verb="DELETE", path=_ONE, name="stopWatch", summary="Stop watching", tag=TAG, account_token=True,
        description="The job itself goes on.",
        handler=stop_watch, returns=WatchShown, scope="call:read",
    ),
)  # fmt: skip
