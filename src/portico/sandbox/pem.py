"""Reads from a PEM certificate the one thing that the API tells of it: from when until when it is valid.

Only the outline of X.509 (RFC 5280, section 4.1) is walked; nothing is verified.
"""

import base64
import binascii
import calendar
import re
import time
from dataclasses import dataclass

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END CERTIFICATE-----")
SEQUENCE, VERSION, UTC_TIME, GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
LONG_LENGTH = 0x80


class NotACertificate(Exception):
    """The text is not one PEM certificate."""


@dataclass(frozen=True, slots=True)
class Validity:
    valid_at: int
    expires_at: int


@dataclass(slots=True)
class _Reader:
    """Goes over the elements of a DER value, one after the other."""

    content: bytes
    place: int = 0

    def next(self) -> tuple[int, bytes]:
        tag, length = self.content[self.place], self.content[self.place + 1]
        start = self.place + 2
        if length >= LONG_LENGTH:
            size = length - LONG_LENGTH
            length, start = int.from_bytes(self.content[start : start + size]), start + size
        self.place = start + length
        if self.place > len(self.content):
            raise NotACertificate
        return tag, self.content[start : self.place]

    def enter(self) -> "_Reader":
        tag, content = self.next()
        if tag != SEQUENCE:
            raise NotACertificate
        return _Reader(content)


def validity(pem: str) -> Validity:
    """When the certificate begins and ends to be valid. Raises NotACertificate."""
    block = BLOCK.search(pem)
    if block is None:
        raise NotACertificate
    try:
        body = _Reader(base64.b64decode(block[1])).enter().enter()
        if body.content[body.place] == VERSION:
            body.next()
        # The serial number, the algorithm and the issuer come before.
        for _ in range(3):
            body.next()
        span = body.enter()
        return Validity(_moment(*span.next()), _moment(*span.next()))
    except (binascii.Error, IndexError, ValueError):
        raise NotACertificate from None


def _moment(tag: int, content: bytes) -> int:
    if tag not in (UTC_TIME, GENERALIZED_TIME):
        raise NotACertificate
    text = content.decode("ascii")
    if tag == UTC_TIME:
        # Two digits of a year: up to 49 they are of this century.
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))
