"""`portico call`: any method of a vendor through the Proxy API, from a terminal."""

import json as json_
import shutil
import sys
from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import Api, JsonOption, TokenOption, UrlOption
from portico.cli.say import Unhappy, say_json, say_record, say_table
from portico.shapes import is_list, is_record

_WITH_ID = {"get": "GET", "update": "PATCH", "delete": "DELETE"}
_WITHOUT_ID = {"list": "GET", "create": "POST"}
_MOST_COLUMNS = 6
Account = Annotated[str, Parameter(name=("--account", "-a"), help="The account; not needed with an account token.")]
Output = Annotated[str, Parameter(name=("--output", "-o"), help="Write the answer to this file instead.")]


def call(
    resource: str,
    method: str,
    *values: Annotated[
        str, Parameter(help="key=value; key:=JSON for numbers, lists and objects; id=… names the item.")
    ],
    account: Account = "",
    output: Output = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Call a method, for example `portico call files list limit=5` or `portico call batches cancel id=batch_1`."""
    arguments = read_values(values)
    verb, path = address(resource, method, arguments)
    query: dict[str, Any] = {"integrated_account_id": account}
    body: dict[str, Any] | None = None
    if verb in {"GET", "DELETE"}:
        query |= {name: _text(value) for name, value in arguments.items()}
    else:
        body = arguments
    with Api(url, token).open(verb, path, body=body, query=query) as response:
        if output:
            with open(output, "wb") as file:
                shutil.copyfileobj(response, file)
            return
        kind = response.headers.get_content_type()
        if kind != "application/json":
            shutil.copyfileobj(response, sys.stdout.buffer)
            return
        _say(json_.load(response), json=json)


def address(resource: str, method: str, arguments: dict[str, Any]) -> tuple[str, str]:
    """(HTTP method, path); takes the item's id out of the arguments where the path holds it."""
    if method in _WITHOUT_ID:
        return _WITHOUT_ID[method], f"/proxy/{resource}"
    if method in _WITH_ID:
        identity = arguments.pop("id", "")
        return _WITH_ID[method], f"/proxy/{resource}/{identity}" if identity else f"/proxy/{resource}"
    return "POST", f"/proxy/{resource}/{method}"


def read_values(values: tuple[str, ...]) -> dict[str, Any]:
    """`a=text`, `a:=JSON`, `a=@file`; the same key twice makes a list."""
    arguments: dict[str, Any] = {}
    for each in values:
        name, equals, text = each.partition("=")
        if not equals or not name:
            raise Unhappy(f"{each!r} is not key=value.")
        value: Any = text
        if name.endswith(":"):
            name = name[:-1]
            try:
                value = json_.loads(text)
            except ValueError:
                raise Unhappy(f"The value of {name} is not JSON: {text}") from None
        if name in arguments:
            known = arguments[name]
            value = [*known, value] if is_list(known) else [known, value]
        arguments[name] = value
    return arguments


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_text(each) for each in value] if is_list(value) else value


def _say(answer: Any, *, json: bool) -> None:
    rows = answer.get("result") if is_record(answer) else None
    if json or not is_record(answer):
        say_json(answer)
    elif is_list(rows) and all(is_record(row) for row in rows):
        columns = list(dict.fromkeys(name for row in rows for name in row if name != "object"))[:_MOST_COLUMNS]
        say_table(columns, [[row.get(name) for name in columns] for row in rows], "The list is empty.")
        if answer.get("next_cursor"):
            sys.stderr.write(f"More: add next_cursor={answer['next_cursor']}\n")
    else:
        say_record(rows if is_record(rows) else answer)
