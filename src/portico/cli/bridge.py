"""`portico mcp stdio`: carries messages between a desktop client's pipes and an MCP server's address.

Next to nothing is imported, and late where it is heavy: a client starts one bridge per server and waits for it. Every
message of the client is a request of its own; nothing is kept between them but the version that was agreed on.
"""

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from portico.cli.local_files import LocalFiles, NotAllowedHere
from portico.cli.wires import Gone, Wire, Wires
from portico.shapes import is_record

Json = dict[str, Any]
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_CALLS_AT_ONCE = 32
FAILED = -32603
# How the server answers what it cannot read so far that it knows whose it is.
_OF_NOTHING = b'{"jsonrpc":"2.0","id":null'


def serve(url: str, files: Sequence[Path] = ()) -> int:
    """Bridge this process's standard input and output to the MCP server at this address, until the input ends."""
    if problem := check(url):
        sys.stderr.write(problem + "\n")
        return 2
    Bridge(url, LocalFiles(files), token_for(url), sys.stdout.buffer).run(sys.stdin.buffer)
    return 0


def plainly(arguments: Sequence[str]) -> tuple[str, list[Path]] | None:
    """(address, folders) where that is all there is; None where the arguments need a real parser."""
    address, folders, rest = "", list[Path](), list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--files" and rest:
            folders.append(Path(rest.pop(0)))
        elif word.startswith("-") or address:
            return None
        else:
            address = word
    return (address, folders) if address else None


def check(url: str) -> str:
    """What is wrong with the address; empty where it can be used."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.path.strip("/"):
        return "The address must be that of an MCP server, as `portico mcp create` printed it: https://…/mcp/…"
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        sys.stderr.write("Note: this address is not encrypted; whoever listens in can use the server.\n")
    return ""


def token_for(url: str) -> str:
    """PORTICO_TOKEN, unless PORTICO_URL says that it belongs to another gateway."""
    gateway, server = urlsplit(os.environ.get("PORTICO_URL", "")), urlsplit(url)
    is_elsewhere = bool(gateway.netloc) and (gateway.scheme, gateway.netloc) != (server.scheme, server.netloc)
    return "" if is_elsewhere else os.environ.get("PORTICO_TOKEN", "")


class Bridge:
    """One server. Messages are read on the caller's thread; each waits for its answer on a thread of its own."""

    def __init__(self, url: str, files: LocalFiles, token: str, out: BinaryIO) -> None:
        self._wires, self._files, self._out = Wires(url, token), files, out
        self._version = ""
        self._writing, self._turn = threading.Lock(), threading.Semaphore(_CALLS_AT_ONCE)

    def run(self, source: BinaryIO) -> None:
        for line in source:
            if line.strip():
                self._take(line)
        self._wires.close()

    def _take(self, line: bytes) -> None:
        try:
            message: Any = json.loads(line)
        except (ValueError, RecursionError):
            self._fail(None, -32700, "That line is not JSON.")
            return
        if not is_record(message):
            self._fail(None, -32600, "A line must be one JSON-RPC message.")
            return
        method, params = message.get("method"), message.get("params")
        if method == "notifications/cancelled" and is_record(params):
            self._wires.cancel(_key(params.get("requestId")))
        wire = self._wires.open(_key(message.get("id")) if method is not None else "")
        if method == "initialize":
            self._carry(message, wire)  # what comes next depends on the version that is agreed on here
            return
        threading.Thread(target=self._carry_in_turn, args=(message, wire), daemon=True).start()

    def _carry_in_turn(self, message: Json, wire: Wire) -> None:
        with self._turn:
            self._carry(message, wire)

    def _carry(self, message: Json, wire: Wire) -> None:
        """Send one message and write whatever comes of it. A notification has no answer, also not a wrong one."""
        is_request = "id" in message and "method" in message
        try:
            content = json.dumps(self._with_files(message), separators=(",", ":")).encode()
            for answer in self._wires.send(wire, content, self._headers(message)):
                self._write(self._told(message, answer))
        except NotAllowedHere as problem:
            self._wires.give_back(wire)
            self._refuse(message, str(problem))
        except RecursionError:
            self._wires.give_back(wire)
            if is_request:
                self._fail(message["id"], -32602, "params are nested too deep.")
        except Gone as problem:
            if is_request and not problem.is_cancelled:
                self._fail(message["id"], FAILED, str(problem))

    def _headers(self, message: Json) -> dict[str, str]:
        """Those of the message's era: newer clients say the version in every request, older ones once."""
        params: Any = message.get("params")
        meta: Any = params.get("_meta") if is_record(params) else None
        version: Any = meta.get(VERSION_KEY) if is_record(meta) else None
        if not isinstance(version, str):
            return {"MCP-Protocol-Version": self._version} if self._version else {}
        method = str(message.get("method"))
        headers = {"MCP-Protocol-Version": version, "Mcp-Method": method}
        name = params.get(_NAMED_BY.get(method, ""))
        return headers | ({"Mcp-Name": _header(name)} if isinstance(name, str) else {})

    def _with_files(self, message: Json) -> Json:
        params: Any = message.get("params")
        arguments: Any = params.get("arguments") if is_record(params) else None
        if message.get("method") != "tools/call" or not is_record(arguments):
            return message
        return message | {"params": params | {"arguments": self._files.put_in(arguments)}}

    def _told(self, message: Json, answer: bytes) -> bytes:
        """The server's answer; what it says of itself is completed by what only the bridge can do."""
        if answer.startswith(_OF_NOTHING) and message.get("id") is not None:
            # So that its client need not wait for ever.
            return b'{"jsonrpc":"2.0","id":' + json.dumps(message["id"]).encode() + answer[len(_OF_NOTHING) :]
        if message.get("method") not in ("initialize", "server/discover"):
            return answer
        told: Json = json.loads(answer)
        result: Any = told.get("result")
        if not is_record(result):
            return answer
        self._version = str(result.get("protocolVersion") or self._version)
        if self._files.folders:
            result["instructions"] = f"{result.get('instructions', '')} {self._files.words}".strip()
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()

    def _refuse(self, message: Json, sentence: str) -> None:
        """As the server refuses an argument: a result that the model reads."""
        shown = {"error": sentence, "code": "local_file"}
        result: Json = {
            "content": [{"type": "text", "text": json.dumps(shown, ensure_ascii=False)}],
            "structuredContent": shown,
            "isError": True,
        }
        if "Mcp-Method" in self._headers(message):
            result["resultType"] = "complete"
        self._write(json.dumps({"jsonrpc": "2.0", "id": message.get("id"), "result": result}).encode())

    def _fail(self, identity: Any, code: int, sentence: str) -> None:
        error = {"code": code, "message": sentence}
        self._write(json.dumps({"jsonrpc": "2.0", "id": identity, "error": error}).encode())

    def _write(self, content: bytes) -> None:
        try:
            with self._writing:
                self._out.write(content.replace(b"\n", b" ") + b"\n")
                self._out.flush()
        except (BrokenPipeError, ValueError):
            self._wires.close()  # the client has gone


def _key(identity: Any) -> str:
    return "" if identity is None else json.dumps(identity)


def _header(text: str) -> str:
    """As a header may hold it: plain, or base64 where it has letters that headers do not."""
    if text.isascii() and text.isprintable() and text == text.strip():
        return text
    import base64

    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="
