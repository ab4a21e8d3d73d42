"""What adapters share: arguments as models write them, results as text and pictures, narrowed schemas. Pure."""

import json
from collections.abc import Mapping
from typing import Any, cast

from portico_client.adapters.needs import needed
from portico_client.tools import ToolResult
from portico_client.toolset import Tool, said
from portico_client.wire import Json, is_record

# What Gemini's reader of JSON Schema knows; it refuses a declaration with anything else in it.
_KNOWN_TO_GEMINI = frozenset(
    {"type", "format", "title", "description", "enum", "items", "prefixItems", "minItems", "maxItems", "minimum"}
    | {"maximum", "anyOf", "oneOf", "properties", "additionalProperties", "required"}
)


class Misread(ValueError):
    """The model's arguments are no JSON object."""


def read_arguments(written: Any) -> Json:
    """The arguments of a call, written as JSON or given as an object."""
    if isinstance(written, Mapping):
        return dict(cast("Mapping[str, Any]", written))
    try:
        read: Any = json.loads(written) if written and str(written).strip() else {}
    except ValueError as problem:
        raise Misread(f"The arguments are not valid JSON ({problem}). Send them once more as one object.") from None
    if not is_record(read):
        raise Misread("The arguments must be one JSON object.")
    return read


def refused(sentence: str) -> ToolResult:
    """A result that says what is wrong with the call itself."""
    told = {"error": sentence}
    return ToolResult([{"type": "text", "text": json.dumps(told, ensure_ascii=False)}], told, is_error=True)


def answered(tool: Tool[Any], written: Any) -> ToolResult:
    """The result for arguments as a model wrote them."""
    try:
        arguments = read_arguments(written)
    except Misread as problem:
        return refused(str(problem))
    return tool.answer(arguments)


async def aanswered(tool: Tool[Any], written: Any) -> ToolResult:
    try:
        arguments = read_arguments(written)
    except Misread as problem:
        return refused(str(problem))
    return await tool.aanswer(arguments)


def pictures(result: ToolResult) -> list[tuple[str, str]]:
    """(content type, base64) of each picture in a result."""
    return [
        (str(block.get("mimeType") or "image/png"), str(block["data"]))
        for block in result.content
        if block.get("type") == "image" and block.get("data")
    ]


def data_url(picture: tuple[str, str]) -> str:
    return f"data:{picture[0]};base64,{picture[1]}"


def words(result: ToolResult) -> str:
    return said(result)


def arguments_model(tool: Tool[Any], extra: str) -> Any:
    """A pydantic model for frameworks that want one: it takes whatever comes and shows the tool's own schema. What is
    wrong with an argument, the gateway says better than a model of it could."""
    pydantic = needed("pydantic", extra)

    def shown(*_given: Any, **_more: Any) -> Json:
        return dict(tool.input_schema)

    own = {
        "__get_pydantic_json_schema__": classmethod(shown),
        "model_config": {"extra": "allow"},
        "__module__": __name__,
    }
    return type(pydantic.BaseModel)(f"{tool.name}_arguments", (pydantic.BaseModel,), own)


def for_gemini(schema: Mapping[str, Any]) -> Json:
    """The same schema in the words that Gemini knows; a bound that it has no word for is told in the description."""
    narrow = {name: value for name, value in schema.items() if name in _KNOWN_TO_GEMINI}
    kinds: Any = narrow.get("type")
    if isinstance(kinds, list):
        del narrow["type"]
        narrow["anyOf"] = [{"type": kind} for kind in cast("list[str]", kinds)]
    if "const" in schema:
        narrow["enum"] = [schema["const"]]
    if is_record(narrow.get("properties")):
        narrow["properties"] = {name: for_gemini(each) for name, each in narrow["properties"].items()}
    for name in ("items", "additionalProperties"):
        if is_record(narrow.get(name)):
            narrow[name] = for_gemini(narrow[name])
    for name in ("anyOf", "oneOf", "prefixItems"):
        if isinstance(narrow.get(name), list):
            narrow[name] = [for_gemini(each) for each in narrow[name]]
    left = {name: schema[name] for name in _BOUNDS if name in schema}
    if left:
        told = ", ".join(f"{name} {value}" for name, value in left.items())
        narrow["description"] = f"{narrow.get('description', '')} ({told})".strip()
    return narrow


_BOUNDS = ("exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "pattern")
