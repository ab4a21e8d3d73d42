"""Which tools an account or a server offers: its filters, its keys, its brakes, and what a caller may put in. Pure."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from portico.catalog.find import select
from portico.catalog.schema import compile_check
from portico.errors import Failure, NotAllowed, NotFound
from portico.gateway.admit import admit_key
from portico.gateway.lookup import Connected
from portico.model.operation import Operation
from portico.model.server import ServerConfig
from portico.shapes import Json, is_list
from portico.toolbox.tools import Tool, shown_name, tool_of

NO_CONFIG = ServerConfig()


class Offer(Struct, frozen=True, kw_only=True):
    """Everything that may be called, by name, in the catalog's order."""

    operations: tuple[Operation, ...]
    tools: tuple[Tool, ...]


def offer(connected: Connected, config: ServerConfig = NO_CONFIG) -> Offer:
    operations = select(connected.view.operations, config.methods, config.tags)
    kept = tuple(
        each
        for each in operations
        if why_not(each, connected, config) is None and (config.include_removed or each.lifecycle.state != "removed")
    )
    return Offer(operations=kept, tools=tuple(constrained(each, config.arguments) for each in kept))


def why_not(operation: Operation, connected: Connected, config: ServerConfig) -> Exception | None:
    """Why the operation may not be called here; None where it may. What a vendor switched off is hidden, not barred:
    at the vendor's own address the gateway refuses it, and another server may still have it."""
    if not operation.says:
        return NotFound(f"The tool {operation.tool.name!r} has no description, so it is not offered.")
    if not select([operation], config.methods, config.tags):
        return NotAllowed(_filtered(operation, config))
    if config.read_only and operation.effect != "read":
        return NotAllowed(f"This server is read-only; {operation.tool.name!r} changes something.")
    credential = connected.view.credentials.get(operation.credential)
    if credential is not None and credential.field not in connected.account.held:
        try:
            admit_key(credential, connected)
        except Exception as problem:
            return problem
    return None


def _filtered(operation: Operation, config: ServerConfig) -> str:
    filters = [f"methods {', '.join(config.methods)}"] if config.methods else []
    filters += [f"tags {', '.join(config.tags)}"] if config.tags else []
    return f"This server does not offer {operation.tool.name!r}: it is limited to {' and '.join(filters)}."


def constrained(operation: Operation, constraints: dict[str, Json]) -> Tool:
    """The tool with the server's constraints written into its schema."""
    tool = tool_of(operation)
    applied = _applying(operation, constraints)
    if not applied:
        return tool
    properties: Json = dict(tool.input_schema["properties"])
    required: list[str] = list(tool.input_schema.get("required", ()))
    for shown, (_, constraint) in applied.items():
        properties[shown] = _narrowed(properties.get(shown, {}), constraint)
        if _must_be_given(constraint) and shown not in required:
            required.append(shown)
    schema: Json = tool.input_schema | {"properties": properties}
    return structs.replace(tool, input_schema=schema | {"required": required} if required else schema)


def enforce(
    operation: Operation, arguments: Json, constraints: dict[str, Json], said: Json | None = None
) -> tuple[Json, list[Failure]]:
    """Arguments by their own names, checked against the constraints; an only allowed value is filled in.

    A constraint may list ids or names: it holds for an argument as it was said or as it was understood.
    """
    failures: list[Failure] = []
    kept = dict(arguments)
    for shown, (own, constraint) in _applying(operation, constraints).items():
        only = _only_value(constraint)
        if own not in kept and only is not None:
            kept[own] = only
        if own not in kept:
            if _must_be_given(constraint):
                failures.append(Failure(shown, "must be given on this server", _allowed(constraint)))
            continue
        check = compile_check({"properties": {shown: _narrowed({}, constraint, is_array=is_list(kept[own]))}})
        problems = check({shown: kept[own]})
        if problems and said is not None and own in said and not check({shown: said[own]}):
            continue
        failures += [each._replace(problem=f"{each.problem} (a limit of this server)") for each in problems]
    return kept, failures


def _applying(operation: Operation, constraints: dict[str, Json]) -> dict[str, tuple[str, Json]]:
    """Shown name → (own name, constraint), for the constraints that this operation has an argument for."""
    found: dict[str, tuple[str, Json]] = {}
    for parameter in operation.parameters:
        shown = shown_name(operation, parameter)
        constraint = constraints.get(parameter.name) or constraints.get(shown)
        if constraint:
            found[shown] = (parameter.name, constraint)
    return found


def _narrowed(schema: Json, constraint: Json, *, is_array: bool = False) -> Json:
    """A list of allowed values means, for an argument that is a list, that each of its items must be one of them."""
    if (schema.get("type") == "array" or is_array) and "items" not in constraint:
        kept = {name: value for name, value in constraint.items() if name in {"maxItems", "minItems"}}
        items = {name: value for name, value in constraint.items() if name not in kept}
        base: Json = schema.get("items") or {}
        return schema | {"type": "array", "items": base | items} | kept
    return schema | constraint


def _must_be_given(constraint: Json) -> bool:
    return "enum" in constraint or "const" in constraint


def _only_value(constraint: Json) -> Any:
    if "const" in constraint:
        return constraint["const"]
    values: Sequence[Any] = constraint.get("enum") or ()
    return values[0] if len(values) == 1 else None


def _allowed(constraint: Json) -> str:
    return ", ".join(map(str, constraint.get("enum") or [constraint.get("const")]))
