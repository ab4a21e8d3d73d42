"""Keys that a vendor shows once, kept out of the answer: behind a link for one person, under a name, or told after all.

Which of them it is, the server's rules say. Whoever calls may ask for a name, and never for less care than the rules.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec
from msgspec import Struct, structs

from portico.catalog.find import View
from portico.clock import iso
from portico.errors import AlreadyExists, Failure, InvalidArguments, Refusal
from portico.gateway.handover import LONGEST_MINUTES, SHORTEST_MINUTES, Handover, Key
from portico.gateway.stored import STORED, Placed, Stored, check_name, name_like
from portico.model.caller import Caller
from portico.model.offered import Offered
from portico.model.secret import SecretRules, SecretWay, StoredSecret
from portico.shapes import Json, is_list, is_record
from portico.toolbox.controls import STORE_AS

_LINKED = "Opens once, for whoever needs the key: hand the link on, do not open it. Nobody can be shown it again."
_KEPT = "Kept here, sealed. It is used by this name, and nobody is shown it here."
_UNREADABLE = "Withheld: the answer could not be read, and a key may be in it."
_ENDS = 4


class NotHandedOver(Refusal):
    """The vendor made it, but its key could not be handed over. Nobody can see that key: delete it and make another."""

    status = 500
    code = "not_handed_over"


class Given(Struct, frozen=True, kw_only=True):
    """What stands in the answer in the place of a key, and how to take the key back."""

    shown: Any
    take_back: Callable[[], Awaitable[None]]


class Hand(Protocol):
    """How a composed tool hands a key over. `called`: what a person would name it; `instead_of`: the end of a key
    whose place under its name it may take."""

    async def ready(self, instead_of: str = "") -> None: ...

    async def hand(self, field: str, text: str, called: str = "", instead_of: str = "") -> Given: ...


class KeyWish(Struct, frozen=True, kw_only=True):
    """Who makes keys in which account, and what is to become of them. `name`: under which the caller wants them."""

    caller: Caller
    account_id: str
    rules: SecretRules
    name: str = ""


class ShownOnce:
    """The keys in the answer to one call of one tool."""

    def __init__(self, handover: Handover, stored: Stored, wish: KeyWish, offered: Offered) -> None:
        self._handover, self._stored, self._wish, self._offered = handover, stored, wish, offered
        self._caller, self._account_id, self._name = wish.caller, wish.account_id, wish.name

    def of(self, offered: Offered) -> "ShownOnce":
        """The same for the answer of another operation, which may have come in the place of this one's."""
        if offered.key == self._offered.key:
            return self
        return ShownOnce(self._handover, self._stored, self._wish, offered)

    def way(self, field: str) -> SecretWay:
        return "store" if self._name else self._wish.rules.way_for(self._offered.tool.name, field)

    @property
    def kept_fields(self) -> tuple[str, ...]:
        """Those that lead to a key: they stay in the answer whatever was selected, or the key would be lost."""
        return tuple(each for each in self._offered.secrets if self.way(each) != "reveal")

    async def ready(self, instead_of: str = "") -> None:
        """Refuses a name that cannot be had, before anything is made that would need it."""
        if not self._name:
            return
        check_name(self._name, STORE_AS)
        try:
            known = await self._stored.find(self._caller.environment_id, self._name)
        except Refusal:
            return
        if not self._may_replace(known, instead_of):
            problem = f"{self._name!r} is the name of a stored secret already"
            raise InvalidArguments([Failure(STORE_AS, problem, "another name; portico secrets list shows those taken")])

    async def hand(self, field: str, text: str, called: str = "", instead_of: str = "") -> Given:
        key = Key(text=text, account_id=self._account_id, tool=self._offered.tool.name, field=field)
        way = self.way(field)
        if way == "store":
            return await self._store(key, called, instead_of)
        if way == "link":
            return await self._link(key)
        await self._handover.note_revealed(self._caller, key)
        return Given(shown=text, take_back=_nothing)

    async def over(self, value: Any, *, is_ours: bool = False) -> Any:
        """An answer with its keys handed over. `is_ours`: where no text stands, they were handed over already."""
        for field in self._offered.secrets:
            if is_ours and self.way(field) == "reveal":
                continue
            if isinstance(value, str) and self.way(field) != "reveal":
                return {"note": _UNREADABLE}
            try:
                value = await self._over(value, field.split("."), field, "", is_ours=is_ours)
            except Refusal as problem:
                raise self._lost(problem, value) from problem
        return value

    async def _over(self, value: Any, steps: Sequence[str], field: str, called: str, *, is_ours: bool) -> Any:
        if is_list(value):
            return [await self._over(each, steps, field, called, is_ours=is_ours) for each in value]
        if not steps:
            return await self._instead_of(value, field, called, is_ours=is_ours)
        if not is_record(value) or steps[0] not in value:
            return value
        name = value.get("name")
        called = called or (name if isinstance(name, str) else "")
        inner = await self._over(value[steps[0]], steps[1:], field, called, is_ours=is_ours)
        return {**value, steps[0]: inner}

    async def _instead_of(self, value: Any, field: str, called: str, *, is_ours: bool) -> Any:
        if not value or (is_ours and not isinstance(value, str)):
            return value
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        given = await self.hand(field, text, called)
        return value if given.shown is text else given.shown

    async def _link(self, key: Key) -> Given:
        handed = await self._handover.link(self._caller, key, self._wish.rules)
        secret = handed.secret
        shown: Json = {
            "link": handed.url,
            "ends_in": secret.hint,
            "expires_at": iso(secret.expires_at),
            "sign_in": secret.needs_sign_in,
            "note": _LINKED,
        }
        return Given(shown=shown, take_back=lambda: self._handover.withdraw(self._caller, secret))

    async def _store(self, key: Key, called: str, instead_of: str) -> Given:
        if not self._name:
            placed = await self._stored.put_near(self._caller, key, name_like(called or self._offered.resource))
        elif instead_of:
            placed = await self._put_or_replace(key, instead_of)
        else:
            placed = await self._stored.put(self._caller, key, self._name)
        shown: Json = {STORED: placed.secret.name, "ends_in": placed.secret.hint, "note": _KEPT}
        return Given(shown=shown, take_back=lambda: self._stored.take_back(self._caller, placed))

    async def _put_or_replace(self, key: Key, instead_of: str) -> Placed:
        try:
            return await self._stored.put(self._caller, key, self._name)
        except AlreadyExists:
            known = await self._stored.find(self._caller.environment_id, self._name)
            if not self._may_replace(known, instead_of):
                raise
            return await self._stored.replace(self._caller, key, self._name)

    def _may_replace(self, known: StoredSecret, key: str) -> bool:
        """Whether it is that key, of this account, as far as its end tells."""
        is_its_end = len(key) >= _ENDS and key[-_ENDS:] == known.hint[-_ENDS:]
        return is_its_end and known.account_id == self._account_id

    def _lost(self, problem: Refusal, value: Any) -> Refusal:
        made = {"id": value["id"]} if is_record(value) and isinstance(value.get("id"), str) else {}
        return NotHandedOver(f"{NotHandedOver.__doc__} ({problem.sentence})", cause=problem.code, made=made)


async def _nothing() -> None:
    """What was told cannot be taken back."""


def rules_for(rules: SecretRules, view: View) -> SecretRules:
    """With tools by the names that they have in the catalog."""
    if not rules.tools:
        return rules
    return structs.replace(rules, tools={_respelt(each, view): way for each, way in rules.tools.items()})


def problems(rules: SecretRules, view: View) -> list[Failure]:
    """What is wrong with rules: tools that are none, fields that are no keys, a time that is too short or long."""
    failures: list[Failure] = []
    if not SHORTEST_MINUTES <= rules.minutes <= LONGEST_MINUTES:
        allowed = f"{SHORTEST_MINUTES} to {LONGEST_MINUTES}"
        failures.append(Failure("config.secrets.minutes", f"is {rules.minutes}", allowed))
    for each in rules.tools:
        name, _, field = each.partition(".")
        offered = view.tool(name)
        where = f"config.secrets.tools.{each}"
        if offered is None:
            near = ", ".join(view.nearest_tools(name))
            failures.append(Failure(where, f"there is no tool {name!r}", near))
        elif not offered.secrets:
            giving = ", ".join(other.tool.name for other in view.offered if other.secrets)
            failures.append(Failure(where, f"{name} gives no keys", giving))
        elif field and field not in offered.secrets:
            failures.append(Failure(where, f"{field!r} is no key of {name}", ", ".join(offered.secrets)))
    return failures


def told(offered: Offered, rules: SecretRules) -> str:
    """A sentence for a tool's description: in what form its keys come."""
    ways = {rules.way_for(offered.tool.name, field) for field in offered.secrets}
    if ways == {"link"}:
        return "The key comes as a link that opens once."
    if ways == {"store"}:
        return "The key is stored under a name instead of shown."
    return ""


def _respelt(word: str, view: View) -> str:
    name, dot, field = word.partition(".")
    offered = view.tool(name)
    return f"{offered.tool.name if offered else name}{dot}{field}"
