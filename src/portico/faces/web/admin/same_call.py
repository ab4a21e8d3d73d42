"""A tool call as one would write it elsewhere: in a terminal, in Python, to an MCP server. Pure."""

import pprint
import shlex
from typing import Any

import msgspec
from msgspec import Struct

from portico.faces.web.admin import words
from portico.shapes import Json


class Written(Struct, frozen=True, kw_only=True):
    name: str
    label: str
    text: str


def written(url: str, account_id: str, tool: str, arguments: Json) -> list[Written]:
    """`url` is where Portico is reached. The token is left to the environment, so that nothing pasted holds one."""
    address = f"{url}/integrated-account/{account_id}/tools/{tool}"
    body = msgspec.json.encode(arguments).decode()
    return [
        Written(name="curl", label="curl", text=_curl(address, body)),
        Written(name="python", label="Python", text=_python(address, arguments)),
        Written(name="mcp", label="MCP", text=_mcp(tool, arguments)),
        Written(name="cli", label="portico", text=_command(account_id, tool, arguments)),
    ]


def _curl(address: str, body: str) -> str:
    return (
        f"curl {shlex.quote(address)} \\\n"
        '  -H "Authorization: Bearer $PORTICO_TOKEN" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}"
    )


def _python(address: str, arguments: Json) -> str:
    literal = pprint.pformat(arguments, width=90, sort_dicts=False).replace("\n", "\n" + " " * 12)
    return (
        "import json, os, urllib.request\n\n"
        "request = urllib.request.Request(\n"
        f"    {address!r},\n"
        f"    json.dumps({literal}).encode(),\n"
        '    {"Authorization": f"Bearer {os.environ[\'PORTICO_TOKEN\']}", "Content-Type": "application/json"},\n'
        ")\n"
        "result = json.load(urllib.request.urlopen(request))\n"
        'print(result["structured"])'
    )


def _mcp(tool: str, arguments: Json) -> str:
    message: Json = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments},
    }  # fmt: skip
    return words.pretty(message)


def _command(account_id: str, tool: str, arguments: Json) -> str:
    words = ["portico", "tools", "call", tool]
    words += [_word(name, value) for name, value in arguments.items()]
    return shlex.join([*words, "--account", account_id])


def _word(name: str, value: Any) -> str:
    """Text as it is, unless its beginning would mean something else; everything else as JSON with `:=`."""
    if isinstance(value, str) and not value.startswith(("@", "=")):
        return f"{name}={value}"
    return f"{name}:={msgspec.json.encode(value).decode()}"
