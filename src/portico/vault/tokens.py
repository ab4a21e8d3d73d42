"""Tokens: `ptc_<kind>_` + 256 random bits + a checksum. Only a keyed hash of one is ever stored."""

import hashlib
import hmac
import secrets
import zlib
from typing import Literal

TokenKind = Literal["api", "acc", "mcp", "link", "once", "setup", "ses", "code", "oat", "ort", "sso"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARACTERS = 43  # 62^43 > 2^256
_SUM_CHARACTERS = 6
_PROOF_CHARACTERS = 40  # 160 bits


def make(kind: TokenKind) -> str:
    """A new token: 256 bits that nobody can guess, recognisable by prefix, checkable without a look-up."""
    body = _base62(secrets.randbits(256), _RANDOM_CHARACTERS)
    stem = f"ptc_{kind}_{body}"
    return stem + _checksum(stem)


def is_well_formed(token: str) -> bool:
    """Whether the checksum is right: a mistyped or invented token is turned away before any look-up."""
    if not token.startswith("ptc_") or not token.isascii():
        return False
    stem, checksum = token[:-_SUM_CHARACTERS], token[-_SUM_CHARACTERS:]
    kind, _, body = stem[4:].partition("_")
    return bool(kind) and len(body) == _RANDOM_CHARACTERS and hmac.compare_digest(checksum, _checksum(stem))


def digest(token: str, pepper: bytes) -> bytes:
    """What is stored and looked up instead of the token."""
    return hmac.digest(pepper, token.encode("utf-8", "surrogateescape"), hashlib.sha256)


class Digests:
    """The digests of tokens that come again and again, remembered under marks of this process: a mark costs a tenth of
    a digest, and tells no more about the token."""

    def __init__(self, pepper: bytes, most: int = 50_000) -> None:
        self._pepper, self._most = pepper, most
        self._salt = secrets.token_bytes(32)
        self._known: dict[bytes, bytes] = {}

    def of(self, token: str) -> bytes:
        marked = hashlib.blake2b(token.encode("utf-8", "surrogateescape"), key=self._salt, digest_size=32).digest()
        known = self._known.get(marked)
        if known is None:
            if len(self._known) >= self._most:
                self._known.clear()
            known = self._known[marked] = digest(token, self._pepper)
        return known


def mark(purpose: str, text: str, pepper: bytes) -> bytes:
    """A keyed hash of any text for one purpose; the same text for another purpose gives another."""
    return hmac.digest(hmac.digest(pepper, f"mark:{purpose}".encode(), hashlib.sha256), text.encode(), hashlib.sha256)


def signed(kind: str, subject: str, until: int, pepper: bytes) -> str:
    """A text that opens `subject` until that second (Unix time): nothing of it is kept, it proves itself."""
    return f"ptc_{kind}_{until:08x}{_proof(kind, subject, until, pepper)}"


def is_signed(text: str, kind: str, subject: str, now: int, pepper: bytes) -> bool:
    """Whether `signed` made this text for this subject, and its second has not come yet."""
    body = text.removeprefix(f"ptc_{kind}_")
    if body == text or not text.isascii() or len(body) != 8 + _PROOF_CHARACTERS:
        return False
    try:
        until = int(body[:8], 16)
    except ValueError:
        return False
    is_ours = hmac.compare_digest(body, f"{until:08x}{_proof(kind, subject, until, pepper)}")
    return is_ours and now < until


def _proof(kind: str, subject: str, until: int, pepper: bytes) -> str:
    return mark(f"signed {kind}", f"{until}:{subject}", pepper).hex()[:_PROOF_CHARACTERS]


def _checksum(stem: str) -> str:
    return _base62(zlib.crc32(stem.encode()), _SUM_CHARACTERS)


def _base62(number: int, width: int) -> str:
    digits: list[str] = []
    while number:
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits)).rjust(width, "0")
