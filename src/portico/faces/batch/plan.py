"""What a batch asks for, checked, and in which order: nothing before what it depends on. Pure."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from portico.errors import Failure, InvalidArguments
from portico.faces.batch.placeholders import holds_any, key_in
from portico.shapes import Json

MOST_REQUESTS = 100
_VERBS = {"POST": "create", "PATCH": "update", "PUT": "update", "DELETE": "delete"}
_LOOP = "{{resources."


class Following(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the next request is like: this `id` and this `query`."""

    id: str | int = ""
    query: dict[str, Any] = {}


class Recurse(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"condition": "if"}):
    """For every record for which `if` is true the request is made again, with `config` in the place of its own."""

    condition: str = "true"
    config: Following = Following()


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request. `resource` is `model/resource` for the Unified API, one word for the Proxy API.

    `method` is a method's name or an HTTP verb. `persist` false: others may use what came, the answer does not hold it.
    """

    resource: str
    method: str = "list"
    name: str = ""
    id: str | int = ""
    query: dict[str, Any] | str = {}
    body: dict[str, Any] | list[Any] | str | None = None
    depends_on: list[str] | str = []
    loop_on: str = ""
    recurse: Recurse | None = None
    persist: bool = True
    response_format: Literal["unified", "normalized", "raw"] = "unified"

    @property
    def key(self) -> str:
        """What its records are kept under."""
        return self.name or self.resource

    @property
    def is_unified(self) -> bool:
        return "/" in self.resource

    @property
    def named_method(self) -> str:
        verb = self.method.upper()
        if verb == "GET":
            return "get" if self.id != "" else "list"
        return _VERBS.get(verb, self.method)

    def loop_key(self, keys: Json) -> str:
        """The request whose records it goes through; empty where it is a list of another kind."""
        text = self.loop_on.strip()
        if text.startswith(_LOOP) and text.endswith("}}"):
            text = text[len(_LOOP) : -2].strip().removesuffix(":json")
        found = key_in(text, keys)
        return found[0] if found and not found[1] else ""


def ordered(wanted: Sequence[Wanted]) -> list[Wanted]:
    """The requests, each after those that it depends on, otherwise as they were given."""
    if not 1 <= len(wanted) <= MOST_REQUESTS:
        raise InvalidArguments([Failure("resources", f"has {len(wanted)} requests", f"1 to {MOST_REQUESTS}")])
    keys: Json = {each.key: True for each in wanted}
    failures: list[Failure] = []
    needs = [_needs(number, each, keys, failures) for number, each in enumerate(wanted)]
    if failures:
        raise InvalidArguments(failures)
    done: list[int] = []
    while len(done) < len(wanted):
        waiting = [number for number in range(len(wanted)) if number not in done]
        still = {wanted[number].key for number in waiting}
        ready = next((number for number in waiting if not needs[number] & still), None)
        if ready is None:
            stuck = ", ".join(sorted(still))
            raise InvalidArguments([Failure("resources", f"depend on each other in a circle: {stuck}")])
        done.append(ready)
    return [wanted[number] for number in done]


def needed(each: Wanted, keys: Json) -> set[str]:
    """What has to be there before."""
    named = [each.depends_on] if isinstance(each.depends_on, str) else each.depends_on
    looped = each.loop_key(keys)
    return {name for name in named if name} | ({looped} if looped else set())


def _needs(number: int, each: Wanted, keys: Json, failures: list[Failure]) -> set[str]:
    place = f"resources.{number}"
    if not each.resource.strip("/"):
        failures.append(Failure(f"{place}.resource", "must not be empty", "resource, or model/resource"))
    if each.loop_on and not each.loop_key(keys) and not holds_any(each.loop_on):
        allowed = f"{', '.join(keys)}, or a list in braces such as {{{{args.ids}}}}"
        failures.append(Failure(f"{place}.loop_on", f"is {each.loop_on!r}", allowed))
    for text, field in ((each.query, "query"), (each.body, "body")):
        if isinstance(text, str) and not holds_any(text):
            failures.append(Failure(f"{place}.{field}", "has the wrong type", "object, or a placeholder for one"))
    needs = needed(each, keys)
    failures += [
        Failure(f"{place}.depends_on", f"there is no request {name!r} in this batch", ", ".join(keys))
        for name in sorted(needs - set(keys))
    ]
    return needs
