"""How many tokens a call used, by what its answer says: read along as the answer passes by, never holding it up.

Where that stands is data of the catalog (UsageWords). JSON is picked through; of events only those are read that speak
of usage. Nothing is re-encoded, and no more is kept than the event at hand.
"""

import re
import zlib
from functools import cache
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from portico.gateway.answer import at
from portico.gateway.picker import Picker, Place
from portico.gateway.seen import model_of
from portico.model.call import Call
from portico.model.operation import UsageWords
from portico.shapes import NotJson, decode
from portico.upstream.transport import UpstreamRequest, UpstreamResponse

MOST_EVENT_BYTES = 4_194_304
DECODED_BYTES = 131_072
BYTES_PER_TOKEN = 4
_EVENTS = "text/event-stream"
_READABLE = frozenset({"gzip", "x-gzip", "deflate", "identity"})
_FORM_MODEL = re.compile(rb'name="?model"?\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]{1,200})\r\n')


class Used(Struct, frozen=True, kw_only=True):
    """Cached tokens are part of the input. `is_estimated`: the answer did not say, so it was guessed."""

    model: str = ""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    is_estimated: bool = False

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


NOTHING = Used()


class _Reader(Protocol):
    """Reads one kind of answer along."""

    def feed(self, piece: bytes) -> None: ...

    def said(self) -> tuple[Any, Any]: ...


class Meter:
    """For one answer: feed it whatever passes by, then ask what was used."""

    __slots__ = ("_call", "_events", "_inflater", "_reader", "_request", "_words")

    def __init__(self, words: UsageWords, call: Call, request: UpstreamRequest, response: UpstreamResponse) -> None:
        self._words, self._call, self._request = words, call, request
        is_stream = response.header("content-type").lower().startswith(_EVENTS)
        self._events = _Events(words) if is_stream else None
        self._reader: _Reader = self._events or _Json(words)
        encoding = response.header("content-encoding").strip().lower()
        self._inflater = None
        if encoding not in {"", "identity"}:
            self._inflater = zlib.decompressobj(wbits=15 if encoding == "deflate" else 47)

    def feed(self, piece: bytes) -> None:
        """Whatever is wrong with the answer is not the meter's to tell."""
        try:
            plain = self._inflater.decompress(piece) if self._inflater else piece
        except zlib.error:
            return
        self._reader.feed(plain)

    def used(self) -> Used:
        usage, model = self._reader.said()
        words = self._words
        named = model if isinstance(model, str) and model else self._asked_model()
        if usage is not None:
            cached, whole = _count(usage, words.cached), _count(usage, words.input)
            return Used(
                model=named,
                input_tokens=whole,
                cached_tokens=min(cached, whole),
                output_tokens=_count(usage, words.output),
            )
        if self._events is None or not self._events.pieces:
            return Used(model=named)
        size = len(self._request.content) if isinstance(self._request.content, bytes) else 0
        return Used(
            model=named,
            input_tokens=size // BYTES_PER_TOKEN,
            output_tokens=self._events.pieces,
            is_estimated=True,
        )

    def _asked_model(self) -> str:
        """The model that the request names, for answers that do not say which one it was."""
        asked = self._call.arguments.get("model")
        if isinstance(asked, str):
            return asked
        if model := model_of(self._request):
            return model
        form = _FORM_MODEL.search(self._request.content) if isinstance(self._request.content, bytes) else None
        return form[1].decode("utf-8", "replace") if form else ""


class _Json:
    """Small answers are decoded at their end, which is quickest; from larger ones the two values are picked out."""

    def __init__(self, words: UsageWords) -> None:
        self._words = words
        self._pieces: list[bytes] = []
        self._size = 0
        self._picker: Picker | None = None

    def feed(self, piece: bytes) -> None:
        if self._picker is not None:
            self._picker.feed(piece)
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > DECODED_BYTES:
            self._picker = Picker((_place(self._words.answer), _beside(self._words.answer, self._words.model)))
            for each in self._pieces:
                self._picker.feed(each)
            self._pieces.clear()

    def said(self) -> tuple[Any, Any]:
        if self._picker is not None:
            places = _place(self._words.answer), _beside(self._words.answer, self._words.model)
            usage, model = (_decoded(self._picker.found.get(place)) for place in places)
            return usage, model
        try:
            found = _decoder(self._words.answer, self._words.model).decode(b"".join(self._pieces))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None, None
        while hasattr(found, "inner"):
            found = found.inner
        return found.usage, found.model


class _Events:
    """Events line by line. `pieces`: how many held a piece of the answer."""

    def __init__(self, words: UsageWords) -> None:
        self._usage, self._model = words.events, ".".join(_beside(words.events, words.model))
        self._mark = f'"{words.events.rpartition(".")[2]}"'.encode()
        self._piece = words.piece.encode()
        self._rest = bytearray()
        self._is_skipping = False
        self._said: tuple[Any, Any] = (None, None)
        self.pieces = 0

    def feed(self, piece: bytes) -> None:
        first, newline, rest = piece.partition(b"\n")
        if not newline:
            self._keep(first)
            return
        self._keep(first)
        self._line(bytes(self._rest))
        self._rest.clear()
        self._is_skipping = False
        *lines, last = rest.split(b"\n")
        for line in lines:
            self._line(line)
        self._keep(last)

    def said(self) -> tuple[Any, Any]:
        if self._rest:
            self._line(bytes(self._rest))
            self._rest.clear()
        return self._said

    def _keep(self, part: bytes) -> None:
        if self._is_skipping:
            return
        self._rest += part
        if len(self._rest) > MOST_EVENT_BYTES:
            self._rest.clear()
            self._is_skipping = True

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        if self._piece and self._piece in line:
            self.pieces += 1
        if self._mark in line:
            event = _decoded(line[5:])
            usage = at(event, self._usage)
            model = at(event, self._model)
            self._said = (self._said[0] if usage is None else usage, model or self._said[1])


@cache
def _decoder(answer: str, model: str) -> Any:
    """Reads the usage and the model beside it, and skips all else without making anything of it."""
    *outer, usage = _place(answer)
    fields: list[tuple[str, Any, Any]] = [("usage", Any, None), ("model", Any, None)]
    kind = msgspec.defstruct("Said", fields, rename={"usage": usage, "model": model})
    for name in reversed(outer):
        kind = msgspec.defstruct("Around", [("inner", kind)], rename={"inner": name})
    return msgspec.json.Decoder(kind)


def readable(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers, asking only for compressions that can be read along here."""
    return [(name, _readable(value)) if name.lower() == "accept-encoding" else (name, value) for name, value in headers]


def _readable(codings: str) -> str:
    parts = [part.strip() for part in codings.split(",")]
    return ", ".join(part for part in parts if part.partition(";")[0].strip().lower() in _READABLE) or "identity"


def _place(dotted: str) -> Place:
    return tuple(dotted.split("."))


def _beside(dotted: str, name: str) -> Place:
    return (*_place(dotted)[:-1], name)


def _decoded(content: bytes | None) -> Any:
    try:
        return decode(content) if content else None
    except NotJson:
        return None


def _count(usage: Any, path: str) -> int:
    value = at(usage, path) if path else 0
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else 0
