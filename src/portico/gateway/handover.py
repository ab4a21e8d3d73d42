"""Keys that a vendor shows once, handed over past whoever asked for them: by a link that opens once.

Their text goes into a sealed row and out to one person, and nowhere else. Each step is audited.
"""

from datetime import timedelta

from msgspec import Struct

from portico.clock import Clock
from portico.errors import NotAllowed, NotFound, Refusal
from portico.gateway.keyring import Keyring
from portico.gateway.secrets import hint
from portico.model.account import AccountId
from portico.model.caller import Caller
from portico.model.person import Person
from portico.model.secret import HandedSecret, HandedState, SecretRules
from portico.store.audit import Audit
from portico.store.database import Database
from portico.store.ids import new_id
from portico.store.operators import Operators
from portico.store.secrets import HandedSecrets
from portico.vault import tokens
from portico.vault.envelope import CannotOpen, Place

PATH = "/one-time/"
SHORTEST_MINUTES, LONGEST_MINUTES = 1, 10_080
_KIND = "once"
_NOBODY = "whoever had the link"
_UNKNOWN = "This link is unknown or has expired."


class AlreadySeen(Refusal):
    """The key behind this link was shown already, and it is shown once. If that was not you, have the key revoked."""

    status = 410
    code = "already_seen"


class Key(Struct, frozen=True, kw_only=True):
    """A key as a vendor showed it: its text, and which field of which tool's answer it stood in."""

    text: str
    account_id: str
    tool: str
    field: str

    @property
    def about(self) -> str:
        return f"{self.tool} {self.field}".strip()


class Handed(Struct, frozen=True, kw_only=True):
    """A link that was made. The address is told this once."""

    url: str
    secret: HandedSecret


class Handover:
    def __init__(
        self, database: Database, operators: Operators, keyring: Keyring, audit: Audit, clock: Clock, public_url: str
    ) -> None:
        self._database, self._operators = database, operators
        self._keyring, self._audit, self._clock = keyring, audit, clock
        self._public_url = public_url.rstrip("/")
        self.handed = HandedSecrets()

    async def link(self, caller: Caller, key: Key, rules: SecretRules) -> Handed:
        """A page that shows the key once."""
        moment, secret_id, text = self._clock(), new_id(), tokens.make(_KIND)
        secret = HandedSecret(
            id=secret_id,
            environment_id=caller.environment_id,
            account_id=key.account_id,
            sealed=await self._keyring.seal(key.text.encode(), sealed_place(caller.environment_id, secret_id)),
            hint=hint(key.text),
            about=key.about,
            needs_sign_in=rules.sign_in,
            created_at=moment,
            expires_at=moment + timedelta(minutes=rules.minutes),
        )
        async with self._database.transaction() as session:
            await self.handed.add(session, secret, tokens.digest(text, self._keyring.pepper))
            await self._audit.add(
                session, caller, "secret.linked", secret_id, moment,
                about=key.about, ends_in=secret.hint, account_id=key.account_id, needs_sign_in=rules.sign_in,
            )  # fmt: skip
        return Handed(url=f"{self._public_url}{PATH}{text}", secret=secret)

    async def withdraw(self, caller: Caller, secret: HandedSecret) -> None:
        """The link leads nowhere from now on."""
        async with self._database.transaction() as session:
            await self.handed.withdraw(session, secret.environment_id, secret.id)
            await self._audit.add(
                session, caller, "secret.link_withdrawn", secret.id, self._clock(),
                about=secret.about, ends_in=secret.hint, account_id=secret.account_id,
            )  # fmt: skip

    async def peek(self, text: str) -> HandedSecret:
        """What a link leads to, without its being seen. One and the same NotFound for all that leads nowhere."""
        found = None
        if text.startswith(f"ptc_{_KIND}_") and tokens.is_well_formed(text):
            found = await self._operators.handed_secret(tokens.digest(text, self._keyring.pepper))
        if found is None or found.expires_at <= self._clock():
            raise NotFound(_UNKNOWN)
        if found.seen_at is not None:
            raise AlreadySeen
        return found

    async def see(self, text: str, person: Person | None, address: str) -> tuple[HandedSecret, str]:
        """The key's text, this once. `person`: whoever is signed in."""
        secret = await self.peek(text)
        viewer = _viewer(secret, person)
        plain = await self._open(secret)
        async with self._database.transaction() as session:
            if not await self.handed.was_seen(session, secret, self._clock()):
                raise AlreadySeen
            await self._audit.add(
                session, viewer, "secret.seen", secret.id, self._clock(),
                about=secret.about, ends_in=secret.hint, account_id=secret.account_id, address=address,
            )  # fmt: skip
        return secret, plain

    async def state(self, secret: HandedSecret) -> HandedState:
        """What has become of it."""
        return await self.handed.state(self._database, secret.environment_id, secret.id)

    async def decline(self, caller: Caller, account_id: AccountId, secret_id: str) -> None:
        """The people who were to see it do not want to; it can be seen all the same."""
        async with self._database.transaction() as session:
            await self.handed.decline(session, caller.environment_id, account_id, secret_id, self._clock())

    async def note_revealed(self, caller: Caller, key: Key) -> None:
        """Told to whoever asked, as its server wants it."""
        async with self._database.transaction() as session:
            await self._audit.add(
                session, caller, "secret.revealed", key.account_id, self._clock(),
                about=key.about, ends_in=hint(key.text),
            )  # fmt: skip

    async def _open(self, secret: HandedSecret) -> str:
        try:
            return (await self._keyring.open(secret.sealed, sealed_place(secret.environment_id, secret.id))).decode()
        except CannotOpen:
            raise NotFound("The key behind this link can no longer be opened; make another one.") from None


def admit(secret: HandedSecret, person: Person | None) -> None:
    """Whether this person may see it. For somebody of elsewhere there is nothing here."""
    if not secret.needs_sign_in:
        return
    if person is None or not person.sees(secret.environment_id):
        raise NotFound(_UNKNOWN)
    if not person.may_write():
        raise NotAllowed("You may only look here, and a key is more than that; ask an operator or owner.")


def _viewer(secret: HandedSecret, person: Person | None) -> Caller:
    """Whose name stands in the audit trail: also where nobody had to sign in, whoever was."""
    admit(secret, person)
    if person is not None:
        return person.caller(secret.environment_id)
    return Caller(environment_id=secret.environment_id, token_id=f"link:{secret.id}", name=_NOBODY, scopes=frozenset())


def sealed_place(environment_id: str, secret_id: str) -> Place:
    return Place("handed secret", environment_id, f"handed_secrets.sealed:{secret_id}")
