"""Environments, the integrations installed in them, and the accounts that customers connect."""

from datetime import datetime
from typing import Any, Literal, NewType

from msgspec import Struct

EnvironmentId = NewType("EnvironmentId", str)
AccountId = NewType("AccountId", str)
AccountState = Literal["connecting", "active", "post_install_error", "validation_error", "needs_reauth", "blocked"]
Json = dict[str, Any]


class Environment(Struct, frozen=True, kw_only=True):
    id: EnvironmentId
    name: str
    log_bodies: bool = False  # whether bodies are kept beside rows of the request log
    created_at: datetime
    updated_at: datetime


class Installation(Struct, frozen=True, kw_only=True):
    """An integration as one environment uses it, with what that environment changes about it."""

    id: str
    environment_id: EnvironmentId
    integration: str
    is_enabled: bool = True
    show_in_catalog: bool = True
    override: Json = {}
    unified_override: Json = {}
    created_at: datetime
    updated_at: datetime


class Account(Struct, frozen=True, kw_only=True):
    """An integrated account: one customer's connected account at a vendor. `sealed` is its secrets, encrypted."""

    id: AccountId
    environment_id: EnvironmentId
    installation_id: str
    integration: str
    tenant_id: str
    status: AccountState
    authentication_method: str = "api_key"
    context: Json = {}
    sealed: bytes = b""
    revision: int = 1  # rises with every change, so that none is lost between reading and writing
    held: dict[str, str] = {}  # secret context fields that are set → their last characters
    base_url: str = ""
    is_sandbox: bool = False
    region: str = ""  # a note of where its customer is; stays as it was when the account was made
    override: Json = {}
    installation_override: Json = {}
    is_enabled: bool = True  # False: its integration is switched off in this environment
    unified_override: Json = {}
    log_bodies: bool | None = None  # None: as its environment has it
    environment_log_bodies: bool = False
    installation_unified_override: Json = {}
    last_error: Json | None = None
    last_forbidden_error: Json | None = None
    last_action_result: Json | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def block(self) -> Json:
        """How it came to be blocked, `{at, by}`; empty where it is not, or where nobody wrote that down."""
        return (self.last_action_result or {}).get("block") or {} if self.status == "blocked" else {}

    @property
    def keeps_bodies(self) -> bool:
        return self.environment_log_bodies if self.log_bodies is None else self.log_bodies
