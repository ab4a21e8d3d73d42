"""What is offered, as an agent sees it: one flat input schema, a short description first, annotations. Pure."""

from collections.abc import Collection
from typing import Any

from msgspec import Struct

from portico.model.offered import Offered
from portico.model.operation import Parameter
from portico.toolbox.controls import controls_of
from portico.toolbox.fit import clean

Json = dict[str, Any]
IDENTITY = "id"
_CURSOR = "From the last page, unchanged"
_LIMIT = "Per page"
# Some programs take 1,024 characters of description; the rest is for what we add to the sentences.
_LONGEST_SAYS, _LONGEST_TITLE = 800, 100


class Tool(Struct, frozen=True, kw_only=True):
    """A tool ready to be listed. `input_schema` is what a model fills in, flat, fit for narrow clients."""

    name: str
    title: str
    description: str
    input_schema: Json
    annotations: Json


def tool_of(operation: Offered, *, plain: bool = False, off: Collection[str] = ()) -> Tool:
    """`plain`: only what the vendor itself takes, for clients that send it to the Proxy API. `off`: the comforts that
    are switched off."""
    return Tool(
        name=operation.tool.name,
        title=titled(operation),
        description=describe(operation),
        input_schema=input_schema(operation, plain=plain, off=off),
        annotations=annotations(operation),
    )


def describe(operation: Offered) -> str:
    """The sentences, and what a caller must know of the operation's life. Whoever runs this gateway may have written
    them: signs that mislead are left out, and so is what the narrowest programs have no room for."""
    lifecycle, says = operation.lifecycle, clean(operation.says).strip()
    says = says if len(says) <= _LONGEST_SAYS else f"{says[: _LONGEST_SAYS - 1]}…"
    if lifecycle.state == "active":
        return says
    words = {"removed": "Switched off", "read_only": "Read-only since", "deprecated": "Ends"}
    when = f"{words[lifecycle.state]} {lifecycle.date}" if lifecycle.date else "Deprecated"
    ends = f", ends {lifecycle.ends}" if lifecycle.ends else ""
    instead = f"; use {lifecycle.replacement}" if lifecycle.replacement else ""
    return f"{says} {when}{ends}{instead}.".strip()


def titled(operation: Offered) -> str:
    return " ".join(clean(operation.title).split())[:_LONGEST_TITLE]


def annotations(operation: Offered) -> Json:
    return {
        "title": titled(operation),
        "readOnlyHint": operation.effect == "read",
        "destructiveHint": operation.effect == "destroy",
        "idempotentHint": operation.is_repeatable,
        "openWorldHint": True,
    }


def input_schema(operation: Offered, *, plain: bool = False, off: Collection[str] = ()) -> Json:
    properties: Json = {}
    required: list[str] = []
    said = () if plain or "times" in off else operation.times
    for each in operation.parameters:
        if each.shown != "always" and not (plain and each.shown == "rare"):
            continue
        name = shown_name(operation, each)
        properties[name] = _cleaned(_time(each.schema) if each.name in said else each.schema)
        if each.required:
            required.append(name)
    properties |= _paging(operation)
    properties |= {} if plain else {each.name: each.schema for each in controls_of(operation, off)}
    rare = [] if plain else [each.name for each in operation.parameters if each.shown == "rare"]
    if rare:
        properties["extra"] = {"type": "object", "description": f"More arguments: {', '.join(rare)}"}
    schema: Json = {"type": "object", "properties": properties}
    return schema | {"required": required} if required else schema


def _cleaned(schema: Json) -> Json:
    words: Any = schema.get("description")
    return schema if words is None or clean(words) == words else schema | {"description": clean(words)}


def _time(schema: Json) -> Json:
    """Text, so that a time can be said; a number of seconds is understood all the same."""
    return {"type": "string", "description": schema.get("description", "")}


def shown_name(operation: Offered, parameter: Parameter) -> str:
    """An item's own id is called `id`, as everywhere in the Proxy API; parents keep their names."""
    return IDENTITY if parameter.name == operation.identity else parameter.name


def _paging(operation: Offered) -> Json:
    if operation.page is None:
        return {}
    paging: Json = {"next_cursor": {"type": "string", "description": _CURSOR}}
    if operation.page.limit or not operation.page.send:
        own = operation.page.limit or "limit"
        known = next((each for each in operation.parameters if each.name == own), None)
        if known is None or known.shown != "always":
            paging["limit"] = {"type": "integer", "description": _LIMIT}
    return paging
