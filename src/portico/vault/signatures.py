"""Signatures of webhooks, made and checked: Standard Webhooks (https://www.standardwebhooks.com) and the reference's.

A secret is `whsec_` and the base64 of 24 to 64 bytes. What is signed is `id.timestamp.body`.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import NamedTuple

PREFIX = "whsec_"
SECRET_BYTES = 32
TOLERANCE_SECONDS = 300
_VERSION = "v1,"
_MOST_SIGNATURES = 20
_LONGEST_ID = 255
_LONGEST_STAMP = 15


class SecretMalformed(ValueError):
    """The secret is not `whsec_` and the base64 of a key."""


class Signed(NamedTuple):
    """What came with a message: its three headers, and the body's very bytes."""

    message_id: str
    timestamp: str
    signatures: str
    body: bytes


def make_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The key within a secret. Raises SecretMalformed."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SecretMalformed("not base64") from None
    if not key:
        raise SecretMalformed("empty")
    return key


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature as it stands in the header `webhook-signature`, where several are separated by spaces."""
    digest = hmac.digest(key_of(secret), f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return _VERSION + base64.b64encode(digest).decode()


def sign_body(secret: str, body: bytes) -> str:
    """The reference's header: hex HMAC-SHA256 of the body alone, keyed with the secret's text as it was shown."""
    return f"format=sha256,v={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def is_signed(secret: str, signed: Signed, now_seconds: int) -> bool:
    """Whether this message was signed with this secret not longer than five minutes ago (or ahead)."""
    if not signed.message_id or len(signed.message_id) > _LONGEST_ID:
        return False
    stamp = signed.timestamp
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _LONGEST_STAMP):
        return False
    if abs(now_seconds - int(stamp)) > TOLERANCE_SECONDS:
        return False
    right = sign(secret, signed.message_id, int(stamp), signed.body).encode()
    offered = signed.signatures.split(" ")[:_MOST_SIGNATURES]
    # All are compared, so that the time taken does not tell which one was right.
    return any([hmac.compare_digest(right, each.encode("utf-8", "surrogateescape")) for each in offered])
