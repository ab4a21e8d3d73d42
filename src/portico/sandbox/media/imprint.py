"""The imprint: a line of text that the emulator writes into every picture, sound and film it makes.

It says what the thing is and seals all bytes that come after it, so that the thing is known again and changes show.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

import msgspec

from portico.sandbox.shapes import Json, is_record

MARK = re.compile(rb"portico-imprint:([A-Za-z0-9_-]+={0,2});")
# Behind the line stand four bytes that the seal leaves out: in a PNG the checksum of the line itself, else blanks.
GAP = "    "


@dataclass(frozen=True, slots=True)
class Imprint:
    facts: Json
    is_intact: bool


def seal(facts: Json, rest: bytes) -> str:
    """The line to write, given what will stand behind it. Zeros in between don't count: containers pad with them."""
    sealed = {**facts, "seal": _digest(rest)}
    return f"portico-imprint:{base64.urlsafe_b64encode(msgspec.json.encode(sealed)).decode()};"


def find(content: bytes) -> Imprint | None:
    """The imprint of a file of whatever format, if it has one."""
    found = MARK.search(content)
    if found is None:
        return None
    try:
        facts = msgspec.json.decode(base64.urlsafe_b64decode(found[1]))
    except (msgspec.DecodeError, binascii.Error, UnicodeDecodeError):
        return None
    if not is_record(facts):
        return None
    is_intact = facts.pop("seal", None) == _digest(content[found.end() + len(GAP) :])
    return Imprint(facts, is_intact)


def _digest(rest: bytes) -> str:
    return hashlib.sha256(rest.lstrip(b"\0")).hexdigest()[:32]
