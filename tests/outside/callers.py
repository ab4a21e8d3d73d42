"""Callers that come in by every way, alone with their own account, and say how each of their calls ended."""

import json
import socket
import struct
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

from tests.forms import form
from tests.outside.moods import (
    CONNECTED_LATE,
    FINE,
    LATE,
    LEFT,
    MOODS,
    NEVER,
    REACHED,
    WAIT_SECONDS,
    WAYS,
    Ending,
    endings,
    second_endings,
)
from tests.outside.moody_vendor import Moody

# Longer than all that a vendor and the gateway may take over a call: what is not there by then never comes.
HANG_SECONDS = 30.0
TOOL = "list_all_openai_files"
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say exactly: pong"}]}
_STREAM = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
_LARGE = form(("purpose", "user_data"), ("file", "a.txt", "text/plain", b"All work and no play. " * 20_000))


@dataclass(frozen=True)
class House:
    url: str
    token: str
    vendor: Moody
    # Of the gateway, for whatever a vendor takes its time over.
    deadline_seconds: float


@dataclass(frozen=True)
class Task:
    """One call. `leaves`: as soon as the vendor has been asked, its client goes away."""

    way: str
    mood: str = FINE
    leaves: bool = False


@dataclass(frozen=True)
class Told:
    """How a call ended for its client, and by which trace it is found in the request log."""

    task: Task
    ending: Ending
    trace: str
    tokens: int | None = None
    is_replay: bool = False
    # It took as long as the deadlines allow; whoever was slow to leave may have been answered already.
    was_slow: bool = False

    @property
    def rows(self) -> set[Ending]:
        """What the log may say of it."""
        left_late = self.was_slow and self.task.leaves
        return {self.ending} | (endings(self.task.mood, self.task.way) | LATE if left_late else set())

    def is_among(self, expected: set[Ending]) -> bool:
        return self.ending in expected or (self.was_slow and self.ending in LATE)


@dataclass(frozen=True)
class Asked:
    verb: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class Caller:
    """One thread with one account, whose vendor is in the mood that the task at hand asks for."""

    house: House
    owner: str
    account_id: str
    mcp: str
    told: list[Told] = field(default_factory=list[Told])
    problems: list[str] = field(default_factory=list[str])
    # The names of projects that were to be made under an Idempotency-Key.
    names: list[str] = field(default_factory=list[str])
    _connection: HTTPConnection | None = None

    def work(self, tasks: list[Task]) -> None:
        for task in tasks:
            key = str(uuid.uuid4())
            told = self._do(task, key)
            if told is None:
                continue
            if not told.is_among({LEFT} if task.leaves else endings(task.mood, task.way)):
                self.problems.append(f"{task}: {told.ending}")
            elif task.way == "once":
                self._again(told, key)
        self._hang_up()

    def _again(self, first: Told, key: str) -> None:
        """The same key once more, at a vendor that is well now: nothing may be done twice."""
        second = self._do(Task("once"), key, is_replay=first.ending != CONNECTED_LATE)
        if second is not None and not second.is_among(second_endings(first.task.mood, first.ending)):
            self.problems.append(f"after {first.task} and {first.ending}: {second.ending}")

    def _do(self, task: Task, key: str, *, is_replay: bool = False) -> Told | None:
        asked, trace = self._asked(task.way, key), uuid.uuid4().hex
        sent = {"traceparent": f"00-{trace}-{trace[:16]}-01", **asked.headers}
        if asked.path != self.mcp:
            sent["authorization"] = f"Bearer {self.house.token}"
        self.house.vendor.moods[self.owner] = task.mood
        began = time.monotonic()
        try:
            if task.leaves:
                self._leave(asked, sent)
                ending, tokens = LEFT, None
            else:
                ending, tokens = self._read(task, self._answer(asked, sent))
        except (OSError, HTTPException, ValueError, KeyError) as problem:
            # Neither an answer nor the end of one that had begun: among them what hangs.
            self.problems.append(f"{task}: {type(problem).__name__} {problem}")
            self._hang_up()
            return None
        was_slow = time.monotonic() - began >= self.house.deadline_seconds
        self.told.append(told := Told(task, ending, trace, tokens, is_replay, was_slow))
        return told

    def _asked(self, way: str, key: str) -> Asked:
        at, json_type = f"integrated_account_id={self.account_id}", {"content-type": "application/json"}
        if way == "once":
            self.names.append(key)
        return {
            "list": Asked("GET", f"/proxy/files?{at}"),
            "patient": Asked("GET", f"/proxy/files?{at}&portico_retry=0.2"),
            "chat": Asked("POST", f"/proxy/chat_completions?{at}", CHAT, json_type),
            "once": Asked("POST", f"/proxy/projects?{at}", {"name": key}, json_type | {"idempotency-key": key}),
            "raw": Asked("GET", f"/passthrough/{self.account_id}/models"),
            "stream": Asked("POST", f"/passthrough/{self.account_id}/chat/completions", _STREAM, json_type),
            "upload": Asked("POST", f"/passthrough/{self.account_id}/files", _LARGE[0], {"content-type": _LARGE[1]}),
            "tool": Asked("POST", f"/integrated-account/{self.account_id}/tools/{TOOL}", {}, json_type),
            "mcp": Asked("POST", self.mcp, _message(), json_type | {"accept": "application/json, text/event-stream"}),
        }[way]

    def _send(self, asked: Asked, headers: Mapping[str, str]) -> HTTPConnection:
        if self._connection is None:
            self._connection = HTTPConnection(urlsplit(self.house.url).netloc, timeout=HANG_SECONDS)
        body = asked.body if isinstance(asked.body, bytes | None) else json.dumps(asked.body).encode()
        self._connection.request(asked.verb, asked.path, body, dict(headers))
        return self._connection

    def _answer(self, asked: Asked, headers: Mapping[str, str]) -> "Answer":
        answer = self._send(asked, headers).getresponse()
        try:
            return Answer(answer, answer.read(), is_cut=False)
        except IncompleteRead as problem:
            content = problem.partial
        except ConnectionResetError:
            content = b""
        self._hang_up()
        return Answer(answer, content, is_cut=True)

    def _leave(self, asked: Asked, headers: Mapping[str, str]) -> None:
        before = self.house.vendor.asked[self.owner]
        connection = self._send(asked, headers)
        if not self.house.vendor.wait_for(self.owner, before):
            raise TimeoutError("the vendor was never asked")
        # No farewell, as when a program is killed on another machine's other side of a router.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _read(self, task: Task, answer: "Answer") -> tuple[Ending, int | None]:
        """How it ended, as the way in says it; and the tokens that the vendor told, where it told them."""
        if task.way == "tool":
            return self._result(task, json.loads(answer.content), "structured", "is_error"), None
        if task.way == "mcp":
            return self._result(task, answer.message["result"], "structuredContent", "isError"), None
        if answer.is_cut:
            # By then its client had a 200; why it broke off is told in the log, and in the last event of a stream.
            status, code = _why_cut(answer.content, task)
            return Ending(status, code, is_cut=True), None
        if answer.status == REACHED and answer.headers["retry-after"] != str(WAIT_SECONDS):
            raise ValueError(f"retry-after: {answer.headers['retry-after']}")
        code = answer.headers["x-gateway-error"] or ("vendor_failure" if answer.status >= 400 else "")
        if answer.headers["x-gateway-error"]:
            json.loads(answer.content)
        is_chat = task.way in {"chat", "stream"} and (answer.status, task.mood) == (200, FINE)
        return Ending(answer.status, code), answer.tokens if is_chat else None

    def _result(self, task: Task, result: Any, value: str, mark: str) -> Ending:
        told = result[value]
        if not result[mark]:
            return Ending()
        if told["status"] == REACHED and told["retry_after_seconds"] != WAIT_SECONDS:
            raise ValueError(f"retry_after_seconds: {told['retry_after_seconds']}")
        return Ending(told["status"], told["code"])


class Answer:
    """What came back, read to its end or to where it broke off."""

    def __init__(self, answer: HTTPResponse, content: bytes, *, is_cut: bool) -> None:
        self.status, self.content, self.is_cut = answer.status, content, is_cut
        self.headers = {name: answer.getheader(name, "") for name in ("x-gateway-error", "retry-after")}

    @property
    def events(self) -> list[Any]:
        lines = self.content.split(b"\n")
        return [json.loads(line[5:]) for line in lines if line.startswith(b"data:") and b"[DONE]" not in line]

    @property
    def message(self) -> Any:
        """An answer over MCP, which may come as the last event of a stream."""
        return (
            self.events[-1]
            if self.content.startswith((b"data:", b"event:", b":", b"id:"))
            else json.loads(self.content)
        )

    @property
    def tokens(self) -> int | None:
        """Of a chat, whole or as events."""
        said: list[Any] = self.events if self.content.startswith(b"data:") else [json.loads(self.content)]
        usages: list[Any] = [each.get("usage") for each in said]
        return next((each["total_tokens"] for each in reversed(usages) if each), None)


def _message() -> Any:
    params: dict[str, Any] = {"name": TOOL, "arguments": {}}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def _why_cut(content: bytes, task: Task) -> tuple[int, str]:
    """Half an event is followed by nothing, so where nothing is said the mood has to tell."""
    (likely,) = [each for each in endings(task.mood, task.way) if each.is_cut] or [Ending(504, "upstream_timeout")]
    last = content.rstrip().rpartition(b"\n")[2]
    if last.startswith(b'data: {"error"') and b"portico_error" in last:
        code: str = json.loads(last[6:])["error"]["code"]
        return likely.status, code
    return likely.status, likely.code


def all_tasks() -> list[Task]:
    """Every mood by every way in, and clients that leave by each of them: before an answer, and amid one."""
    tasks = [Task(way, mood) for way in WAYS for mood in MOODS]
    return tasks + [Task(way, mood, leaves=True) for way in WAYS for mood in (NEVER, "stall=20")]


def at_once(callers: list[Caller], tasks: list[list[Task]]) -> None:
    """All of them side by side, until each has done its own."""
    threads = [
        threading.Thread(target=each.work, args=(own,), daemon=True) for each, own in zip(callers, tasks, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
