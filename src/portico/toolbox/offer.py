"""Which tools an account or a server offers: its filters, its keys, its brakes, and what a caller may put in. Pure."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct, structs

from portico.catalog.find import select
from portico.catalog.schema import compile_check
from portico.errors import Failure, NotAllowed, NotFound
from portico.gateway.admit import admit_key
from portico.gateway.lookup import Connected
from portico.model.offered import Offered
from portico.model.operation import Parameter
from portico.model.server import ServerConfig
from portico.shapes import Json, is_list, is_record
from portico.toolbox.shown_once import told
from portico.toolbox.tools import Tool, shown_name, tool_of

NO_CONFIG = ServerConfig()
_LIMIT = Parameter(name="limit", place="query", schema={"type": "integer"})
# The size of a page where the vendor does not tell its own: what most give, and every one takes.
_USUAL_PAGE = 20
_NUMBER_WORDS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})
_TEXT_WORDS = frozenset({"pattern", "minLength", "maxLength"})
# What a constraint may be made of: words that hold something back, and the sentence that is shown with them.
CONSTRAINT_WORDS = frozenset(
    {"type", "enum", "const", "not", "anyOf", "oneOf", "allOf", "items", "minItems", "maxItems", "uniqueItems"}
    | {"properties", "required", "additionalProperties", "description", *_NUMBER_WORDS, *_TEXT_WORDS}
)


class Offer(Struct, frozen=True, kw_only=True):
    """Everything that may be called, by name, in the catalog's order."""

    operations: tuple[Offered, ...]
    tools: tuple[Tool, ...]


def offer(connected: Connected, config: ServerConfig = NO_CONFIG, *, undescribed: bool = False) -> Offer:
    """`undescribed`: also what nobody has written a sentence about, to be seen, not to be called. What goes on with
    others is listed where it passes the filter itself, and may be called wherever one of them may."""
    operations = _chosen(connected, config)
    kept = tuple(
        each
        for each in operations
        if _barred(each, connected, config, undescribed=undescribed) is None
        and (config.include_removed or each.lifecycle.state != "removed")
        and (not each.follows or select([each], respelt(config, connected), config.tags))
    )
    return Offer(operations=kept, tools=tuple(constrained(each, config) for each in kept))


def why_not(operation: Offered, connected: Connected, config: ServerConfig) -> Exception | None:
    """Why the operation may not be called here; None where it may. What a vendor switched off is hidden, not barred:
    at the vendor's own address the gateway refuses it, and another server may still have it."""
    if operation.comfort in config.comforts_off:
        return NotAllowed(f"This server has switched {operation.comfort} off, and {operation.tool.name!r} with it.")
    if operation.follows and all(operation.key != each.key for each in _chosen(connected, config)):
        return NotAllowed(f"This server offers nothing that {operation.tool.name!r} could go on with.")
    is_filtered = bool(config.methods or config.tags) and not operation.follows
    if is_filtered and not select([operation], respelt(config, connected), config.tags):
        return NotAllowed(_filtered(operation, config))
    return _barred(operation, connected, config)


def _chosen(connected: Connected, config: ServerConfig) -> list[Offered]:
    """What passes the filter, and what goes on with any of that."""
    selected = {each.key for each in select(connected.view.offered, respelt(config, connected), config.tags)}
    return [
        each
        for each in connected.view.offered
        if (bool(selected & {*each.follows}) if each.follows else each.key in selected)
        and each.comfort not in config.comforts_off
    ]


def _barred(
    operation: Offered, connected: Connected, config: ServerConfig, *, undescribed: bool = False
) -> Exception | None:
    if not operation.says and not undescribed:
        return NotFound(f"The tool {operation.tool.name!r} has no description, so it is not offered.")
    if config.read_only and operation.effect != "read":
        return NotAllowed(f"This server is read-only; {operation.tool.name!r} changes something.")
    return next(filter(None, (_key_missing(name, connected) for name in operation.credentials)), None)


def respelt(config: ServerConfig, connected: Connected) -> list[str]:
    """The filter's words, with tools by the names that they have in the catalog."""
    tools = [(word, connected.view.tool(word) if "_" in word else None) for word in config.methods]
    return [tool.tool.name if tool else word for word, tool in tools]


def _key_missing(name: str, connected: Connected) -> Exception | None:
    credential = connected.view.credentials.get(name)
    if credential is not None and credential.field not in connected.account.held:
        try:
            admit_key(credential, connected)
        except Exception as problem:
            return problem
    return None


def _filtered(operation: Offered, config: ServerConfig) -> str:
    filters = [f"methods {', '.join(config.methods)}"] if config.methods else []
    filters += [f"tags {', '.join(config.tags)}"] if config.tags else []
    return f"This server does not offer {operation.tool.name!r}: it is limited to {' and '.join(filters)}."


class Limit(Struct, frozen=True):
    """One constraint of a server, and the argument of one operation that it holds for."""

    shown: str
    parameter: Parameter
    constraint: Json


def _limited(operation: Offered) -> Sequence[Parameter]:
    """Its arguments, and our `limit` where it is a list that has none of its own."""
    if operation.page is None or any(each.name == _LIMIT.name for each in operation.parameters):
        return operation.parameters
    return (*operation.parameters, _LIMIT)


def limits_of(operation: Offered, constraints: dict[str, Json]) -> list[Limit]:
    """A constraint may name an argument as it is shown or by its own name; where there are two, both hold."""
    found: list[Limit] = []
    for parameter in _limited(operation):
        shown = shown_name(operation, parameter)
        names = dict.fromkeys((parameter.name, shown))
        found += [Limit(shown, parameter, constraints[name]) for name in names if constraints.get(name)]
    return found


def constrained(operation: Offered, config: ServerConfig) -> Tool:
    """The tool with the server's constraints written into its schema, without the comforts that it switched off."""
    tool = tool_of(operation, off=config.comforts_off)
    if operation.secrets and (words := told(operation, config.secret_rules)):
        tool = structs.replace(tool, description=f"{tool.description} {words}")
    limits = limits_of(operation, config.arguments) if config.arguments else []
    if not limits:
        return tool
    properties: Json = dict(tool.input_schema["properties"])
    required: list[str] = list(tool.input_schema.get("required", ()))
    for each in limits:
        properties[each.shown] = _narrowed(properties.get(each.shown) or each.parameter.schema, each.constraint)
        if _only_value(each) is not None:
            required = [name for name in required if name != each.shown]
        elif _must_be_given(each.constraint) and each.shown not in required:
            required.append(each.shown)
    schema: Json = tool.input_schema | {"properties": properties, "required": required}
    if not required:
        del schema["required"]
    return structs.replace(tool, input_schema=schema)


def filled(operation: Offered, said: Json, constraints: dict[str, Json]) -> Json:
    """What was said, with the only allowed value of each argument that was left out: an id, a name or a time."""
    if not constraints:
        return said
    only = {each.parameter.name: _only_value(each) for each in limits_of(operation, constraints)}
    return said | {name: value for name, value in only.items() if value is not None and name not in said}


def enforce(
    operation: Offered, arguments: Json, constraints: dict[str, Json], said: Json | None = None
) -> tuple[Json, list[Failure]]:
    """Arguments by their own names, checked against the constraints; an only allowed value is filled in.

    A constraint may list ids or names: it holds for an argument as it was said or as it was understood.
    """
    if not constraints:
        return arguments, []
    kept = dict(arguments)
    limits = limits_of(operation, constraints)
    failures = _bypasses(operation, arguments, limits)
    for each in limits:
        name = each.parameter.name
        if name not in kept and (only := _only_value(each)) is not None:
            kept[name] = only
        if name not in kept and _must_be_given(each.constraint):
            failures.append(Failure(each.shown, "must be given on this server", _allowed(each.constraint)))
        elif name not in kept:
            _by_default(operation, each, kept, failures)
        if name not in kept:
            continue
        problems = _problems(each, kept[name])
        if problems and said is not None and name in said and not _problems(each, said[name]):
            continue
        failures += problems
    return kept, failures


def paged(operation: Offered, arguments: Json, constraints: dict[str, Json]) -> Json:
    """The arguments of a call that a tool makes by itself: how long its pages are is its own choice, so it fits in."""
    wanted = arguments.get(_LIMIT.name)
    limits = [each for each in limits_of(operation, constraints) if each.parameter.name == _LIMIT.name]
    if wanted is None or operation.page is None or not any(_problems(each, wanted) for each in limits):
        return arguments
    told = [value for each in limits for value in (*_bounds(each), *_listed(each.constraint))]
    sizes = sorted(
        value for value in told if isinstance(value, int) and not any(_problems(each, value) for each in limits)
    )
    fitting = [value for value in sizes if value <= wanted][-1:] or sizes[:1]
    return arguments | {_LIMIT.name: fitting[0]} if fitting else arguments


def _by_default(operation: Offered, limit: Limit, kept: Json, failures: list[Failure]) -> None:
    """In the place of a default that is not allowed, or not told, the nearest that is; or the word that one must be
    said."""
    usual, is_told = _usual(operation, limit)
    if usual is None:
        return
    if not _problems(limit, usual):
        kept |= {} if is_told else {limit.parameter.name: usual}
        return
    allowed = [each for each in _bounds(limit) if not _problems(limit, each)]
    if allowed:
        kept[limit.parameter.name] = allowed[0]
    else:
        failures.append(Failure(limit.shown, f"must be given on this server: its default, {usual}, is not allowed"))


def _usual(operation: Offered, limit: Limit) -> tuple[Any, bool]:
    """(what an argument is where nobody says it, whether the vendor tells that). Of other things than the sizes of
    pages nothing is guessed: to leave them out may mean to leave them as they are."""
    style = operation.page
    if style is None or limit.parameter.name != _LIMIT.name:
        return limit.parameter.schema.get("default"), True
    if not style.send:  # a list that the vendor gives whole is cut here, however long the pages are to be
        return limit.constraint.get("maximum"), False
    own = next((each for each in operation.parameters if each.name == style.limit), limit.parameter)
    if own.schema.get("default") is not None:
        return own.schema["default"], True
    return min(_USUAL_PAGE, own.schema.get("maximum", _USUAL_PAGE)), False


def _bounds(limit: Limit) -> list[Any]:
    return [limit.constraint[word] for word in ("maximum", "minimum") if word in limit.constraint]


def may_be(
    operation: Offered, parameter: Parameter, values: Sequence[str], constraints: dict[str, Json], *, field: str = ""
) -> bool:
    """Whether an argument may be any of these values, such as an id or the name that belongs to it.

    Of a `field` in an argument that is limited as a whole nothing is known to be allowed; a limit on an argument that
    is called like the field, alone or in the plural, holds for what may be told of the field too.
    """
    own = [each for each in limits_of(operation, constraints) if each.parameter.name == parameter.name]
    if field and own:
        return False
    if field:
        names = (field, field.removesuffix("s"), f"{field.removesuffix('s')}s")
        own = [Limit(name, parameter, constraints[name]) for name in dict.fromkeys(names) if constraints.get(name)]
    return all(any(not _problems(each, _as_limited(each, value)) for value in values) for each in own)


def _as_limited(limit: Limit, value: str) -> Any:
    return [value] if "items" in limit.constraint else value


def _problems(limit: Limit, value: Any) -> list[Failure]:
    strict = _narrowed({}, _typed(limit.constraint), is_array=is_list(value))
    found = compile_check({"properties": {limit.shown: strict}})({limit.shown: value})
    return [each._replace(problem=f"{each.problem} (a limit of this server)") for each in found]


def _bypasses(operation: Offered, arguments: Json, limits: Sequence[Limit]) -> list[Failure]:
    """The same thing said under another spelling, or from within the object that it lands in."""
    known = {each.name: each for each in operation.parameters}
    failures: list[Failure] = []
    for limit in limits:
        wire = limit.parameter.on_the_wire.split(".")
        spellings = {limit.shown.lower(), limit.parameter.name.lower(), _root(wire[0])}
        for name, value in arguments.items():
            if name not in known and _root(name) in spellings:
                failures.append(Failure(name, f"is limited on this server; give it as {limit.shown!r}"))
            elif name in known and name != limit.parameter.name and _holds(known[name], value, wire):
                failures.append(Failure(name, f"sets what is limited on this server; give it as {limit.shown!r}"))
    return failures


def _root(name: str) -> str:
    """`project_ids[0]`, `project_ids[]` and `Project_ids.x` are all ways to say `project_ids`."""
    return re.split(r"[.\[]", name, maxsplit=1)[0].strip().lower()


def _holds(parameter: Parameter, value: Any, wire: list[str]) -> bool:
    """Whether this argument is an object around the place at which the limited one lands, and fills that place."""
    outer = parameter.on_the_wire.split(".")
    if len(outer) >= len(wire) or wire[: len(outer)] != outer:
        return False
    for name in wire[len(outer) :]:
        if not is_record(value) or name not in value:
            return False
        value = value[name]
    return True


def _narrowed(schema: Json, constraint: Json, *, is_array: bool = False) -> Json:
    """A list of allowed values means, for an argument that is a list, that each of its items must be one of them."""
    if (schema.get("type") == "array" or is_array) and "items" not in constraint:
        kept = {name: value for name, value in constraint.items() if name in {"maxItems", "minItems"}}
        items = {name: value for name, value in constraint.items() if name not in kept}
        base: Json = schema.get("items") or {}
        return schema | {"type": "array", "items": base | items} | kept
    return schema | constraint


def _typed(constraint: Json) -> Json:
    """A bound on numbers lets text pass, and the other way round, unless the kind is said too."""
    if "type" not in constraint and constraint.keys() & _NUMBER_WORDS:
        return constraint | {"type": "number"}
    if "type" not in constraint and constraint.keys() & _TEXT_WORDS:
        return constraint | {"type": "string"}
    return constraint


def _must_be_given(constraint: Json) -> bool:
    return "enum" in constraint or "const" in constraint


def _only_value(limit: Limit) -> Any:
    """The value as the argument takes it; None where there are several or none."""
    values = _listed(limit.constraint)
    if len(values) != 1 or values[0] is None:
        return None
    return [values[0]] if limit.parameter.is_array else values[0]


def _allowed(constraint: Json) -> str:
    return ", ".join(map(str, _listed(constraint)))


def _listed(constraint: Json) -> Sequence[Any]:
    """The values of which it must be one, where they are listed."""
    return [constraint["const"]] if "const" in constraint else constraint.get("enum") or ()
