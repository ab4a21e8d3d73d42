"""A call that waits for somebody's yes: what it would do, who asked, and what was decided."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.model.account import AccountId, EnvironmentId
from portico.model.operation import Effect
from portico.shapes import Json

ApprovalState = Literal["pending", "approved", "denied", "used", "expired"]


class Wanted(Struct, frozen=True, kw_only=True):
    """A call as somebody is to judge it. `digest` is of its very arguments: another call has another.

    `shown` holds the request (method, path, body), what differs from the present state, and what it means. With
    `by_client` the people at the asking program may answer, through their program.
    """

    account_id: AccountId
    server_id: str
    client: str
    tool: str
    title: str
    effect: Effect
    digest: bytes
    shown: Json
    by_client: bool = False


class Approval(Wanted, frozen=True, kw_only=True):
    """`pending` until somebody decides; an approved one is `used` by exactly one call; all of them end in time."""

    id: str
    environment_id: EnvironmentId
    asked_by: str
    asked_by_name: str
    state: ApprovalState
    reason: str
    decided_by: str
    decided_by_name: str
    created_at: datetime
    expires_at: datetime
    decided_at: datetime | None
    used_at: datetime | None
