"""What a program asked for, once it was found to be in order."""

from msgspec import Struct

from portico.gateway.oauth.clients import Client
from portico.gateway.oauth.redirects import Redirect
from portico.model.grant import GrantScope
from portico.model.server import McpServer


class Asking(Struct, frozen=True, kw_only=True):
    """One request for access that a person may say yes to."""

    client: Client
    redirect: Redirect
    state: str
    scopes: frozenset[GrantScope]
    challenge: str
    resource: str
    server: McpServer
    address: bytes
