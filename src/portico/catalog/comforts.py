"""Where the comforts of the catalog belong, told from the catalog alone: names for every id whose kind can be listed,
and waiting wherever an answer says how a thing stands that changes by itself. Development only.

What is missing on purpose stands in `exceptions.yaml` with its reason; a reason that is needed no more is told too.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from portico.catalog import within
from portico.catalog.answers import vendor_schema
from portico.catalog.find import View
from portico.catalog.listings import NONE
from portico.model.operation import Operation, Parameter
from portico.shapes import Json, is_list, is_record

Verdict = Literal["has it", "nothing lists it", "its kind has no names", "excepted", "forgotten"]
# Where a thing says how it stands, and the words for what passes by itself. Where no word is listed, it may be one.
STATES = ("status", "state")
PASSING = frozenset({
    "queued", "pending", "in_progress", "processing", "validating_files", "running", "validating", "finalizing",
    "starting", "uploaded", "creating", "provisioning", "preparing", "cancelling", "canceling",
    "uploading", "indexing", "pausing", "resuming", "stopping", "connecting",
})  # fmt: skip
# Fields that people take for a name.
NAMES = frozenset({"name", "display_name", "title", "label", "filename", "email"})
_IS_ID = re.compile(r"(?:^|_)ids?$")


class Exceptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something has no comfort: an id, as `operation argument`; a list whose items have a field that looks like a
    name; an operation whose answer has a state."""

    ids: dict[str, str] = {}
    lists: dict[str, str] = {}
    states: dict[str, str] = {}


class Finding(Struct, frozen=True, kw_only=True):
    """One place where a comfort belongs, and whether it is there."""

    kind: Literal["ids", "lists", "states"]
    key: str
    verdict: Verdict
    told: str = ""


def findings(view: View, exceptions: Exceptions) -> list[Finding]:
    """Every place, in the catalog's order; what is forgotten for a reason says the reason."""
    found: list[Finding] = []
    for each in (*_ids(view), *_lists(view), *_states(view)):
        reason = getattr(exceptions, each.kind).get(each.key, "")
        is_excepted = each.verdict == "forgotten" and reason
        found.append(Finding(kind=each.kind, key=each.key, verdict="excepted", told=reason) if is_excepted else each)
    return found


def forgotten(view: View, exceptions: Exceptions) -> list[str]:
    """One line for each comfort that is missing without a reason, and for each reason that nothing needs."""
    found = findings(view, exceptions)
    lines = [f"{each.key}: {each.told}" for each in found if each.verdict == "forgotten"]
    used = {(each.kind, each.key) for each in found if each.verdict == "excepted"}
    given = [(kind, key) for kind in Exceptions.__struct_fields__ for key in getattr(exceptions, kind)]
    return lines + [f"exceptions.{kind}: {key!r} needs none" for kind, key in given if (kind, key) not in used]


def report(view: View, exceptions: Exceptions) -> str:
    """Every place with its verdict, and how many there are of each."""
    found = findings(view, exceptions)
    width = max((len(each.key) for each in found), default=0)
    lines = [f"{each.kind:6}  {each.key:{width}}  {each.verdict}  {each.told}".rstrip() for each in found]
    counts = Counter((each.kind, each.verdict) for each in found)
    return "\n".join([*lines, *(f"{kind}: {count} {verdict}" for (kind, verdict), count in counts.items())]) + "\n"


def _ids(view: View) -> Iterator[Finding]:
    kinds = _kinds(view)
    for operation in view.operations:
        for parameter in operation.parameters:
            inside = {within.whole(parameter.name, place): named for place, named in parameter.names_within.items()}
            for place, name in _places(parameter):
                key = f"{operation.key} {place}"
                if place in inside:
                    yield _listed(view, key, inside[place])
                    continue
                if place == parameter.name and parameter.names != NONE and (parameter.names or _is_path(parameter)):
                    yield _listed(view, key, parameter.names)
                    continue
                named = [each for each in kinds.get(name, ()) if view.integration.names[each].fields]
                if not kinds.get(name):
                    yield Finding(kind="ids", key=key, verdict="nothing lists it")
                elif not named:
                    yield Finding(kind="ids", key=key, verdict="its kind has no names", told=", ".join(kinds[name]))
                else:
                    told = f"is an id that {', '.join(named)} knows; say names, or why not in exceptions.yaml"
                    yield Finding(kind="ids", key=key, verdict="forgotten", told=told)


def _listed(view: View, key: str, listing: str) -> Finding:
    if not listing:
        return Finding(kind="ids", key=key, verdict="nothing lists it")
    has_names = view.integration.names[listing].fields
    return Finding(kind="ids", key=key, verdict="has it" if has_names else "its kind has no names", told=listing)


def _kinds(view: View) -> Mapping[str, tuple[str, ...]]:
    """`project_id` → the lists that know such things: as the paths say, and as the resources are called."""
    found: dict[str, dict[str, None]] = {}
    for operation in view.operations:
        for parameter in operation.parameters:
            if parameter.names in view.integration.names:
                found.setdefault(_one(parameter.name), {})[parameter.names] = None
        if operation.key in view.integration.names:
            found.setdefault(f"{operation.resource.removesuffix('s')}_id", {})[operation.key] = None
    return _Suffixes({name: tuple(lists) for name, lists in found.items()})


class _Suffixes(dict[str, tuple[str, ...]]):
    """`input_file_id` is a `file_id` where nothing is called exactly so."""

    def get(self, name: str, otherwise: Any = ()) -> Any:
        while name not in self and "_" in name:
            name = name.partition("_")[2]
        return super().get(name, otherwise)

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self.get(name)


def _places(parameter: Parameter) -> Iterator[tuple[str, str]]:
    """The argument itself if it is an id, and the ids in it: (dotted place, what it would be called alone)."""
    if _is_path(parameter) or _IS_ID.search(parameter.name):
        yield parameter.name, _one(parameter.name)
    for place, name, holder in _fields(parameter.schema, parameter.name, parameter.name):
        if _IS_ID.search(name):
            yield place, f"{holder.removesuffix('s')}_id" if name in {"id", "ids"} else _one(name)


def _fields(schema: Any, place: str, holder: str) -> Iterator[tuple[str, str, str]]:
    if is_list(schema):
        for each in schema:
            yield from _fields(each, place, holder)
    elif is_record(schema):
        for word in ("anyOf", "oneOf", "allOf"):
            yield from _fields(schema.get(word), place, holder)
        yield from _fields(schema.get("items"), f"{place}[]", holder)
        fields: Json = schema.get("properties") or {}
        for name, inner in fields.items():
            yield f"{place}.{name}", name, holder
            yield from _fields(inner, f"{place}.{name}", name)


def _lists(view: View) -> Iterator[Finding]:
    """Lists whose items are said to have no names, and have what looks like one."""
    for key, rule in view.integration.names.items():
        resource, _, method = key.partition(".")
        operation = view.find(resource, method)
        answer = vendor_schema(operation)
        if rule.fields or answer is None or operation.page is None:
            continue
        shapes: Json = answer.get("$defs") or {}
        items = [each for found in fields_of(answer, shapes).get(operation.page.items, ()) for each in [found["items"]]]
        fields = {name for each in items for name in fields_of(each, shapes)}
        if looks := sorted(fields & NAMES):
            told = f"its items have {', '.join(looks)}; say so in rules.names, or why not in exceptions.yaml"
            yield Finding(kind="lists", key=key, verdict="forgotten", told=told)


def _states(view: View) -> Iterator[Finding]:
    for operation in view.operations:
        words = _state_words(operation)
        if words is None or operation.method in {"list", "delete"} or (words and not words & PASSING):
            continue
        # A change starts nothing: what was changed is waited for where it is looked at.
        is_looked_at = operation.method == "update" and view.has(operation.resource, "get")
        by = view.find(operation.resource, "get") if is_looked_at else operation
        if by.wait is not None:
            yield Finding(kind="states", key=operation.key, verdict="has it", told=f"{by.key} waits")
            continue
        told = f"may be {', '.join(sorted(words & PASSING))}" if words else "has a state whose values are not listed"
        told += ", and nothing waits for its end; say wait, or why not in exceptions.yaml"
        yield Finding(kind="states", key=operation.key, verdict="forgotten", told=told)


def _state_words(operation: Operation) -> set[str] | None:
    """The values of the field that says how a thing stands; None where there is no such field."""
    answer = vendor_schema(operation) if operation.returns == "value" else None
    if answer is None:
        return None
    shapes: Json = answer.get("$defs") or {}
    fields = fields_of(answer, shapes)
    found = next((fields[name] for name in STATES if name in fields), None)
    return None if found is None else {word for each in found for word in _words(each, shapes)}


def fields_of(schema: Json, shapes: Json) -> dict[str, list[Json]]:
    """The fields of an object, of all its forms together."""
    found: dict[str, list[Json]] = {}
    for form in _forms(schema, shapes):
        fields: Json = form.get("properties") or {}
        for name, inner in fields.items():
            found.setdefault(name, []).append(inner)
    return found


def _forms(schema: Json, shapes: Json) -> Iterator[Json]:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield from _forms(shapes[reference.rpartition("/")[2]], shapes)
        return
    yield schema
    for each in schema.get("anyOf") or ():
        yield from _forms(each, shapes)


def _words(schema: Json, shapes: Json) -> Iterator[str]:
    for form in _forms(schema, shapes):
        yield from (word for word in form.get("enum") or () if isinstance(word, str))


def _one(name: str) -> str:
    return name.removesuffix("s") if name.endswith("ids") else name


def _is_path(parameter: Parameter) -> bool:
    return parameter.place == "path"
