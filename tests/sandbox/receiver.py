"""A webhook receiver for tests: a real HTTP server that answers as it is told and keeps what came."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai import OpenAI
from openai.types.webhooks import UnwrapWebhookEvent

PATIENCE_SECONDS = 5.0


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes

    def unwrap(self, client: OpenAI, secret: str) -> UnwrapWebhookEvent:
        """The event, if the official SDK finds the signature good."""
        return client.webhooks.unwrap(self.body, self.headers, secret=secret)


@dataclass
class Receiver:
    """`statuses` are used up in turn, then everything is fine."""

    url: str = ""
    statuses: list[int] = field(default_factory=list[int])
    received: list[Received] = field(default_factory=list[Received])
    arrived: threading.Event = field(default_factory=threading.Event)


@contextmanager
def listening() -> Generator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            receiver.received.append(Received(self.path, dict(self.headers.items()), body))
            receiver.arrived.set()
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
            self.send_header("location", receiver.url)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks?from=test"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join(PATIENCE_SECONDS)
        server.server_close()
