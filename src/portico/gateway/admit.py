"""May this caller do this to this account, now? Every way of saying yes has a test of its no."""

from portico.errors import AccountBlocked, KeyMissing, NotAllowed, NotFound, OperationRemoved
from portico.gateway.lookup import Connected
from portico.model.account import AccountId
from portico.model.caller import Caller
from portico.model.operation import Credential, Effect, Operation


def admit_account(caller: Caller, account_id: AccountId) -> None:
    """An account token speaks for its own account; every other account looks as if it did not exist."""
    if caller.account_id is not None and caller.account_id != account_id:
        raise NotFound(f"There is no integrated account {account_id!r}.")


def admit_effect(caller: Caller, effect: Effect) -> None:
    scope = "call:read" if effect == "read" else "call"
    if not caller.may(scope):
        raise NotAllowed(f"This call needs the scope {scope!r}, which the token {caller.name!r} does not have.")


def admit_state(connected: Connected) -> None:
    account = connected.account
    if account.status == "blocked":
        raise AccountBlocked(_blocked(account.block), since=account.block.get("at"))
    if not account.is_enabled:
        raise AccountBlocked(f"The integration {account.integration!r} is switched off in this environment.")


def _blocked(block: dict[str, str]) -> str:
    since = f" since {block['at'][:16].replace('T', ' ')} UTC" if block.get("at") else ""
    by = ", by its panic button" if block.get("by") == "panic" else ""
    return (
        f"The account is blocked{since}{by}: none of its calls goes through. Operators of its environment, and API "
        "tokens with the scope 'accounts', can let it go on (status: active)."
    )


def admit_lifecycle(operation: Operation, connected: Connected) -> None:
    """What the vendor has switched off is refused at the vendor's own addresses; another server may still have it."""
    lifecycle = operation.lifecycle
    if lifecycle.state != "removed" or connected.base_url not in connected.view.integration.base_urls:
        return
    when = f" on {lifecycle.date}" if lifecycle.date else ""
    instead = f"; use {lifecycle.replacement} instead" if lifecycle.replacement else ""
    raise OperationRemoved(f"{connected.view.integration.label} switched {operation.key} off{when}{instead}.")


def admit_key(credential: Credential, connected: Connected) -> None:
    if credential.field not in connected.account.held:
        hint = f" ({credential.hint})" if credential.hint else ""
        raise KeyMissing(
            f"This operation needs the account's {credential.label}{hint}, and it has none; add it and call again."
        )
