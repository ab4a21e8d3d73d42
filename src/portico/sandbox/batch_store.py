"""Batches as they are kept: an input file checked at once, whose lines run as the clock goes on."""

import asyncio
from dataclasses import dataclass, field

import msgspec

from portico.sandbox.blobs import Blob
from portico.sandbox.shapes import Json, is_record, record
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Inside

VALIDATING_SECONDS = 1.0
WORKING_SECONDS = 3.0
FINALIZING_SECONDS = 1.0
CANCELLING_SECONDS = 1.0
WINDOW_SECONDS = 24 * 3600
MOST_LINES = 50_000
MOST_ERRORS = 100


@dataclass(frozen=True, slots=True)
class Line:
    custom_id: str
    body: Json


@dataclass(slots=True)
class Work:
    """The lines of a batch and what came of them so far."""

    lines: list[Line]
    inside: Inside
    good: list[Json] = field(default_factory=list[Json])
    bad: list[Json] = field(default_factory=list[Json])
    input_tokens: int = 0
    output_tokens: int = 0
    output_file_id: str | None = None
    error_file_id: str | None = None
    is_written: bool = False
    # Two readers at once must not run the same lines.
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def done(self) -> int:
        return len(self.good) + len(self.bad)


@dataclass(slots=True)
class Batch:
    id: str
    endpoint: str
    input_file_id: str
    created_at: float
    pace: float
    model: str | None
    errors: list[Json]
    work: Work
    metadata: dict[str, str] | None = None
    output_expires_after: Json | None = None
    cancelling_at: float | None = None

    @property
    def starts_at(self) -> float:
        return self.created_at + VALIDATING_SECONDS * self.pace

    @property
    def worked_at(self) -> float:
        return self.starts_at + WORKING_SECONDS * self.pace

    @property
    def ends_at(self) -> float:
        return self.worked_at + FINALIZING_SECONDS * self.pace

    @property
    def expires_at(self) -> float:
        return self.created_at + WINDOW_SECONDS

    def status(self, now: float) -> str:
        if self.cancelling_at is not None:
            return "cancelling" if now < self.cancelling_at + CANCELLING_SECONDS * self.pace else "cancelled"
        if now >= self.expires_at and self.ends_at > self.expires_at:
            return "expired"
        if now < self.starts_at:
            return "validating"
        if self.errors:
            return "failed"
        if now < self.worked_at:
            return "in_progress"
        return "finalizing" if now < self.ends_at else "completed"

    def due(self, now: float) -> int:
        """How many lines have been run by then."""
        until = min(now, self.expires_at, self.cancelling_at or now)
        if self.errors or until < self.starts_at:
            return 0
        total = len(self.work.lines)
        if until >= self.worked_at:
            return total
        return int(total * (until - self.starts_at) / (self.worked_at - self.starts_at))

    def show(self, now: float) -> Json:
        status = self.status(now)
        total = 0 if status == "validating" or self.errors else len(self.work.lines)
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": self.model,
            "errors": {"object": "list", "data": self.errors} if status == "failed" else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": status,
            "output_file_id": self.work.output_file_id,
            "error_file_id": self.work.error_file_id,
            "created_at": int(self.created_at),
            "expires_at": int(self.expires_at),
            **self._moments(status, now),
            "request_counts": {"total": total, "completed": len(self.work.good), "failed": len(self.work.bad)},
            "usage": self._usage(),
            "metadata": self.metadata,
        }

    def _moments(self, status: str, now: float) -> Json:
        end = self.cancelling_at if self.cancelling_at is not None else now
        begun, is_failed = end >= self.starts_at and not self.errors, status == "failed"
        cancelled_at = None if self.cancelling_at is None else self.cancelling_at + CANCELLING_SECONDS * self.pace
        moments = {
            "in_progress_at": self.starts_at if begun else None,
            "finalizing_at": self.worked_at if status in ("finalizing", "completed") else None,
            "completed_at": self.ends_at if status == "completed" else None,
            "failed_at": self.starts_at if is_failed else None,
            "expired_at": self.expires_at if status == "expired" else None,
            "cancelling_at": self.cancelling_at,
            "cancelled_at": cancelled_at if status == "cancelled" else None,
        }
        return {name: None if moment is None else int(moment) for name, moment in moments.items()}

    def _usage(self) -> Json:
        read, written = self.work.input_tokens, self.work.output_tokens
        return {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read + written,
        }


BATCHES = Kind[Batch]("batch", "batch_")


def read_lines(blob: Blob, endpoint: str) -> tuple[list[Line], list[Json], str | None]:
    """The requests of an input file, what is wrong with it, and the model that its requests name."""
    lines: list[Line] = []
    errors: list[Json] = []
    seen: set[str] = set()
    models: set[str] = set()
    for number, raw in enumerate(blob.read().splitlines(), 1):
        if not raw.strip():
            continue
        request, error = _read(raw, endpoint, seen)
        if error is not None:
            errors.append({**error, "line": number})
        else:
            lines.append(Line(str(request["custom_id"]), record(request["body"])))
            seen.add(str(request["custom_id"]))
            models.add(str(record(request["body"]).get("model", "")))
    if not lines and not errors:
        errors.append(_error("empty_file", "The input file holds no requests."))
    if len(lines) > MOST_LINES:
        errors.append(_error("too_many_tasks", f"A batch may have {MOST_LINES} requests at most."))
    if len(models) > 1:
        errors.append(_error("mismatched_model", "All requests of a batch must name the same model.", "body.model"))
    return lines, errors[:MOST_ERRORS], next(iter(models), None) or None


def _read(raw: bytes, endpoint: str, seen: set[str]) -> tuple[Json, Json | None]:
    try:
        request: object = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        request = None
    if not is_record(request):
        return {}, _error("invalid_json_line", "This line is not a JSON object.")
    for name in ("custom_id", "method", "url", "body"):
        if not request.get(name):
            return {}, _error("missing_required_parameter", f"This request has no '{name}'.", name)
    if request["custom_id"] in seen:
        return {}, _error("duplicate_custom_id", f"'{request['custom_id']}' came before.", "custom_id")
    if request["method"] != "POST":
        return {}, _error("invalid_method", "The method must be POST.", "method")
    if request["url"] != endpoint:
        return {}, _error("mismatched_endpoint", f"The url must be the batch's endpoint, {endpoint}.", "url")
    if not is_record(request["body"]):
        return {}, _error("invalid_request", "The body must be an object.", "body")
    return request, None


def _error(code: str, message: str, param: str | None = None) -> Json:
    return {"code": code, "message": message, "param": param, "line": None}


def file_of(rows: list[Json]) -> Blob:
    return Blob(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
