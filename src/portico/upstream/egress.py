"""Where requests may go: no private address unless the operator vouches for the host. The table is our own.

Python's idea of a global address has holes (NAT64, 6to4, multicast), so the networks are listed here. The check is made
on the address that a socket is about to connect to, after every look-up, so names that change their mind gain nothing.
"""

import ipaddress
import socket

from portico.errors import ForbiddenAddress
from portico.settings import is_address

_DENIED_V4 = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
# Everything outside 2000::/3 is refused; these lie inside it, and carry or imitate IPv4 or are reserved.
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")
_DENIED_V6 = tuple(
    ipaddress.ip_network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


class AddressRefused(OSError):
    """Raised where a socket is made, so that the HTTP client gives up on this address."""


def is_public(address: str) -> bool:
    """Whether an IP address (no name) is on the open internet. Anything unclear is not."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _DENIED_V4)
    if parsed.ipv4_mapped is not None:
        return is_public(str(parsed.ipv4_mapped))
    return parsed in _GLOBAL_V6 and not any(parsed in network for network in _DENIED_V6)


def public_socket(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
    """A socket for this resolved address, or AddressRefused: the hook that the HTTP client calls before connecting."""
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        raise AddressRefused("private address")
    return _socket(family, kind, protocol)


def any_socket(info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
    family, kind, protocol, _, _ = info
    return _socket(family, kind, protocol)


def _socket(family: int, kind: int, protocol: int) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def check_base_url(url: str, allowed: tuple[str, ...]) -> str:
    """The base URL without a slash at its end, when it is one of those allowed; ForbiddenAddress otherwise."""
    wanted = url.strip().rstrip("/")
    if wanted in allowed and is_address(wanted):
        return wanted
    listed = ", ".join(allowed)
    raise ForbiddenAddress(
        f"The base URL {url!r} is not allowed; allowed: {listed}. "
        "An operator can add others in PORTICO_ALLOWED_BASE_URLS."
    )
