"""`portico sandbox`: the OpenAI emulator alone."""

from portico.cli.say import complain
from portico.cli.serve import run


def sandbox(*, host: str = "127.0.0.1", port: int = 8701, strict_keys: bool = False) -> int:
    """Serve the emulator. Point an official OpenAI SDK at http://127.0.0.1:8701/v1 with the key sk-proj-demo."""
    return run(_serve(host, port, strict_keys=strict_keys))


async def _serve(host: str, port: int, *, strict_keys: bool) -> int:
    from portico.sandbox.serve import serve
    from portico.sandbox.state import World

    complain(f"The sandbox serves at http://{host}:{port}/v1; keys: sk-proj-demo, sk-admin-demo.")
    await serve(host, port, World(strict_keys=strict_keys))
    return 0
