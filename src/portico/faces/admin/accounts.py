"""/integrated-account: customers' connected accounts. Their secrets go in here and never come out again."""

from typing import Any

from msgspec import UNSET

from portico.clock import iso
from portico.errors import Failure, InvalidArguments
from portico.faces.admin.account_bodies import (
    AccountDeleted,
    AccountQuery,
    AccountRef,
    AccountShown,
    AccountToken,
    BulkDelete,
    BulkDeleted,
    ChangeBody,
    CredentialsBody,
    IdRef,
    ImportBody,
    LeftAtVendor,
    OwnChangeBody,
    Success,
)
from portico.faces.admin.integrations import CapabilitiesQuery, narrowed, summary
from portico.faces.admin.unified import layers_of_account
from portico.faces.endpoint import Asked, Endpoint, Selecting, missing, page, position, selected
from portico.faces.query import earlier_than, later_than
from portico.gateway import accounts
from portico.gateway.admit import admit_account
from portico.gateway.vendor_webhooks import LeftBehind
from portico.model.account import Account, AccountId
from portico.store.accounts import AccountFilter
from portico.unified import meta, overrides

TAG = "Integrated accounts"


async def show(asked: Asked, account: Account) -> dict[str, Any]:
    """The account without a trace of its secrets, but for the last characters that tell keys apart."""
    connected = await asked.parts.lookup.connect(account)
    integration = connected.view.integration
    keys = {
        each.name: {"label": each.label, "present": each.field in account.held, "hint": account.held.get(each.field)}
        for each in integration.credentials
    }
    return {
        "id": account.id,
        "tenant_id": account.tenant_id,
        "environment_id": account.environment_id,
        "environment_integration_id": account.installation_id,
        "status": account.status,
        "authentication_method": account.authentication_method,
        "context": account.context,
        "keys": keys,
        "base_url": connected.base_url,
        "is_sandbox": account.is_sandbox,
        "region": account.region or None,
        "last_error": account.last_error,
        "last_forbidden_error": account.last_forbidden_error,
        "last_action_result": account.last_action_result,
        "last_action_run_result": account.last_action_result,
        "integration_override": account.override,
        "unified_model_override": account.unified_override,
        "log_bodies": account.log_bodies,
        "integration": summary(connected.view),
        "environment_integration": {"id": account.installation_id, "integration_id": account.integration},
        "created_at": iso(account.created_at),
        "updated_at": iso(account.updated_at),
    }


async def list_accounts(asked: Asked) -> Any:
    query: AccountQuery = asked.query
    before, count = position(query)
    where = AccountFilter(
        ids=query.id,
        tenant_id=query.tenant_id,
        status=query.status,
        integration=query.integration.name,
        installation_id=query.environment_integration_id,
        is_sandbox=query.is_sandbox,
        created_after=later_than(query.created_at),
        created_before=earlier_than(query.created_at),
        updated_after=later_than(query.updated_at),
        updated_before=earlier_than(query.updated_at),
    )
    rows = await asked.parts.accounts.page(asked.environment_id, before, count + 1, where)
    rows = rows if query.features.super_query in {"", "false"} else []
    shown = {row.id: selected(await show(asked, row), query.fields) for row in rows[:count]}
    return page(rows, query, lambda row: shown[row.id], lambda row: row.id)


async def import_account(asked: Asked) -> Any:
    body: ImportBody = asked.body
    if not body.tenant_id.strip():
        raise InvalidArguments([Failure("tenant_id", "must not be empty", "your own id for the customer")])
    installation = await accounts.installation_for(
        asked.caller, body.integration, body.environment_integration_id, asked.parts
    )
    view = await asked.parts.views.base(asked.environment_id, installation.integration)
    wanted = accounts.Import(
        installation=installation,
        view=view,
        tenant_id=body.tenant_id,
        context=body.context,
        base_url=body.base_url,
        authentication_method=body.authentication_method,
        is_sandbox=body.is_sandbox,
        region=body.region,
        override=body.integration_override,
        log_bodies=body.log_bodies,
        unified_override=body.unified_model_override,
    )
    if body.unified_model_override:
        proposed = await overrides.for_new_account(asked.parts, installation, body.unified_model_override)
        await overrides.refuse_unusable(asked.parts, proposed)
    return await show(asked, await accounts.import_account(asked.caller, wanted, asked.parts))


async def get_account(asked: Asked) -> Any:
    query: Selecting = asked.query
    return selected(await show(asked, await found(asked, asked.path["id"])), query.fields)


async def change_account(asked: Asked) -> Any:
    body: ChangeBody = asked.body
    account = await found(asked, asked.path["id"])
    if body.unified_model_override is not UNSET:
        proposed = await overrides.for_account(asked.parts, account, body.unified_model_override)
        await overrides.refuse_unusable(asked.parts, proposed)
    change = accounts.Change(
        tenant_id=body.tenant_id,
        status=body.status,
        context=body.context,
        base_url=body.base_url,
        override=body.integration_override,
        unified_override=body.unified_model_override,
        log_bodies=body.log_bodies,
    )
    return await show(asked, await accounts.change_account(asked.caller, account, change, asked.parts))


async def change_credentials(asked: Asked) -> Any:
    """The same change as above, of the keys alone."""
    body: CredentialsBody = asked.body
    account = await found(asked, asked.path["id"])
    integration = (await asked.parts.views.of(account)).integration
    known = {alias for each in integration.context for alias in (each.name, *each.aliases)}
    allowed = ", ".join(each.name for each in integration.context)
    if odd := [name for name in body.context if name not in known]:
        raise InvalidArguments([Failure(f"context.{name}", "is no credential", allowed) for name in odd])
    change = accounts.Change(context=body.context)
    return await show(asked, await accounts.change_account(asked.caller, account, change, asked.parts))


async def delete_account(asked: Asked) -> Any:
    account = await found(asked, asked.path["id"])
    _, left = await accounts.delete_accounts(asked.caller, [account.id], asked.parts)
    return {"id": account.id} | _left(left)


async def bulk_delete(asked: Asked) -> Any:
    body: BulkDelete = asked.body
    if (body.ids is None) == (body.tenant_id is None):
        raise InvalidArguments([Failure("", "needs exactly one of ids and tenant_id")])
    ids = [AccountId(each) for each in body.ids or ()]
    if body.tenant_id is not None:
        ids = list(await asked.parts.accounts.ids_of_tenant(asked.environment_id, body.tenant_id))
    deleted, left = await accounts.delete_accounts(asked.caller, ids, asked.parts, tenant_id=body.tenant_id or "")
    return {"success": True, "deleted": deleted} | _left(left)


def _left(left: list[LeftBehind]) -> dict[str, Any]:
    """Said only where something is left, so that the answer is otherwise what clients of the reference know."""
    told = [LeftAtVendor(each.account_id, each.vendor_id, each.url, each.reason) for each in left]
    return {"left_at_vendor": told} if told else {}


async def make_token(asked: Asked) -> Any:
    account = await found(asked, asked.body.integrated_account_id)
    text, token = await accounts.make_account_token(asked.caller, account, asked.parts)
    return {"integrated_account_token": text, "expires_at": iso(token.expires_at or asked.parts.clock())}


async def refresh_credentials(asked: Asked) -> Any:
    account = await found(asked, asked.body.id)
    proved = await accounts.prove_again(asked.caller, account, "integrated_account.credentials_refreshed", asked.parts)
    return {"success": proved.last_error is None}


async def run_post_install_actions(asked: Asked) -> Any:
    account = await found(asked, asked.body.id)
    proved = await accounts.prove_again(asked.caller, account, "integrated_account.post_install_run", asked.parts)
    return {"success": proved.last_error is None}


async def get_own(asked: Asked) -> Any:
    return await show(asked, await _own(asked))


async def change_own(asked: Asked) -> Any:
    account = await _own(asked)
    change = accounts.Change(context=asked.body.context)
    return await show(asked, await accounts.change_account(asked.caller, account, change, asked.parts))


async def get_capabilities(asked: Asked) -> Any:
    account = await found(asked, asked.path["id"])
    connected = await asked.parts.lookup.connect(account)
    about = {
        "id": account.id,
        "status": account.status,
        "authentication_method": account.authentication_method,
        "is_blocked": account.status == "blocked" or not account.is_enabled,
        "keys": sorted(each.name for each in connected.view.integration.credentials if each.field in account.held),
    }
    shown = {"integration": summary(connected.view), "environment_id": asked.environment_id, "account": about}
    unified = meta.offered(layers_of_account(asked, connected))
    is_changed = {"env_overridden": bool(account.installation_override)}
    return shown | is_changed | narrowed(connected.view, asked.query, unified)


async def found(asked: Asked, account_id: str) -> Account:
    admit_account(asked.caller, AccountId(account_id))
    account = await asked.parts.accounts.get(asked.environment_id, AccountId(account_id))
    if account is None:
        raise missing("integrated account", account_id)
    return account


async def _own(asked: Asked) -> Account:
    if asked.caller.account_id is None:
        raise InvalidArguments(
            [], "This address is for account tokens; with an API token use /integrated-account/{id}."
        )
    return await found(asked, asked.caller.account_id)


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/integrated-account", name="listIntegratedAccounts", summary="List accounts", tag=TAG,
        description="Newest first.",
        handler=list_accounts, query=AccountQuery, returns=list[AccountShown], scope="accounts:read",
    ),
    Endpoint(
        verb="POST", path="/integrated-account", name="importIntegratedAccount", summary="Connect an account", tag=TAG,
        description="Each key is proved with a harmless call; `status` and `last_error` say how that went. "
        "`is_sandbox` is a mark of yours, shown and taken as a filter: it holds nothing back, and the account's calls "
        "may write.",
        handler=import_account, body=ImportBody, returns=AccountShown, scope="accounts", status=201,
    ),
    Endpoint(
        verb="GET", path="/integrated-account/me", name="getOwnIntegratedAccount", tag=TAG, account_token=True,
        summary="The account of an account token", handler=get_own, returns=AccountShown, scope=None,
    ),
    Endpoint(
        verb="PATCH", path="/integrated-account/me", name="updateOwnIntegratedAccount", tag=TAG, account_token=True,
        summary="Change the context of an account token's account", handler=change_own, body=OwnChangeBody,
        returns=AccountShown, scope="call",
    ),
    Endpoint(
        verb="POST", path="/integrated-account/token", name="createIntegratedAccountToken", tag=TAG,
        summary="Make an account token", description="It speaks for one account, for fifteen minutes.",
        handler=make_token, body=AccountRef, returns=AccountToken, scope="accounts",
    ),
    Endpoint(
        verb="POST", path="/integrated-account/refresh-credentials", name="refreshCredentials", tag=TAG,
        summary="Prove an account's keys again", handler=refresh_credentials, body=IdRef, returns=Success,
        scope="accounts",
    ),
    Endpoint(
        verb="POST", path="/integrated-account/run-post-install-actions", name="runPostInstallActions", tag=TAG,
        summary="Run an account's checks again", handler=run_post_install_actions, body=IdRef, returns=Success,
        scope="accounts",
    ),
    Endpoint(
        verb="POST", path="/integrated-account/bulk-delete", name="bulkDeleteIntegratedAccounts", tag=TAG,
        summary="Delete many accounts", handler=bulk_delete, body=BulkDelete, returns=BulkDeleted, scope="accounts",
    ),
    Endpoint(
        verb="GET", path="/integrated-account/{id}", name="getIntegratedAccount", summary="Get an account", tag=TAG,
        handler=get_account, query=Selecting, returns=AccountShown, scope="accounts:read",
    ),
    Endpoint(
        verb="PATCH", path="/integrated-account/{id}", name="updateIntegratedAccount", tag=TAG,
        summary="Change an account", handler=change_account, body=ChangeBody, returns=AccountShown, scope="accounts",
    ),
    Endpoint(
        verb="PATCH", path="/integrated-account/{id}/credentials", name="updateCredentials", tag=TAG,
        summary="Give an account new keys", description="As PATCH of the account does, and nothing but them; they are "
        "proved with a harmless call.", handler=change_credentials, body=CredentialsBody, returns=AccountShown,
        scope="accounts",
    ),
    Endpoint(
        verb="DELETE", path="/integrated-account/{id}", name="deleteIntegratedAccount", tag=TAG,
        summary="Delete an account", handler=delete_account, returns=AccountDeleted, scope="accounts",
    ),
    Endpoint(
        verb="GET", path="/integrated-account/{id}/capabilities", name="getIntegratedAccountCapabilities", tag=TAG,
        summary="What an account can do", handler=get_capabilities, query=CapabilitiesQuery, returns=dict[str, Any],
        scope=None, account_token=True, tagged=True,
    ),
)  # fmt: skip
