"""A gateway that is told to stop: it says so first, answers what is under way, and tells what it cannot wait for."""

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from portico.sandbox.faults import Fault, FaultRule
from portico.sandbox.serve import running
from portico.sandbox.state import World
from tests.conftest import MASTER_KEY
from tests.gateways import Got
from tests.programs import gateway
from tests.served import exchanged
from tests.size import IS_FULL
from tests.stage import ADMIN_KEY, PROJECT_KEY

pytestmark = [pytest.mark.outside, pytest.mark.chaos, pytest.mark.timeout(120)]

TOKEN = "ptc_bootstrap_for_tests_0123456789abcdef"
DRAIN, GRACE = 3.0, 4.0
CHAT = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hello"}]}
# By itself and with a supervisor; in the everyday suite each test in one of the two.
ALONE = pytest.mark.parametrize("workers", [1, 2] if IS_FULL else [1])
SUPERVISED = pytest.mark.parametrize("workers", [1, 2] if IS_FULL else [2])


@dataclass
class Gateway:
    process: "subprocess.Popen[str]"
    url: str
    world: World
    account_id: str = ""

    def ask(self, verb: str, path: str, body: Any = None) -> Got:
        content = b"" if body is None else json.dumps(body).encode()
        return exchanged(self.url, verb, path, _headers(content), content)

    @contextmanager
    def begun(self, path: str, body: Any) -> Generator[HTTPResponse]:
        """The head of the answer; its body is still to come."""
        content = json.dumps(body).encode()
        with closing(HTTPConnection(urlsplit(self.url).netloc, timeout=30)) as connection:
            connection.request("POST", path, content, _headers(content))
            with connection.getresponse() as answer:
                yield answer

    @property
    def chat(self) -> str:
        return f"/passthrough/{self.account_id}/chat/completions"


def _headers(content: bytes) -> dict[str, str]:
    kind = {"content-type": "application/json", "accept": "application/json, text/event-stream"} if content else {}
    return {"authorization": f"Bearer {TOKEN}"} | kind


@contextmanager
def _opened(folder: Path, workers: int) -> Generator[Gateway]:
    world = World()
    with running(world) as sandbox_url:
        environment = {
            "PORTICO_DATA_DIR": str(folder),
            "PORTICO_MASTER_KEY": MASTER_KEY,
            "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
            "PORTICO_VENDOR_BASE_URLS": f"openai={sandbox_url}/v1",
            "PORTICO_DRAIN_SECONDS": str(DRAIN),
            "PORTICO_GRACE_SECONDS": str(GRACE),
            "PORTICO_LOG_LEVEL": "error",
        }
        with gateway(environment, "--workers", str(workers)) as (process, address):
            opened = Gateway(process, address, world)
            context = {"api_key": PROJECT_KEY, "admin_key": ADMIN_KEY}
            body = {"integration": "openai", "tenant_id": "acme", "context": context}
            made = opened.ask("POST", "/integrated-account", body)
            assert made.status == 201, made.content
            opened.account_id = made.json["id"]
            try:
                yield opened
            finally:
                process.terminate()  # so that no worker is left behind
                process.wait(30)


def _slowly(opened: Gateway, name: str, value: str) -> None:
    opened.world.faults.append(FaultRule(Fault(name, value), "POST", "/v1/chat/completions"))


def _in_thread(work: Callable[[], Any], kept: list[Any]) -> threading.Thread:
    thread = threading.Thread(target=lambda: kept.append(work()), daemon=True)
    thread.start()
    return thread


def _until(is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "did not come about in time"
        time.sleep(0.02)


def _stop(opened: Gateway) -> float:
    opened.process.send_signal(signal.SIGTERM)
    _until(lambda: opened.ask("GET", "/readyz").json == {"status": "draining"})
    return time.monotonic()


def _asked_of_vendor(opened: Gateway) -> bool:
    return any(each.raw_path.endswith("/chat/completions") for each in opened.world.requests)


@ALONE
def test_what_is_under_way_is_finished_and_new_calls_are_served_while_it_says_so(tmp_path: Path, workers: int) -> None:
    with _opened(tmp_path, workers) as opened:
        _slowly(opened, "delay", "4.5")  # longer than the drain, shorter than the grace
        kept: list[Got] = []
        call = _in_thread(lambda: opened.ask("POST", opened.chat, CHAT), kept)
        _until(lambda: _asked_of_vendor(opened))
        _stop(opened)
        got = opened.ask("GET", "/integrated-account")
        assert (got.status, got.headers.get("connection")) == (200, "close")
        call.join(20)
        assert [each.status for each in kept] == [200]
        assert opened.process.wait(30) == 0


@SUPERVISED
def test_a_stream_that_would_go_on_gets_a_last_event_that_says_why(tmp_path: Path, workers: int) -> None:
    with _opened(tmp_path, workers) as opened:
        whole = opened.ask("POST", opened.chat, CHAT | {"stream": True}).content
        first = whole[: whole.index(b"\n\n") + 2]
        _slowly(opened, "stall", str(len(first)))
        with opened.begun(opened.chat, CHAT | {"stream": True}) as answer:
            assert len(answer.read(len(first))) == len(first)
            told_at = _stop(opened)
            line = answer.readline()
            assert line.startswith(b"data: "), line
            assert json.loads(line[6:])["error"]["code"] == "stopping"
            with pytest.raises(IncompleteRead):  # it does not end as if it were whole
                answer.read()
        assert opened.process.wait(30) == 0
        assert time.monotonic() - told_at < 30


def test_a_call_without_an_answer_yet_gets_a_503_that_says_it_may_have_happened(tmp_path: Path) -> None:
    with _opened(tmp_path, 1) as opened:
        _slowly(opened, "delay", "60")
        kept: list[Got] = []
        call = _in_thread(lambda: opened.ask("POST", opened.chat, CHAT), kept)
        _until(lambda: _asked_of_vendor(opened))
        _stop(opened)
        call.join(20)
        assert kept[0].status == 503, kept
        assert kept[0].headers["x-gateway-error"] == "stopping"
        assert b"may have taken effect" in kept[0].content
        assert opened.process.wait(30) == 0


def test_an_admin_call_that_would_go_on_gets_a_503_and_is_no_mistake_of_ours(tmp_path: Path) -> None:
    with _opened(tmp_path, 1) as opened:
        opened.world.faults.append(FaultRule(Fault("delay", "60"), "GET", ""))
        before = len(opened.world.requests)
        body = {"integration": "openai", "tenant_id": "late", "context": {"api_key": PROJECT_KEY}}
        kept: list[Got] = []
        call = _in_thread(lambda: opened.ask("POST", "/integrated-account", body), kept)
        _until(lambda: len(opened.world.requests) > before)
        _stop(opened)
        call.join(20)
        assert (kept[0].status, kept[0].headers["x-gateway-error"]) == (503, "stopping"), kept
        assert opened.process.wait(30) == 0
        assert opened.process.stderr
        assert opened.process.stderr.read() == ""


def test_a_tool_that_would_go_on_ends_with_an_error_as_its_last_event(tmp_path: Path) -> None:
    with _opened(tmp_path, 1) as opened:
        made = opened.ask("POST", f"/integrated-account/{opened.account_id}/mcp", {"name": "s"})
        assert made.status == 201, made.content
        _slowly(opened, "delay", "60")
        params = {"name": "create_a_openai_chat_completion", "arguments": CHAT}
        message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        with opened.begun(f"/mcp/{made.json['token']}", message) as answer:
            assert answer.getheader("content-type") == "text/event-stream", answer.read()
            _stop(opened)
            events = [json.loads(line[6:]) for line in answer.read().splitlines() if line.startswith(b"data: ")]
        assert events[-1]["id"] == 7
        assert "is stopping" in events[-1]["error"]["message"]
        assert opened.process.wait(30) == 0


def test_being_told_twice_at_once_is_being_told_once(tmp_path: Path) -> None:
    with _opened(tmp_path, 1) as opened:
        opened.process.send_signal(signal.SIGTERM)
        opened.process.send_signal(signal.SIGTERM)
        _until(lambda: opened.ask("GET", "/readyz").json == {"status": "draining"})
        assert opened.ask("GET", "/integrated-account").status == 200
        assert opened.process.wait(30) == 0


def test_workers_whose_supervisor_was_killed_stop_as_if_they_were_told_to(tmp_path: Path) -> None:
    with _opened(tmp_path, 2) as opened:
        opened.process.kill()
        place = urlsplit(opened.url)

        def is_free() -> bool:
            with closing(socket.socket()) as probe:
                return probe.connect_ex((str(place.hostname), place.port or 0)) != 0

        _until(is_free, DRAIN + GRACE + 10)
