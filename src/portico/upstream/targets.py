"""Where webhooks may go: HTTPS to the open internet, and whatever else the operator vouches for.

Names that turn out to lead to a private address are refused when the socket is made (egress.py); here the address's
form is checked, so that whoever enters it hears at once.
"""

from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from portico.errors import ForbiddenAddress
from portico.upstream.egress import is_public

LONGEST = 2048
_LOCAL = (".localhost", ".local", ".internal", ".home.arpa")


class Target(Struct, frozen=True, kw_only=True):
    url: str
    is_trusted: bool


def check_target(url: str, trusted: tuple[str, ...]) -> Target:
    """The address as it will be called. `trusted` holds origins (scheme://host or scheme://host:port) of the operator.

    Raises ForbiddenAddress with what is wrong.
    """
    text = url.strip()
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text or len(text) > LONGEST:
        raise ForbiddenAddress(
            f"{url[:100]!r} is not an address that can be called: ASCII without spaces, at most {LONGEST} characters; "
            "write international names in their xn-- form and other characters as %xx."
        )
    parts = _split(text)
    if parts is None:
        raise ForbiddenAddress(f"{url[:100]!r} is not an address: it needs https://, a host, no user and no #fragment.")
    is_trusted = any(_is_within(parts, each) for each in trusted)
    if not is_trusted and parts.scheme != "https":
        raise ForbiddenAddress(
            "Webhooks go to https:// addresses. An operator can allow others in PORTICO_ALLOWED_WEBHOOK_URLS."
        )
    if not is_trusted and _is_private(parts.hostname or ""):
        raise ForbiddenAddress(
            f"{parts.hostname} is a private address. An operator can allow it in PORTICO_ALLOWED_WEBHOOK_URLS."
        )
    return Target(url=parts._replace(path=parts.path or "/").geturl(), is_trusted=is_trusted)


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    is_whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0
    return parts if is_whole and "@" not in parts.netloc and "#" not in text else None


def _is_within(parts: SplitResult, origin: str) -> bool:
    allowed = _split(origin)
    if allowed is None or (allowed.scheme, allowed.hostname) != (parts.scheme, parts.hostname):
        return False
    return allowed.port in {None, parts.port}


def _is_private(host: str) -> bool:
    """Whether the form alone tells so; a name's own addresses are looked at when it is called."""
    if host == "localhost" or host.endswith(_LOCAL):
        return True
    is_literal = ":" in host or host.rpartition(".")[2].isdigit()
    return is_literal and not is_public(host)
