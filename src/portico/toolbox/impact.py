"""What a call would do, before it does it: the request, what differs from the present state, what it hits and means.

The present state is read with the operation that gets the same item, as the catalog has it, for the same caller.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from portico.errors import Refusal
from portico.gateway import facts
from portico.gateway.answer import at
from portico.model.call import Upload
from portico.model.offered import Offered
from portico.model.operation import NameRule, Operation
from portico.shapes import Json, NotJson, decode, is_list, is_record
from portico.toolbox.reach import Reach
from portico.toolbox.tools import IDENTITY

_LONGEST_SHOWN = 2_000


class Looked(Struct, frozen=True, kw_only=True):
    """The item as it is now; `problem` says why it is not known. None: the operation is about no item that there is."""

    state: Json = {}
    problem: str = ""


async def present(reach: Reach, operation: Operation, arguments: Json) -> Looked | None:
    look = look_of(reach, operation)
    if look is None:
        return None
    try:
        answer = await reach.send(look, {name: arguments[name] for name in look.path_parameters if name in arguments})
        state: Any = decode(answer.content or b"null")
    except Refusal as problem:
        return Looked(problem=problem.sentence)
    except NotJson:
        return Looked(problem="the vendor's answer could not be read")
    return Looked(state=state) if is_record(state) else Looked(problem="the vendor gave no object")


def look_of(reach: Reach, operation: Operation) -> Operation | None:
    """The operation that gets the very item that this one is about."""
    view = reach.connected.view
    if not operation.identity or operation.method == "get" or not view.has(operation.resource, "get"):
        return None
    look = view.find(operation.resource, "get")
    return look if set(look.path_parameters) == set(operation.path_parameters) else None


def changes(operation: Operation, arguments: Json, state: Json) -> list[Json]:
    """Field by field, what a call that writes to the item would make of it; what stays as it is, is left out."""
    found: list[Json] = []
    for each in operation.parameters:
        if each.place == "body" and each.name in arguments:
            found += _differing(each.on_the_wire, at(state, each.on_the_wire), arguments[each.name])
    return found


def _differing(field: str, now: Any, then: Any) -> list[Json]:
    if is_record(now) and is_record(then):
        return [change for name in then for change in _differing(f"{field}.{name}", now.get(name), then[name])]
    if now == then:
        return []
    return [{"field": field, "from": shown(now, field), "to": shown(then, field)}]


async def request(reach: Reach, operation: Operation, arguments: Json) -> Json:
    """Method, path and body as they would be sent. Files are shown as they were given, shortened."""
    names = {each.name for each in operation.parameters if each.place == "upload"}
    uploads: dict[str, Sequence[Upload]] = {
        name: [Upload(filename="file", content=b"")] for name in names & arguments.keys()
    }
    plain = {name: value for name, value in arguments.items() if name not in uploads}
    answer = await reach.send(operation, plain, dry_run=True, uploads=uploads)
    asked: Json = msgspec.json.decode(answer.content or b"{}")["request"]
    parts = urlsplit(str(asked["url"]))
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    body: Any = asked.get("body")
    if uploads:
        placed = {each.name for each in operation.parameters if each.place in {"body", "upload"}}
        body = {name: value for name, value in arguments.items() if name in placed}
    return {"method": asked["method"], "path": path, "body": shown(body, "body")}


def sentence(offered: Offered, arguments: Json, understood: Json) -> str:
    """The question of the definition with its blanks filled, or the tool's title."""
    if not offered.asks:
        return f"{offered.title}?"
    text = offered.asks
    for name, value in {**arguments, **understood}.items():
        text = text.replace(f"{{{name}}}", str(shown(value, name)))
    return text.replace(f"{{{IDENTITY}}}", str(arguments.get(offered.identity, "")))


def target(reach: Reach, operation: Operation, state: Json) -> Json:
    """The small facts of the item that is hit, what it is called by first."""
    small = facts.small(state, operation.secrets)
    rule = reach.connected.view.integration.names.get(f"{operation.resource}.list", NameRule())
    first = [name for name in (*rule.fields, rule.id) if name in small]
    return {name: small[name] for name in dict.fromkeys((*first, *small))}


def shown(value: Any, name: str = "") -> Any:
    """Without what looks like a secret, and no longer than somebody reads."""
    if is_record(value):
        return {key: shown(each, key) for key, each in value.items()}
    if is_list(value):
        return [shown(each, name) for each in value]
    plain = facts.hidden(value, name)
    return f"{plain[:_LONGEST_SHOWN]}…" if isinstance(plain, str) and len(plain) > _LONGEST_SHOWN else plain
