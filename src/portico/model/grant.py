"""Grants: what a person lets a program do on one MCP server (OAuth), until somebody takes it back."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.model.account import AccountId, EnvironmentId
from portico.model.caller import Scope
from portico.model.person import PersonId
from portico.model.server import ServerId

GrantScope = Literal["mcp:read", "mcp:write"]
ClientKind = Literal["document", "file", "registered"]

READ: GrantScope = "mcp:read"
WRITE: GrantScope = "mcp:write"
GRANT_SCOPES: dict[GrantScope, str] = {
    READ: "see: call tools that change nothing",
    WRITE: "change: call tools that create, change or delete",
}


class Grant(Struct, frozen=True, kw_only=True):
    """One program of one person on one server. `address` is the keyed hash of the server's address at that time:
    a server that was given a new address has no grants."""

    id: str
    environment_id: EnvironmentId
    account_id: AccountId
    server_id: ServerId
    address: bytes
    person_id: PersonId
    client_id: str
    client_name: str
    redirect_host: str
    scopes: frozenset[GrantScope]
    created_at: datetime
    used_at: datetime
    expires_at: datetime


def call_scopes(scopes: Iterable[GrantScope]) -> frozenset[Scope]:
    """What these scopes mean on the one path."""
    return frozenset({"call", "call:read"}) if WRITE in scopes else frozenset({"call:read"})


def written(scopes: Iterable[GrantScope]) -> str:
    """As OAuth writes a list of scopes: what may be written may be read."""
    return f"{READ} {WRITE}" if WRITE in scopes else READ
