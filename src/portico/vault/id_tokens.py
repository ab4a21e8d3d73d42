"""Signed tokens (JWS, compact) as OpenID providers make them: read, and checked against their published keys.

RS256 and ES256 alone are known here. A token never chooses how it is checked beyond these two: `none` and keys that
both sides share (HS256) are no algorithms, and a key made for one is never used for the other.
"""

import base64
import binascii
import re
import secrets
from hashlib import sha256
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

from portico.shapes import Json, NotJson, decode, is_list, is_record
from portico.vault.envelope import NONCE_BYTES, derive

Algorithm = Literal["RS256", "ES256"]
ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "ES256")
LONGEST = 65_536
MOST_KEYS = 100
LEAST_RSA_BITS, MOST_RSA_BITS = 2048, 8192
_KNOWN: dict[str, Algorithm] = {"RS256": "RS256", "ES256": "ES256"}
_HALF = 32
_PART = re.compile(r"[A-Za-z0-9_-]+")
_HINT = "seal an id token with a session"


class TokenMalformed(ValueError):
    """It is no signed token that could be checked here. The text says why, and nothing of the token."""


class Signed(Struct, frozen=True, kw_only=True):
    """A token that has been read and not checked: nothing in it is true yet."""

    algorithm: Algorithm
    key_id: str
    kind: str
    claims: Json
    signed: bytes
    signature: bytes


class PublicKey(Struct, frozen=True, kw_only=True):
    """A key of the provider's, and the one algorithm that it is for."""

    key_id: str
    algorithm: Algorithm
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey

    def has_signed(self, token: Signed) -> bool:
        if token.algorithm != self.algorithm:
            return False
        try:
            if isinstance(self.key, rsa.RSAPublicKey):
                self.key.verify(token.signature, token.signed, padding.PKCS1v15(), SHA256())
            else:
                self.key.verify(_der(token.signature), token.signed, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True


def read(text: str) -> Signed:
    """Raises TokenMalformed for everything that cannot be a token of these two kinds."""
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3 or not all(_PART.fullmatch(each) for each in parts):
        raise TokenMalformed("it is not three parts of base64")
    header, claims = _record(parts[0], "header"), _record(parts[1], "claims")
    named = header.get("alg")
    algorithm = _KNOWN.get(named) if isinstance(named, str) else None
    if algorithm is None:
        raise TokenMalformed(f"it is signed with {_word(named)}, and only RS256 and ES256 are taken")
    if "crit" in header:
        raise TokenMalformed("its header names extensions that have to be understood")
    return Signed(
        algorithm=algorithm,
        key_id=_text(header.get("kid")),
        kind=_text(header.get("typ")),
        claims=claims,
        signed=f"{parts[0]}.{parts[1]}".encode(),
        signature=_bytes(parts[2]),
    )


def keys_of(document: Any) -> list[PublicKey]:
    """The keys of a JWK set that can be used here; all others are passed over."""
    listed = document.get("keys") if is_record(document) else None
    if not is_list(listed):
        raise TokenMalformed("the key set lists no keys")
    found = [_key(each) for each in listed[:MOST_KEYS] if is_record(each)]
    return [each for each in found if each is not None]


def half_digest(text: str) -> str:
    """What `at_hash` says of an access token: the left half of its digest."""
    return base64.urlsafe_b64encode(sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def seal_with(cookie: str, plain: bytes) -> bytes:
    """Sealed so that only whoever brings the session's cookie opens it: the database keeps the cookie's hash alone."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(derive(cookie.encode(), _HINT)).encrypt(nonce, plain, None)


def open_with(cookie: str, sealed: bytes) -> bytes:
    """Empty where it does not open."""
    try:
        return AESGCM(derive(cookie.encode(), _HINT)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        return b""


def _key(described: Json) -> PublicKey | None:
    if described.get("use", "sig") != "sig" or not _may_verify(described.get("key_ops")):
        return None
    try:
        match described.get("kty"):
            case "RSA":
                return _checked(described, "RS256", _rsa(described))
            case "EC":
                return _checked(described, "ES256", _elliptic(described))
            case _:
                return None
    except (TokenMalformed, ValueError):
        return None


def _checked(
    described: Json, algorithm: Algorithm, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey | None
) -> PublicKey | None:
    if key is None or described.get("alg", algorithm) != algorithm:
        return None
    return PublicKey(key_id=_text(described.get("kid")), algorithm=algorithm, key=key)


def _rsa(described: Json) -> rsa.RSAPublicKey | None:
    modulus, exponent = _number(described.get("n")), _number(described.get("e"))
    if not LEAST_RSA_BITS <= modulus.bit_length() <= MOST_RSA_BITS or not 2 < exponent < 2**32:
        return None
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def _elliptic(described: Json) -> ec.EllipticCurvePublicKey | None:
    if described.get("crv") != "P-256":
        return None
    x, y = _number(described.get("x")), _number(described.get("y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def _may_verify(operations: Any) -> bool:
    return operations is None or (is_list(operations) and "verify" in operations)


def _der(signature: bytes) -> bytes:
    """JWS writes the two numbers side by side, the library wants them in DER."""
    if len(signature) != 2 * _HALF:
        raise ValueError("not two halves")
    first, second = int.from_bytes(signature[:_HALF]), int.from_bytes(signature[_HALF:])
    return encode_dss_signature(first, second)


def _record(part: str, name: str) -> Json:
    try:
        found = decode(_bytes(part))
    except NotJson:
        found = None
    if not is_record(found):
        raise TokenMalformed(f"its {name} cannot be read")
    return found


def _number(text: Any) -> int:
    if not isinstance(text, str) or not _PART.fullmatch(text):
        raise TokenMalformed("a number of a key cannot be read")
    return int.from_bytes(_bytes(text))


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise TokenMalformed("it is not three parts of base64") from None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return repr(text[:20]) if text.isascii() and text.isprintable() and text else "something unreadable"
