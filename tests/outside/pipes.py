"""An MCP client at the pipes of another program."""

import json
import queue
import subprocess
import threading
from typing import Any

Json = dict[str, Any]
PATIENCE_SECONDS = 5.0
NEW, OLD = "2026-07-28", "2025-06-18"
META: Json = {"io.modelcontextprotocol/protocolVersion": NEW, "io.modelcontextprotocol/clientCapabilities": {}}


class Pipes:
    """Sends lines, and keeps what comes by its id."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.lines: queue.Queue[Json | None] = queue.Queue()
        self.kept: dict[Any, Json] = {}
        self.notifications: list[Json] = []
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, message: Json | bytes) -> None:
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, number: Any = 1, *, is_new: bool = False, **params: Any) -> None:
        given = params | ({"_meta": META | params.get("_meta", {})} if is_new else {})
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": given})

    def answer(self, number: Any = 1, seconds: float = PATIENCE_SECONDS) -> Json:
        while number not in self.kept:
            line = self.lines.get(timeout=seconds)
            assert line is not None, "the program ended"
            if "method" in line:
                self.notifications.append(line)
            else:
                self.kept[line["id"]] = line
        return self.kept.pop(number)

    def call(self, name: str, arguments: Json, number: Any = 1, *, is_new: bool = False, **more: Any) -> Json:
        self.ask("tools/call", number, is_new=is_new, name=name, arguments=arguments, **more)
        return self.answer(number)

    def hello(self, seconds: float = PATIENCE_SECONDS) -> Json:
        self.ask("initialize", "hello", protocolVersion=OLD, capabilities={}, clientInfo={"name": "t", "version": "1"})
        told = self.answer("hello", seconds)["result"]
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return told

    def is_silent(self, seconds: float = 0.3) -> bool:
        try:
            return self.lines.get(timeout=seconds) is None
        except queue.Empty:
            return True

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)
