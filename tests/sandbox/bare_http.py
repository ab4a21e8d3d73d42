"""A bare HTTP caller for tests that look at what is really on the wire: status, every header, every byte."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

PATIENCE_SECONDS = 5.0


@dataclass
class Got:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for held, value in self.headers if held.lower() == name), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]


@dataclass
class Caller:
    """Calls the emulator with one key. Headers given with a call come on top; None takes a header away."""

    url: str
    key: str = "sk-proj-test"
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(self, verb: str, path: str, body: Any = None, headers: dict[str, str | None] | None = None) -> Got:
        connection = self.connect()
        try:
            self.send(connection, verb, path, body, headers)
            answer = connection.getresponse()
            return Got(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE_SECONDS)

    def send(
        self,
        connection: http.client.HTTPConnection,
        verb: str,
        path: str,
        body: Any = None,
        headers: dict[str, str | None] | None = None,
    ) -> None:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json", **self.headers}
        merged = {**sent, **(headers or {})}
        connection.request(verb, path, content, {name: value for name, value in merged.items() if value is not None})


def form(fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """A multipart body and its content type."""
    mark = "a-boundary-of-our-own"
    parts = [
        f'--{mark}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, (filename, content) in files.items():
        head = f'--{mark}\r\ncontent-disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
