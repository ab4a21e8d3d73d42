"""Writers that keep a gateway busy and remember what it has said yes to."""

import json
import threading
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from tests.gateways import Got
from tests.served import exchanged

HOOK = "http://127.0.0.1:9/hook"


@dataclass
class Said:
    """What was acknowledged, and what was asked for and never answered."""

    # Address → fields that a later look must show.
    made: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    gone: set[str] = field(default_factory=set[str])
    # Secrets that must go on opening what they open: API token → its id.
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    # Idempotency-Key → the answer to a vendor's write.
    calls: dict[str, bytes] = field(default_factory=dict[str, bytes])
    problems: list[str] = field(default_factory=list[str])


@dataclass
class Writer:
    """One thread that does one thing after another until the gateway is gone."""

    url: str
    token: str
    account_id: str
    name: str
    said: Said
    _hook: str = ""

    def start(self) -> threading.Thread:
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        return thread

    def _work(self) -> None:
        number = 0
        try:
            while True:
                for act in (self._token, self._webhook, self._server, self._call):
                    act(f"{self.name}-{number}")
                number += 1
        except (OSError, HTTPException):
            return  # it was killed
        except Exception as problem:
            self.said.problems.append(f"{type(problem).__name__}: {problem}")

    def _token(self, name: str) -> None:
        made = self.ask("POST", "/api-token", {"name": name}, 201)
        self.said.tokens[made["token"]] = made["id"]
        self.said.made[f"/api-token/{made['id']}"] = {"name": name}

    def _webhook(self, name: str) -> None:
        made = self.ask("POST", "/webhook", {"target_url": HOOK, "event_types": ["test"]}, 201)
        address = f"/webhook/{made['id']}"
        self.said.made[address] = {}  # until the change is acknowledged it may have happened or not
        self.ask("PATCH", address, {"target_url": f"{HOOK}/{name}"})
        self.said.made[address] = {"target_url": f"{HOOK}/{name}"}
        earlier, self._hook = self._hook, address
        if earlier:  # an environment may have only so many
            self._drop(earlier)

    def make_room(self) -> None:
        """Delete every webhook, acknowledged or not: each kill leaves some behind, and there may be only so many."""
        for each in self.ask("GET", "/webhook?limit=100")["result"]:
            self._drop(f"/webhook/{each['id']}")

    def _server(self, name: str) -> None:
        servers = f"/integrated-account/{self.account_id}/mcp"
        kept = self.ask("POST", servers, {"name": name}, 201)
        self.said.made[f"{servers}/{kept['id']}"] = {"name": name}
        dropped = self.ask("POST", servers, {"name": name}, 201)
        self._drop(f"{servers}/{dropped['id']}")

    def _drop(self, address: str) -> None:
        self.said.made.pop(address, None)  # until that is acknowledged it may be there or not
        self.ask("DELETE", address)
        self.said.gone.add(address)

    def _call(self, name: str) -> None:
        self.said.calls[name] = self.once(name, name).content

    def once(self, key: str, name: str) -> Got:
        """A vendor's write under an Idempotency-Key."""
        path = f"/proxy/projects?integrated_account_id={self.account_id}"
        return self._send("POST", path, {"name": name}, {"idempotency-key": key})

    def look(self, path: str) -> Got:
        return self._send("GET", path)

    def ask(self, verb: str, path: str, body: Any = None, status: int = 200) -> Any:
        got = self._send(verb, path, body)
        assert got.status == status, f"{verb} {path}: {got.status} {got.content[:300]!r}"
        return got.json

    def _send(self, verb: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Got:
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.token}", "content-type": "application/json"} | (headers or {})
        return exchanged(self.url, verb, path, sent, content)
