"""The two ways of speaking MCP: with a handshake (2024-11-05 to 2025-11-25), and without (2026-07-28). Pure.

The header says which: a known older version or none at all means the handshake era; anything else is held to the rules
of the newer one, where every request carries its own version and capabilities and the headers must agree with the body.
"""

import base64
import binascii
import re
from typing import Any

from portico.faces.mcp.wire import HEADER_MISMATCH, INVALID_PARAMS, UNSUPPORTED_VERSION, Message, ProtocolFault
from portico.shapes import is_record

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS = ("2026-07-28",)
# A client that sends no version has shaken hands at some point, most often at this one.
ASSUMED_VERSION = "2025-06-18"

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
CLIENT_KEY = "io.modelcontextprotocol/clientInfo"
SERVER_KEY = "io.modelcontextprotocol/serverInfo"
_OLDER = frozenset({b"", *(each.encode() for each in HANDSHAKE_VERSIONS)})
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_ROUTING = (b"mcp-protocol-version", b"mcp-method", b"mcp-name")
_MOST_SHOWN = 100
_BASE64 = re.compile(r"=\?base64\?(.*)\?=")


def is_modern(headers: dict[bytes, bytes]) -> bool:
    version = headers.get(b"mcp-protocol-version", b"").strip()
    return version not in _OLDER


def version_of(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"mcp-protocol-version", b"").strip().decode("latin-1") or ASSUMED_VERSION


def negotiated(message: Message) -> str:
    """The version of a handshake: the client's if we speak it, else our newest of that era."""
    wanted = message.arguments.get("protocolVersion")
    return wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]


def client_of(message: Message) -> str:
    """The client's name and version, where the message carries them."""
    told: Any = message.meta.get(CLIENT_KEY)
    return f"{told.get('name', '')}/{told.get('version', '')}" if is_record(told) else ""


def check_repeated(pairs: list[tuple[bytes, bytes]]) -> None:
    """Two copies of a header that says where a request goes could be read two ways."""
    names = [name for name, _ in pairs if name in _ROUTING]
    if len(names) != len(set(names)):
        raise ProtocolFault(HEADER_MISMATCH, "An Mcp header appears more than once.")


def check_handshake(message: Message, headers: dict[bytes, bytes]) -> None:
    """A message that carries the newer era's version belongs to it, whatever its header says or leaves out."""
    version = message.meta.get(VERSION_KEY)
    if version is not None and version != _header(headers, b"mcp-protocol-version"):
        raise ProtocolFault(HEADER_MISMATCH, "The header MCP-Protocol-Version and the version in params._meta differ.")


def check_modern(message: Message, headers: dict[bytes, bytes]) -> None:
    """The newer era's rules, in the order in which clients expect to hear of them."""
    meta: Any = message.arguments.get("_meta")
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if not is_record(meta) or key not in meta]
    told = version_of(headers)
    if missing and told not in MODERN_VERSIONS and VERSION_KEY in missing:  # of an older era, and none that we know
        raise _not_spoken(told)
    if missing:
        raise ProtocolFault(INVALID_PARAMS, f"params._meta lacks {' and '.join(missing)}.")
    if not is_record(meta[CAPABILITIES_KEY]):
        raise ProtocolFault(INVALID_PARAMS, f"params._meta: {CAPABILITIES_KEY} must be an object.")
    version = meta[VERSION_KEY]
    if _header(headers, b"mcp-protocol-version") != version:
        raise ProtocolFault(HEADER_MISMATCH, "The header MCP-Protocol-Version and the version in params._meta differ.")
    if _header(headers, b"mcp-method") != message.method:
        raise ProtocolFault(HEADER_MISMATCH, "The header Mcp-Method and the body's method differ.")
    named = _NAMED_BY.get(str(message.method))
    value = message.arguments.get(named) if named else None
    if value is not None and decoded(_header(headers, b"mcp-name")) != value:
        raise ProtocolFault(HEADER_MISMATCH, f"The header Mcp-Name and the body's {named} differ.")
    if version not in MODERN_VERSIONS:
        raise _not_spoken(version)


def check_notification(headers: dict[bytes, bytes]) -> None:
    version = version_of(headers)
    if version not in (*HANDSHAKE_VERSIONS, *MODERN_VERSIONS):
        raise _not_spoken(version)


def _not_spoken(version: str) -> ProtocolFault:
    shown, spoken = version[:_MOST_SHOWN], (*HANDSHAKE_VERSIONS, *MODERN_VERSIONS)
    data = {"supported": [*MODERN_VERSIONS], "requested": shown}
    return ProtocolFault(UNSUPPORTED_VERSION, f"MCP {shown} is not spoken here; spoken are {', '.join(spoken)}.", data)


def decoded(text: str | None) -> str | None:
    """A header value as it was meant: plain, or base64 between `=?base64?` and `?=`; None where that is malformed."""
    if text is None:
        return None
    match = _BASE64.fullmatch(text)
    if match is None:
        return text
    try:
        content = base64.b64decode(match[1], validate=True)
        return content.decode() if base64.b64encode(content).decode() == match[1] else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _header(headers: dict[bytes, bytes], name: bytes) -> str | None:
    # Servers differ in whether they strip the blanks around a value.
    value = headers.get(name)
    return None if value is None else value.strip().decode("latin-1")
