"""A model for agents without a network: speaks three vendors' wires, and makes the tool calls that it was told to make.

What an agent's program shows its model is all here, in `requests`; what the tools answered stands in later ones.
"""

import json
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from portico.shapes import is_list

Json = dict[str, Any]
Step = tuple[str, Json]
LAST_WORDS = "All steps are done."


@dataclass
class StubModel:
    """`steps` are made one after the other; the model knows where it is by the answers that it is shown."""

    url: str
    steps: Sequence[Step]
    requests: list[Json] = field(default_factory=list[Json])

    def tool_names(self) -> set[str]:
        """Every tool that was offered, by its last words: programs put their own before the server's names."""
        return {name for request in self.requests for name in _offered(request)}

    def answers(self) -> list[Json]:
        """What the tools answered, as the model was shown it, in the order of the steps."""
        most: list[Json] = []
        for request in self.requests:
            found = _results(request)
            most = found if len(found) > len(most) else most
        return most

    def text(self) -> str:
        """Everything that the model was shown."""
        return json.dumps(self.requests, ensure_ascii=False)


@contextmanager
def model(steps: Sequence[Step]) -> Generator[StubModel]:
    handler = type("_Own", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.stub = stub = StubModel(f"http://127.0.0.1:{server.server_port}", steps)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    stub: ClassVar[StubModel]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        path = self.path.partition("?")[0]
        try:
            asked: Json = json.loads(content)
        except ValueError:
            asked = {}
        if path.endswith("/count_tokens"):
            self._send(200, json.dumps({"input_tokens": 100}).encode(), "application/json")
        elif path.endswith("/messages"):
            self._say(asked, anthropic)
        elif path.endswith("/responses"):
            self._say(asked, responses)
        elif ":streamGenerateContent" in path:
            self._say(asked, gemini)
        elif ":generateContent" in path:
            self._send(200, json.dumps(_gemini_part({"text": "{}"})).encode(), "application/json")
        else:
            self._send(404, b"{}", "application/json")

    def do_GET(self) -> None:
        self._send(404, b"{}", "application/json")

    def do_HEAD(self) -> None:
        self._send(200, b"", "application/json")

    def _say(self, asked: Json, wire: Callable[[Step | None], list[Json]]) -> None:
        self.stub.requests.append(asked)
        events = wire(_next(self.stub, asked))
        content = b"".join(
            (f"event: {event['type']}\n" if "type" in event else "").encode()
            + f"data: {json.dumps(event)}\n\n".encode()
            for event in events
        )
        self._send(200, content, "text/event-stream")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _next(stub: StubModel, asked: Json) -> Step | None:
    """The call to be made now, by the name that this program knows the tool by; None where it is time for words."""
    offered = _offered(asked)
    done = len(_results(asked))
    if not offered or done >= len(stub.steps):
        return None
    name, arguments = stub.steps[done]
    known = next((each for each in offered if each.endswith(name)), None)
    return (known or name, arguments)


def _offered(request: Json) -> list[str]:
    names: list[str] = []
    for tool in _each(request, "tools"):
        names += [each["name"] for each in _each(tool, "functionDeclarations")]
        names += [f"{tool['name']}.{each['name']}" for each in _each(tool, "tools") if "name" in each]
        if "name" in tool and not tool.get("tools"):
            names.append(tool["name"])
    return names


def _results(request: Json) -> list[Json]:
    found = [
        each for message in _each(request, "messages") for each in _each(message, "content")
        if each.get("type") == "tool_result"
    ]  # fmt: skip
    found += [each for each in _each(request, "input") if each.get("type") == "function_call_output"]
    parts = [each for message in _each(request, "contents") for each in _each(message, "parts")]
    return found + [each["functionResponse"] for each in parts if "functionResponse" in each]


def _each(record: Json, name: str) -> list[Json]:
    """What stands in a list under this name; nothing where there is text or nothing instead."""
    found: Any = record.get(name)
    return found if is_list(found) else []


def anthropic(step: Step | None) -> list[Json]:
    usage = {"input_tokens": 10, "output_tokens": 10}
    message: Json = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "stub",
        "content": [],
        "usage": usage,
    }
    block: Json = {"type": "text", "text": ""}
    delta: Json = {"type": "text_delta", "text": LAST_WORDS}
    if step is not None:
        block = {"type": "tool_use", "id": f"toolu_{abs(hash(str(step)))}", "name": step[0], "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(step[1])}
    reason = "end_turn" if step is None else "tool_use"
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ]


def responses(step: Step | None) -> list[Json]:
    words = {"type": "output_text", "text": LAST_WORDS}
    item: Json = {"type": "message", "role": "assistant", "id": "msg_1", "content": [words]}
    if step is not None:
        namespace, _, name = step[0].rpartition(".")
        item = {"type": "function_call", "id": "fc_1", "call_id": f"call_{abs(hash(str(step)))}", "name": name,
                "arguments": json.dumps(step[1])}  # fmt: skip
        item |= {"namespace": namespace} if namespace else {}
    usage = {"input_tokens": 10, "output_tokens": 10, "total_tokens": 20, "input_tokens_details": None,
             "output_tokens_details": None}  # fmt: skip
    return [
        {"type": "response.created", "response": {"id": "resp_1"}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_1", "usage": usage}},
    ]


def gemini(step: Step | None) -> list[Json]:
    return [
        _gemini_part({"text": LAST_WORDS} if step is None else {"functionCall": {"name": step[0], "args": step[1]}})
    ]


def _gemini_part(part: Json) -> Json:
    counts = {"promptTokenCount": 10, "candidatesTokenCount": 10, "totalTokenCount": 20}
    candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
    return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "stub"}
