"""A watch: something asynchronous at a vendor that is looked at from time to time until it is over."""

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from portico.model.account import AccountId, EnvironmentId
from portico.model.operation import Wait

WatchState = Literal["watching", "completed", "failed", "canceled"]


class Watch(Struct, frozen=True, kw_only=True):
    """`resource` and `method` are the operation that looks; `arguments` are its own, but for the object's id."""

    id: str
    environment_id: EnvironmentId
    account_id: AccountId
    resource: str
    method: str
    object_id: str
    arguments: dict[str, Any] = {}
    wait: Wait
    state: WatchState = "watching"
    vendor_status: str = ""
    facts: dict[str, Any] = {}
    problem: str = ""
    looks: int = 0
    created_by: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
