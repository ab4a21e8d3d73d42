"""Runs the emulator with uvicorn: by the command, or in a thread for tests and the demo."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from portico.sandbox.app import build
from portico.sandbox.state import World

START_SECONDS = 5.0


def server(world: World, host: str = "127.0.0.1", port: int = 8701) -> uvicorn.Server:
    """A server that has not been started: await its `serve()`, or call `run()`."""
    # Faults end exchanges in ways that uvicorn reports as errors, so only what is fatal is written.
    config = uvicorn.Config(
        build(world),
        host=host,
        port=port,
        lifespan="on",
        ws="none",
        access_log=False,
        log_level="critical",
        log_config=None,  # in the demo the process is the gateway's, and so is what is written
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,  # a connection that ends while a client uses it again looks like a fault, and is none
    )
    return uvicorn.Server(config)


@contextmanager
def running(world: World, host: str = "127.0.0.1", port: int = 0) -> Generator[str]:
    """Serve in a thread of its own for as long as the block lasts; the value is the address, without /v1."""
    listener = socket.create_server((host, port))
    served = server(world, host)
    thread = threading.Thread(target=served.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not served.started and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield f"http://{host}:{listener.getsockname()[1]}"
    finally:
        served.should_exit = True
        served.force_exit = True
        thread.join(START_SECONDS)
        listener.close()
