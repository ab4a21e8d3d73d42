"""From a token to its caller, and from an account's id to everything a call needs: each one look-up, then remembered.

The environment is part of every key. What is remembered is dropped at once when it changes here, within half a second
when it changes in another process, and after thirty seconds in any case.
"""

from msgspec import Struct

from portico.catalog.find import View
from portico.clock import Clock
from portico.errors import NotAuthenticated, NotFound
from portico.gateway.remembered import Remembered
from portico.gateway.views import Views
from portico.model.account import Account, AccountId, EnvironmentId
from portico.model.caller import Caller
from portico.settings import Settings
from portico.store.accounts import Accounts
from portico.store.changes import Changes
from portico.store.operators import Operators
from portico.vault import tokens

_REMEMBER_SECONDS = 30.0
_MOST_REMEMBERED = 50_000


class Connected(Struct, frozen=True, kw_only=True):
    """An account with all that its calls need: its view of the catalog and where its requests go."""

    account: Account
    view: View
    base_url: str
    is_trusted: bool


class Lookup:
    def __init__(
        self, *, pepper: bytes, operators: Operators, accounts: Accounts, views: Views, settings: Settings, clock: Clock
    ) -> None:
        self._operators, self._accounts, self._views = operators, accounts, views
        self._trusted = frozenset(settings.extra_base_urls())
        self._settings = settings
        self._clock = clock
        self._bootstrap = tokens.digest(settings.bootstrap_token, pepper) if settings.bootstrap_token else None
        self._digests = tokens.Digests(pepper)
        self._callers: Remembered[bytes, Caller] = Remembered(_MOST_REMEMBERED, _REMEMBER_SECONDS)
        self._connected: Remembered[tuple[str, str], Connected] = Remembered(_MOST_REMEMBERED, _REMEMBER_SECONDS)

    def listen(self, changes: Changes) -> None:
        changes.listen("tokens", self._callers.forget)
        changes.listen("accounts", self._connected.forget)
        changes.listen("integrations", self._connected.forget)
        changes.listen("integrations", self._views.forget)
        changes.at_each_look(lambda: self._turn(changes))

    def _turn(self, changes: Changes) -> None:
        """Where a vendor's calendar has come to a day on which something changes, everybody who keeps what was true
        yesterday hears of it."""
        if self._clock() >= self._views.turn_at:
            changes.apply("integrations")

    async def caller(self, token: str) -> Caller:
        """Who holds this token; one and the same refusal for every token that is not valid now."""
        digest = self._digests.of(token)
        caller = self._callers.peek(digest) or await self._callers.get(digest, lambda: self._find_caller(token, digest))
        if caller.expires_at is not None and caller.expires_at <= self._clock():
            raise NotAuthenticated("The API token is not valid: unknown, revoked or expired.")
        return caller

    async def connected(self, environment_id: EnvironmentId, account_id: AccountId) -> Connected:
        """The account, if it belongs to this environment; otherwise it looks as if it did not exist."""
        key = (environment_id, account_id)
        return self._connected.peek(key) or await self._connected.get(
            key, lambda: self._find(environment_id, account_id)
        )

    async def connect(self, account: Account) -> Connected:
        view = await self._views.of(account)
        default = self._settings.default_base_url(account.integration) or view.integration.base_url
        base_url = account.base_url or default
        return Connected(account=account, view=view, base_url=base_url, is_trusted=base_url in self._trusted)

    async def _find_caller(self, token: str, digest: bytes) -> Caller:
        if not tokens.is_well_formed(token) and digest != self._bootstrap:
            raise NotAuthenticated("The API token is not valid: unknown, revoked or expired.")
        found = await self._operators.token_by_digest(digest)
        if found is None:
            raise NotAuthenticated("The API token is not valid: unknown, revoked or expired.")
        return found.caller()

    async def _find(self, environment_id: EnvironmentId, account_id: AccountId) -> Connected:
        account = await self._accounts.get(environment_id, account_id)
        if account is None:
            raise NotFound(f"There is no integrated account {account_id!r}.")
        return await self.connect(account)
