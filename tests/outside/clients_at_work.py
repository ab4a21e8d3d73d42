"""Clients that keep a gateway busy through every face, and write down whatever they could not be served."""

import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from tests.served import exchanged
from tests.stage import ADMIN_KEY, PROJECT_KEY

TOKEN = "ptc_bootstrap_for_tests_0123456789abcdef"
SECONDS = 30
_CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Say exactly: pong"}]}


@dataclass(frozen=True)
class Place:
    """Where to ask, and as whom."""

    url: str
    token: str
    account_id: str
    mcp: str


def place_at(url: str) -> Place:
    """A new account with an MCP server of its own."""
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    context = f'{{"api_key": "{PROJECT_KEY}", "admin_key": "{ADMIN_KEY}"}}'
    body = f'{{"integration": "openai", "tenant_id": "acme", "context": {context}}}'.encode()
    made = exchanged(url, "POST", "/integrated-account", headers, body)
    assert made.status == 201, made.content
    server = exchanged(url, "POST", f"/integrated-account/{made.json['id']}/mcp", headers, b'{"name": "crowd"}')
    assert server.status == 201, server.content
    return Place(url, TOKEN, made.json["id"], f"/mcp/{server.json['token']}")


@dataclass
class Crowd:
    """`clients` threads with a connection each, which ask one thing after another until they are told to stop.

    `pause_seconds`: they rest in between, never longer than that, with their connections open.
    """

    place: Place
    clients: int
    pause_seconds: float = 0.0
    problems: list[str] = field(default_factory=list[str])
    served: Counter[str] = field(default_factory=Counter[str])
    # Names of projects whose creation was acknowledged.
    made: list[str] = field(default_factory=list[str])
    _is_over: bool = False
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(self.clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over = True
        for thread in self._threads:
            thread.join(SECONDS)

    def settle(self, more: int) -> None:
        """Returns once so many more answers came."""
        wanted, deadline = sum(self.served.values()) + more, time.monotonic() + SECONDS
        while sum(self.served.values()) < wanted and time.monotonic() < deadline:
            time.sleep(0.02)

    def _work(self, number: int) -> None:
        client, chance = Client(self.place), random.Random(number)
        turn = number
        while not self._is_over:
            what = ("list", "chat", "stream", "tool", "write")[turn % 5]
            name = f"project-{number}-{turn}"
            try:
                problem = client.ask(what, name)
            except (OSError, HTTPException) as fault:
                problem = f"{type(fault).__name__}: {fault}"
                client.connection.close()
                client = Client(self.place)
            if problem:
                self.problems.append(f"{what}: {problem}")
            else:
                self.served[what] += 1
                if what == "write":
                    self.made.append(name)
            turn += 1
            if self.pause_seconds:
                time.sleep(chance.random() * self.pause_seconds)
        client.connection.close()


class Client:
    """One connection, kept for as long as the other side keeps it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.connection = HTTPConnection(urlsplit(place.url).netloc, timeout=SECONDS)

    def ask(self, what: str, name: str) -> str:
        """What was wrong with the answer; nothing where it was as it should be."""
        at = f"integrated_account_id={self.place.account_id}"
        if what == "list":
            return self._ask("GET", f"/proxy/projects?{at}", None, b'"result"')
        if what == "chat":
            return self._ask("POST", f"/proxy/chat_completions?{at}", _CHAT, b"pong")
        if what == "stream":
            path = f"/passthrough/{self.place.account_id}/chat/completions"
            return self._ask("POST", path, _CHAT | {"stream": True}, b"data: [DONE]")
        if what == "write":
            return self._ask("POST", f"/proxy/projects?{at}", {"name": name}, name.encode())
        params = {"name": "list_all_openai_projects", "arguments": {"limit": 2}}
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        return self._ask("POST", self.place.mcp, asked, b'"isError":false')

    def _ask(self, verb: str, path: str, body: Any, expected: bytes) -> str:
        headers = {"authorization": f"Bearer {self.place.token}", "accept": "application/json, text/event-stream"}
        if self.place.mcp == path:
            del headers["authorization"]
        content = None if body is None else json.dumps(body).encode()
        if content:
            headers["content-type"] = "application/json"
        self.connection.request(verb, path, content, headers)
        answer = self.connection.getresponse()
        said = answer.read()
        return "" if answer.status == 200 and expected in said else f"{answer.status} {said[-300:]!r}"
