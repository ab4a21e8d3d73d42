"""`portico mcp stdio` as a command like the others, for its help; called plainly, it starts without all that."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from portico.cli.bridge import serve

Address = Annotated[str, Parameter(help="The server's address, as `portico mcp create` printed it.")]
Files = Annotated[
    list[Path] | None,
    Parameter(
        name="--files",
        negative="",
        help="A folder whose files may be sent as file arguments; repeat for several. Without it, none are.",
    ),
]


def stdio(url: Address, *, files: Files = None) -> int:
    """Bridge a desktop client that speaks MCP over standard input and output to a server.

    A server that asks for a token gets the one in PORTICO_TOKEN. Where PORTICO_URL is set too, the token goes to that
    gateway alone.
    """
    return serve(url, files or ())
