"""Stored secrets: kept sealed under a name, used by that name, and never told again but by a link that opens once."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, structs

from portico.clock import Clock
from portico.errors import AlreadyExists, ChangedMeanwhile, Failure, InvalidArguments, NotAllowed, NotFound
from portico.gateway.handover import Key
from portico.gateway.keyring import Keyring
from portico.gateway.secrets import PROTECTED, hint
from portico.model.account import EnvironmentId
from portico.model.caller import Caller
from portico.model.operation import Integration
from portico.model.secret import StoredSecret
from portico.shapes import Json, is_record
from portico.store.audit import Audit
from portico.store.database import Database
from portico.store.ids import new_id
from portico.store.secrets import StoredSecrets
from portico.vault import tokens
from portico.vault.envelope import CannotOpen, Place

STORED = "stored"
LONGEST_SECRET = 10_000
NAME_RULE = "1 to 100 letters, digits, spaces and . _ : @ + -, beginning with a letter or digit, ending with no space"
_NAME = re.compile(r"[^\W_](?:[\w .:@+-]{0,98}[\w.:@+-])?")
_MOST_NAMESAKES = 1000


class Placed(Struct, frozen=True, kw_only=True):
    """A secret that was stored. `before`: what stood under its name, where it took that one's place; `is_new` False:
    it was there already."""

    secret: StoredSecret
    is_new: bool
    before: StoredSecret | None = None


class Stored:
    def __init__(self, database: Database, keyring: Keyring, audit: Audit, clock: Clock) -> None:
        self._database, self._secrets = database, StoredSecrets(database)
        self._keyring, self._audit, self._clock = keyring, audit, clock

    async def put(self, caller: Caller, key: Key, name: str) -> Placed:
        """Under exactly that name. AlreadyExists where it is taken by another key; the same key is kept once."""
        check_name(name)
        if not 1 <= len(key.text) <= LONGEST_SECRET:
            raise InvalidArguments([Failure("value", f"must have 1 to {LONGEST_SECRET} characters")])
        known = await self._secrets.get(caller.environment_id, name)
        if known is not None and known.mark == self._mark(key):
            return Placed(secret=known, is_new=False)
        return Placed(secret=await self._add(caller, key, name), is_new=True)

    async def put_over(self, caller: Caller, key: Key, name: str) -> Placed:
        """Under exactly that name, whatever stood there."""
        try:
            return await self.put(caller, key, name)
        except AlreadyExists:
            return await self.replace(caller, key, name)

    async def put_near(self, caller: Caller, key: Key, name: str) -> Placed:
        """Under that name; where it is taken by another key, with a number behind it."""
        for number in range(1, _MOST_NAMESAKES):
            try:
                return await self.put(caller, key, name if number == 1 else f"{name[:90]}-{number}")
            except AlreadyExists:
                continue
        raise AlreadyExists(f"There are {_MOST_NAMESAKES} stored secrets called {name!r}; choose another name.")

    async def replace(self, caller: Caller, key: Key, name: str) -> Placed:
        """In the place of the one that has the name."""
        before = await self.find(caller.environment_id, name)
        secret = structs.replace(
            before, **await self._sealed(key, before.id, caller), about=key.about, updated_at=self._clock()
        )
        await self._write(caller, secret, before, "secret.replaced")
        return Placed(secret=secret, is_new=False, before=before)

    async def take_back(self, caller: Caller, placed: Placed) -> None:
        """As it was before."""
        if placed.before is not None:
            await self._write(caller, placed.before, placed.secret, "secret.restored")
        elif placed.is_new:
            await self.delete(caller, placed.secret)

    async def page(self, environment_id: EnvironmentId, before: str, count: int) -> list[StoredSecret]:
        return await self._secrets.page(environment_id, before, count)

    async def find(self, environment_id: EnvironmentId, name: str) -> StoredSecret:
        found = await self._secrets.get(environment_id, name)
        if found is None:
            raise NotFound(f"There is no stored secret {name!r}.")
        return found

    async def text_of(self, secret: StoredSecret) -> str:
        """For whoever puts it into an account or behind a link; it goes into no answer."""
        try:
            return (await self._keyring.open(secret.sealed, sealed_place(secret.environment_id, secret.id))).decode()
        except CannotOpen:
            raise NotFound(f"The stored secret {secret.name!r} can no longer be opened; store it anew.") from None

    async def delete(self, caller: Caller, secret: StoredSecret) -> None:
        async with self._database.transaction() as session:
            await self._secrets.delete(session, secret.environment_id, secret.name)
            await self._audit.add(
                session, caller, "secret.deleted", secret.id, self._clock(), name=secret.name, ends_in=secret.hint
            )

    async def _add(self, caller: Caller, key: Key, name: str) -> StoredSecret:
        moment, secret_id = self._clock(), new_id()
        secret = StoredSecret(
            id=secret_id,
            environment_id=caller.environment_id,
            account_id=key.account_id,
            name=name,
            **await self._sealed(key, secret_id, caller),
            about=key.about,
            created_by=caller.token_id,
            created_at=moment,
            updated_at=moment,
        )
        async with self._database.transaction() as session:
            await self._secrets.add(session, secret)
            await self._audit.add(
                session, caller, "secret.stored", secret_id, moment,
                name=name, about=key.about, ends_in=secret.hint, account_id=key.account_id,
            )  # fmt: skip
        return secret

    async def _write(self, caller: Caller, secret: StoredSecret, present: StoredSecret, act: str) -> None:
        async with self._database.transaction() as session:
            if not await self._secrets.replace(session, secret, present.mark):
                raise ChangedMeanwhile(f"The stored secret {secret.name!r} was changed meanwhile.")
            await self._audit.add(
                session, caller, act, secret.id, self._clock(),
                name=secret.name, about=secret.about, ends_in=secret.hint, ended_in=present.hint,
            )  # fmt: skip

    async def _sealed(self, key: Key, secret_id: str, caller: Caller) -> dict[str, Any]:
        """The text, in the only forms in which it is kept."""
        sealed = await self._keyring.seal(key.text.encode(), sealed_place(caller.environment_id, secret_id))
        return {"sealed": sealed, "mark": self._mark(key), "hint": hint(key.text)}

    def _mark(self, key: Key) -> bytes:
        return tokens.mark("stored secret", key.text, self._keyring.pepper)


async def filled(caller: Caller, integration: Integration, context: Json, store: Stored) -> tuple[Json, list[str]]:
    """An account's context with the keys' texts where `{"stored": name}` stood, and those names."""
    named = {field: value for field, value in context.items() if is_record(value) and STORED in value}
    if not named:
        return context, []
    if caller.account_id is not None:
        raise NotAllowed("An account token cannot use stored secrets: they belong to the whole environment.")
    secret = _secret_fields(integration)
    failures = [
        Failure(f"context.{field}", "is not secret, so it takes no stored secret", ", ".join(sorted(secret)))
        for field in named
        if field not in secret
    ]
    failures += [
        Failure(f"context.{field}", "must be the name of a stored secret", '{"stored": "name"}')
        for field, value in named.items()
        if value.keys() != {STORED} or not isinstance(value[STORED], str)
    ]
    if failures:
        raise InvalidArguments(failures)
    texts = {field: await _text(caller, field, value, store) for field, value in named.items()}
    return context | texts, sorted({value[STORED] for value in named.values()})


def check_name(name: str, argument: str = "name") -> None:
    if not _NAME.fullmatch(name):
        raise InvalidArguments([Failure(argument, f"is {name[:100]!r}", NAME_RULE)])


def name_like(text: str) -> str:
    """The nearest name that may be given."""
    tidy = re.sub(r"[^\w .:@+-]+", "-", text).strip(" ._:@+-")[:90].rstrip()
    return tidy or "key"


async def _text(caller: Caller, field: str, value: Mapping[str, Any], store: Stored) -> str:
    try:
        return await store.text_of(await store.find(caller.environment_id, value[STORED]))
    except NotFound as problem:
        raise InvalidArguments(
            [Failure(f"context.{field}", problem.sentence, "GET /stored-secret lists them")]
        ) from None


def _secret_fields(integration: Integration) -> set[str]:
    own = {alias for each in integration.context if each.secret for alias in (each.name, *each.aliases)}
    return own | (PROTECTED & {alias for each in integration.context for alias in (each.name, *each.aliases)})


def sealed_place(environment_id: str, secret_id: str) -> Place:
    return Place("stored secret", environment_id, f"stored_secrets.sealed:{secret_id}")
