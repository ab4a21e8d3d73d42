"""A vendor with a thread for each connection: for programs of their own that are tested, and bodies of any size."""

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

Serve = Callable[[socket.socket], None]


@contextmanager
def answering(serve: Serve, patience_seconds: float) -> Generator[str]:
    """The base URL at which `serve` has each connection to itself, and waits for nothing longer than that."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_listen, args=(serve, listener, patience_seconds), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        listener.shutdown(socket.SHUT_RDWR)


def _listen(serve: Serve, listener: socket.socket, patience_seconds: float) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(patience_seconds)
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
