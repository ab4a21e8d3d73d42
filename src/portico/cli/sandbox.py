"""`portico sandbox`: the OpenAI emulator alone."""

import socket
from typing import Annotated

from cyclopts import Parameter

from portico.cli.listen import listen
from portico.cli.say import complain
from portico.cli.serve import run

Host = Annotated[str, Parameter(help="The address to listen on.", show_default=True)]
Port = Annotated[int, Parameter(help="The port to listen on; 0 takes a free one.", show_default=True)]
StrictKeys = Annotated[bool, Parameter(negative="", help="Take only the demo's keys and those that were issued.")]


def sandbox(*, host: Host = "127.0.0.1", port: Port = 8701, strict_keys: StrictKeys = False) -> int:
    """Serve the emulator. Point an official OpenAI SDK at http://127.0.0.1:8701/v1 with the key sk-proj-demo."""
    with listen(host, port) as listener:
        return run(_serve(listener, strict_keys=strict_keys))


async def _serve(listener: socket.socket, *, strict_keys: bool) -> int:
    from portico.sandbox.serve import server
    from portico.sandbox.state import World

    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    complain(f"The sandbox serves at http://{shown}:{port}/v1 (keys: sk-proj-demo, sk-admin-demo).")
    await server(World(strict_keys=strict_keys), host, port).serve(sockets=[listener])
    return 0
