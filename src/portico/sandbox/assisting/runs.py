"""Runs and their steps: planned when they start, and shown as far as the clock has come.

A run is queued, then in progress; it may wait for tool outputs; it ends by its outcome, by cancelling or by expiring.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from portico.sandbox.shapes import Json, records

EXPIRES_SECONDS = 600
CANCEL_SECONDS = 1.0
ENDED = ("completed", "incomplete", "failed", "cancelled", "expired")


@dataclass(slots=True)
class Step:
    """One thing that a run does. It ends at infinity while the caller's tools have not answered."""

    id: str
    type: str
    details: Json
    begins_at: float
    ends_at: float
    usage: Json

    @property
    def waits(self) -> bool:
        return self.ends_at == math.inf


@dataclass(slots=True)
class Run:
    """`settings` are the fields that don't change; `outcome` and `reason` tell how it ends if nothing intervenes."""

    id: str
    thread_id: str
    created_at: int
    settings: Json
    metadata: Json
    expires_at: float
    started_at: float = math.inf
    resumes_at: float = math.inf
    ends_at: float = math.inf
    outcome: str = "completed"
    reason: str = ""
    cancel_asked_at: float = math.inf
    cancelled_at: float = math.inf
    steps: dict[str, Step] = field(default_factory=dict[str, Step])

    @property
    def end(self) -> tuple[float, str]:
        """When and how the run ends, as things stand."""
        return min((self.ends_at, self.outcome), (self.expires_at, "expired"), (self.cancelled_at, "cancelled"))

    def status(self, now: float) -> str:
        at, final = self.end
        if now >= at:
            return final
        if now >= self.cancel_asked_at:
            return "cancelling"
        if now < self.resumes_at:
            return "queued"
        return "requires_action" if self.open_step(now) else "in_progress"

    def open_step(self, now: float) -> Step | None:
        """The step whose tool outputs are awaited."""
        return next((step for step in self.steps.values() if step.waits and step.begins_at <= now), None)

    def has_begun(self, step: Step, now: float) -> bool:
        at, _ = self.end
        return step.begins_at <= now and (step.begins_at < at or step.ends_at <= at)

    def cancel(self, now: float, pace: float) -> None:
        """Stop: what has not begun never will, and what is being done does not get done."""
        self.cancel_asked_at, self.cancelled_at = now, now + CANCEL_SECONDS * pace
        self.ends_at = math.inf
        for step in self.steps.values():
            step.begins_at = step.begins_at if step.begins_at <= now else math.inf
            step.ends_at = step.ends_at if step.ends_at <= now else math.inf

    def show(self, now: float) -> Json:
        status, (at, _) = self.status(now), self.end
        waiting = self.open_step(now) if status == "requires_action" else None
        return {
            "id": self.id,
            "object": "thread.run",
            "created_at": self.created_at,
            "thread_id": self.thread_id,
            **self.settings,
            "metadata": self.metadata,
            "status": status,
            "started_at": int(self.started_at) if self.started_at <= min(now, at) else None,
            "expires_at": None if status in ENDED else int(self.expires_at),
            "completed_at": int(at) if status in ("completed", "incomplete") else None,
            "failed_at": int(at) if status == "failed" else None,
            "cancelled_at": int(at) if status == "cancelled" else None,
            "required_action": None if waiting is None else _required(waiting),
            "last_error": {"code": self.reason, "message": "The run failed."} if status == "failed" else None,
            "incomplete_details": {"reason": self.reason} if status == "incomplete" else None,
            "usage": self._usage(at) if status in ENDED else None,
        }

    def show_step(self, step: Step, now: float, *, with_content: bool = False) -> Json:
        at, final = self.end
        ended = min(step.ends_at, at)
        status = "in_progress" if now < ended else ("completed" if step.ends_at <= at else final)
        return {
            "id": step.id,
            "object": "thread.run.step",
            "created_at": int(step.begins_at),
            "run_id": self.id,
            "assistant_id": self.settings["assistant_id"],
            "thread_id": self.thread_id,
            "type": step.type,
            "status": status,
            "cancelled_at": int(ended) if status == "cancelled" else None,
            "completed_at": int(ended) if status == "completed" else None,
            "expired_at": int(ended) if status == "expired" else None,
            "failed_at": None,
            "last_error": None,
            "metadata": {},
            "step_details": step.details if with_content else _without_content(step.details),
            "usage": step.usage if status == "completed" else None,
        }

    def _usage(self, at: float) -> Json:
        done = [step.usage for step in self.steps.values() if step.ends_at <= at]
        return {
            name: sum(usage[name] for usage in done) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
        }


def change_calls(details: Json, change: Callable[[Json], Json]) -> Json:
    return {**details, "tool_calls": [change(call) for call in records(details["tool_calls"])]}


def _required(step: Step) -> Json:
    """The calls that the caller must answer, without the place for the answer."""
    calls: list[Json] = []
    for call in records(step.details["tool_calls"]):
        function = {name: call["function"][name] for name in ("name", "arguments")}
        calls.append({"id": call["id"], "type": "function", "function": function})
    return {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}


def _without_content(details: Json) -> Json:
    """What a file search found is left out of its step unless it was asked for."""
    if "tool_calls" not in details:
        return details

    def bare(call: Json) -> Json:
        if call["type"] != "file_search":
            return call
        search: Json = call["file_search"]
        results = [{**result, "content": None} for result in records(search["results"])]
        plain = [{name: value for name, value in result.items() if value is not None} for result in results]
        return {**call, "file_search": {**search, "results": plain}}

    return change_calls(details, bare)
