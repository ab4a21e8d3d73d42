"""A whole gateway at its most talkative, with secrets that are known: nothing that it leaves holds any of them."""

import base64
import json
import re
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from portico.sandbox.faults import from_body
from portico.sandbox.serve import running
from portico.sandbox.state import World
from tests.gateways import Got
from tests.outside.secret_search import traces_of
from tests.programs import SECONDS, environment_of, speaking
from tests.served import exchanged

pytestmark = pytest.mark.outside

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
NOT_SECRET = "planted-tenant"
PASSWORD = "a planted pass/word"
# The names are what a failure says; the values are looked for.
PLANTED = {
    "root key": "cGxhbnRlZC1yb290LWtleS0wMTIzNDU2Nzg5YWJjZGU=",
    "bootstrap token": "ptc_bootstrap_planted_0123456789abcdef",
    "project key": "sk-proj-planted0123456789abcdefghij",
    "admin key": "sk-admin-planted0123456789abcdefghij",
    "refused key": "sk-nonsense-planted-0123456789",
    "unknown token": "ptc_api_planted00000000000000000000000000000000000000",
    "password": PASSWORD,
    "wrong password": "a wrongly planted pass/word",
}
FAULTS = (
    "reset",
    "reset=20",
    "invalid-json",
    "bad-gzip",
    "empty",
    "wrong-type",
    "truncate",
    "status=500",
    "status=401",
)


@dataclass
class Spans:
    """A collector of traces, which keeps what it is sent."""

    content: list[bytes] = field(default_factory=list[bytes])


@contextmanager
def collecting() -> Generator[tuple[str, Spans]]:
    spans = Spans()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            spans.content.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        thread.join(SECONDS)
        server.server_close()


@dataclass
class Gateway:
    """A running program, and what it has given away so far that must stay with whoever got it."""

    url: str
    world: World
    given: dict[str, str] = field(default_factory=dict[str, str])

    def send(
        self, verb: str, path: str, body: Any = None, token: str = PLANTED["bootstrap token"], **headers: str
    ) -> Got:
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {token}", "x-request-id": "planted"} | (JSON if content else {}) | headers
        return exchanged(self.url, verb, path, sent, content)

    def made(self, path: str, body: Any, **kept: str) -> Any:
        """Make something; fields of the answer are secrets by the names given."""
        got = self.send("POST", path, body)
        assert got.status in (200, 201), f"{path}: {got.status} {got.content!r}"
        for name, member in kept.items():
            self.given[name.replace("_", " ")] = got.json[member]
        return got.json


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[dict[str, bytes], dict[str, str]]]:
    """Everything that a gateway said, sent as traces and wrote, after a day's work; and all secrets that were in it."""
    world, folder = World(pace=0.0), tmp_path_factory.mktemp("planted")
    data = folder / "data"
    with running(world) as sandbox_url, collecting() as (collector, spans):
        environment = environment_of(
            {
                "PORTICO_DATA_DIR": str(data),
                "PORTICO_MASTER_KEY": PLANTED["root key"],
                "PORTICO_BOOTSTRAP_TOKEN": PLANTED["bootstrap token"],
                "PORTICO_VENDOR_BASE_URLS": f"openai={sandbox_url}/v1",
                "PORTICO_LOG_LEVEL": "debug",
                "PORTICO_ALLOWED_WEBHOOK_URLS": "http://127.0.0.1:9/",
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
            }
        )
        with speaking(environment, folder) as (process, url):
            house = Gateway(url, world)
            work(house, environment)
            process.terminate()
            assert process.wait(SECONDS) == 0
        said = {name: (folder / name).read_bytes() for name in ("stdout", "stderr")}
        written = {path.name: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        yield {**said, **written, "traces": b"".join(spans.content)}, PLANTED | house.given


def work(house: Gateway, environment: Mapping[str, str]) -> None:
    account_id = connect(house)
    call(house, account_id)
    fail(house, account_id)
    hand_out(house, account_id)
    sign_in(house, environment)


def connect(house: Gateway) -> str:
    """One account that works, one that is refused, one that changes its key, with bodies kept beside the log."""
    place = {"integration": "openai", "tenant_id": NOT_SECRET}
    refused = house.send("POST", "/integrated-account", place | {"context": {"api_key": PLANTED["refused key"]}})
    assert refused.status in (201, 422), refused.content
    context = {"api_key": PLANTED["project key"], "admin_key": PLANTED["admin key"]}
    account = house.made("/integrated-account", place | {"context": context})
    path = f"/integrated-account/{account['id']}"
    assert house.send("PATCH", path, {"log_bodies": True, "context": context}).status == 200
    broken = b'{"integration": "openai", "context": {"api_key": "%s"' % PLANTED["project key"].encode()
    assert house.send("POST", "/integrated-account", broken).status == 400
    wrong = {"integration": "openai", "contexts": {PLANTED["project key"]: PLANTED["admin key"]}}
    assert house.send("POST", "/integrated-account", wrong).status in (400, 422)
    return account["id"]


def call(house: Gateway, account_id: str) -> None:
    """Every face, with a token in the header, in the query and in the path."""
    at, chat = (
        f"integrated_account_id={account_id}",
        {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]},
    )
    for path in (
        f"/proxy/projects?{at}",
        f"/unified/user-directory/users?{at}",
        f"/integrated-account/{account_id}/tools",
    ):
        assert house.send("GET", path).status == 200, path
    for verb, path, body in (
        ("POST", f"/proxy/chat_completions?{at}", chat),
        ("POST", f"/passthrough/{account_id}/chat/completions", chat | {"stream": True}),
        ("GET", f"/passthrough/{account_id}/models", None),
        ("POST", f"/integrated-account/{account_id}/tools/list_all_openai_projects", {}),
    ):
        got = house.send(verb, path, body)
        assert got.status == 200, f"{path}: {got.status} {got.content!r}"
    # A vendor's key that somebody writes where none belongs is passed on, and not written down.
    leak = chat | {"user": PLANTED["admin key"], "metadata": {"note": PLANTED["project key"]}}
    assert house.send("POST", f"/proxy/chat_completions?{at}", leak).status == 200
    server = house.made(f"/integrated-account/{account_id}/mcp", {"name": "planted"}, server_token="token")
    calls: dict[str, Any] = {"tools/list": {}, "tools/call": {"name": "list_all_openai_projects", "arguments": {}}}
    for method, params in calls.items():
        asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        got = house.send("POST", f"/mcp/{server['token']}", asked, accept="application/json, text/event-stream")
        assert got.status == 200, got.content


def fail(house: Gateway, account_id: str) -> None:
    """All that a vendor can do wrong, and callers who have no business here."""
    at = f"integrated_account_id={account_id}"
    for fault in FAULTS:
        house.world.faults.append(from_body({"fault": fault, "times": 1}))
        house.send("GET", f"/proxy/projects?{at}")
        house.world.faults.clear()
    secret = urlencode({"key": PLANTED["project key"]})
    for path in (
        f"/proxy/projects?{at}",
        f"/mcp/{PLANTED['unknown token']}",
        "/integrated-account",
        f"/nowhere?{secret}",
    ):
        assert house.send("GET", path, token=PLANTED["unknown token"]).status in (401, 404, 405), path
    assert house.send("GET", f"/proxy/{PLANTED['project key']}?{at}").status == 404
    assert house.send("GET", f"/proxy/projects?{at}&limit={PLANTED['admin key']}").status >= 400


def hand_out(house: Gateway, account_id: str) -> None:
    """Everything that is shown once: our own tokens, signatures' secrets, and keys that the vendor makes."""
    house.made("/api-token", {"name": "planted"}, api_token="token")
    house.made(
        "/integrated-account/token", {"integrated_account_id": account_id}, account_token="integrated_account_token"
    )
    hook = {"target_url": "http://127.0.0.1:9/hook", "event_types": ["*"]}
    house.made("/webhook", hook, webhook_secret="secret")
    house.made("/link-token", {"integration": "openai", "tenant_id": NOT_SECRET}, link_token="link_token")
    made = house.send("POST", f"/proxy/admin_api_keys?integrated_account_id={account_id}", {"name": "planted"})
    assert made.status == 200, made.content
    house.given["key that the vendor made"] = made.json["value"]


def sign_in(house: Gateway, environment: Mapping[str, str]) -> None:
    """A person with a password, who is first mistaken about it."""
    users = [sys.executable, "-m", "portico", "users", "create", "ada", "--role", "owner", "--password", "-"]
    ran = subprocess.run(users, input=PASSWORD, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert (ran.returncode, PASSWORD in ran.stdout + ran.stderr) == (0, False), ran.stderr
    for password in (PLANTED["wrong password"], PASSWORD):
        page = exchanged(house.url, "GET", "/sign-in", {})
        token = re.search(rb'name="form_token"[^>]*value="([^"]+)"', page.content)
        cookie = page.headers.get("set-cookie", "").partition(";")[0]
        fields = {"name": "ada", "password": password} | ({"form_token": token[1].decode()} if token else {})
        got = exchanged(
            house.url, "POST", "/sign-in", FORM | {"cookie": cookie, "origin": house.url}, urlencode(fields).encode()
        )
        assert got.status == (303 if password == PASSWORD else 403), (got.status, got.content[-2000:])
    house.given["session"] = got.headers["set-cookie"].partition(";")[0].partition("=")[2]


def test_no_secret_is_in_anything_that_a_gateway_leaves(left: tuple[dict[str, bytes], dict[str, str]]) -> None:
    places, secrets = left
    assert len(secrets) >= len(PLANTED) + 7
    assert traces_of(secrets, places) == []


def test_what_is_no_secret_is_there(left: tuple[dict[str, bytes], dict[str, str]]) -> None:
    """So that the search itself is known to find things: in the database, in what was said and in the traces."""
    places, _ = left
    assert traces_of({"tenant": NOT_SECRET}, {"database": places["portico.db"]}) == ["tenant in database, plain"]
    assert b"Portico serves at" in places["stderr"]
    assert b"list_all_openai_projects" in places["traces"]


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_secrets_are_found_however_they_are_written(before: str, after: str) -> None:
    secret = 'pl/anted+se"cret'
    around = f"{before}{secret}{after}".encode()
    assert traces_of({"s": secret}, {"p": around}) == ["s in p, plain"]
    assert traces_of({"s": secret}, {"p": base64.b64encode(around)}) == [f"s in p, base64 at {len(before) % 3}"]
    assert traces_of({"s": secret}, {"p": around.hex().encode()}) == ["s in p, hexadecimal"]
    assert traces_of({"s": secret}, {"p": quote(around, safe="").encode()}) == ["s in p, percent-encoded"]
    assert traces_of({"s": secret}, {"p": json.dumps(around.decode()).encode()}) == ["s in p, as JSON"]
