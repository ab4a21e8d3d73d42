"""An environment's or an account's changes to an integration, in the definition's own shape, merged over it.

`{"resources": {"files": {"list": {"says": "…", "tags": null}}}, "base_url": …}`: mappings merge, null removes,
everything else replaces.
"""

from typing import Any

import msgspec

from portico.catalog.find import View
from portico.errors import Failure, InvalidArguments
from portico.model.operation import Integration, Operation
from portico.shapes import is_record

Json = dict[str, Any]
# What an override may change of an operation. Names, paths and keys stay: others rely on them.
OPERATION_FIELDS = frozenset(
    {
        "title",
        "says",
        "alias",
        "tags",
        "effect",
        "lifecycle",
        "headers",
        "secrets",
        "wait",
        "asks",
        "parameters",
        "example",
    }
)
INTEGRATION_FIELDS = frozenset({"label", "tags", "documentation", "prices"})
PARAMETER_FIELDS = frozenset({"schema", "required", "shown", "names", "names_within", "also"})


def merge(base: Any, change: Any) -> Any:
    """Deep merge; a null in the change removes the key."""
    if not is_record(change):
        return change
    merged: Json = dict(base) if is_record(base) else {}
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def apply(view: View, override: Json) -> View:
    """The view with the override merged in; InvalidArguments names what cannot be changed or does not exist."""
    if not override:
        return view
    if failures := check(view, override):
        raise InvalidArguments(failures)
    resources: Json = override.get("resources") or {}
    operations = [_apply_one(each, _change_of(resources, each)) for each in view.operations]
    return View(_apply_to_integration(view.integration, override), operations, view.composed)


def _apply_to_integration(integration: Integration, override: Json) -> Integration:
    change = {name: value for name, value in override.items() if name in INTEGRATION_FIELDS and value is not None}
    return msgspec.convert(merge(msgspec.to_builtins(integration), change), Integration)


def _change_of(resources: Json, operation: Operation) -> Json | None:
    methods: Json = resources.get(operation.resource) or {}
    return methods.get(operation.method)


def check(view: View, override: Json) -> list[Failure]:
    failures = [
        Failure(name, "cannot be overridden", ", ".join(sorted({"resources", *INTEGRATION_FIELDS})))
        for name in override
        if name not in INTEGRATION_FIELDS and name != "resources"
    ]
    try:
        _apply_to_integration(view.integration, override)
    except msgspec.ValidationError as problem:
        failures.append(Failure("", str(problem)))
    resources: Any = override.get("resources") or {}
    if not is_record(resources):
        return [*failures, Failure("resources", "must be an object of resources")]
    for resource, methods in resources.items():
        failures += _check_resource(view, str(resource), methods)
    return failures


def _check_resource(view: View, resource: str, methods: Any) -> list[Failure]:
    path = f"resources.{resource}"
    if resource not in view.resources:
        return [Failure(path, "is not a resource of this integration")]
    if not is_record(methods):
        return [Failure(path, "must be an object of methods", ", ".join(view.resources[resource]))]
    failures: list[Failure] = []
    for method, change in methods.items():
        if not view.has(resource, str(method)):
            failures.append(Failure(f"{path}.{method}", "is not a method", ", ".join(view.resources[resource])))
        elif change is not None:
            failures += _check_change(view.find(resource, str(method)), f"{path}.{method}", change)
    return failures


def _check_change(operation: Operation, path: str, change: Any) -> list[Failure]:
    if not is_record(change):
        return [Failure(path, "must be an object")]
    failures = [
        Failure(f"{path}.{name}", "cannot be overridden", ", ".join(sorted(OPERATION_FIELDS)))
        for name in change
        if name not in OPERATION_FIELDS
    ]
    failures += _check_parameters(operation, f"{path}.parameters", change.get("parameters") or {})
    if failures:
        return failures
    try:
        _apply_one(operation, change)
    except msgspec.ValidationError as problem:
        return [Failure(path, str(problem))]
    return []


def _check_parameters(operation: Operation, path: str, changes: Any) -> list[Failure]:
    known = ", ".join(each.name for each in operation.parameters)
    if not is_record(changes):
        return [Failure(path, "must be an object of arguments", known)]
    failures: list[Failure] = []
    for name, change in changes.items():
        if name not in {each.name for each in operation.parameters}:
            failures.append(Failure(f"{path}.{name}", "is not an argument", known))
        elif change is not None and not is_record(change):
            failures.append(Failure(f"{path}.{name}", "must be an object"))
        elif change is not None:
            failures += [
                Failure(f"{path}.{name}.{word}", "cannot be overridden", ", ".join(sorted(PARAMETER_FIELDS)))
                for word in change
                if word not in PARAMETER_FIELDS
            ]
    return failures


def _apply_one(operation: Operation, change: Json | None) -> Operation:
    if not change:
        return operation
    base = msgspec.to_builtins(operation)
    parameters: Json = change.get("parameters") or {}
    merged = merge(base, {name: value for name, value in change.items() if name != "parameters"})
    if parameters:
        kept = [each for each in base.get("parameters", ()) if parameters.get(each["name"], {}) is not None]
        merged["parameters"] = [merge(each, parameters.get(each["name"], {})) for each in kept]
    return msgspec.convert(merged, Operation)
