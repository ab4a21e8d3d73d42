"""The words of a mapping: how one method of a unified resource becomes calls of one vendor, and comes back. Data.

Whatever ends in `_mapping` or `_expression`, and `run_if`, is JSONata.
"""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from portico.catalog.find import View
from portico.catalog.override import merge
from portico.catalog.schema import compile_check
from portico.errors import Failure
from portico.shapes import Json, is_record

Ways = Literal["vendor", "portico"]


class FilterRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who filters by something: the vendor (the query mapping passes it on) or Portico, by a field of the record, or by
    several with commas between them."""

    by: Ways = "vendor"
    type: Literal["string", "array", "boolean", "integer", "moment", "range"] | None = None
    field: str = ""
    enum: tuple[str, ...] = ()
    required: bool = False
    description: str = ""


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reading call made before the method's own; its answer stands in the scope as `before.<name>`.

    With `for_each`, which gives a list and sees what other steps found, it is made for each member, which the query
    mapping sees as `each`; what stands in the scope is a list of `{each, answer}`.
    """

    resource: str
    method: str = "list"
    query_mapping: Json = {}
    run_if: str = ""
    for_each: str = ""
    all_pages: bool = False
    is_optional: bool = False  # what is refused is null


class Fallback(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a list holds where the vendor refuses it with one of these statuses."""

    statuses: tuple[int, ...] = (403, 404)
    records: tuple[Json, ...] = ()


class Method(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One method. Without a resource of the vendor's, `records` are what there is.

    `each` names a list inside of the vendor's record whose members are mapped one by one; the rest of the record
    stands in them as `parent`. `facts` stand in the scope under that name. What the `refuse_expression` gives, a list
    of `{name, problem, allowed}`, cannot be honoured; it may be several under names of their own. `variants` are
    changes to the method for the requests that their `run_if` is true of; `sources` are changes that are read one
    after the other and make up one list.
    """

    resource: str = ""
    method: str = ""
    says: str = ""
    query_schema: dict[str, Any] = {}
    query_mapping: Any = {}
    request_body_schema: Json = {}
    request_body_mapping: Any = {}
    response_mapping: Any = {}
    response_mapping_method: Literal["item", "array"] = "item"
    each: str = ""
    facts: Json = {}
    refuse_expression: str | dict[str, str] = ""
    is_partial_expression: str = ""
    before: dict[str, Step] = {}
    records: tuple[Json, ...] = ()
    fallback: Fallback | None = None
    run_if: str = ""
    variants: dict[str, Json] = {}
    sources: dict[str, Json] = {}


WORDS = Method.__struct_fields__
_RUN = (
    "query_mapping", "request_body_mapping", "response_mapping", "is_partial_expression", "refuse_expression", "run_if",
)  # fmt: skip
FORKS = ("variants", "sources")


def read(value: Any) -> Method:
    """Raises msgspec.ValidationError for what is not in the grammar."""
    return msgspec.convert(value, Method)


def layered(base: Json, change: Json) -> Json:
    """Deep merge, null removes. Inside a variant or a source a null is kept: it is what that takes from the method."""
    plain = merge(base, {word: each for word, each in change.items() if word not in FORKS or each is None})
    for kind in FORKS:
        for name, each in members(change.get(kind)):
            forks: Json = dict(members(plain.get(kind)))
            plain[kind] = forks
            if each is None:
                forks.pop(name, None)
            else:
                forks[name] = _kept(forks.get(name), each)
    return plain


def _kept(base: Any, change: Any) -> Any:
    if not is_record(base) or not is_record(change):
        return change
    return base | {name: _kept(base.get(name), each) for name, each in change.items()}


def fork(value: Json, change: Json) -> Json:
    """The method with a variant's or a source's change merged in; it has no forks of that kind any more."""
    return merge({name: each for name, each in value.items() if name != "variants"}, change)


def filter_rule(value: Any) -> FilterRule:
    return msgspec.convert({"by": value} if isinstance(value, str) else value, FilterRule)


def members(value: Any) -> list[tuple[str, Any]]:
    """What stands in an object; nothing where there is none."""
    return list(value.items()) if is_record(value) else []


def check(value: Any, view: View, path: str) -> list[Failure]:
    """What is wrong with one method's form, and with the operations that it names. Expressions are not looked at."""
    if not is_record(value):
        return [Failure(path, "must be an object", ", ".join(WORDS))]
    try:
        method = read(value)
        for each in method.query_schema.values():
            filter_rule(each)
    except msgspec.ValidationError as problem:
        sentence, _, place = str(problem).partition(" - at `$")
        return [Failure(path + place.strip("`"), sentence[:1].lower() + sentence[1:], ", ".join(WORDS))]
    failures = [*_check_calls(method, view, path), *_check_body(method, path)]
    for kind in FORKS:
        for name, change in members(value.get(kind)):
            place = f"{path}.{kind}.{name}"
            if not is_record(change):
                failures.append(Failure(place, "must be an object", ", ".join(WORDS)))
            else:
                bare = {word: each for word, each in value.items() if word not in FORKS}
                failures += check(merge(bare, change), view, place)
    return failures


def _check_body(method: Method, path: str) -> list[Failure]:
    place = f"{path}.request_body_schema"
    properties: Any = method.request_body_schema.get("properties", {})
    if not is_record(properties) or not all(is_record(each) for each in properties.values()):
        return [Failure(f"{place}.properties", "must be an object of schemas")]
    try:
        compile_check({"type": "object", **method.request_body_schema})
    except ValueError as problem:
        return [Failure(place, f"is no JSON Schema: {problem}"[:300])]
    return []


def _check_calls(method: Method, view: View, path: str) -> list[Failure]:
    failures: list[Failure] = []
    has_forks = bool(method.sources or method.variants)
    if method.resource and not view.has(method.resource, method.method or "list"):
        failures.append(_unknown(view, path, method.resource, method.method))
    elif not method.resource and not method.records and not has_forks:
        failures.append(Failure(f"{path}.resource", "is required", "a resource of the integration, or records"))
    for name, step in method.before.items():
        place = f"{path}.before.{name}"
        if not view.has(step.resource, step.method):
            failures.append(_unknown(view, place, step.resource, step.method))
        elif view.find(step.resource, step.method).effect != "read":
            failures.append(Failure(place, "changes something; only reading calls may come before"))
    return failures


def _unknown(view: View, path: str, resource: str, method: str) -> Failure:
    if resource in view.resources:
        methods = ", ".join(view.resources[resource])
        return Failure(f"{path}.method", f"{resource} has no method {method!r}", methods)
    return Failure(f"{path}.resource", f"{view.integration.label} has no resource {resource!r}")


def expressions(value: Json) -> Json:
    """The trees of a method that are run, by their places."""
    found: Json = {word: value[word] for word in _RUN if value.get(word)}
    for name, step in members(value.get("before")):
        found |= {
            f"before.{name}.{word}": step[word]
            for word in ("query_mapping", "run_if", "for_each")
            if is_record(step) and step.get(word)
        }
    for kind in FORKS:
        for name, change in members(value.get(kind)):
            if is_record(change):
                found |= {f"{kind}.{name}.{place}": tree for place, tree in expressions(change).items()}
    return found
