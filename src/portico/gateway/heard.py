"""Both bodies of one call as they pass by, and what of them may be kept: without secrets, cut to a size. Pure.

Nothing is read or decided while the call is under way: pieces that are there anyway are held, up to a bound.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from portico.errors import Refusal
from portico.gateway.answer import inflate
from portico.gateway.secrets import hint
from portico.gateway.shorten import fit_value
from portico.log import HIDDEN, TELLTALE_WORDS, redact
from portico.model.account import AccountId
from portico.model.call import Answer, Call
from portico.model.operation import Integration, Operation
from portico.shapes import Json, NotJson, decode, is_list, is_record
from portico.upstream.transport import UpstreamRequest

# What is longer is noted by its length alone: it would have to be read whole, to find the secrets in it.
MOST_READ_BYTES = 262_144
SHORTEST_SECRET = 8
_LINES = ("application/jsonl", "application/x-ndjson", "application/x-jsonlines")
_TEXTS = ("text/", "application/xml")
_JSON, _EVENTS = "application/json", "text/event-stream"
# Names of secrets and what stands behind them in a text: as in JSON, at whatever depth of quotes, and as in an address.
_NAME = rf"(?:[\w.\-]{{0,64}}(?:{TELLTALE_WORDS})[\w.\-]{{0,64}}|(?:[\w.\-]{{0,64}}[-_])?key)"
_QUOTED = re.compile(
    rf"(\\*[\"']{_NAME}\\*[\"']\s*:\s*(?P<quote>\\*[\"']))(?:(?!(?<!\\)(?P=quote)).)+", re.IGNORECASE | re.DOTALL
)
_ASSIGNED = re.compile(rf"((?:^|[?&;\s])(?:{_NAME}|[\w\-]{{0,64}}signature|sig)=)[^&;\s\"'<>\\]+", re.IGNORECASE)
_SIGNED_IN = re.compile(r"(://[^/\s:@\"']{0,200}:)[^/\s@\"']{1,200}(?=@)")
_SIGNATURE = re.compile(r"signature$|^sig$", re.IGNORECASE)
_SAID = "As it was asked for; nothing was sent to the vendor."


class Said(Struct, kw_only=True):
    """One side of a call. `size` None: it passed by uncounted."""

    content_type: str = ""
    encoding: str = ""
    size: int | None = 0
    pieces: list[bytes] = []


class Heard:
    """Collects what both sides say. `known` are secrets of the account, to be found wherever they turn up."""

    __slots__ = (
        "account_id", "integration", "is_sent", "known", "operation", "request", "response", "status", "url", "verb",
    )  # fmt: skip

    def __init__(self, account_id: AccountId, integration: Integration, operation: Operation | None) -> None:
        self.account_id, self.integration, self.operation = account_id, integration, operation
        self.known: Sequence[str] = ()
        self.verb = self.url = ""
        self.status, self.is_sent = 0, False
        self.request, self.response = Said(), Said()

    def asks(self, request: UpstreamRequest) -> None:
        self.verb, self.url = request.verb, request.url
        given = {name.lower(): value for name, value in request.headers}
        said = Said(content_type=given.get("content-type", ""), encoding=given.get("content-encoding", ""))
        self.request = said
        if isinstance(request.content, bytes):
            said.size = len(request.content)
            said.pieces = [request.content] if 0 < len(request.content) <= MOST_READ_BYTES else []
        elif request.content is not None:
            said.size = request.size_bytes

    def asked(self, call: Call) -> None:
        """What was wanted, where it never became a request."""
        if call.arguments:
            try:
                content = msgspec.json.encode(dict(call.arguments))
            except (TypeError, ValueError, RecursionError):
                return  # the call was refused for it
            pieces = [content] if len(content) <= MOST_READ_BYTES else []
            self.request = Said(content_type=_JSON, size=len(content), pieces=pieces)

    def signed(self, secrets: Json) -> None:
        """It is about to be sent, with one of these."""
        self.is_sent = True
        self.known = [value for value in secrets.values() if isinstance(value, str) and len(value) >= SHORTEST_SECRET]

    def answers(self, answer: Answer) -> None:
        self.status = answer.status
        self.response = Said(
            content_type=answer.header("content-type") or "", encoding=answer.header("content-encoding") or ""
        )
        if answer.content:
            self.hears(answer.content)

    def fails(self, status: int, raw: bytes) -> None:
        self.status, self.response = status, Said()
        self.hears(raw)

    def hears(self, piece: bytes) -> None:
        """A piece of the answer, held only as long as all of them may still be read."""
        said = self.response
        said.size = (said.size or 0) + len(piece)
        if said.size > MOST_READ_BYTES or not _is_readable(said.content_type):
            said.pieces = []
        elif piece:
            said.pieces.append(piece)

    @property
    def held_bytes(self) -> int:
        return sum(len(piece) for said in (self.request, self.response) for piece in said.pieces)

    def kept(self, limit_bytes: int) -> Json:
        """Both sides as they may be kept."""
        hide = Hiding(self.integration, self.known)
        address, _, query = self.url.partition("?")
        request = {
            "method": self.verb,
            "url": hide.text(address),
            "query": hide.query(query),
            **_told(self.request, hide, (), limit_bytes),
        }
        if not self.is_sent:
            request["note"] = " ".join(filter(None, (_SAID, request["note"])))
        secrets = self.operation.secrets if self.operation else ()
        response = {"status": self.status, **_told(self.response, hide, secrets, limit_bytes)} if self.status else None
        return {"request": request, "response": response}


class Hiding:
    """Takes secrets out of values: by name, by how keys of this vendor look, and those that are known outright."""

    def __init__(self, integration: Integration, known: Sequence[str]) -> None:
        self._shapes = _shapes(tuple(prefix for each in integration.credentials for prefix in each.prefixes))
        self._known = sorted(known, key=len, reverse=True)
        # Names and words of a long answer come again and again.
        self._said: dict[str, str] = {}

    def text(self, text: str) -> str:
        if text not in self._said:
            self._said[text] = self._hidden(text)
        return self._said[text]

    def _hidden(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, hint(secret))
        if self._shapes is not None:
            text = self._shapes.sub(lambda match: f"{match[1]}{HIDDEN}", text)
        return str(redact(_without_named(text)))

    def query(self, query: str) -> Any:
        """A signature in an address is as good as a key to what it signs."""
        pairs = _pairs(query)
        return self.value({name: HIDDEN if _SIGNATURE.search(name) else value for name, value in pairs.items()})

    def value(self, value: Any, name: str = "") -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if name and _is_secret(name):
            return HIDDEN if value not in ("", [], {}) else value
        if is_record(value):
            return {self.text(str(key)): self.value(each, str(key)) for key, each in value.items()}
        if is_list(value):
            return [self.value(each) for each in value]
        return self.text(str(value))


def _without_named(text: str) -> str:
    """A text that holds more: what a model calls a function with, an address, a form, JSON that is broken."""
    if ":" in text:
        text = _SIGNED_IN.sub(rf"\1{HIDDEN}", _QUOTED.sub(rf"\1{HIDDEN}", text))
    return _ASSIGNED.sub(rf"\1{HIDDEN}", text) if "=" in text else text


@lru_cache(4_096)
def _is_secret(name: str) -> bool:
    """What is called headers holds them all: any of them may be a key."""
    return redact("x", name) == HIDDEN or name.lower() == "headers"


@cache
def _shapes(prefixes: tuple[str, ...]) -> re.Pattern[str] | None:
    """How the keys of a vendor look: one of its prefixes, then more than a word has."""
    if not prefixes:
        return None
    known = "|".join(re.escape(each) for each in sorted(prefixes, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z0-9])({known})[A-Za-z0-9_\-]{{6,}}")


def _told(said: Said, hide: Hiding, secrets: Sequence[str], limit_bytes: int) -> Json:
    """One side: its body as a JSON value or a text, and a note of what is not there."""
    shown: Json = {"content_type": said.content_type, "bytes": said.size, "body": None, "note": ""}
    try:
        body = _read(said)
    except _NotKept as problem:
        return shown | {"note": str(problem)}
    if body is None:
        return shown
    for path in secrets:
        body = _without(body, path.split("."))
    body, cut = fit_value(hide.value(body), limit_bytes)
    return shown | {"body": body, "note": f"Cut to about {limit_bytes} bytes: {', '.join(cut[:10])}." if cut else ""}


class _NotKept(Exception):
    """Why there is only a note of it."""


def _read(said: Said) -> Any:
    """What was said, as a value; None where nothing was."""
    if said.size == 0:
        return None
    kind = said.content_type.partition(";")[0].strip().lower()
    if kind == _EVENTS:
        raise _NotKept("A stream of events: noted, not kept.")
    if not _is_readable(said.content_type):
        raise _NotKept("Not JSON and not text: noted, not kept.")
    if said.size is None or said.size > MOST_READ_BYTES or not said.pieces:
        raise _NotKept("Too long, or sent as it came: noted, not kept.")
    try:
        content = inflate(b"".join(said.pieces), said.encoding, MOST_READ_BYTES)
        return _decoded(kind, content)
    except (Refusal, UnicodeDecodeError, msgspec.MsgspecError, RecursionError):
        raise _NotKept("It could not be read: noted, not kept.") from None


def _decoded(kind: str, content: bytes) -> Any:
    if kind in _LINES:
        return msgspec.json.Decoder().decode_lines(content)
    if kind.startswith(_TEXTS):
        return content.decode()
    try:
        return decode(content)
    except NotJson:
        return content.decode()


def _pairs(query: str) -> Json:
    """A name that comes once has a text, one that comes again a list of them."""
    named: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        named.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in named.items()}


def _is_readable(content_type: str) -> bool:
    """Nothing said about it counts as JSON: answers that were reshaped say nothing."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _EVENTS:
        return False
    return not kind or kind.endswith("json") or kind in _LINES or kind.startswith(_TEXTS)


def _without(value: Any, path: list[str]) -> Any:
    """The value with what a path of names leads to hidden, in every item of lists on the way."""
    if is_list(value):
        return [_without(each, path) for each in value]
    if not is_record(value) or path[0] not in value:
        return value
    inner = HIDDEN if len(path) == 1 else _without(value[path[0]], path[1:])
    return {**value, path[0]: inner}
