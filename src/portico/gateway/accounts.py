"""What can be done with accounts as such: import, change, prove again, hand out tokens, delete. Each act is audited."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from portico.catalog import override
from portico.catalog.find import View
from portico.clock import iso
from portico.errors import ChangedMeanwhile, Failure, InvalidArguments, NotFound, Refusal
from portico.gateway import connect, following, stored, vendor_webhooks
from portico.gateway.lifted import lift, lift_of_account
from portico.gateway.parts import Parts
from portico.gateway.vendor_webhooks import LeftBehind
from portico.model.account import Account, AccountId, AccountState, Installation
from portico.model.caller import ACCOUNT_TOKEN_SCOPES, Caller
from portico.store.changes import Topic
from portico.store.database import Session
from portico.store.ids import new_id
from portico.store.installations import Wish
from portico.store.override_versions import OverrideChange
from portico.store.tokens import Token
from portico.vault import tokens

Json = dict[str, Any]
Work = Callable[[Account], Awaitable[Account]]
# Done in the transaction that writes the account; raising leaves everything as it was.
Within = Callable[[Session, Account], Awaitable[None]]
TOKEN_LIFE = timedelta(minutes=15)
MOST_TRIES = 20
_UPDATED = "integrated_account.updated"
PANICKED = "integrated_account.panicked"
RECONNECTED = "integrated_account.reconnected"
_OF_ACCOUNTS: tuple[Topic, ...] = ("accounts", "tokens", "servers", "quotas")


class Import(Struct, frozen=True, kw_only=True):
    """An account to be made; `installation` is the integration as its environment uses it."""

    installation: Installation
    view: View
    tenant_id: str
    context: Json
    base_url: str = ""
    authentication_method: str = "api_key"
    is_sandbox: bool = False
    region: str = ""
    override: Json = {}
    log_bodies: bool | None = None
    unified_override: Json = {}


class Change(Struct, frozen=True, kw_only=True):
    """What to change of an account; what is unset stays."""

    tenant_id: str | UnsetType = UNSET
    status: AccountState | UnsetType = UNSET
    context: Json | UnsetType = UNSET
    base_url: str | UnsetType = UNSET
    override: Json | UnsetType = UNSET
    unified_override: Json | UnsetType = UNSET
    restored_version: int | UnsetType = UNSET  # the override is that of this version
    log_bodies: bool | UnsetType | None = UNSET


async def import_account(caller: Caller, wanted: Import, parts: Parts, within: Within | None = None) -> Account:
    """Make the account, prove its keys, keep it whatever the proof says: its state tells."""
    integration = wanted.view.integration
    context, used = await stored.filled(caller, integration, wanted.context, parts.stored)
    context = {name: value for name, value in connect.tidy(integration, context).items() if value is not None}
    base_url = connect.base_url_of(integration, wanted.base_url or str(context.pop("base_url", "")), parts)
    context.pop("base_url", None)
    connect.check_context(integration, context)
    _check_override(wanted.view, wanted.override)
    moment = parts.clock()
    account = Account(
        id=AccountId(new_id()),
        environment_id=caller.environment_id,
        installation_id=wanted.installation.id,
        integration=integration.name,
        tenant_id=wanted.tenant_id,
        status="connecting",
        authentication_method=wanted.authentication_method,
        base_url=base_url,
        is_sandbox=wanted.is_sandbox,
        region=wanted.region,
        override=wanted.override,
        log_bodies=wanted.log_bodies,
        unified_override=wanted.unified_override,
        installation_override=wanted.installation.override,
        installation_unified_override=wanted.installation.unified_override,
        created_at=moment,
        updated_at=moment,
    )
    account = await connect.with_context(account, integration, context, parts)
    account = await following.settled(account, parts)
    async with parts.database.transaction() as session:
        if within is not None:
            await within(session, account)
        await parts.accounts.add(session, account)
        await _keep_version(session, caller, account, None, parts)
        await parts.audit.add(
            session,
            caller,
            "integrated_account.created",
            account.id,
            moment,
            tenant_id=account.tenant_id,
            status=account.status,
            **_used(used),
        )
        await parts.later.account_changed(session, None, account)
    return account


async def change_account(
    caller: Caller, account: Account, change: Change, parts: Parts, within: Within | None = None, *, act: str = _UPDATED
) -> Account:
    """Merge the change in: context by its top-level names, null takes one away, unmentioned secrets stay.

    `act` is how the audit trail calls it: that somebody connected the account again is told to webhooks as such.
    """
    used: list[str] = []
    fields = sorted(_mentioned(change))
    if change.context is not UNSET:
        integration = (await parts.views.of(account)).integration
        context, used = await stored.filled(caller, integration, change.context, parts.stored)
        change = structs.replace(change, context=context)

    async def work(present: Account) -> Account:
        return await _changed(present, change, parts)

    restored = None if change.restored_version is UNSET else change.restored_version

    async def and_version(session: Session, changed: Account) -> None:
        if within is not None:
            await within(session, changed)
        await _keep_version(session, caller, changed, restored, parts)

    facts = _used(used) | ({} if restored is None else {"restored_version": restored})
    keep = within if change.unified_override is UNSET else and_version
    return await write(caller, account, act, work, parts, keep, fields=fields, **facts)


async def _keep_version(session: Session, caller: Caller, account: Account, restored: int | None, parts: Parts) -> None:
    change = OverrideChange(override=account.unified_override, restored_from=restored)
    await parts.override_versions.add(session, caller, account.id, change, account.updated_at)


def _used(names: list[str]) -> Json:
    """Which stored secrets went into the account, for the audit trail."""
    return {"stored_secrets": names} if names else {}


async def prove_again(caller: Caller, account: Account, act: str, parts: Parts) -> Account:
    """Run the harmless calls again and keep what they show."""

    async def work(present: Account) -> Account:
        return await following.settled(present, parts)

    return await write(caller, account, act, work, parts)


async def delete_accounts(
    caller: Caller, account_ids: Sequence[AccountId], parts: Parts, *, tenant_id: str = ""
) -> tuple[int, list[LeftBehind]]:
    """All of them in one transaction, with their tokens; the number of those that existed, and what stays at vendors.

    `tenant_id`: they are everything that this tenant has, and its quotas go, too.
    """
    left = await vendor_webhooks.end_with_accounts(caller, account_ids, parts)
    async with parts.database.transaction() as session:
        deleted = await _delete(session, caller, account_ids, parts, left)
        if tenant_id:
            await lift(session, caller, "tenant", tenant_id, parts)
    _apply_deleted(parts)
    return deleted, left


async def uninstall(caller: Caller, installation: Installation, parts: Parts) -> None:
    """The integration with all its accounts: nothing is left that could still call the vendor."""
    environment_id = caller.environment_id
    # Asked for twice, for no transaction may wait for a vendor; what was connected in between goes without its word.
    async with parts.database.transaction() as session:
        known = await parts.accounts.ids_of_installation(session, environment_id, installation.id)
    left = await vendor_webhooks.end_with_accounts(caller, known, parts)
    async with parts.database.transaction() as session:
        account_ids = await parts.accounts.ids_of_installation(session, environment_id, installation.id)
        await _delete(session, caller, account_ids, parts, left)
        await parts.override_versions.delete_of(session, environment_id, installation.id)
        await parts.documentation.delete_installed(session, environment_id, installation.id)
        await parts.installations.delete(session, environment_id, installation.id)
        await parts.audit.add(
            session, caller, "environment_integration.deleted", installation.id, parts.clock(),
            accounts=len(account_ids),
        )  # fmt: skip
    _apply_deleted(parts)


async def _delete(
    session: Session, caller: Caller, account_ids: Sequence[AccountId], parts: Parts, left: Sequence[LeftBehind]
) -> int:
    deleted: list[Account] = []
    for account_id in sorted(set(account_ids)):  # always in one order, so that two of these cannot block each other
        account = await parts.accounts.get_within(session, caller.environment_id, account_id)
        if account is not None:
            await lift_of_account(session, caller, account, parts)
        await parts.tokens.delete_of_account(session, caller.environment_id, account_id)
        await parts.servers.delete_of_account(session, caller.environment_id, account_id)
        await parts.shelf.delete_of_account(session, caller.environment_id, account_id)
        await parts.approvals.delete_of_account(session, caller.environment_id, account_id)
        await parts.handover.handed.delete_of_account(session, caller.environment_id, account_id)
        await parts.override_versions.delete_of(session, caller.environment_id, account_id)
        if await parts.accounts.delete(session, caller.environment_id, account_id) and account:
            deleted.append(account)
    behind = {each.account_id: {"left_at_vendor": each.vendor_id or each.url, "why": each.reason} for each in left}
    for account in deleted:
        facts = behind.get(account.id, {})
        await parts.audit.add(session, caller, "integrated_account.deleted", account.id, parts.clock(), **facts)
        await parts.later.account_deleted(session, account)
    for topic in _OF_ACCOUNTS:
        await parts.changes.tell(session, topic)
    return len(deleted)


def _apply_deleted(parts: Parts) -> None:
    for topic in _OF_ACCOUNTS:
        parts.changes.apply(topic)


async def make_account_token(caller: Caller, account: Account, parts: Parts) -> tuple[str, Token]:
    """A token that speaks for one account for fifteen minutes, and never with more rights than its maker."""
    text = tokens.make("acc")
    moment = parts.clock()
    token = Token(
        id=new_id(),
        environment_id=account.environment_id,
        kind="acc",
        name=f"account token of {caller.name}",
        hint=text[-4:],
        scopes=ACCOUNT_TOKEN_SCOPES & caller.scopes,
        account_id=account.id,
        created_by=caller.token_id,
        created_at=moment,
        expires_at=moment + TOKEN_LIFE,
    )
    async with parts.database.transaction() as session:
        await parts.tokens.add(session, token, tokens.digest(text, parts.keyring.pepper))
        await parts.audit.add(session, caller, "integrated_account.token_created", account.id, moment)
    return text, token


async def _changed(account: Account, change: Change, parts: Parts) -> Account:
    view = await parts.views.of(account)
    changed = structs.replace(account, **_plain(change), updated_at=parts.clock())
    if change.override is not UNSET:
        base = await parts.views.base(account.environment_id, account.integration)
        _check_override(base, change.override)
    needs_proof = change.base_url is not UNSET
    if change.base_url is not UNSET:
        changed = structs.replace(changed, base_url=connect.base_url_of(view.integration, change.base_url, parts))
    if change.context is not UNSET:
        changed, touched_keys = await _with_merged_context(changed, view, change.context, parts)
        needs_proof = needs_proof or touched_keys
    if needs_proof and change.status is UNSET and account.status != "blocked":
        changed = await following.settled(changed, parts)
    return changed


async def _with_merged_context(account: Account, view: View, context: Json, parts: Parts) -> tuple[Account, bool]:
    integration = view.integration
    tidied = connect.tidy(integration, context)
    relevant = {each.name for each in integration.context} | {each.field for each in integration.credentials}
    touches_keys = bool((relevant | {"base_url"}) & tidied.keys())
    if "base_url" in tidied:
        wanted = tidied.pop("base_url")
        account = structs.replace(account, base_url=connect.base_url_of(integration, str(wanted or ""), parts))
    merged = account.context | await parts.secrets.open(account) | tidied
    merged = {name: value for name, value in merged.items() if value is not None}
    connect.check_context(integration, merged)
    return await connect.with_context(account, integration, merged, parts), touches_keys


async def write(
    caller: Caller, account: Account, act: str, work: Work, parts: Parts, within: Within | None = None, **facts: Any
) -> Account:
    """Do the work on the account as it is now; again when somebody else changed it meanwhile, so that none is lost."""
    for _ in range(MOST_TRIES):
        changed = _with_block(account, await work(account), act, parts)
        async with parts.database.transaction() as session:
            is_written = await parts.accounts.update(session, changed)
            if is_written:
                if within is not None:
                    await within(session, changed)
                await parts.audit.add(session, caller, act, account.id, parts.clock(), status=changed.status, **facts)
                is_again = act == RECONNECTED
                await parts.later.account_changed(
                    session, account.status, changed, is_update=is_again or act == _UPDATED, is_again=is_again
                )
                await parts.changes.tell(session, "accounts")
        if is_written:
            parts.changes.apply("accounts")
            return changed
        present = await parts.accounts.get(account.environment_id, account.id)
        if present is None:
            raise NotFound(f"There is no integrated account {account.id!r}.")
        account = present
    raise ChangedMeanwhile


def _with_block(before: Account, changed: Account, act: str, parts: Parts) -> Account:
    """The account with when it was blocked and by what, as long as it is; other actions would write over it."""
    result = {name: value for name, value in (changed.last_action_result or {}).items() if name != "block"}
    if changed.status == "blocked":
        anew: Json = {"at": iso(parts.clock()), "by": "panic" if act == PANICKED else "status"}
        result["block"] = before.block if before.status == "blocked" and act != PANICKED else anew
    return structs.replace(changed, last_action_result=result or None)


def _plain(change: Change) -> Json:
    names = ("tenant_id", "status", "override", "unified_override", "log_bodies")
    return {name: getattr(change, name) for name in names if getattr(change, name) is not UNSET}


def _mentioned(change: Change) -> list[str]:
    return [name for name in change.__struct_fields__ if getattr(change, name) is not UNSET]


def _check_override(view: View, change: Json) -> None:
    if change and (failures := override.check(view, change)):
        raise InvalidArguments([failure._replace(path=f"integration_override.{failure.path}") for failure in failures])


async def installation_for(caller: Caller, integration: str, installation_id: str, parts: Parts) -> Installation:
    """The installation that is meant: by its id, or by the integration's name, installed now if need be."""
    if installation_id:
        found = await parts.installations.get(caller.environment_id, installation_id)
        if found is None:
            raise NotFound(f"There is no environment integration {installation_id!r}.")
    elif integration:
        await parts.views.base(caller.environment_id, integration)
        found = await _ensure(caller, integration, parts)
    else:
        names = ", ".join(sorted(parts.views.shipped))
        raise InvalidArguments([Failure("integration", "is required (or environment_integration_id)", names)])
    if not found.is_enabled:
        raise IntegrationDisabled(f"The integration {found.integration!r} is switched off in this environment.")
    return found


class IntegrationDisabled(Refusal):
    """The integration is switched off in this environment."""

    status = 409
    code = "integration_disabled"


async def _ensure(caller: Caller, integration: str, parts: Parts) -> Installation:
    found = await parts.installations.of(caller.environment_id, integration)
    if found is None:
        async with parts.database.transaction() as session:
            moment = parts.clock()
            found, is_new = await parts.installations.ensure(
                session, caller.environment_id, integration, moment, Wish()
            )
            if is_new:
                await parts.audit.add(
                    session, caller, "environment_integration.created", found.id, moment, integration=integration
                )
    return found
