"""One call on its way in (Call) and what comes back (Answer), the same for every face."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from portico.model.account import AccountId

Face = Literal["proxy", "custom", "passthrough", "unified", "tools", "mcp", "admin", "jobs"]
ByteStream = AsyncIterator[bytes]
HeaderPairs = list[tuple[str, str]]


class Upload(Struct, frozen=True, kw_only=True):
    """A file on its way to the vendor; `content` is bytes at hand or a stream of known or unknown length."""

    filename: str
    content: bytes | ByteStream
    content_type: str = "application/octet-stream"
    size_bytes: int | None = None


class Body(Struct, frozen=True, kw_only=True):
    """A request body that travels as it is: never parsed where it need not be."""

    content: bytes | ByteStream
    content_type: str
    size_bytes: int | None = None


class RawTarget(Struct, frozen=True, kw_only=True):
    """Where a custom or passthrough call goes: the vendor's own path, still encoded, and query, untouched."""

    verb: str
    path: str
    query: str
    headers: HeaderPairs


class Patience(Struct, frozen=True, kw_only=True):
    """How long the gateway may wait out a vendor's 429 for a safe request; zero: it never retries."""

    max_seconds: float = 0.0


class Call(Struct, frozen=True, kw_only=True):
    """What somebody wants done with an account. `arguments` are named values; `body` is sent as it is."""

    account_id: AccountId
    face: Face
    resource: str = ""
    method: str = ""
    arguments: Mapping[str, Any] = {}
    body: Body | None = None
    uploads: Mapping[str, Sequence[Upload]] = {}
    raw: RawTarget | None = None
    idempotency_key: str | None = None
    patience: Patience = Patience()
    dry_run: bool = False
    uncounted: bool = False  # our own housekeeping, which no quota is to pay for
    despite_block: bool = False  # our own calls while an account is stopped: nobody else's pass
    shaped: bool = True  # False: the answer's body is left as the vendor wrote it
    request_id: str = ""
    tool: str = ""
    server_id: str = ""
    client: str = ""
    trace_id: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """One page of a list. `items` is the JSON array as the vendor wrote it."""

    items: bytes
    count: int
    next_cursor: str | None
    prev_cursor: str | None


class Answer(Struct, kw_only=True):
    """What the vendor said. Exactly one of `content` and `stream` carries the body.

    `head`: what a failure that streams begins with, which is there already; it comes in the stream again.
    """

    status: int
    headers: HeaderPairs
    content: bytes | None = None
    stream: ByteStream | None = None
    head: bytes = b""
    page: Page | None = None
    is_replay: bool = False
    is_preview: bool = False
    request_url: str = ""

    def header(self, name: str) -> str | None:
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None
