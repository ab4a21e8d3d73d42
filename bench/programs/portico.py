"""Portico itself, as users run it: `portico serve` on SQLite, one worker, everything switched on."""

import json
import sys
import urllib.request
from typing import Any

from bench.asked import Request
from bench.contestant import Contestant, Place
from bench.machine import Running, free_port, start, wait_until_it_answers
from bench.scenarios import mcp_requests
from portico.version import VERSION

TOKEN = "bench-token-that-opens-everything"
PROXY, PASSTHROUGH, MCP = "Portico, Proxy API", "Portico, passthrough", "Portico, MCP"


def start_portico(place: Place) -> list[Contestant]:
    """Its three faces: one process, three names."""
    folder = place.folder / "portico"
    folder.mkdir()
    port = free_port()
    environment = {
        "PORTICO_DATA_DIR": str(folder / "data"),
        "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
        "PORTICO_VENDOR_BASE_URLS": f"openai={place.vendor_url}",
        "PORTICO_LOG_LEVEL": "warning",
    }
    running = start(
        [sys.executable, "-m", "portico", "serve", "--port", str(port)], folder, "portico", environment=environment
    )
    wait_until_it_answers(running, f"http://127.0.0.1:{port}/healthz")
    return _faces(place, running, port)


def _faces(place: Place, running: Running, port: int) -> list[Contestant]:
    token = _ask(port, "/api-token", {"name": "bench", "scopes": ["call"]}, TOKEN)["token"]
    context = {"api_key": place.key, "admin_key": "sk-admin-bench"}
    account = _ask(
        port, "/integrated-account", {"tenant_id": "bench", "integration": "openai", "context": context}, TOKEN
    )["id"]
    server = _ask(
        port,
        f"/integrated-account/{account}/mcp",
        {"name": "bench", "config": {"tool_exposure": "all"}},
        TOKEN,
    )
    path = "/mcp/" + server["url"].rpartition("/")[2]
    straight = place.plain_requests(port, f"/passthrough/{account}", token)
    return [
        Contestant(PROXY, VERSION, running, _proxy_requests(straight, account)),
        Contestant(PASSTHROUGH, VERSION, running, straight),
        Contestant(MCP, VERSION, running, mcp_requests(port, path)),
    ]


def _proxy_requests(straight: dict[str, Request], account: str) -> dict[str, Request]:
    """The same calls in the Proxy API's words; there is nothing for it to do in raw uploads."""
    query = f"integrated_account_id={account}"
    paths = {
        "list 2 kB": f"/proxy/models?{query}",
        "list 100 kB": f"/proxy/files?{query}",
        "chat 2 kB": f"/proxy/chat_completions?{query}",
        "chat 100 kB": f"/proxy/chat_completions?{query}",
        "few events": f"/proxy/chat_completions?{query}",
        "events": f"/proxy/chat_completions?{query}",
    }
    return {
        asks: Request(port=each.port, path=paths[asks], verb=each.verb, headers=each.headers, body=each.body)
        for asks, each in straight.items()
        if asks in paths
    }


def listed_tools(contestant: Contestant) -> list[dict[str, object]]:
    """The complete list, as Portico's MCP server gives it: what the other servers are built with."""
    request = contestant.requests["tools/list 2025-11-25"]
    answer = _send(request.port, request.path, request.body, dict(request.headers))
    return answer["result"]["tools"]


def _ask(port: int, path: str, body: dict[str, Any], token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return _send(port, path, json.dumps(body).encode(), headers)


def _send(port: int, path: str, body: bytes, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())
