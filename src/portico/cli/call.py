"""`portico call`: any method of a vendor through the Proxy API, from a terminal."""

import json as json_
import sys
from http.client import HTTPResponse
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from portico.cli.api import AccountOption, Api, JsonOption, TokenOption, UrlOption, account_of
from portico.cli.progress import copy, told
from portico.cli.say import Unhappy, say_json, say_record, say_rows
from portico.cli.sending import VALUES_HELP, Form, has_files, read_values
from portico.shapes import is_list, is_record

_WITH_ID = {"get": "GET", "update": "PATCH", "delete": "DELETE"}
_WITHOUT_ID = {"list": "GET", "create": "POST"}
Resource = Annotated[str, Parameter(help="As `portico catalog list` shows it.")]
Method = Annotated[str, Parameter(help="list, get, create, update, delete, or one of the resource's own.")]
Output = Annotated[str, Parameter(name=("--output", "-o"), help="Write the answer to this file instead.")]


def call(
    resource: Resource,
    method: Method,
    *values: Annotated[str, Parameter(help=f"{VALUES_HELP} id=… names the item.")],
    account: AccountOption = "",
    output: Output = "",
    json: JsonOption = False,
    url: UrlOption = "",
    token: TokenOption = "",
) -> None:
    """Call a method, for example `portico call files list limit=5` or `portico call batches cancel id=batch_1`."""
    arguments = read_values(values)
    verb, path = address(resource, method, arguments)
    api = Api(url, token)
    query: dict[str, Any] = {"integrated_account_id": account_of(api, account)}
    body: Any = arguments
    if has_files(arguments):
        if verb in {"GET", "DELETE"}:
            raise Unhappy(f"{resource} {method} takes no file.")
        body = Form(arguments)
    elif verb in {"GET", "DELETE"}:
        query |= {name: as_text(value) for name, value in arguments.items()}
        body = None
    with api.open(verb, path, body=body, query=query) as response:
        if output:
            _save(response, Path(output))
        elif response.headers.get_content_type() == "application/json":
            say(json_.load(response), json=json)
        else:
            while piece := response.read1(65_536):  # as it comes: it may be events
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()


def address(resource: str, method: str, arguments: dict[str, Any]) -> tuple[str, str]:
    """(HTTP method, path); takes the item's id out of the arguments where the path holds it."""
    if method in _WITHOUT_ID:
        return _WITHOUT_ID[method], f"/proxy/{resource}"
    if method in _WITH_ID:
        identity = arguments.pop("id", "")
        return _WITH_ID[method], f"/proxy/{resource}/{identity}" if identity else f"/proxy/{resource}"
    return "POST", f"/proxy/{resource}/{method}"


def _save(response: HTTPResponse, path: Path) -> None:
    """Whole or not at all: what breaks off leaves nothing that looks complete."""
    partial = path.with_name(f"{path.name}.part")
    try:
        with told(f"Writing {path}") as progress, partial.open("wb") as file:
            progress.all_bytes = int(response.headers.get("content-length") or 0)
            copy(response.read, file.write, progress)
            if progress.all_bytes > progress.done_bytes:
                raise Unhappy(f"The answer broke off after {progress.done_bytes} of {progress.all_bytes} bytes.")
        partial.replace(path)
    except OSError as problem:
        raise Unhappy(f"{path} cannot be written: {problem.strerror or problem}.") from None
    finally:
        partial.unlink(missing_ok=True)


def as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [as_text(each) for each in value] if is_list(value) else value


def say(answer: Any, *, json: bool) -> None:
    rows = answer.get("result") if is_record(answer) else None
    if json or not is_record(answer):
        say_json(answer)
    elif is_list(rows) and all(is_record(row) for row in rows):
        say_rows(rows)
        if answer.get("next_cursor"):
            sys.stderr.write(f"More: add next_cursor={answer['next_cursor']}\n")
    else:
        say_record(rows if is_record(rows) else answer)
