"""Webhooks of the gateway: whether a message is real, and what it says.

Two signatures come with each message: Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`), which
this checks, and the reference's `x-truto-signature`, which has no time in it and can therefore be played back.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from portico_client.errors import PorticoError

TOLERANCE_SECONDS = 300
_VERSION = "v1,"


class NotSigned(PorticoError):
    """The message was not signed with this secret, or not just now; answer it with a 401 and do nothing."""


def verify_webhook(
    body: bytes,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_seconds: float = TOLERANCE_SECONDS,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The event, once its signature is proved; raises NotSigned. `body` must be the bytes exactly as they came.

    Give several secrets while one is being replaced. The same message can arrive more than once: its `webhook-id`
    (and the event's `id`) stays the same.
    """
    known = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = known.get("webhook-id", ""), known.get("webhook-timestamp", "")
    offered = known.get("webhook-signature", "").split(" ")
    if not message_id or not stamp.isascii() or not stamp.isdigit():
        raise NotSigned("The headers webhook-id, webhook-timestamp and webhook-signature do not make sense together.")
    if abs(now() - int(stamp)) > tolerance_seconds:
        raise NotSigned(f"The message was signed more than {tolerance_seconds:g} seconds from now.")
    secrets = [secret] if isinstance(secret, str) else list(secret)
    right = [_signature(each, f"{message_id}.{stamp}.".encode() + body) for each in secrets]
    # All are compared, so that the time taken does not tell which one was right.
    if not any([hmac.compare_digest(one.encode(), other.encode()) for one in right for other in offered]):
        raise NotSigned("No signature of the message was made with this secret.")
    event: Any = json.loads(body)
    if not isinstance(event, dict):
        raise NotSigned("The message is signed, but it is no event.")
    return event  # pyright: ignore[reportUnknownVariableType] -- JSON


def _signature(secret: str, signed: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook's secret is whsec_ and base64, as it was shown when the webhook was made") from None
    return _VERSION + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
