"""Webhooks: addresses that hear of events, and what became of each message to them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.model.account import AccountId, EnvironmentId

DeliveryState = Literal["waiting", "delivered", "failed", "dropped"]


class Webhook(Struct, frozen=True, kw_only=True):
    """`sealed` holds the secrets that sign, encrypted. `disabled_reason` says why Portico itself switched it off."""

    id: str
    environment_id: EnvironmentId
    target_url: str
    event_types: tuple[str, ...]
    is_active: bool = True
    sealed: bytes = b""
    disabled_reason: str = ""
    last_success_at: datetime | None = None
    created_by: str
    created_at: datetime
    updated_at: datetime


class Delivery(Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook. `started_at`: when its present round of attempts began."""

    id: str
    environment_id: EnvironmentId
    webhook_id: str
    event_id: str
    event: str
    state: DeliveryState = "waiting"
    attempts: int = 0
    started_at: datetime
    next_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Attempt(Struct, frozen=True, kw_only=True):
    """One try at delivering. `status` 0: no answer came, and `problem` says why."""

    number: int
    at: datetime
    status: int
    duration_ms: int
    problem: str = ""


class InboundEndpoint(Struct, frozen=True, kw_only=True):
    """What a vendor was told: send an account's events to this address. `sealed` is the secret it signs with."""

    account_id: AccountId
    environment_id: EnvironmentId
    vendor_id: str
    url: str
    event_types: tuple[str, ...]
    sealed: bytes
    created_at: datetime
    last_received_at: datetime | None = None
