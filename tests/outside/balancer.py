"""A balancer of connections in front of replicas: new ones go in turn to those that say they are ready."""

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit
from urllib.request import urlopen

LOOK_SECONDS = 0.1
_PIECE = 65_536


class Balancer:
    """As simple as they come: it does not read what it passes on, and cuts nothing by itself."""

    def __init__(self, listener: socket.socket) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._replicas: list[str] = []
        self._ready: list[str] = []
        self._turn = 0
        self._is_over = False
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._look, self._accept)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over = True
        self._listener.close()

    def add(self, url: str) -> None:
        """Returns once it gets connections."""
        self._replicas.append(url)
        deadline = time.monotonic() + 20
        while url not in self._ready:
            assert time.monotonic() < deadline, f"{url} is not ready"
            time.sleep(0.01)

    def remove(self, url: str) -> None:
        self._replicas.remove(url)

    def _look(self) -> None:
        while not self._is_over:
            self._ready = [url for url in self._replicas if _is_ready(url)]
            time.sleep(LOOK_SECONDS)

    def _accept(self) -> None:
        while not self._is_over:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = self._connect()
        if server is None:
            client.close()
            return
        back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
        back.start()
        _pass_on(client, server)
        back.join()
        client.close()
        server.close()

    def _connect(self) -> socket.socket | None:
        """To the next that is ready and takes the connection."""
        ready = list(self._ready)
        for _ in ready:
            self._turn += 1
            place = urlsplit(ready[self._turn % len(ready)])
            with suppress(OSError):
                return socket.create_connection((place.hostname or "", place.port or 0), timeout=30)
        return None


def _is_ready(url: str) -> bool:
    try:
        with urlopen(f"{url}/readyz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until the source has said all it has to say, which the target is then told."""
    with suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def balancing() -> Generator[Balancer]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        balancer = Balancer(listener)
        balancer.start()
        try:
            yield balancer
        finally:
            balancer.stop()
