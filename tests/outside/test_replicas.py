"""Two gateways as real programs on one PostgreSQL: what is changed at one holds at the other within a second.

A gateway that is told to go says so before it goes, and answers until then.
"""

import json
import signal
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portico.sandbox.serve import running
from portico.sandbox.state import World
from tests.conftest import MASTER_KEY
from tests.gateways import Got
from tests.postgres import PostgresServer
from tests.programs import gateway
from tests.served import exchanged
from tests.stage import ADMIN_KEY, PROJECT_KEY

pytestmark = [pytest.mark.outside, pytest.mark.postgres]

TOKEN = "ptc_bootstrap_for_tests_0123456789abcdef"
MOST_SECONDS = 1.0
TOOL = "list_all_openai_projects"


@dataclass(frozen=True)
class Replica:
    url: str

    def ask(self, verb: str, path: str, body: Any = None, token: str = TOKEN) -> Got:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"} if content else {}
        return exchanged(self.url, verb, path, headers | {"authorization": f"Bearer {token}"}, content)

    def tools(self, address: str) -> list[str]:
        """What an MCP server lists, asked of this replica."""
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
        got = exchanged(self.url, "POST", address, headers, asked)
        return [each["name"] for each in got.json["result"]["tools"]] if got.status == 200 else []


@dataclass(frozen=True)
class Pair:
    first: Replica
    second: Replica
    account_id: str


@pytest.fixture(scope="module")
def pair(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Generator[Pair]:
    with ExitStack() as stack:
        url = stack.enter_context(postgres_server.database())
        sandbox_url = stack.enter_context(running(World()))
        replicas = [_replica(stack, url, sandbox_url, tmp_path_factory.mktemp("replica")) for _ in range(2)]
        context = {"api_key": PROJECT_KEY, "admin_key": ADMIN_KEY}
        made = replicas[0].ask(
            "POST", "/integrated-account", {"integration": "openai", "tenant_id": "acme", "context": context}
        )
        assert made.status == 201, made.content
        yield Pair(replicas[0], replicas[1], made.json["id"])


def _replica(stack: ExitStack, database_url: str, sandbox_url: str, folder: Path) -> Replica:
    environment = {
        "PORTICO_DATA_DIR": str(folder),
        "PORTICO_DATABASE_URL": database_url,
        "PORTICO_MASTER_KEY": MASTER_KEY,
        "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
        "PORTICO_VENDOR_BASE_URLS": f"openai={sandbox_url}/v1",
        "PORTICO_LOG_LEVEL": "error",
    }
    _, address = stack.enter_context(gateway(environment))
    return Replica(address)


def _seconds_until(is_so: Any) -> float:
    """How long it took, five seconds at most."""
    began = time.perf_counter()
    while not is_so() and time.perf_counter() - began < 5:
        time.sleep(0.02)
    return time.perf_counter() - began


def test_a_revoked_token_is_refused_by_the_other_replica(pair: Pair) -> None:
    made = pair.first.ask("POST", "/api-token", {"name": "short-lived"}).json
    path = "/integrated-account"
    assert pair.second.ask("GET", path, token=made["token"]).status == 200
    assert pair.first.ask("DELETE", f"/api-token/{made['id']}").status == 200
    assert _seconds_until(lambda: pair.second.ask("GET", path, token=made["token"]).status == 401) < MOST_SECONDS


def test_a_changed_filter_holds_at_the_other_replica(pair: Pair) -> None:
    servers = f"/integrated-account/{pair.account_id}/mcp"
    made = pair.first.ask("POST", servers, {"name": "s", "config": {"methods": ["read"], "tags": ["projects"]}}).json
    address = f"/mcp/{made['token']}"
    assert len(pair.second.tools(address)) > 1
    narrowed = {"config": {"methods": [TOOL]}}
    assert pair.first.ask("PATCH", f"{servers}/{made['id']}", narrowed).status == 200
    assert _seconds_until(lambda: pair.second.tools(address) == [TOOL]) < MOST_SECONDS
    assert pair.first.ask("DELETE", f"{servers}/{made['id']}").status == 200
    assert _seconds_until(lambda: not pair.second.tools(address)) < MOST_SECONDS


def test_changed_mappings_hold_at_the_other_replica(pair: Pair) -> None:
    account = f"/integrated-account/{pair.account_id}"
    installed = f"/environment-integration/{pair.first.ask('GET', '/environment-integration').json['result'][0]['id']}"
    users = f"/unified/user-directory/users?limit=1&integrated_account_id={pair.account_id}"

    def floor() -> Any:
        return pair.second.ask("GET", users).json["result"][0].get("floor")

    def change(place: str, words: str) -> None:
        override = {"user-directory": {"users": {"every": {"response_mapping": {"floor": json.dumps(words)}}}}}
        assert pair.first.ask("PATCH", place, {"unified_model_override": override}).status == 200

    change(installed, "first")
    _seconds_until(lambda: floor() == "first")  # the process that runs it starts with the first call
    for place, words in ((installed, "environment"), (account, "account")):
        change(place, words)
        assert _seconds_until(lambda words=words: floor() == words) < MOST_SECONDS
    for place in (installed, account):
        assert pair.first.ask("PATCH", place, {"unified_model_override": {}}).status == 200
    assert _seconds_until(lambda: floor() is None) < MOST_SECONDS


def test_a_blocked_account_is_blocked_at_the_other_replica(pair: Pair) -> None:
    path, call = f"/integrated-account/{pair.account_id}", f"/proxy/models?integrated_account_id={pair.account_id}"
    assert _through(pair.second, call) == 200
    assert pair.first.ask("PATCH", path, {"status": "blocked"}).status == 200
    assert _seconds_until(lambda: _through(pair.second, call) == 503) < MOST_SECONDS
    assert pair.first.ask("PATCH", path, {"status": "active"}).status == 200
    assert _seconds_until(lambda: _through(pair.second, call) == 200) < MOST_SECONDS


def test_a_new_override_holds_at_the_other_replica(pair: Pair) -> None:
    path, tools = (
        f"/integrated-account/{pair.account_id}",
        f"/integrated-account/{pair.account_id}/tools?methods={TOOL}",
    )
    override = {"resources": {"projects": {"list": {"says": "Ours alone."}}}}

    def says() -> str:
        return pair.second.ask("GET", tools).json["result"][0]["description"]

    assert "Ours alone." not in says()
    changed = pair.first.ask("PATCH", path, {"integration_override": override})
    assert changed.status == 200, changed.content
    assert _seconds_until(lambda: "Ours alone." in says()) < MOST_SECONDS


def _through(replica: Replica, call: str) -> int:
    return replica.ask("GET", call).status


def test_a_gateway_that_is_told_to_go_serves_on_until_it_has_said_so(tmp_path: Path) -> None:
    environment = {
        "PORTICO_DATA_DIR": str(tmp_path),
        "PORTICO_MASTER_KEY": MASTER_KEY,
        "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
        "PORTICO_DRAIN_SECONDS": "2",
        "PORTICO_LOG_LEVEL": "error",
    }
    with gateway(environment) as (process, address):
        alone = Replica(address)
        assert alone.ask("GET", "/readyz").status == 200
        process.send_signal(signal.SIGTERM)
        assert _seconds_until(lambda: alone.ask("GET", "/readyz").status == 503) < 1
        assert alone.ask("GET", "/readyz").json == {"status": "draining"}
        assert alone.ask("GET", "/integrated-account").status == 200
        assert process.wait(30) == 0
