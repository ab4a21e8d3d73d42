"""Runs the emulator with uvicorn: by the command, or in a thread for tests and the demo."""

import logging
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn

from portico.sandbox.app import build
from portico.sandbox.state import World

START_SECONDS = 5.0
_server_log = logging.getLogger("uvicorn.error")


def server(world: World, host: str = "127.0.0.1", port: int = 8701) -> uvicorn.Server:
    """A server that has not been started: await its `serve()`, or call `run()`."""
    # Exchanges end in ways that uvicorn reports as errors, so only what is fatal is written.
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
    quiet = _Quiet(thread)
    _server_log.addFilter(quiet)
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
        _server_log.removeFilter(quiet)


class _Quiet(logging.Filter):
    """Only what is fatal of this thread's server: the log is the whole process's, and whoever comes later sets its
    level."""

    def __init__(self, thread: threading.Thread) -> None:
        super().__init__()
        self._thread = thread

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread != self._thread.ident or record.levelno >= logging.CRITICAL
