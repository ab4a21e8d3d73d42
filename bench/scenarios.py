"""What is measured: a name for each case, how it is asked, and what its answer must hold to count."""

import json
from dataclasses import dataclass

from bench.asked import Kind, Request
from bench.vendor import LARGE_BYTES, MARK, SMALL_BYTES

JSON = {"Content-Type": "application/json"}
MANY_STREAMS, FEW_STREAMS = 100, 10
MCP_ERAS = ("2025-11-25", "2026-07-28")
MCP_TOOL, MCP_ARGUMENTS = "list_all_openai_batches", {"limit": 20}


@dataclass(frozen=True)
class Scenario:
    """`asks` names the request among a contestant's own; several scenarios may ask the same in different ways."""

    title: str
    asks: str
    kind: Kind = "requests"
    connections: int = 16
    expects: bytes = MARK.encode()
    least_bytes: int = 0
    is_upload: bool = False

    @property
    def is_mcp(self) -> bool:
        return self.asks.startswith("tools/")


CALLS = (
    Scenario("GET list, 2 kB", "list 2 kB"),
    Scenario("GET list, 100 kB", "list 100 kB"),
    Scenario("POST chat, 2 kB", "chat 2 kB"),
    Scenario("POST chat, 2 kB, 1 connection", "chat 2 kB", connections=1),
    Scenario("POST chat, 100 kB", "chat 100 kB"),
)
STREAMS = (
    Scenario("SSE, first byte", "few events", kind="first bytes", connections=1, expects=b"data: {"),
    Scenario("SSE, 50 events/s a stream", "events", kind="streams", connections=MANY_STREAMS, expects=b"data: {"),
)
TRANSFERS = (
    Scenario("upload", "upload", kind="transfers", connections=1, expects=b"file-1", is_upload=True),
    Scenario("download", "download", kind="transfers", connections=1, expects=b""),
)
MCP = (
    *(
        Scenario(f"tools/list, {era}", f"tools/list {era}", expects=b'"inputSchema"', least_bytes=150_000)
        for era in MCP_ERAS
    ),
    *(Scenario(f"tools/call, {era}", f"tools/call {era}") for era in MCP_ERAS),
)
SCENARIOS = (*CALLS, *STREAMS, *TRANSFERS, *MCP)


def chat_body(size: int, *, events: int = 0) -> bytes:
    """A request for a chat completion, about as long as asked for."""
    words = [{"role": "user", "content": "word " * (max(size - 120, 20) // 5)}]
    body: dict[str, object] = {"model": "gpt-4o", "messages": words, "max_tokens": max(events, 1)}
    return json.dumps(body | ({"stream": True} if events else {})).encode()


def plain_requests(port: int, prefix: str, key: str, transfer_bytes: int, events: int) -> dict[str, Request]:
    """The vendor's own API under a prefix, as every transparent proxy offers it."""
    headers = {"Authorization": f"Bearer {key}"}
    posted = headers | JSON

    def get(path: str) -> Request:
        return Request(port=port, path=f"{prefix}{path}", headers=headers)

    def chat(body: bytes) -> Request:
        return Request(port=port, path=f"{prefix}/chat/completions", verb="POST", headers=posted, body=body)

    return {
        "list 2 kB": get("/models"),
        "list 100 kB": get("/files"),
        "chat 2 kB": chat(chat_body(SMALL_BYTES)),
        "chat 100 kB": chat(chat_body(LARGE_BYTES)),
        "few events": chat(chat_body(200, events=2)),
        "events": chat(chat_body(200, events=events)),
        "upload": Request(
            port=port,
            path=f"{prefix}/files",
            verb="POST",
            headers=headers | {"Content-Type": "application/octet-stream"},
        ),
        "download": get(f"/files/{transfer_bytes}/content"),
    }


def mcp_requests(
    port: int, path: str, headers: dict[str, str] | None = None, tool: str = MCP_TOOL
) -> dict[str, Request]:
    """Both methods in both eras of the protocol."""
    requests: dict[str, Request] = {}
    for era in MCP_ERAS:
        for method in ("tools/list", "tools/call"):
            params: dict[str, object] = {}
            sent = JSON | {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": era}
            if method == "tools/call":
                params |= {"name": tool, "arguments": MCP_ARGUMENTS}
            if era == MCP_ERAS[-1]:
                about = "io.modelcontextprotocol/"
                params["_meta"] = {
                    f"{about}protocolVersion": era,
                    f"{about}clientInfo": {"name": "bench", "version": "1"},
                    f"{about}clientCapabilities": {},
                }
                sent |= {"Mcp-Method": method} | ({"Mcp-Name": tool} if method == "tools/call" else {})
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
            requests[f"{method} {era}"] = Request(
                port=port, path=path, verb="POST", headers=sent | (headers or {}), body=body
            )
    return requests
