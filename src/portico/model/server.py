"""An MCP server: one account's tools behind one address, narrowed by a filter, with an end and a brake."""

from datetime import datetime
from typing import Annotated, Any, Literal, NewType

from msgspec import Meta, Struct

from portico.model.account import AccountId, EnvironmentId
from portico.model.secret import SecretRules, SecretWay

ServerId = NewType("ServerId", str)
Exposure = Literal["all", "discovery", "auto"]
Confirm = Literal["never", "destructive", "writes"]
# Where people at a program say yes: in a form of the program, on a page of ours, or there as somebody who is signed in.
ConfirmAt = Literal["program", "page", "sign_in"]
# What a server may switch off. Each is a word of the toolbox's reference.
Comfort = Literal[
    "names", "times", "fields", "tables", "cursors", "lean", "waiting", "files", "dry_run", "reports", "recipes"
]


_MOST = 10**15


class Budget(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a server may use in one day of UTC: calls of the vendor, and US dollars."""

    calls_per_day: Annotated[int, Meta(ge=0, le=_MOST)] | None = None
    spend_per_day: Annotated[float, Meta(ge=0, le=_MOST)] | None = None


class ServerConfig(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a server offers and how. Fields that are not here are refused, not ignored."""

    methods: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tool_exposure: Exposure = "auto"
    require_api_token_auth: bool = False
    arguments: dict[str, dict[str, Any]] = {}
    include_removed: bool = False
    read_only: bool = False
    confirm: Confirm = "never"
    confirm_at: ConfirmAt = "program"
    confirm_wait_seconds: float = 25  # how long a call waits for its approval before it is to be made again
    comforts_off: tuple[Comfort, ...] = ()
    secrets: SecretWay | SecretRules = "link"
    result_limit: int = 40_000  # characters of text in one answer
    budget: Budget | None = None  # kept as quotas of the server, and read from there

    @property
    def secret_rules(self) -> SecretRules:
        return SecretRules(way=self.secrets) if isinstance(self.secrets, str) else self.secrets


class McpServer(Struct, frozen=True, kw_only=True):
    """`revision` rises with every change: what was made of an older one is made anew."""

    id: ServerId
    environment_id: EnvironmentId
    account_id: AccountId
    name: str
    config: ServerConfig
    hint: str
    revision: int
    created_by: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
