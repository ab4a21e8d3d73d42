"""An account's own key at its vendor: found among all that the vendor lists, replaced, deleted, and proved dead."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import Refusal, VendorGarbled
from portico.gateway.answer import at
from portico.gateway.ask import ask
from portico.gateway.connect import Proof, hint, prove_one
from portico.gateway.execute import execute
from portico.gateway.lookup import Connected
from portico.gateway.parts import Parts
from portico.model.account import AccountId
from portico.model.call import Call
from portico.model.caller import Caller
from portico.model.operation import Credential, Revoking
from portico.shapes import Json, is_record

# How long a deleted key may go on being accepted before we say that it still is.
PAUSES_SECONDS = (0.0, 1.0, 2.0, 4.0, 8.0)
REFUSED = 401
_AT_ONCE = 8
_PAGE_SIZE = 100
_MOST_PAGES = 1000
# Fewer characters at the end of a key would fit too many keys by chance.
_LEAST_SHOWN = 4
_HIDDEN = re.compile(r"[*•…]+|\.{3,}")


class CannotRevoke(Refusal):
    """The key cannot be found or replaced at the vendor; say so and name the page where a person can."""

    status = 409
    code = "cannot_revoke"


class FoundKey(Struct, frozen=True, kw_only=True):
    """A key as its vendor lists it: its id, its name, whatever else is told, and the arguments that lead to it."""

    id: str
    name: str
    entry: Json
    place: Json


class Revoker:
    """Works on the key `secret` of one account's credential, through `actor`: the account whose key may do that."""

    def __init__(
        self, caller: Caller, connected: Connected, actor: AccountId, credential: Credential, parts: Parts
    ) -> None:
        self._caller, self._connected, self._actor, self._parts = caller, connected, actor, parts
        self._credential = credential
        if credential.revoking is None:
            label = connected.view.integration.label
            raise CannotRevoke(f"{label} has no known way to delete a {credential.label} by program; do it by hand.")
        self.rule: Revoking = credential.revoking

    async def find(self, secret: str) -> FoundKey | None:
        """Everywhere that it may be; None where it is nowhere. CannotRevoke where two keys look like it."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def look(place: Json) -> list[FoundKey]:
            async with room:
                listed = await self._every(self.rule.list, self.rule.arguments | place)
            return [self._found(each, place) for each in listed if is_shown_as(at(each, self.rule.shown), secret)]

        found = [each for some in await asyncio.gather(*map(look, await self._places())) for each in some]
        if len(found) > 1:
            names = ", ".join(each.id for each in found)
            raise CannotRevoke(
                f"{len(found)} keys at the vendor end in {secret[-_LEAST_SHOWN:]} ({names}); delete the right one by "
                f"hand{self._by_hand()}."
            )
        return found[0] if found else None

    async def replace(self, key: FoundKey) -> tuple[FoundKey, str]:
        """A new key in the place of this one, which goes on working; (the new one, its secret)."""
        if not self.rule.create:
            raise CannotRevoke("The vendor makes no new keys by program; delete this one and give the account another.")
        arguments: Json = key.place | {"name": key.name or "Portico"}
        for argument, path in self.rule.needs.items():
            value = at(key.entry, path)
            if not isinstance(value, str):
                raise CannotRevoke(
                    f"The key {key.id} has no {path}: the vendor makes new keys by program for service accounts, not "
                    "for people. Delete it instead, and give the account a new one."
                )
            arguments[argument] = value
        made = await self._ask(self.rule.create, arguments)
        identity, secret = at(made, self.rule.id), at(made, self.rule.value)
        if not isinstance(identity, str) or not isinstance(secret, str) or not secret:
            raise VendorGarbled("The vendor's new key is not where its definition says.")
        return FoundKey(id=identity, name=key.name, entry={}, place=key.place), secret

    async def delete(self, key: FoundKey) -> None:
        await self._ask(self.rule.delete, key.place | {"id": key.id})

    async def prove(self, secret: str) -> Proof:
        """One harmless call with that key."""
        return await prove_one(self._connected, self._credential, {self._credential.field: secret}, self._parts)

    async def prove_dead(self, secret: str) -> Proof:
        """Until the vendor refuses the key, for as long as it may take to hear of its own deletion."""
        proof = await self.prove(secret)
        for pause in PAUSES_SECONDS[1:]:
            if proof.status == REFUSED:
                break
            await self._parts.pause(pause)
            proof = await self.prove(secret)
        return proof

    def not_listed(self, secret: str) -> CannotRevoke:
        return CannotRevoke(
            f"The vendor still takes the key {hint(secret)} but lists it nowhere that we may look; delete it by "
            f"hand{self._by_hand()}, or let another account whose key may see it end it: portico accounts panic "
            f"{self._connected.account.id} --through ANOTHER_ACCOUNT."
        )

    def _by_hand(self) -> str:
        return f" at {self.rule.by_hand}" if self.rule.by_hand else ""

    async def _places(self) -> list[Json]:
        """What must be said to see each of the lists that the key may be in."""
        places: list[Json] = [{}]
        for argument, key in self.rule.within.items():
            known = self._connected.account.context.get(self.rule.context.get(argument, ""))
            values = [known] if known else [at(each, "id") for each in await self._every(key, {})]
            places = [place | {argument: value} for place in places for value in values]
        return places

    def _found(self, entry: Json, place: Json) -> FoundKey:
        identity, name = at(entry, self.rule.id), at(entry, self.rule.name)
        if not isinstance(identity, str):
            raise VendorGarbled
        return FoundKey(id=identity, name=name if isinstance(name, str) else "", entry=entry, place=place)

    async def _every(self, key: str, arguments: Json) -> Sequence[Json]:
        """All items of a list, page after page."""
        items: list[Json] = []
        asking = dict(arguments)
        resource, _, method = key.partition(".")
        page = self._connected.view.find(resource, method).page
        if page is not None and page.limit:
            asking["limit"] = _PAGE_SIZE
        for _ in range(_MOST_PAGES):
            answer = await execute(self._caller, self._call(key, asking), self._parts)
            if answer.page is None:
                raise VendorGarbled
            listed: list[Any] = msgspec.json.decode(answer.page.items)
            items += [each for each in listed if is_record(each)]
            if answer.page.next_cursor is None:
                return items
            asking = asking | {"next_cursor": answer.page.next_cursor}
        raise CannotRevoke(f"The list {key} of the vendor has no end.")

    async def _ask(self, key: str, arguments: Json) -> Any:
        return await ask(self._caller, self._call(key, arguments), self._parts)

    def _call(self, key: str, arguments: Json) -> Call:
        resource, _, method = key.partition(".")
        return Call(
            account_id=self._actor, face="admin", resource=resource, method=method, arguments=arguments,
            # The account itself has just been stopped; another's own block holds for us too.
            despite_block=self._actor == self._connected.account.id,
        )  # fmt: skip


def is_shown_as(shown: Any, secret: str) -> bool:
    """Does a vendor's `sk-proj-****abcd` stand for this key? Only where enough of its end is shown."""
    if not isinstance(shown, str):
        return False
    ends = _HIDDEN.split(shown)
    begin, end = ends[0], ends[-1]
    is_cut = len(ends) > 1 and len(begin) + len(end) < len(secret)
    return is_cut and len(end) >= _LEAST_SHOWN and secret.startswith(begin) and secret.endswith(end)
