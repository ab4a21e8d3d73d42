"""What is sent and answered under /integrated-account."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from portico.faces.endpoint import Paging
from portico.faces.query import Range
from portico.model.account import AccountState

Region = Literal["", "wnam", "enam", "apac", "eu"]


class ImportBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`context` holds the keys under the integration's names; a key in the wrong slot finds the right one.

    `log_bodies`: whether bodies of its calls are kept beside the request log; null: as the environment has it.
    `region` is kept as a note: which of a vendor's own regions is called, `base_url` says.
    `is_sandbox` is a mark of yours for accounts that are there to try things, set when the account is made: shown,
    told in events, and a filter of lists. It holds nothing back; calls of such an account go to its vendor like any
    other's, those that write too. (A sandbox account of the reference's is a read-only copy; there is none here.)
    """

    tenant_id: str
    integration: str = ""
    environment_integration_id: str = ""
    context: dict[str, Any] = {}
    authentication_method: Literal["api_key"] = "api_key"
    base_url: str = ""
    is_sandbox: bool = False
    region: Region = ""
    integration_override: dict[str, Any] = {}
    log_bodies: bool | None = None
    unified_model_override: dict[str, Any] = {}


class ChangeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`context` merges by its top-level names: null removes one, and secrets that are not mentioned stay."""

    tenant_id: str | UnsetType = UNSET
    status: AccountState | UnsetType = UNSET
    context: dict[str, Any] | UnsetType = UNSET
    base_url: str | UnsetType = UNSET
    integration_override: dict[str, Any] | UnsetType = UNSET
    unified_model_override: dict[str, Any] | UnsetType = UNSET
    log_bodies: bool | UnsetType | None = UNSET


class CredentialsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`context` holds what the integration asks for: keys and what belongs to them. The rest of the context stays."""

    context: dict[str, Any]


class OwnChangeBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    context: dict[str, Any]


class AccountShown(Struct, frozen=True, kw_only=True):
    """`last_action_run_result` is what `last_action_result` is, by the name that the reference's answers have."""

    id: str
    tenant_id: str
    environment_id: str
    environment_integration_id: str
    status: AccountState
    authentication_method: str
    context: dict[str, Any]
    keys: dict[str, Any]
    base_url: str
    is_sandbox: bool
    region: str | None
    last_error: dict[str, Any] | None
    last_forbidden_error: dict[str, Any] | None
    last_action_result: dict[str, Any] | None
    last_action_run_result: dict[str, Any] | None
    integration_override: dict[str, Any]
    unified_model_override: dict[str, Any]
    log_bodies: bool | None
    integration: dict[str, Any]
    environment_integration: dict[str, Any]
    created_at: str
    updated_at: str


class OfIntegration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: tuple[str, ...] = ()


class Features(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For clients of the reference, which ask by region: no account here has any, and `false` asks for all of those."""

    super_query: str = ""


class AccountQuery(Paging, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`fields`: only these of each account."""

    fields: tuple[str, ...] = ()
    id: tuple[str, ...] = ()
    tenant_id: tuple[str, ...] = ()
    status: tuple[AccountState, ...] = ()
    is_sandbox: bool | None = None
    integration: OfIntegration = OfIntegration()
    environment_integration_id: tuple[str, ...] = ()
    features: Features = Features()
    created_at: Range | None = None
    updated_at: Range | None = None


class AccountRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    integrated_account_id: str


class IdRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str


class BulkDelete(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either the ids, or everything of one tenant, with the quotas that are said of it."""

    ids: list[str] | None = None
    tenant_id: str | None = None


class AccountToken(Struct, frozen=True, kw_only=True):
    integrated_account_token: str
    expires_at: str


class Success(Struct, frozen=True, kw_only=True):
    success: bool


class LeftAtVendor(Struct, frozen=True):
    """A webhook endpoint that could not be ended at the vendor before the account's key went."""

    integrated_account_id: str
    vendor_webhook_id: str
    url: str
    reason: str


class AccountDeleted(IdRef, frozen=True, kw_only=True):
    left_at_vendor: list[LeftAtVendor] = []


class BulkDeleted(Success, frozen=True, kw_only=True):
    deleted: int
    left_at_vendor: list[LeftAtVendor] = []
