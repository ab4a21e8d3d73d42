"""Responses as they are kept: everything is known when they are made, and shows when the clock has come that far."""

from dataclasses import dataclass, field

from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind

QUEUED_SECONDS = 1.0
WORKING_SECONDS = 2.0


@dataclass(slots=True)
class Response:
    """`shown` holds what never changes; `earlier` the items that stood before the input."""

    id: str
    shown: Json
    input: list[Json]
    earlier: list[Json]
    output: list[Json]
    usage: Json
    is_cut: bool
    created_at: float
    starts_at: float
    ends_at: float
    cancelled_at: float | None = None
    conversation_id: str | None = None
    context: list[Json] = field(default_factory=list[Json])

    @property
    def is_background(self) -> bool:
        return bool(self.shown["background"])

    def status(self, now: float) -> str:
        if self.cancelled_at is not None:
            return "cancelled"
        if now < self.starts_at:
            return "queued"
        if now < self.ends_at:
            return "in_progress"
        return "incomplete" if self.is_cut else "completed"

    def show(self, now: float) -> Json:
        return self.as_if(self.status(now))

    def as_if(self, status: str) -> Json:
        """The response as it looks in that status."""
        is_done = status in ("completed", "incomplete")
        return {
            **self.shown,
            "status": status,
            "completed_at": int(self.ends_at) if status == "completed" else None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "output": self.output if is_done else [],
            "usage": self.usage if is_done else None,
        }


RESPONSES = Kind[Response]("response", "resp_")
