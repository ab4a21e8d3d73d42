"""Where an answer may be sent: which redirect addresses a client may have, and when two are the same. Pure.

Addresses are read with patterns of our own, because URL libraries and browsers disagree about the strange ones.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from msgspec import Struct

LONGEST = 2000
MOST = 20
_HOST = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
_REST = r"(?P<rest>(?:/[^?#]*)?(?:\?[^#]*)?)"
_LOOPBACK = re.compile(rf"http://(?P<host>127\.0\.0\.1|localhost|\[::1\])(?::(?P<port>\d{{1,5}}))?{_REST}")
_WEB = re.compile(rf"https://(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?{_REST}", re.IGNORECASE)
_APP = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*):(?P<rest>[^#]+)")
# What a URI may be written with, without the characters that some programs take for a slash or for an end.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%#]+")
_DOTS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|\?|$)", re.IGNORECASE)


class Redirect(Struct, frozen=True, kw_only=True):
    """A redirect address, read. `host` is what people are shown; `source` is how a page's policy names it."""

    uri: str
    host: str
    source: str
    is_local: bool


def read(uri: str, app_schemes: Iterable[str] = ()) -> Redirect | None:
    """The address; None where it may not be one: neither https, nor this computer, nor a known program's own."""
    if len(uri) > LONGEST or not _PLAIN.fullmatch(uri) or "#" in uri or _DOTS.search(uri):
        return None
    for pattern, scheme in ((_LOOPBACK, "http"), (_WEB, "https")):
        if match := pattern.fullmatch(uri):
            place = _place(match)
            source = f"{scheme}://{place}"
            return Redirect(uri=uri, host=place, source=source, is_local=scheme == "http") if place else None
    match = _APP.fullmatch(uri)
    if match and match["scheme"] in set(app_schemes) - {"http", "https"}:
        return Redirect(uri=uri, host=f"{match['scheme']}:", source=f"{match['scheme']}:", is_local=True)
    return None


def is_allowed(uri: str, registered: Sequence[str]) -> bool:
    """Exactly one of those registered; on this computer with whatever port was free (RFC 8252)."""
    return uri in registered or any(_same_but_port(uri, each) for each in registered)


def with_answer(uri: str, answer: dict[str, str]) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"


def _place(match: re.Match[str]) -> str:
    """Host and port, in small letters; empty where there is no such port."""
    port = match["port"]
    if port is not None and not 0 < int(port) < 65536:
        return ""
    return match["host"].lower() + (f":{port}" if port else "")


def _same_but_port(one: str, other: str) -> bool:
    first, second = _LOOPBACK.fullmatch(one), _LOOPBACK.fullmatch(other)
    if first is None or second is None or not _place(first):
        return False
    return (first["host"], first["rest"]) == (second["host"], second["rest"])
