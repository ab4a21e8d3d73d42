"""`portico serve`: the gateway."""

import asyncio
import os
import socket
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from portico.cli.descriptors import raise_limit
from portico.cli.listen import listen, port_of
from portico.cli.say import Unhappy, complain, say
from portico.settings import LEAST_TOKEN_LETTERS, Settings, checked

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Host = Annotated[str, Parameter(help="The address to listen on.", show_default=True)]
Port = Annotated[int, Parameter(help="The port to listen on; 0 takes a free one.", show_default=True)]
Workers = Annotated[int, Parameter(help="How many processes.", show_default=True)]
PublicUrl = Annotated[str, Parameter(help="Address under which clients reach Portico (PORTICO_PUBLIC_URL).")]


def serve(*, host: Host = "127.0.0.1", port: Port = 8700, workers: Workers = 1, public_url: PublicUrl = "") -> int:
    """Serve until stopped. SQLite in the data folder unless PORTICO_DATABASE_URL names PostgreSQL."""
    from portico.store.claim import claimed

    settings = Settings.read()
    if host not in _LOOPBACK and not (public_url or os.environ.get("PORTICO_PUBLIC_URL")):
        raise Unhappy(
            f"Serving on {host} makes Portico reachable from elsewhere: say at which address with --public-url."
        )
    if workers < 1:
        raise Unhappy("--workers must be at least 1.")
    given = checked("public_url", public_url) if public_url else settings.public_url
    with listen(host, port) as listener, claimed(settings.database_url, settings.data_dir, "serve"):
        settings = replace(settings, public_url=given or _own_url(host, port_of(listener)))
        if workers == 1:
            return run(_serve(settings, listener))
        if code := run(_prepare(settings)):
            return code
        return _supervise(settings, listener, workers)


def run(main: "asyncio.Future[int] | object") -> int:
    """Run a coroutine to its end: on the fastest event loop there is, with all the connections there may be."""
    raise_limit()
    try:
        import uvloop

        factory = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)  # pyright: ignore[reportArgumentType, reportUnknownVariableType] -- always a coroutine


async def _serve(settings: Settings, listener: socket.socket) -> int:
    from portico.app import build
    from portico.faces.server import Server, configure
    from portico.log import configure as configure_log

    configure_log(settings.log_level, settings.log_format)
    portico = await build(settings)
    await _greet(portico, settings)
    config = configure(portico, *listener.getsockname()[:2])
    server = Server(
        config,
        drain_seconds=settings.drain_seconds,
        grace_seconds=settings.grace_seconds,
        on_drain=portico.drain,
        has_process=True,
    )
    await server.serve(sockets=[listener])
    return 0 if server.started else 1


async def _prepare(settings: Settings) -> int:
    """What is done once, before there are several workers: the schema, the key, the first token."""
    from portico.app import build
    from portico.log import configure as configure_log

    configure_log(settings.log_level, settings.log_format)
    portico = await build(settings)
    try:
        await _greet(portico, settings)
    finally:
        await portico.stop()
    return 0


def _supervise(settings: Settings, listener: socket.socket, workers: int) -> int:
    """In the main thread, where signals arrive."""
    from portico.faces.server import configure
    from portico.faces.workers import Supervisor

    os.environ["PORTICO_PUBLIC_URL"] = settings.public_url
    host, port = listener.getsockname()[:2]
    config = configure("portico.app:from_environment", host, port, workers=workers, is_factory=True)
    Supervisor(config, listener, settings).run()
    return 0


async def _greet(portico: object, settings: Settings) -> None:
    from portico.app import Portico
    from portico.gateway.bootstrap import has_tokens, make_first_token
    from portico.gateway.signing_in import make_setup_code
    from portico.log import logger

    if not isinstance(portico, Portico):
        return
    if settings.log_format == "json":
        logger("serve").info("serving", url=settings.public_url)
    else:
        complain(f"Portico serves at {settings.public_url} (docs at {settings.public_url}/docs).")
    if settings.has_weak_token:
        logger("serve").warning(
            f"PORTICO_BOOTSTRAP_TOKEN has fewer than {LEAST_TOKEN_LETTERS} characters: whoever guesses it may do "
            "everything; take one from `openssl rand -hex 24`, and revoke the old one"
        )
    if not await has_tokens(portico.parts):
        token = await make_first_token(portico.parts, "first token")
        say(f"Your first API token, shown this once: {token}")
    if not await portico.parts.people.any():
        code = await make_setup_code(portico.parts)
        say(f"There are no users yet. Make yourself the owner at {settings.public_url}/sign-in with this code: {code}")


def _own_url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
