"""Webhook endpoints of a project: who is told, of what, and with which secret the messages are signed."""

from urllib.parse import urlsplit

from portico.sandbox.checks import array, boolean, fields, one_of, text
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.webhook_pump import attempt
from portico.sandbox.webhooks import (
    DELIVERIES,
    ENDPOINTS,
    EVENT_TYPES,
    Delivery,
    Endpoint,
    new_event,
    new_secret,
    take_ended,
)
from portico.sandbox.wire import Answer, Ask, Route

LIST = Cursor(ends=False)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def url(value: object, path: str) -> str:
    """OpenAI delivers only to HTTPS. Receivers on this machine may do without it here."""
    address = str(text(longest=2048)(value, path))
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise invalid(f"'{path}' is not a URL.", path) from None
    if not host or parts.scheme not in ("https", "http") or (parts.scheme == "http" and host not in LOOPBACK):
        raise invalid(f"'{path}' must be an HTTPS URL.", path)
    return address


FIELDS = {
    "event_types": array(one_of(*EVENT_TYPES), shortest=1),
    "name": text(shortest=1, longest=256),
    "url": url,
}


async def create_endpoint(ask: Ask) -> Answer:
    body = fields(ask.body, FIELDS)
    # What ended before this endpoint was there is not told to it.
    await take_ended(ask.project)
    now, kinds = ask.now, list(dict.fromkeys(body["event_types"]))
    made = Endpoint(ask.new_id(ENDPOINTS), body["name"], body["url"], kinds, now, now, new_secret(ask.world))
    ask.held(ENDPOINTS).add(made.id, made)
    return {**made.show(), "signing_secret": made.secret}


def list_endpoints(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(ENDPOINTS).rows(), Endpoint.show)


def get_endpoint(ask: Ask) -> Answer:
    return _endpoint(ask).show()


def update_endpoint(ask: Ask) -> Answer:
    endpoint = _endpoint(ask)
    body = fields(ask.body, optional=FIELDS)
    before = endpoint.show()
    endpoint.name = body.get("name", endpoint.name)
    endpoint.url = body.get("url", endpoint.url)
    endpoint.event_types = list(dict.fromkeys(body.get("event_types", endpoint.event_types)))
    if endpoint.show() != before:
        endpoint.updated_at = ask.now
    return endpoint.show()


def delete_endpoint(ask: Ask) -> Answer:
    endpoint = ask.held(ENDPOINTS).remove(ask["webhook_endpoint_id"])
    return {"id": endpoint.id, "object": "webhook_endpoint.deleted", "deleted": True}


def rotate_secret(ask: Ask) -> Answer:
    endpoint = _endpoint(ask)
    body = fields(ask.body, optional={"keep_old_secret_active_for_24_hours": boolean})
    endpoint.rotate(ask.world, keeps_old=body.get("keep_old_secret_active_for_24_hours", False))
    return {**endpoint.show(), "signing_secret": endpoint.secret}


async def test_endpoint(ask: Ask) -> Answer:
    """Send a sample at once and say what the endpoint answered; it is not tried again."""
    endpoint = _endpoint(ask)
    event_type = fields(ask.body, {"event_type": one_of(*EVENT_TYPES)})["event_type"]
    event = new_event(ask.world, event_type, _sample(ask, event_type))
    delivery = Delivery(ask.new_id(DELIVERIES), endpoint, event, ask.world.time(), "testing")
    ask.held(DELIVERIES).add(delivery.id, delivery)
    status = await attempt(ask.world, delivery)
    if delivery.state != "delivered":
        delivery.state = "failed"
    if status is None:
        raise invalid(f"'{endpoint.url}' could not be reached.", "webhook_endpoint_id", "webhook_delivery_failed")
    return {
        "object": "webhook_endpoint.test",
        "webhook_endpoint_id": endpoint.id,
        "event_type": event_type,
        "status_code": status,
        "success": True,
    }


def list_event_types(ask: Ask) -> Answer:
    return {"object": "list", "data": list(EVENT_TYPES)}


def _endpoint(ask: Ask) -> Endpoint:
    return ask.held(ENDPOINTS).get(ask["webhook_endpoint_id"])


def _sample(ask: Ask, event_type: str) -> Json:
    """Data of the event's shape about a thing that does not exist."""
    if event_type == "realtime.call.incoming":
        return {"call_id": ask.new_id("rtc_"), "sip_headers": [{"name": "From", "value": "sip:+15550100@example.com"}]}
    prefixes = {
        "batch": "batch_",
        "response": "resp_",
        "eval": "evalrun_",
        "fine_tuning": "ftjob-",
        "video": "video_",
        "safety": "alert_",
    }
    area, inner = event_type.split(".")[:2]
    data: Json = {"id": ask.new_id(prefixes.get(area, "env_" if inner == "environment" else "sess_"))}
    if event_type == "agent.session.action_required":
        data["required_action"] = {"type": "function_call"}
    elif (area, inner) == ("agent", "session"):
        data["environment_type"] = "none"
    return data


ROUTES = (
    Route("GET", "/webhook_endpoints", list_endpoints),
    Route("POST", "/webhook_endpoints", create_endpoint),
    Route("GET", "/webhook_endpoints/{webhook_endpoint_id}", get_endpoint),
    Route("POST", "/webhook_endpoints/{webhook_endpoint_id}", update_endpoint),
    Route("DELETE", "/webhook_endpoints/{webhook_endpoint_id}", delete_endpoint),
    Route("POST", "/webhook_endpoints/{webhook_endpoint_id}/rotate_secret", rotate_secret),
    Route("POST", "/webhook_endpoints/{webhook_endpoint_id}/test", test_endpoint),
    Route("GET", "/webhook_event_types", list_event_types, scope="api.webhook_endpoints.read"),
)
