"""Who asks: a token's holder, bound to one environment, with scopes."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from portico.model.account import AccountId, EnvironmentId

Scope = Literal["operator", "tokens", "accounts", "accounts:read", "call", "call:read", "logs"]

SCOPES: dict[Scope, str] = {
    "operator": "create and change environments, integrations and users, and make tokens for any environment",
    "tokens": "create, list and revoke API tokens of the environment, never with more scopes than one's own",
    "accounts": "create, change and delete accounts and everything that belongs to them",
    "accounts:read": "look at accounts, integrations and the environment",
    "call": "call vendors through an account",
    "call:read": "call vendors, but only operations that change nothing",
    "logs": "read the request log and the audit trail",
}

IMPLIED: dict[Scope, tuple[Scope, ...]] = {"accounts": ("accounts:read",), "call": ("call:read",)}

FULL_SCOPES: frozenset[Scope] = frozenset(SCOPES)
DEFAULT_SCOPES: frozenset[Scope] = frozenset({"accounts", "accounts:read", "call", "call:read", "logs", "tokens"})
ACCOUNT_TOKEN_SCOPES: frozenset[Scope] = frozenset({"call", "call:read"})


class Caller(Struct, frozen=True, kw_only=True):
    """`account_id` is set for account tokens, which speak for that account alone."""

    environment_id: EnvironmentId
    token_id: str
    name: str
    scopes: frozenset[Scope]
    account_id: AccountId | None = None
    expires_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


def widen(scopes: frozenset[Scope]) -> frozenset[Scope]:
    """The scopes with those that they imply."""
    implied: frozenset[Scope] = frozenset(each for scope in scopes for each in IMPLIED.get(scope, ()))
    return scopes | implied
