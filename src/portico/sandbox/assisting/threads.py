"""Assistants, threads and messages as their endpoints share them."""

from dataclasses import dataclass, field

from portico.sandbox.assisting.fields import call
from portico.sandbox.assisting.runs import ENDED, Run, Step
from portico.sandbox.file_store import require_file
from portico.sandbox.refusals import invalid, no_such
from portico.sandbox.shapes import Json, record, records
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.wire import Ask

# A vector store that came to be through an attachment goes when it is not used for so long.
STORE_DAYS = 7


@dataclass(slots=True)
class Message:
    """A message of a thread. One that a run writes is there from the beginning of its step and whole at its end."""

    id: str
    thread_id: str
    role: str
    content: list[Json]
    created_at: int
    attachments: list[Json] = field(default_factory=list[Json])
    metadata: Json = field(default_factory=dict[str, object])
    run: Run | None = None
    step: Step | None = None

    def is_there(self, now: float) -> bool:
        return self.run is None or self.step is None or self.run.has_begun(self.step, now)

    def show(self, now: float) -> Json:
        at, status, reason = self._state(now)
        return {
            "id": self.id,
            "object": "thread.message",
            "created_at": self.created_at,
            "thread_id": self.thread_id,
            "assistant_id": self.run.settings["assistant_id"] if self.run else None,
            "run_id": self.run.id if self.run else None,
            "role": self.role,
            "status": status,
            "completed_at": at if status == "completed" else None,
            "incomplete_at": at if status == "incomplete" else None,
            "incomplete_details": {"reason": reason} if reason else None,
            "content": [] if status == "in_progress" or reason in ("run_cancelled", "run_expired") else self.content,
            "attachments": self.attachments,
            "metadata": self.metadata,
        }

    def _state(self, now: float) -> tuple[int, str, str]:
        """Since when the message is in which status, and why it is incomplete."""
        if self.run is None or self.step is None:
            return self.created_at, "completed", ""
        at, final = self.run.end
        if now < min(at, self.step.ends_at):
            return self.created_at, "in_progress", ""
        if self.step.ends_at > at:
            return int(at), "incomplete", f"run_{final}"
        if self.run.outcome == "incomplete":
            return int(self.step.ends_at), "incomplete", "max_tokens"
        return int(self.step.ends_at), "completed", ""


@dataclass(slots=True)
class Thread:
    id: str
    created_at: int
    metadata: Json
    tool_resources: Json
    messages: Collection[Message] = field(default_factory=lambda: Collection[Message]("message"))
    runs: Collection[Run] = field(default_factory=lambda: Collection[Run]("run"))

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "thread",
            "created_at": self.created_at,
            "metadata": self.metadata,
            "tool_resources": self.tool_resources,
        }

    def active_run(self, now: float) -> Run | None:
        return next((run for run in self.runs if run.status(now) not in ENDED), None)

    def require_free(self, now: float) -> None:
        """A thread stands still while a run works on it."""
        if active := self.active_run(now):
            raise invalid(f"The thread '{self.id}' is busy with the run '{active.id}'.", None, "run_active")

    def message(self, message_id: str, now: float) -> Message:
        found = self.messages.get(message_id)
        if not found.is_there(now):
            raise no_such("message", message_id)
        return found


ASSISTANTS = Kind[Json]("assistant", "asst_")
THREADS = Kind[Thread]("thread", "thread_")


def new_assistant(identity: str, now: int, body: Json) -> Json:
    return {
        "id": identity,
        "object": "assistant",
        "created_at": now,
        "name": None,
        "description": None,
        "instructions": None,
        "tools": [],
        "tool_resources": {},
        "metadata": {},
        "temperature": 1.0,
        "top_p": 1.0,
        "reasoning_effort": None,
        "response_format": "auto",
        **body,
    }


def require_thread(ask: Ask) -> Thread:
    return ask.held(THREADS).get(ask["thread_id"])


async def add_message(ask: Ask, thread: Thread, body: Json) -> Message:
    """Add a checked message, after its files were given to the tools that shall have them."""
    content = [_part(ask, part) for part in _parts(body["content"])]
    for attachment in records(body.get("attachments")):
        await _attach(ask, thread, attachment)
    message = Message(
        ask.new_id("msg_"),
        thread.id,
        body["role"],
        content,
        ask.now,
        body.get("attachments", []),
        body.get("metadata", {}),
    )
    return thread.messages.add(message.id, message)


def text_content(text: str, annotations: list[Json] | None = None) -> Json:
    return {"type": "text", "text": {"value": text, "annotations": annotations or []}}


def _parts(content: object) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else records(content)


def _part(ask: Ask, part: Json) -> Json:
    kind: str = part["type"]
    if kind == "text":
        return text_content(part["text"])
    if kind == "image_file":
        require_file(ask, part["image_file"]["file_id"])
    return {"type": kind, kind: {"detail": "auto", **part[kind]}}


async def _attach(ask: Ask, thread: Thread, attachment: Json) -> None:
    file = require_file(ask, attachment["file_id"])
    for tool in records(attachment["tools"]):
        if tool["type"] == "code_interpreter":
            held = record(thread.tool_resources.get("code_interpreter")).get("file_ids", [])
            thread.tool_resources["code_interpreter"] = {"file_ids": list(dict.fromkeys([*held, file.id]))}
            continue
        stores = record(thread.tool_resources.get("file_search")).get("vector_store_ids", [])
        if stores:
            await call(ask, "POST", f"/vector_stores/{stores[0]}/files", {"file_id": file.id})
            continue
        policy = {"anchor": "last_active_at", "days": STORE_DAYS}
        made = await call(ask, "POST", "/vector_stores", {"file_ids": [file.id], "expires_after": policy})
        thread.tool_resources["file_search"] = {"vector_store_ids": [made["id"]]}
