"""The arguments of an operation: the inventory's facts, the definition's sentences, where each travels. Pure."""

from typing import Any

from portico.catalog import within
from portico.catalog.grammar import ArgumentRule, MethodRule, read_argument
from portico.errors import Failure
from portico.model.operation import Parameter, Place
from portico.shapes import is_record

Json = dict[str, Any]
_BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    "pattern": "pattern",
    "default": "default",
}


_UNSAID = ArgumentRule()
# A flat argument stands for it: it is not offered, and need not be given as a whole.
_REPLACED = ArgumentRule(hidden=True, required=False)

# What `min` and `max` count, by kind; of anything else they bound the value.
_BOUNDED = {"string": "Length", "array": "Items"}


def parameters_of(
    where: str, path: str, rule: MethodRule, record: Json | None, usual: Json
) -> tuple[tuple[Parameter, ...], list[Failure]]:
    """All arguments, those that the vendor takes and those that stand for a nested one, in the vendor's order."""
    own = _own_arguments(where, rule) if record is None else {}
    facts = _facts(path, rule, own) if record is None else list(record.get("parameters", ()))
    said = {name: read_argument(value, f"{where}.args.{name}") for name, value in rule.args.items()}
    known = {each["name"] for each in facts}
    failures = [
        Failure(f"{where}.args.{name}", "is not an argument of this operation", ", ".join(sorted(known)))
        for name, each in said.items()
        if name not in known and not each.source and not each.type
    ]
    failures += _astray(where, facts, own | said)
    flattened = {each.source.partition(".")[0] for each in said.values() if each.source}
    made: list[Parameter] = []
    for fact in facts:
        argument = said.get(fact["name"]) or own.get(fact["name"])
        if argument is None and fact["name"] in usual:
            argument = read_argument(usual[fact["name"]], f"rules.arguments.{fact['name']}")
        is_replaced = argument is None and fact["name"] in flattened
        made.append(_parameter(fact, argument or (_REPLACED if is_replaced else _UNSAID)))
    for name, argument in said.items():
        if name in known:
            continue
        fact = _nested(facts, argument.source) if argument.source else {"type": argument.type, "place": "body"}
        if fact is None:
            failures.append(Failure(f"{where}.args.{name}.from", f"{argument.source!r} leads nowhere"))
            continue
        made.append(_parameter(fact | {"name": name, "wire_name": argument.source or argument.wire}, argument))
    return tuple(made), failures


def _astray(where: str, facts: list[Json], said: dict[str, ArgumentRule]) -> list[Failure]:
    known = {each["name"]: each for each in facts}
    failures: list[Failure] = []
    for name, each in said.items():
        fact = _nested(facts, each.source) if each.source else known.get(name)
        failures += [
            Failure(
                f"{where}.args.{name}.names_within", f"{place!r} leads nowhere", "field.field[] from the argument on"
            )
            for place in within.astray(fact or {}, each.names_within)
        ]
    return failures


def _own_arguments(where: str, rule: MethodRule) -> dict[str, ArgumentRule]:
    body: Json = rule.body if is_record(rule.body) else {}
    return {name: read_argument(value, f"{where}.{name}") for name, value in (rule.query | body).items()}


def _facts(path: str, rule: MethodRule, own: dict[str, ArgumentRule]) -> list[Json]:
    facts: list[Json] = [
        {"name": part[1:-1], "place": "path", "type": "string", "required": True}
        for part in path.split("/")
        if part.startswith("{")
    ]
    for name, argument in own.items():
        place: Place = "query" if name in rule.query else "upload" if name in rule.uploads else "body"
        facts.append(_own_fact(name, place, argument))
    return facts


def _own_fact(name: str, place: Place, argument: ArgumentRule) -> Json:
    """A definition without an inventory: `title: {type: string, required: true, max: 200, help: …}`."""
    fact: Json = {"name": name, "place": place, "type": argument.type or "string", "required": bool(argument.required)}
    if argument.wire:
        fact["wire_name"] = argument.wire
    if argument.help:
        fact["help"] = argument.help
    if argument.enum:
        fact["enum"] = list(argument.enum)
    if argument.items:
        fact["items"] = argument.items
    return fact


def _nested(facts: list[Json], source: str) -> Json | None:
    first, *rest = source.split(".")
    fact = next((each for each in facts if each["name"] == first), None)
    place = fact.get("place") if fact else None
    for name in rest:
        if fact is None:
            return None
        candidates = [
            *fact.get("properties", ()),
            *(each for form in fact.get("variants", ()) for each in form["properties"]),
        ]
        fact = next((each for each in candidates if each["name"] == name), None)
    return fact | {"place": place, "required": False} if fact is not None else None


def _parameter(fact: Json, argument: ArgumentRule) -> Parameter:
    required = bool(fact.get("required")) if argument.required is None else argument.required
    place: Place = fact["place"]
    return Parameter(
        name=fact["name"],
        place=place,
        schema=schema_of(fact, argument),
        required=required,
        wire_name=argument.wire or fact.get("wire_name", ""),
        shown="never" if argument.hidden else "rare" if argument.rare and not required else "always",
        names=argument.names,
        names_within=argument.names_within,
        also=argument.also,
    )


def schema_of(fact: Json, argument: ArgumentRule | None = None) -> Json:
    """The JSON Schema of a fact, with the argument's sentence and corrections."""
    argument = argument or ArgumentRule()
    schema = _kind(fact, argument)
    if values := list(argument.enum) or fact.get("enum"):
        target = schema.get("items", schema) if schema.get("type") == "array" else schema
        target["enum"] = list(values)
    for ours, theirs in _BOUNDS.items():
        if ours in fact:
            schema[theirs] = fact[ours]
    for word, limit in (("min", argument.min), ("max", argument.max)):
        if limit is not None:
            schema[f"{word}{_BOUNDED.get(str(schema.get('type')), 'imum')}"] = _whole(limit)
    if argument.default is not None:
        schema["default"] = argument.default
    if argument.examples:
        schema["examples"] = list(argument.examples)
    if words := (argument.help or fact.get("help", "")).strip():
        schema["description"] = words
    return schema


def _kind(fact: Json, argument: ArgumentRule) -> Json:
    kind = argument.type or fact.get("type", "any")
    if kind == "array":
        items = dict(argument.items) or schema_of(fact.get("items") or {"type": "any"}) or {}
        if argument.fields:
            items = _object(fact.get("items") or {}, argument.fields)
        return {"type": "array", "items": items}
    if kind == "object":
        return _object(fact, argument.fields)
    if kind == "union":
        return _union(fact, argument)
    if kind == "file":
        return {"type": "object"}
    return {"type": kind} if kind != "any" else {}


def _object(fact: Json, fields: Json) -> Json:
    """An open object; only the members that the definition has a sentence for are shown."""
    if not fields:
        return {"type": "object"}
    candidates = [
        *fact.get("properties", ()),
        *(each for form in fact.get("variants", ()) for each in form["properties"]),
    ]
    known = _joined(candidates)
    shown: Json = {}
    for name, value in fields.items():
        argument = read_argument(value, name)
        shown[name] = schema_of(_member(known.get(name), argument), argument)
    schema: Json = {"type": "object", "properties": shown}
    if required := [name for name in shown if known.get(name, {}).get("required") and not fact.get("variants")]:
        schema["required"] = required
    return schema


def _joined(members: list[Json]) -> dict[str, Json]:
    """One fact for each name; where several forms have it, its values are those of all of them, or open."""
    known: dict[str, Json] = {}
    for each in members:
        first = known.get(each["name"])
        if first is None:
            known[each["name"]] = dict(each)
        elif first.get("type") != each.get("type"):
            known[each["name"]] = {"name": each["name"], "type": "any"}
        elif "enum" in first and "enum" in each:
            first["enum"] = list(dict.fromkeys([*first["enum"], *each["enum"]]))
        else:
            first.pop("enum", None)
    return known


def _member(fact: Json | None, argument: ArgumentRule) -> Json:
    return dict(fact or {"type": argument.type or "any"})


def _union(fact: Json, argument: ArgumentRule) -> Json:
    """Several kinds: said as kinds where each is plain, because narrow clients stumble over combinators."""
    kinds = list(dict.fromkeys(str(each.get("type", "any")) for each in fact.get("any_of", ())))
    if "any" in kinds or not kinds:
        return {}
    schema: Json = {"type": kinds[0] if len(kinds) == 1 else ["number" if each == "union" else each for each in kinds]}
    if "array" in kinds:
        array = next(each for each in fact["any_of"] if each.get("type") == "array")
        schema["items"] = _object(array.get("items") or {}, argument.fields) if argument.fields else _plain_items(array)
    return schema


def _plain_items(array: Json) -> Json:
    items: Json = array.get("items") or {}
    kind = items.get("type", "any")
    return {"type": kind} if kind in {"string", "integer", "number", "boolean", "object"} else {}


def _whole(number: float) -> float | int:
    return int(number) if number == int(number) else number
