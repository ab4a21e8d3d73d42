"""Opened credential → headers, for the host that the account is pinned to and no other. Pure."""

from collections.abc import Mapping

from msgspec import structs

from portico.errors import ForbiddenAddress
from portico.gateway.lookup import Connected
from portico.model.operation import Credential
from portico.upstream.transport import UpstreamRequest

# Whatever the caller sent under these names stays behind: the account's own take their place.
_REPLACED = frozenset({"authorization", "cookie", "host", "proxy-authorization"})


def sign(
    request: UpstreamRequest, credential: Credential, context: Mapping[str, str], connected: Connected
) -> UpstreamRequest:
    """The request with the account's key on it; refuses an address outside the account's base URL."""
    if not (request.url + "/").startswith(connected.base_url + "/") and not request.url.startswith(
        connected.base_url + "?"
    ):
        raise ForbiddenAddress("A key is sent to the base URL of its own account only.")
    ours = fill(credential.headers, context)
    dropped = _REPLACED | {name.lower() for name in ours}
    kept = [(name, value) for name, value in request.headers if name.lower() not in dropped]
    return structs.replace(request, headers=[*kept, *ours.items()])


def is_aimed_by_caller(request: UpstreamRequest, credential: Credential, context: Mapping[str, str]) -> bool:
    """Whether the caller says itself where the key is to be used (an organization, say), and may be wrong about it."""
    ours = _REPLACED | {name.lower() for name in fill(credential.headers, context)}
    open_to_callers = {name.lower() for name in credential.headers} - ours
    return any(name.lower() in open_to_callers for name, _ in request.headers)


def fill(headers: Mapping[str, str], context: Mapping[str, str]) -> dict[str, str]:
    """`{field}` replaced by the account's value; a header whose field is empty is not sent."""
    filled: dict[str, str] = {}
    for name, template in headers.items():
        before, brace, rest = template.partition("{")
        if not brace:
            filled[name] = template
            continue
        field, _, after = rest.partition("}")
        if value := context.get(field):
            filled[name] = f"{before}{value}{after}"
    return filled
