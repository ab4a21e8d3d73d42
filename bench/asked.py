"""What is sent to a program under test, and what came of it: the words that driver and load generator share."""

from typing import Literal

import msgspec
from msgspec import Struct

Kind = Literal["requests", "first bytes", "streams", "transfers"]


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request, the same each time."""

    port: int
    path: str
    verb: str = "GET"
    headers: dict[str, str] = {}
    body: bytes = b""

    def written(self, more_bytes: int = 0) -> bytes:
        """As it goes over the wire; `more_bytes` of a body follow."""
        fields = {"Host": f"127.0.0.1:{self.port}", **self.headers}
        if self.verb != "GET":
            fields["Content-Length"] = str(len(self.body) + more_bytes)
        lines = [f"{self.verb} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


class Order(Struct, frozen=True, kw_only=True):
    """A round of load: for `seconds` where requests are repeated, else `count` requests on each connection.

    A transfer sends `upload_bytes` of nothing in particular after the request's own body.
    """

    kind: Kind
    request: Request
    connections: int = 1
    seconds: float = 0.0
    count: int = 1
    upload_bytes: int = 0


class Outcome(Struct, frozen=True, kw_only=True):
    """What a round came to. Times are in milliseconds; a first byte is the first of the answer's body."""

    answers: int
    failed: int
    seconds: float
    events: int = 0
    received_bytes: int = 0
    p50: float = 0.0
    p99: float = 0.0
    first_status: int = 0
    first_body: bytes = b""


encode = msgspec.json.encode
read_order = msgspec.json.Decoder(Order).decode
read_outcome = msgspec.json.Decoder(Outcome).decode
