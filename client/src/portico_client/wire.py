"""One request and one answer, as this client sees them, and how values are written on the way out. No I/O."""

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from typing import Any, Literal, TypeGuard, TypeVar, cast
from urllib.parse import quote

Json = dict[str, Any]
T = TypeVar("T")


def is_record(value: object) -> TypeGuard[Json]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


class Omit(Enum):
    """Stands for an argument that was not given, where None means something."""

    OMIT = "omit"

    def __repr__(self) -> str:
        return "OMIT"


OMIT: Literal[Omit.OMIT] = Omit.OMIT


@dataclass(frozen=True)
class Call:
    """One request. `files` makes the body a form; `content` is sent as it is, under `content_type`."""

    verb: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    body: Any = OMIT
    files: Mapping[str, Any] = field(default_factory=dict[str, Any])
    content: bytes | None = None
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    timeout: float | None = None
    key: str = ""

    @property
    def can_act_twice(self) -> bool:
        """Whether sending it a second time could do something a second time."""
        return self.verb not in {"GET", "HEAD"}

    def with_key(self, key: str) -> "Call":
        return replace(self, key=key)

    def sent_headers(self) -> dict[str, str]:
        sent = {"accept": "*/*", **self.headers}
        if self.key:
            sent["idempotency-key"] = self.key
        if self.content is not None or (self.body is not OMIT and not self.files):
            sent["content-type"] = self.content_type or "application/json"
        return sent

    def sent_content(self) -> bytes | None:
        if self.content is not None or self.files or self.body is OMIT:
            return self.content
        return json.dumps(self.body, default=_written, ensure_ascii=False).encode()

    def sent_fields(self) -> dict[str, Any]:
        """The form's fields beside its files; lists are repeated, objects are JSON."""
        if self.body is OMIT:
            return {}
        return {name: _form_values(value) for name, value in dict(self.body).items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """One answer, read whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def value(self) -> Any:
        """JSON as what it means, nothing as None, text as text, anything else as a `Binary`."""
        if not self.content:
            return None
        kind = self.content_type
        if kind == "application/json" or kind.endswith("+json"):
            return json.loads(self.content)
        if kind.startswith("text/"):
            return self.content.decode("utf-8", "replace")
        return Binary(self.content, kind or "application/octet-stream")


@dataclass(frozen=True)
class Binary:
    """Bytes that the vendor answered with: an audio file, an archive, a picture."""

    content: bytes = field(repr=False)
    content_type: str


@dataclass(frozen=True)
class Send:
    """A flow's wish: send this, and give back the Answer (or throw a NotConnected)."""

    call: Call


@dataclass(frozen=True)
class Pause:
    """A flow's wish: let so many seconds pass."""

    seconds: float


# What every operation of this client is: written once, run by a driver that blocks or by one that awaits.
Flow = Generator[Send | Pause, Any, T]


def given(**values: Any) -> Json:
    """Those that were given."""
    return {name: value for name, value in values.items() if value is not OMIT}


def query_of(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`a[b]` for objects, `a[]` repeated for lists; what is None is left out."""
    return [pair for name, value in values.items() for pair in _pairs(name, value)]


def segment(value: str) -> str:
    """A value as one segment of a path. An empty one would be another address."""
    if not value or set(value) <= {"."}:
        raise ValueError(f"{value!r} cannot stand in an address: give an id")
    return quote(value, safe="")


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if value is None or value is OMIT:
        return
    if isinstance(value, Mapping):
        for inner, each in cast("Mapping[str, Any]", value).items():
            yield from _pairs(f"{name}[{inner}]", each)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in cast("Sequence[Any]", value):
            yield from _pairs(f"{name}[]", each)
    else:
        yield name, value if isinstance(value, str) else str(_written(value))


def _written(value: Any) -> Any:
    """What JSON and queries have no form for, as the gateway reads it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(f"{value!r} cannot be sent: give text, numbers, lists, objects or dates")


def _form_values(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_form_value(each) for each in cast("Sequence[Any]", value)]
    return _form_value(value)


def _form_value(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, default=_written) if isinstance(value, Mapping) else str(_written(value))
