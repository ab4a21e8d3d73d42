"""Seal and open secrets: a root key wraps data keys, a data key seals values, each value bound to its place.

A sealed value is `version (1 byte) | data key id (8) | nonce (12) | ciphertext and tag`. The place (purpose,
environment, row) is authenticated with it, so a value moved to another row, column or tenant does not open.
"""

import base64
import binascii
import os
import re
import secrets
from functools import lru_cache
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_ID_BYTES = 8
ROOT_ID_BYTES = 8
VERSION = b"\x01"


class CannotOpen(Exception):
    """A sealed value does not open: wrong key, wrong place, or not the bytes that were written."""


class KeyMalformed(ValueError):
    """The root key is not 32 bytes written as base64 or hex."""


class Place(NamedTuple):
    """Where a sealed value belongs. Two different places never share a ciphertext."""

    purpose: str
    environment_id: str
    row: str

    def bound(self) -> bytes:
        return _bound(self)


@lru_cache(16_384)
def _bound(place: Place) -> bytes:
    parts = [part.encode() for part in place]
    return b"".join(len(part).to_bytes(4) + part for part in parts)  # so that no part can run into the next


class KeyWrapper(Protocol):
    """One root key, wherever it is kept: in a file, an environment variable, or a service that wraps for us.

    `id` names it without telling anything about it, and stands beside what it has wrapped.
    """

    id: str

    async def wrap(self, data_key: bytes, bound: bytes) -> bytes: ...

    async def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        """Raises CannotOpen for what was not wrapped by this key, for this place."""
        ...


class LocalRoot:
    """A root key held in this process. Its id is a fingerprint under a label of its own."""

    def __init__(self, root: bytes) -> None:
        self.root = root
        self.id = f"local:{derive(root, 'name of the root key')[:ROOT_ID_BYTES].hex()}"
        self._cipher = AESGCM(derive(root, "wrap data keys"))

    async def wrap(self, data_key: bytes, bound: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, data_key, bound)

    async def unwrap(self, wrapped: bytes, bound: bytes) -> bytes:
        if wrapped[:1] != VERSION:
            raise CannotOpen
        try:
            return self._cipher.decrypt(wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :], bound)
        except (InvalidTag, ValueError):
            raise CannotOpen from None


class DataKey:
    """One data key, opened: it seals and opens values for every purpose, each under a key of its own.

    Nonces are random, which is safe for some four thousand million values of one environment and purpose.
    """

    def __init__(self, key_id: bytes, key: bytes) -> None:
        self.key_id = key_id
        self._key = key
        self._ciphers: dict[str, AESGCM] = {}

    def seal(self, plain: bytes, place: Place) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + self.key_id + nonce + self._cipher(place.purpose).encrypt(nonce, plain, place.bound())

    def open(self, sealed: bytes, place: Place) -> bytes:
        start = 1 + KEY_ID_BYTES
        try:
            return self._cipher(place.purpose).decrypt(
                sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :], place.bound()
            )
        except (InvalidTag, ValueError):
            raise CannotOpen from None

    def _cipher(self, purpose: str) -> AESGCM:
        if purpose not in self._ciphers:
            self._ciphers[purpose] = AESGCM(derive(self._key, f"seal {purpose}"))
        return self._ciphers[purpose]


def key_id_of(sealed: bytes) -> bytes:
    """Which data key sealed this; CannotOpen when it is not a sealed value at all."""
    if len(sealed) <= 1 + KEY_ID_BYTES + NONCE_BYTES or sealed[:1] != VERSION:
        raise CannotOpen
    return sealed[1 : 1 + KEY_ID_BYTES]


def new_data_key() -> tuple[bytes, bytes]:
    """A fresh data key and its id."""
    return os.urandom(KEY_ID_BYTES), os.urandom(KEY_BYTES)


def derive(key: bytes, label: str) -> bytes:
    """A key of its own for each purpose, so that a value made for one never passes for another."""
    return HKDFExpand(SHA256(), KEY_BYTES, b"portico/v1/" + label.encode()).derive(key)


def parse_root_key(text: str) -> bytes:
    """32 bytes from base64 (with or without padding, also the URL alphabet) or 64 hex digits."""
    text = text.strip()
    try:
        if re.fullmatch(r"[0-9a-fA-F]{64}", text):
            key = bytes.fromhex(text)
        else:
            padded = text.replace("-", "+").replace("_", "/").rstrip("=")
            key = base64.b64decode(padded + "=" * (-len(padded) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise KeyMalformed from None
    if len(key) != KEY_BYTES:
        raise KeyMalformed
    return key


def new_root_key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()
