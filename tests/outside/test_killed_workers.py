"""Workers that are killed in the middle of their jobs: every watch ends, every event is told, nothing is done twice.

On SQLite one gateway is started again each time. On PostgreSQL one of two is, until at last the other is alone with
all the work.
"""

import asyncio
import json
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from portico.sandbox.batch_store import BATCHES
from portico.sandbox.faults import Fault, FaultRule
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.store.engines import open_database
from portico.store.statement import Statement
from tests.conftest import MASTER_KEY
from tests.forms import form
from tests.gateways import Got
from tests.jobs.receiver import Received, Receiver, listening
from tests.outside.clients_at_work import TOKEN
from tests.programs import gateway
from tests.served import exchanged
from tests.size import IS_FULL, dice

pytestmark = [pytest.mark.outside, pytest.mark.chaos, pytest.mark.timeout(900)]

KILLS = {"sqlite": 25, "postgres": 25} if IS_FULL else {"sqlite": 2, "postgres": 1}
CLIENTS, BETWEEN = 3, 3
HOOKS = ("/first", "/second")
LONGEST_SECONDS, PATIENCE_SECONDS = 1.0, 60.0
# How long the vendor and the receivers take over an answer, so that kills find much that is half done.
SLOWNESS_SECONDS = 0.05
# Batches that take a second are looked at twice, five seconds apart, with a kill between the two; the others are over
# at once, so that it meets fan-outs and deliveries as well.
SLOW, QUICK = 0.2, 0.0
LINE = {"custom_id": "1", "method": "POST", "url": "/v1/responses", "body": {"model": "gpt-5.4-mini", "input": "x"}}

# What there always is of an account: its next regular look, its next report.
_LEFT = Statement("SELECT kind, subject FROM jobs WHERE kind NOT IN ('recheck', 'report') OR lease_until > 0")
_EVENTS = Statement("SELECT id FROM events WHERE name LIKE 'job:%'")
_DELIVERIES = Statement("SELECT event_id, state FROM deliveries")


@dataclass
class Fleet:
    """The gateways that run, on one database."""

    environment: dict[str, str]
    stack: ExitStack
    running: list[tuple["subprocess.Popen[str]", str]] = field(
        default_factory=list[tuple["subprocess.Popen[str]", str]]
    )

    def start(self) -> None:
        self.running.append(self.stack.enter_context(gateway(self.environment)))

    def kill_one(self, chance: random.Random) -> None:
        """It is still asked, in vain, where it was the only one."""
        process, _ = each = chance.choice(self.running)
        process.kill()
        process.wait()
        if len(self.running) > 1:
            self.running.remove(each)

    def fill(self, count: int) -> None:
        """So many of them run from now on."""
        for _ in range(count - sum(process.poll() is None for process, _ in self.running)):
            self.start()
        self.running = [each for each in self.running if each[0].poll() is None]

    def stop(self) -> None:
        for process, _ in self.running:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(30) for process, _ in self.running] == [0] * len(self.running)

    def ask(self, verb: str, path: str, body: Any = None, **headers: str) -> Got:
        """Of any of them, again and again until one answers."""
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {TOKEN}"} | ({"content-type": "application/json"} if content else {})
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return exchanged(random.choice(self.running)[1], verb, path, sent, content)
            except (OSError, HTTPException):
                assert time.monotonic() < deadline, "no gateway answers"
                time.sleep(0.05)

    def all_of(self, path: str) -> list[Any]:
        """Every page of a list."""
        rows: list[Any] = []
        cursor = ""
        while True:
            got = self.ask("GET", f"{path}?limit=100{cursor}").json
            rows += got["result"]
            if not got["next_cursor"]:
                return rows
            cursor = f"&next_cursor={got['next_cursor']}"


@dataclass
class Clients:
    """Threads that start one batch after another and have each watched, whoever is killed meanwhile."""

    fleet: Fleet
    world: World
    account_id: str = ""
    file_id: str = ""
    # The names of batches that were acknowledged; the ids of acknowledged watches.
    made: set[str] = field(default_factory=set[str])
    watched: set[str] = field(default_factory=set[str])
    problems: list[str] = field(default_factory=list[str])
    _is_over: bool = False
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def settle(self, more: int) -> None:
        """Returns once so many more batches are watched."""
        wanted = len(self.watched) + more
        _until(lambda: len(self.watched) >= wanted or bool(self.problems))
        assert self.problems == []

    def stop(self) -> None:
        self._is_over = True
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads)
        assert self.problems == []

    def at_vendor(self) -> dict[str, list[str]]:
        """Name → the ids of the batches of this name."""
        found: dict[str, list[str]] = {}
        for project in list(self.world.organization("acme").projects.values()):
            for batch in project.shelf.of(BATCHES):
                found.setdefault((batch.metadata or {})["name"], []).append(batch.id)
        return found

    def _work(self, number: int) -> None:
        turn = 0
        try:
            while not self._is_over:
                for identity in self._batch(f"{number}-{turn}"):
                    self._watch(identity)
                turn += 1
        except Exception as problem:
            self.problems.append(f"{type(problem).__name__}: {problem}")

    def _batch(self, name: str) -> list[str]:
        """Its id. Where the answer was cut off, the key's answer says so, and whoever asks looks at the vendor."""
        body = {
            "input_file_id": self.file_id,
            "endpoint": "/v1/responses",
            "completion_window": "24h",
            "metadata": {"name": name},
        }
        path = f"/proxy/batches?integrated_account_id={self.account_id}"
        got = self.fleet.ask("POST", path, body, idempotency_key=name)
        if got.status == 200:
            self.made.add(name)
            return [got.json["id"]]
        assert got.json["code"] == "outcome_unknown", got.content
        return self.at_vendor().get(name, [])

    def _watch(self, identity: str) -> None:
        path = f"/integrated-account/{self.account_id}/watch"
        got = self.fleet.ask("POST", path, {"id": identity, "resource": "batches"})
        assert got.status == 201, got.content
        self.watched.add(got.json["id"])


def _until(is_so: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "did not come about in time"
        time.sleep(0.05)


async def test_killed_workers_lose_no_job_nor_do_any_twice(url: str, tmp_path: Path) -> None:
    async with listening() as receiver:
        receiver.pause_seconds = SLOWNESS_SECONDS
        watched = await asyncio.to_thread(_work_under_kills, url, tmp_path, receiver)
        _is_told(receiver, watched)
    await _is_whole(url, tmp_path, receiver, len(watched))


def _work_under_kills(url: str, folder: Path, receiver: Receiver) -> set[str]:
    """The ids of all watches there are, all of which have ended well."""
    chance, world = dice(), World()
    with ExitStack() as stack:
        sandbox_url = stack.enter_context(running(world))
        fleet = Fleet(_environment(url, folder, sandbox_url, receiver), stack)
        count, kills = (2, KILLS["postgres"]) if url.startswith("postgres") else (1, KILLS["sqlite"])
        fleet.fill(count)
        clients = Clients(fleet, world)
        _furnish(clients, receiver)
        clients.start()
        for turn in range(kills):
            for world.pace in (SLOW, QUICK):
                clients.settle(BETWEEN)
            time.sleep(chance.uniform(0, LONGEST_SECONDS))
            fleet.kill_one(chance)
            fleet.fill(count if turn < kills - 1 else 1)
        clients.stop()
        _until(lambda: all(each["state"] != "watching" for each in fleet.all_of("/watch")))
        watches = fleet.all_of("/watch")
        _until(lambda: all(len(_watches_told(receiver.at(hook))) == len(watches) for hook in HOOKS))
        fleet.stop()
    assert {each["state"] for each in watches} == {"completed"}
    made = clients.at_vendor()
    assert Counter(len(ids) for ids in made.values()) == {1: len(made)}, "a call acted twice"
    assert clients.made <= set(made)
    assert clients.watched <= {each["id"] for each in watches}
    assert {each["object_id"] for each in watches} == {identity for ids in made.values() for identity in ids}
    return {each["id"] for each in watches}


def _environment(url: str, folder: Path, sandbox_url: str, receiver: Receiver) -> dict[str, str]:
    return {
        "PORTICO_DATA_DIR": str(folder),
        "PORTICO_DATABASE_URL": url if url.startswith("postgres") else "",
        "PORTICO_MASTER_KEY": MASTER_KEY,
        "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
        "PORTICO_VENDOR_BASE_URLS": f"openai={sandbox_url}/v1",
        "PORTICO_ALLOWED_WEBHOOK_URLS": receiver.url,
        "PORTICO_JOB_LEASE_SECONDS": "1",
        # Together: how long the key of a call that was cut off is held for whoever held it.
        "PORTICO_ANSWER_TIMEOUT_SECONDS": "2",
        "PORTICO_IDLE_TIMEOUT_SECONDS": "1",
        "PORTICO_LOG_LEVEL": "error",
    }


def _furnish(clients: Clients, receiver: Receiver) -> None:
    """An account, webhooks, and the file that all batches run."""
    fleet = clients.fleet
    context = {"api_key": "sk-proj-acme", "admin_key": "sk-admin-acme"}
    made = fleet.ask("POST", "/integrated-account", {"integration": "openai", "tenant_id": "acme", "context": context})
    assert made.status == 201, made.content
    clients.account_id = made.json["id"]
    for hook in HOOKS:
        body = {"target_url": receiver.url + hook, "event_types": ["job:*"]}
        assert fleet.ask("POST", "/webhook", body).status == 201
    content, kind = form(("purpose", "batch"), ("file", "a.jsonl", "application/jsonl", json.dumps(LINE).encode()))
    path = f"/proxy/files?integrated_account_id={clients.account_id}"
    clients.file_id = fleet.ask("POST", path, content, content_type=kind).json["id"]
    clients.world.faults.append(FaultRule(Fault("delay", str(SLOWNESS_SECONDS)), None, "/v1/batches"))


def _watches_told(received: list[Received]) -> set[str]:
    return {each.json["payload"]["watch_id"] for each in received}


def _is_told(receiver: Receiver, watched: set[str]) -> None:
    """Each receiver heard of each watch's end: perhaps more than once, but then in the same words under the same id."""
    for hook in HOOKS:
        words: dict[str, set[tuple[str, bytes]]] = {}
        for each in receiver.at(hook):
            assert each.event == "job:completed"
            words.setdefault(each.json["payload"]["watch_id"], set()).add((each.headers["webhook-id"], each.body))
        assert words.keys() == watched
        assert [each for each in words.values() if len(each) > 1] == []


async def _is_whole(url: str, folder: Path, receiver: Receiver, count: int) -> None:
    """No job is left, claimed or not; one event for each watch, and each delivered to both."""
    database = await open_database(url, folder)
    try:
        left, events, deliveries = [list(await database.all(each)) for each in (_LEFT, _EVENTS, _DELIVERIES)]
    finally:
        await database.close()
    assert left == []
    assert len(events) == count
    assert {row[0] for row in events} == {each.headers["webhook-id"] for each in receiver.received}
    expected = {(row[0], "delivered"): len(HOOKS) for row in events}
    assert Counter((row[0], row[1]) for row in deliveries) == expected
