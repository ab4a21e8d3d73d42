"""`portico catalog …`: look at what the vendors can do, check it, begin a new vendor."""

import json as json_
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from portico import clock
from portico.catalog.find import View, select
from portico.catalog.load import load_folder
from portico.cli.api import JsonOption
from portico.cli.say import Unhappy, complain, say, say_json, say_record, say_table
from portico.model.operation import Operation
from portico.shapes import is_list

_INTEGRATIONS = Path(__file__).parent.parent / "integrations"
Resource = Annotated[str, Parameter(help="Only the operations of this resource.")]
Methods = Annotated[
    list[str] | None,
    Parameter(name="--method", negative="", help="read, write, custom, or a method's or tool's name; repeat for more."),
]
Tags = Annotated[list[str] | None, Parameter(name="--tag", negative="", help="An area; repeat for more.")]
Name = Annotated[str, Parameter(help="A tool's name, resource.method, or a resource.")]
NewName = Annotated[str, Parameter(help="The vendor's name in lower case.")]
Integration = Annotated[str, Parameter(help="The vendor.", show_default=True)]
OpenApi = Annotated[Path | None, Parameter(name="--openapi", help="Compare with this OpenAPI file too.")]


def list_(
    *,
    integration: Integration = "openai",
    resource: Resource = "",
    method: Methods = None,
    tag: Tags = None,
    active: Annotated[bool, Parameter(negative="", help="Without what the vendor has switched off.")] = False,
    json: JsonOption = False,
) -> None:
    """List every operation: resource, method, address, tool, key, effect, state."""
    operations = select(_view(integration).operations, method or (), tag or ())
    operations = [each for each in operations if not resource or each.resource == resource]
    operations = [each for each in operations if not active or each.lifecycle.state != "removed"]
    rows = [row(each) for each in operations]
    if json:
        say_json(rows)
        return
    columns = ("resource", "method", "verb", "path", "tool", "key", "effect", "lifecycle")
    say_table(columns, [[each[name] for name in columns] for each in rows], "No operation passes these filters.")


def row(operation: Operation) -> dict[str, str]:
    return {
        "resource": operation.resource,
        "method": operation.method,
        "verb": operation.verb,
        "path": operation.path,
        "tool": operation.tool.name,
        "key": operation.credential,
        "effect": operation.effect,
        "lifecycle": operation.lifecycle.state,
    }


def show(name: Name, *, integration: Integration = "openai", json: JsonOption = False) -> None:
    """Show one operation, by its tool name or as resource.method; or a resource with all it can do."""
    view = _view(integration)
    if name in view.resources:
        list_(integration=integration, resource=name, json=json)
        return
    resource, dot, method = name.partition(".")
    operation = view.find(resource, method) if dot else view.tool(name)
    if not isinstance(operation, Operation):
        near = ", ".join(view.nearest_tools(name))
        hint = f"nearest: {near}" if near else "`portico catalog list` shows those there are"
        raise Unhappy(f"There is no tool or resource {name!r}; {hint}.")
    if json:
        import msgspec

        say_json(msgspec.to_builtins(operation))
        return
    say_record(row(operation) | _more(operation))
    arguments = [
        (each.name, each.place, "yes" if each.required else "", _kind(each.schema), each.schema.get("description", ""))
        for each in operation.parameters
    ]
    say_table(("argument", "place", "required", "type", "meaning"), arguments, "It takes no arguments.")


def check(*, openapi: OpenApi = None, json: JsonOption = False) -> int:
    """Lint the catalog, see that its files are fresh, and compare it with the vendor's SDK or an OpenAPI file."""
    try:
        from portico.catalog import build, inventory
        from portico.catalog import check as lint
    except ImportError as missing:
        raise Unhappy(f"This command needs the development requirements ({missing.name} is missing).") from None
    arguments = ["--check", *(["--openapi", str(openapi)] if openapi else []), *(["--json"] if json else [])]
    try:
        drifted = inventory.main(arguments)
    except inventory.NoPackage:
        complain("The vendor's SDK package is not installed, so nothing was compared with it.")
        drifted = 0
    return max(drifted, build.main(["--check"]), lint.main([]))


def new(
    name: NewName,
    openapi: Annotated[Path, Parameter(help="The vendor's OpenAPI file, JSON or YAML.")],
    *,
    folder: Annotated[Path | None, Parameter(help="Where to write; a folder of the vendor's name if left out.")] = None,
    force: Annotated[bool, Parameter(negative="", help="Write over what is there.")] = False,
) -> None:
    """Begin a new vendor from an OpenAPI file: its facts, and a definition whose words are still to be written."""
    try:
        from portico.catalog.scaffold import scaffold
    except ImportError as missing:
        raise Unhappy(f"This command needs the development requirements ({missing.name} is missing).") from None
    if not openapi.is_file():
        raise Unhappy(f"There is no file {openapi}.")
    for path in scaffold(name, openapi, folder or Path(name), force=force):
        say(str(path))
    complain("Next: write credentials and sentences; docs/how-to/add-a-vendor.md says how.")


def _view(integration: str) -> View:
    folder = _INTEGRATIONS / integration / "catalog"
    if not folder.is_dir():
        known = ", ".join(sorted(each.parent.name for each in _INTEGRATIONS.glob("*/catalog")))
        raise Unhappy(f"There is no integration {integration!r}; there are: {known}.")
    return load_folder(folder).on(clock.now().date())


def _more(operation: Operation) -> dict[str, Any]:
    return {
        "title": operation.title,
        "says": operation.says,
        "tags": ", ".join(operation.tags),
        "aliases": ", ".join(operation.tool.aliases),
        "returns": operation.returns,
        "pages": operation.page.name if operation.page else "",
        "date": operation.lifecycle.date,
        "ends": operation.lifecycle.ends,
        "replacement": operation.lifecycle.replacement,
        "example": json_.dumps(operation.example) if operation.example is not None else "",
    }


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "any")
    text = " or ".join(kind) if is_list(kind) else str(kind)
    return f"{text}: {', '.join(map(str, schema['enum']))}" if "enum" in schema else text
