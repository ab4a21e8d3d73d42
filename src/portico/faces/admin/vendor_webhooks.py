"""/integrated-account/{id}/vendor-webhook: have the vendor itself send an account's events here."""

from typing import Any

from msgspec import Struct

from portico.clock import iso
from portico.faces.endpoint import Asked, Endpoint
from portico.gateway import vendor_webhooks
from portico.gateway.admit import admit_account
from portico.model.account import AccountId
from portico.model.webhook import InboundEndpoint

TAG = "Vendor webhooks"


class RegisterBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`event_types` in the vendor's own words; left out, those that say that a job is over.

    `secret`: somebody made the endpoint at the vendor by hand, and this is what it signs with.
    """

    event_types: tuple[str, ...] = ()
    secret: str = ""


class TestBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`event_type` left out: the first that was asked for."""

    event_type: str = ""


class VendorWebhookShown(Struct, frozen=True, kw_only=True):
    """`vendor_webhook_id` empty: made at the vendor by hand."""

    integrated_account_id: str
    vendor_webhook_id: str
    url: str
    event_types: list[str]
    created_at: str
    last_received_at: str | None


class TestShown(Struct, frozen=True, kw_only=True):
    """What the vendor said about the sample that it sent."""

    integrated_account_id: str
    vendor_answer: Any


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
    return show(await vendor_webhooks.find(asked.environment_id, account_id, asked.parts))


async def register(asked: Asked) -> Any:
    body: RegisterBody = asked.body
    account_id = await _account(asked)
    if body.secret:
        secret = body.secret.strip()
        return show(await vendor_webhooks.adopt(asked.caller, account_id, body.event_types, secret, asked.parts))
    return show(await vendor_webhooks.register(asked.caller, account_id, body.event_types, asked.parts))


async def rotate(asked: Asked) -> Any:
    account_id = await _account(asked)
    return show(await vendor_webhooks.rotate(asked.caller, account_id, asked.parts))


async def send_test(asked: Asked) -> Any:
    body: TestBody = asked.body
    account_id = await _account(asked)
    answer = await vendor_webhooks.send_test(asked.caller, account_id, body.event_type, asked.parts)
    return {"integrated_account_id": account_id, "vendor_answer": answer}


async def unregister(asked: Asked) -> Any:
    account_id = await _account(asked)
    return show(await vendor_webhooks.unregister(asked.caller, account_id, asked.parts))


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
        description="Made at the vendor through its own API; its secret is kept here. Replaces an earlier one, whose "
        "messages are still taken for a day.",
        handler=register, body=RegisterBody, returns=VendorWebhookShown, scope="accounts", status=201,
    ),
    Endpoint(
        verb="POST", path=_PATH + "/rotate", name="rotateVendorWebhookSecret", tag=TAG,
        summary="Have the vendor sign with a new secret",
        description="What it signed with the old one is still taken for a day.",
        handler=rotate, returns=VendorWebhookShown, scope="accounts",
    ),
    Endpoint(
        verb="POST", path=_PATH + "/test", name="testVendorWebhook", tag=TAG,
        summary="Have the vendor send a sample", description="It arrives as any other of the vendor's events.",
        handler=send_test, body=TestBody, returns=TestShown, scope="accounts",
    ),
    Endpoint(
        verb="DELETE", path=_PATH, name="deleteVendorWebhook", tag=TAG,
        summary="Have the vendor send nothing any more",
        handler=unregister, returns=VendorWebhookShown, scope="accounts",
    ),
)  # fmt: skip
