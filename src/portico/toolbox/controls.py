"""Arguments that comforts add to a tool: shown where they mean something, and no business of the vendor's. Pure."""

from collections.abc import Collection
from typing import Any

from msgspec import Struct

from portico.errors import Failure, InvalidArguments
from portico.gateway import retry
from portico.model.call import Patience
from portico.model.offered import Offered
from portico.shapes import Json

WAIT_SECONDS, THEN, AS, STORE_AS = "wait_seconds", "then", "as", "store_as"
FIELDS, DRY_RUN, RETRY = "fields", "dry_run", retry.ASKED_BY
BASE64, TABLE = "base64", "table"
OFF = "is switched off on this server; leave it out"
# What `as` may say to every tool, and the comfort that this is.
_FORMS = {BASE64: "files", TABLE: "tables"}
MOST_WAIT_SECONDS = 3600
WEBHOOK = "webhook"


class Control(Struct, frozen=True, kw_only=True):
    """One of them. `comfort` is the word that switches it off on a server, where it can be."""

    name: str
    schema: Json
    comfort: str = ""


WAITING = (
    Control(
        name=WAIT_SECONDS,
        comfort="waiting",
        schema={"type": "number", "description": "Wait for its end, at most so long; then a handle to go on with"},
    ),
    Control(
        name=THEN,
        comfort="waiting",
        schema={"type": "string", "description": "webhook: webhooks hear of its end, however long it takes"},
    ),
)


AS_BASE64 = Control(
    name=AS,
    comfort="files",
    schema={"type": "string", "description": "base64: also as text, where it fits; else a link alone"},
)


KEEP_SECRET = Control(
    name=STORE_AS,
    schema={"type": "string", "description": "Store the key here under this name, shown to nobody"},
)


def controls_of(operation: Offered, off: Collection[str] = ()) -> tuple[Control, ...]:
    """What may be said to this tool beside its own arguments, on a server that has switched `off` some comforts."""
    every = [*(WAITING if operation.wait is not None else ()), *([AS_BASE64] if operation.gives_bytes else [])]
    every += [KEEP_SECRET] if operation.secrets else []
    return tuple(each for each in every if each.comfort not in off)


class Controls:
    """What one tool is told beside its own arguments, ready to be told apart from them again and again."""

    def __init__(self, operation: Offered) -> None:
        own = {each.name for each in operation.parameters}
        every = {each.name: each.comfort for each in controls_of(operation)}
        every |= {FIELDS: "fields", DRY_RUN: "dry_run", RETRY: "", AS: ""}  # bytes and lists may be in any answer
        self._comforts = {name: comfort for name, comfort in every.items() if name not in own}

    def take(self, arguments: Json, off: Collection[str]) -> tuple[Json, Json]:
        """(the tool's own arguments, what was said to us). Refused is what this server has switched off."""
        said = {name: value for name, value in arguments.items() if name in self._comforts}
        if not said:
            return arguments, said
        failures = [Failure(name, OFF) for name, value in said.items() if self._comfort(name, value) in off]
        if said.get(AS) not in (None, *_FORMS):  # whatever it is: a list is in no set
            failures.append(Failure(AS, f"is {said[AS]!r}", ", ".join(_FORMS)))
        if failures:
            raise InvalidArguments(failures)
        return {name: value for name, value in arguments.items() if name not in said}, said

    def _comfort(self, name: str, value: Any) -> str:
        return _FORMS.get(str(value), "") if name == AS else self._comforts[name]


def read_patience(said: Json) -> Patience:
    """How long a vendor's 429 may be waited out; only what changes nothing is sent again."""
    given = said.get(RETRY)
    return Patience() if given is None else retry.asked_for(given)


def read_flag(said: Json, name: str) -> bool:
    """Yes or no, also where it was written as text."""
    given = said.get(name)
    words = {"true": True, "false": False, "": False, "none": False}
    flag = words.get("" if given is None else str(given).strip().lower())
    if flag is None:
        raise InvalidArguments([Failure(name, f"is {given!r}", "true or false")])
    return flag
