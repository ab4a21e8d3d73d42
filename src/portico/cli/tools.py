"""`portico tools …`: an account's tools, as agents have them, from a terminal."""

import base64
import json as json_
import sys
from typing import Annotated, Any
from urllib.parse import quote

from cyclopts import Parameter

from portico.cli.api import AccountOption, Api, JsonOption, TokenOption, UrlOption, account_of
from portico.cli.say import FAILED, Unhappy, complain, say, say_json, say_record, say_rows, say_table
from portico.cli.sending import VALUES_HELP, LocalFile, read_values
from portico.shapes import is_list, is_record

Json = dict[str, Any]
Words = Annotated[
    list[str] | None,
    Parameter(name="--method", negative="", help="read, write, custom, or a method's or tool's name; repeat for more."),
]
Name = Annotated[str, Parameter(help="The tool's name, as `portico tools list` shows it.")]
Tags = Annotated[list[str] | None, Parameter(name="--tag", negative="", help="An area; repeat for more.")]
Removed = Annotated[bool, Parameter(negative="", help="Also what the vendor has switched off.")]
Secrets = Annotated[
    str,
    Parameter(
        help="How a key that is shown once is handed over: link (to a page that shows it once), store (under a name) "
        "or reveal (told here); link if absent."
    ),
]
# What goes along inside the arguments has to be held whole; larger files go through `portico call`.
MOST_FILE_BYTES = 20_000_000


def list_(
    *,
    account: AccountOption = "",
    method: Words = None,
    tag: Tags = None,
    removed: Removed = False,
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """List the tools that an account's keys allow."""
    api = Api(url, token)
    query = {
        "methods": ",".join(method or []),
        "tags": ",".join(tag or []),
        "include_removed": "true" if removed else "",
    }
    found = list(api.pages(_path(account_of(api, account)), **query))
    if json:
        say_json(found)
        return
    rows = [(each["name"], each["method"], ", ".join(each["tags"]), _first(each["description"])) for each in found]
    say_table(("name", "method", "areas", "what it does"), rows, "No tool passes these filters.")


def show(
    name: Name,
    *,
    account: AccountOption = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Show one tool: what it does and what it takes."""
    api = Api(url, token)
    found = list(api.pages(_path(account_of(api, account)), methods=name, include_removed="true"))
    if len(found) != 1:
        raise Unhappy(f"This account has no tool {name!r}; `portico tools list` shows those there are.")
    tool = found[0]
    if json:
        say_json(tool)
        return
    properties: Json = tool["input_schema"]["properties"]
    say_record({key: value for key, value in tool.items() if not key.endswith("_schema") and key != "required"})
    rows = [
        (key, "yes" if key in tool["required"] else "", _kind(schema), schema.get("description", ""))
        for key, schema in properties.items()
    ]
    say_table(("argument", "required", "type", "meaning"), rows, "It takes no arguments.")


def call(
    name: Name,
    *values: Annotated[str, Parameter(help=VALUES_HELP)],
    account: AccountOption = "",
    secrets: Secrets = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> int:
    """Run a tool, for example `portico tools call list_all_openai_projects limit:=5`."""
    api = Api(url, token)
    arguments = {key: _sent(value) for key, value in read_values(values).items()}
    path = f"{_path(account_of(api, account))}/{quote(name, safe='')}"
    result = api.post(path, arguments, secrets=secrets)
    if json:
        say_json(result)
    elif result["is_error"]:
        complain(_sentence(result))
    else:
        _say(result)
    return FAILED if result["is_error"] else 0


def _path(account: str) -> str:
    return f"/integrated-account/{account}/tools"


def _sent(value: Any) -> Any:
    """A file inside the arguments, as tools take them."""
    if is_list(value):
        return [_sent(each) for each in value]
    if not isinstance(value, LocalFile):
        return value
    if value.path.stat().st_size > MOST_FILE_BYTES:
        raise Unhappy(
            f"{value.path} has more than {MOST_FILE_BYTES // 1_000_000} MB: send it with `portico call`, which streams."
        )
    content = base64.b64encode(value.path.read_bytes()).decode()
    return {"base64": content, "filename": value.path.name, "content_type": value.content_type}


def _say(result: Json) -> None:
    structured = result["structured"]
    rows = structured.get("result") if is_record(structured) else None
    if is_list(rows) and all(is_record(row) for row in rows):
        say_rows(rows)
        rest = {key: value for key, value in structured.items() if key not in {"result", "result_count"} and value}
        if rest:
            sys.stderr.write("".join(f"{key}: {_text(value)}\n" for key, value in rest.items()))
    elif is_record(structured):
        tables = _tables(structured)
        for title, table in tables.items():
            say(f"{title}:")
            say_table(table["columns"], table["rows"], "Nothing.")
        say_record({key: value for key, value in structured.items() if key not in tables and key != "tables"})
    else:
        for block in result["content"]:
            say(block.get("text") or json_.dumps(block))


def _tables(structured: Json) -> dict[str, Json]:
    """The tables of a report: `{columns, rows}`, at the top or under `tables`."""
    nested: Any = structured.get("tables")
    found: Json = structured | (nested if is_record(nested) else {})
    return {
        key: value
        for key, value in found.items()
        if is_record(value) and is_list(value.get("columns")) and "rows" in value
    }


def _sentence(result: Json) -> str:
    structured = result["structured"]
    if is_record(structured) and isinstance(structured.get("error"), str):
        return structured["error"]
    return (
        "\n".join(str(block.get("text", "")) for block in result["content"]) or "The tool failed and did not say why."
    )


def _first(text: str) -> str:
    """The first sentence."""
    return text.partition(". ")[0].partition("\n")[0].rstrip(".")


def _kind(schema: Json) -> str:
    kind = schema.get("type", "any")
    text = " or ".join(kind) if is_list(kind) else str(kind)
    return f"{text}: {', '.join(map(str, schema['enum']))}" if "enum" in schema else text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_.dumps(value, ensure_ascii=False)
