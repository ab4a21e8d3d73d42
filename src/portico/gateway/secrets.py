"""An account's secrets: split from its context and sealed when it is saved, opened when a call is signed."""

from typing import Any

import msgspec

from portico.errors import NeedsReauth
from portico.gateway.keyring import Keyring
from portico.model.account import Account
from portico.model.operation import Integration
from portico.vault.envelope import CannotOpen, Place

Json = dict[str, Any]
# Names that are secret in every context, whatever the integration says.
PROTECTED = frozenset(
    {
        "access_token", "admin_key", "api_key", "api_token", "client_secret", "password", "private_key",
        "refresh_token", "secret", "token",
    }
)  # fmt: skip
_HINT_CHARACTERS = 4
_decoder = msgspec.json.Decoder(dict[str, Any])


class Secrets:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def seal(self, environment_id: str, account_id: str, secrets: Json) -> bytes:
        return await self._keyring.seal(msgspec.json.encode(secrets), sealed_place(environment_id, account_id))

    async def open(self, account: Account) -> Json:
        """The secret half of the context. Raises NeedsReauth when it cannot be opened."""
        if not account.sealed:
            return {}
        try:
            return _decoder.decode(
                await self._keyring.open(account.sealed, sealed_place(account.environment_id, account.id))
            )
        except CannotOpen:
            raise NeedsReauth("The account's credentials cannot be opened; connect it again.") from None


def hint(value: Any) -> str:
    """The end of a key: enough to tell two apart, too little to use."""
    text = value if isinstance(value, str) else ""
    return f"…{text[-_HINT_CHARACTERS:]}" if len(text) >= 4 * _HINT_CHARACTERS else "…"


def split(integration: Integration, context: Json) -> tuple[Json, Json]:
    """(what may be shown, what must be sealed)."""
    secret_names = {each.name for each in integration.context if each.secret} | PROTECTED
    shown = {name: value for name, value in context.items() if name not in secret_names}
    sealed = {name: value for name, value in context.items() if name in secret_names and value not in (None, "")}
    return shown, sealed


def sealed_place(environment_id: str, account_id: str) -> Place:
    return Place("account context", environment_id, f"accounts.sealed:{account_id}")
