"""Structured logs, and the one rule by which secrets are kept out of them."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import structlog

from portico.shapes import is_record

# Anything that looks like a key or one of our tokens, wherever it turns up in a line: also behind a `%2F`. What keys
# begin with (`sk-admin-`) is none.
_SECRET_TEXT = re.compile(
    r"\b(?!sk-[a-z]+-(?![A-Za-z0-9_\-]))(sk-[A-Za-z0-9_\-]{4})[A-Za-z0-9_\-]+|(ptc_[a-z]+_)[0-9A-Za-z]+"
    r"|((?i:bearer|basic) )[^\s\"',;]+|(/mcp/)[^/\s?\"']+|\b(whsec_)[0-9A-Za-z+/=_\-]+"
)
# One of these stands in every text in which that finds something.
_MARKS = ("sk-", "ptc_", "/mcp/", "whsec_", "r ", "R ", "c ", "C ")
# What secrets are called, wherever it stands in a name.
TELLTALE_WORDS = r"authorization|api[-_]?key|secret|password|token(?!s)|credential|cookie|verifier"
_SECRET_NAME = re.compile(rf"{TELLTALE_WORDS}|(^|[-_])key$", re.IGNORECASE)
HIDDEN = "[hidden]"
_facts: ContextVar[dict[str, str]] = ContextVar("facts", default={})  # noqa: B039 -- replaced, never changed


def redact(value: Any, name: str = "") -> Any:
    """The value without its secrets: by the name it goes under, and by how it looks."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if name and _SECRET_NAME.search(name):
        return HIDDEN
    if isinstance(value, str):
        return _SECRET_TEXT.sub(_shorten, value) if any(map(value.__contains__, _MARKS)) else value
    if is_record(value):
        return {redact(str(key)): redact(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(item) for item in value]  # pyright: ignore[reportUnknownVariableType] -- of whatever there is
    return redact(value.decode("utf-8", "replace") if isinstance(value, bytes) else repr(value))


def _shorten(match: re.Match[str]) -> str:
    kept = next((group for group in match.groups() if group), "")
    return f"{kept}{HIDDEN}"


class Unbroken:
    """Standard error, which may be on a full disk, or a pipe that nobody reads any more: then a line is lost, and
    nothing else. Whoever says something in the middle of other work must not fail for it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()


class Redacting(logging.Formatter):
    """For what libraries log by themselves."""

    def format(self, record: logging.LogRecord) -> str:
        return str(redact(super().format(record)))


class RedactingJson(Redacting):
    """One JSON object on a line, named as our own lines are."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        line = {"part": record.name, "event": redact(record.getMessage()), "level": record.levelname.lower()}
        line |= {"timestamp": moment} | facts()
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return json.dumps(line)


def _tell_facts(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {**facts(), **event}


def _redact_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {
        key: value if key in {"exc_info", "level", "timestamp"} else redact(value, key) for key, value in event.items()
    }


def _redact_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if "exception" in event:
        event["exception"] = redact(event["exception"])
    return event


def configure(level: str = "info", style: str = "text") -> None:
    """Send all logs to standard error, redacted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingJson() if style == "json" else Redacting("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    renderer: Any = structlog.processors.JSONRenderer()
    if style != "json":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[
            _tell_facts,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            _redact_event,
            _redact_trace,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", Unbroken(sys.stderr))),
        cache_logger_on_first_use=True,
    )


def facts() -> dict[str, str]:
    """What is said with every line of the request that is worked on."""
    return _facts.get()


def about(**more: str) -> None:
    """Whatever is logged from here on while this request is worked on says so; what is empty is said no longer.

    One connection may bring the next request in the context of the last one, whose facts must not stay.
    """
    _facts.set({name: fact for name, fact in {**facts(), **more}.items() if fact})


def logger(name: str) -> Any:
    return structlog.get_logger(part=name)
