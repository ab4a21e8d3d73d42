"""JSON Schema: check values against a schema, with failures that say where, what and what would be right."""

from collections.abc import Callable
from typing import Any

import jsonschema_rs

from portico.catalog.near import nearest
from portico.errors import Failure
from portico.shapes import is_list, is_record

Json = dict[str, Any]
Check = Callable[[Any], list[Failure]]
MOST_FAILURES = 20
_LONGEST_NAME = 200


def compile_check(schema: Json) -> Check:
    """A check that is fast when nothing is wrong. Never fetches anything a schema refers to."""
    validator = jsonschema_rs.validator_for(schema, retriever=_refuse, mask="the value")

    def check(value: Any) -> list[Failure]:
        if validator.is_valid(value):
            return []
        failures: list[Failure] = []
        for problem in validator.iter_errors(value):
            failures += _failures(problem, schema)
            if len(failures) >= MOST_FAILURES:
                break
        return failures[:MOST_FAILURES]

    return check


def _refuse(uri: str) -> Any:
    raise ValueError(f"a schema may not refer to {uri}")


def _failures(problem: jsonschema_rs.ValidationError, schema: Json) -> list[Failure]:
    """What is wrong. Of several forms that a value may have, the one it comes nearest to is held against it."""
    forms: list[list[jsonschema_rs.ValidationError]] = problem.kind.as_dict().get("context") or []
    if not forms:
        return _unknown(problem, schema) if problem.kind.name == "additionalProperties" else [_failure(problem)]
    here = list(problem.instance_path)
    meant = [form for form in forms if not any(_is_other_type(each, here) for each in form)]
    if meant:
        return [failure for each in min(meant, key=len) for failure in _failures(each, schema)]
    types = [
        str(each)
        for form in forms
        for part in form
        if part.kind.name == "type"
        for each in part.kind.as_dict()["types"]
    ]
    return [Failure(_path(problem), "has the wrong type", " or ".join(dict.fromkeys(types)))]


def _is_other_type(problem: jsonschema_rs.ValidationError, path: list[str | int]) -> bool:
    return problem.kind.name == "type" and list(problem.instance_path) == path


def _path(problem: jsonschema_rs.ValidationError) -> str:
    return ".".join(str(part) for part in problem.instance_path)


def _failure(problem: jsonschema_rs.ValidationError) -> Failure:
    path = _path(problem)
    words = _WORDS.get(problem.kind.name)
    return words(path, problem.kind.as_dict()) if words else Failure(path, problem.message)


def _required(path: str, facts: Json) -> Failure:
    return Failure(".".join(part for part in (path, str(facts["property"])) if part), "is required", missing="body")


def _unknown(problem: jsonschema_rs.ValidationError, schema: Json) -> list[Failure]:
    """One for each name that is not known, with those that are."""
    known = _names(schema, problem.schema_path[:-1])
    failures: list[Failure] = []
    for name in problem.kind.as_dict()["unexpected"]:
        near = nearest(name, known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        path = ".".join(part for part in (_path(problem), name[:_LONGEST_NAME]) if part)
        failures.append(Failure(path, f"is not taken here{hint}", ", ".join(known) or "none"))
    return failures


def _names(schema: Json, place: list[str | int]) -> list[str]:
    """What the object that stands at this place of a schema may hold."""
    found: Any = schema
    for step in place:
        found = found[int(step)] if is_list(found) else found.get(str(step)) if is_record(found) else None
    return list(found.get("properties") or ()) if is_record(found) else []


def _type(path: str, facts: Json) -> Failure:
    return Failure(path, "has the wrong type", " or ".join(str(each) for each in facts["types"]))


def _enum(path: str, facts: Json) -> Failure:
    return Failure(path, "is not one of the allowed values", ", ".join(str(each) for each in facts["options"]))


def _bound(sentence: str) -> Callable[[str, Json], Failure]:
    return lambda path, facts: Failure(path, sentence.format(facts["limit"]))


_WORDS: dict[str, Callable[[str, Json], Failure]] = {
    "required": _required,
    "type": _type,
    "enum": _enum,
    "maximum": _bound("must be at most {}"),
    "minimum": _bound("must be at least {}"),
    "exclusiveMaximum": _bound("must be less than {}"),
    "exclusiveMinimum": _bound("must be more than {}"),
    "maxLength": _bound("must have at most {} characters"),
    "minLength": _bound("must have at least {} characters"),
    "maxItems": _bound("must have at most {} items"),
    "minItems": _bound("must have at least {} items"),
}
