"""/integrated-account/{id}/vendor-webhook: have the vendor itself send an account's events here."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.faces.endpoint import Asked, Endpoint
from portico.gateway import inbound
from portico.gateway.admit import admit_account
from portico.model.account import AccountId
from portico.model.webhook import InboundEndpoint

TAG = "Vendor webhooks"


class RegisterBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`event_types` in the vendor's own words; left out, those that say that a job is over."""

    event_types: tuple[str, ...] = ()


class VendorWebhookShown(Struct, frozen=True, kw_only=True):
    integrated_account_id: str
    vendor_webhook_id: str
    url: str
    event_types: list[str]
    created_at: str
    last_received_at: str | None


def show(endpoint: InboundEndpoint) -> dict[str, Any]:
    return {
        "integrated_account_id": endpoint.account_id,
        "vendor_webhook_id": endpoint.vendor_id,
        "url": endpoint.url,
        "event_types": list(endpoint.event_types),
        "created_at": iso(endpoint.created_at),
        "last_received_at": iso(endpoint.last_received_at) if endpoint.last_received_at else None,
    }


async def get_vendor_webhook(asked: Asked) -> Any:
    account_id = await _account(asked)
    return show(await inbound.find(asked.environment_id, account_id, asked.parts))


async def register(asked: Asked) -> Any:
    body: RegisterBody = asked.body
    account_id = await _account(asked)
    return show(await inbound.register(asked.caller, account_id, body.event_types, asked.parts))


async def unregister(asked: Asked) -> Any:
    account_id = await _account(asked)
    return show(await inbound.unregister(asked.caller, account_id, asked.parts))


async def _account(asked: Asked) -> AccountId:
    account_id = AccountId(asked.path["id"])
    admit_account(asked.caller, account_id)
    connected = await asked.parts.lookup.connected(asked.environment_id, account_id)
    return connected.account.id


_PATH = "/integrated-account/{id}/vendor-webhook"
ENDPOINTS = (
    Endpoint(
        verb="GET", path=_PATH, name="getVendorWebhook", summary="What the vendor was asked to send", tag=TAG,
        handler=get_vendor_webhook, returns=VendorWebhookShown, scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path=_PATH, name="registerVendorWebhook", tag=TAG,
        summary="Have the vendor send an account's events",
        description="Made at the vendor through its own API; its secret is kept here. Replaces an earlier one.",
        handler=register, body=RegisterBody, returns=VendorWebhookShown, scope="accounts", status=201,
    ),
    Endpoint(
        verb="DELETE", path=_PATH, name="deleteVendorWebhook", tag=TAG,
        summary="Have the vendor send nothing any more",
        handler=unregister, returns=VendorWebhookShown, scope="accounts",
    ),
)  # fmt: skip
