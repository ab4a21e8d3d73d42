"""PostgreSQL goes away under load and comes back: writes wait for moments, and none that was acknowledged is lost."""

import json
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import MASTER_KEY
from tests.gateways import Got
from tests.postgres import PostgresServer, start_postgres
from tests.programs import gateway
from tests.served import exchanged
from tests.size import IS_FULL

pytestmark = [pytest.mark.outside, pytest.mark.chaos, pytest.mark.postgres, pytest.mark.timeout(300)]

TOKEN = "ptc_bootstrap_for_tests_0123456789abcdef"
RESTARTS, WRITERS = (10, 8) if IS_FULL else (1, 4)
# Beyond the time for which the database itself is away; beside other tests times say how busy the machine is.
MOST_SECONDS = 2.0 if IS_FULL else 10.0
PATIENCE_SECONDS = 30.0


@dataclass
class Writers:
    """Threads that make one API token after another, whatever the answers."""

    url: str
    # Id of each token that was acknowledged, and when.
    made: dict[str, float] = field(default_factory=dict[str, float])
    refused: list[Got] = field(default_factory=list[Got])
    problems: list[str] = field(default_factory=list[str])
    is_over: bool = False
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._work, args=(n,), daemon=True) for n in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.is_over = True
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def until(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.made) < count:
            assert time.monotonic() < deadline, (len(self.made), self.refused[-1:], self.problems)
            time.sleep(0.01)

    def ask(self, verb: str, path: str, body: object = None) -> Got:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        return exchanged(self.url, verb, path, headers, content)

    def _work(self, number: int) -> None:
        turn = 0
        while not self.is_over:
            turn += 1
            try:
                got = self.ask("POST", "/api-token", {"name": f"writer {number}, {turn}"})
            except Exception as problem:
                self.problems.append(f"{type(problem).__name__}: {problem}")
                return
            if got.status == 201:
                self.made[got.json["id"]] = time.monotonic()
            else:
                self.refused.append(got)
                time.sleep(0.05)


@pytest.fixture
def server() -> Generator[PostgresServer]:
    """One of our own, which may be stopped, and which keeps what it acknowledges."""
    with TemporaryDirectory(prefix="portico-postgres-", ignore_cleanup_errors=True) as folder:
        started = start_postgres(Path(folder), in_haste=False)
        if isinstance(started, str) or not started.is_ours:
            pytest.skip("there is no PostgreSQL server here that may be restarted")
        with started:
            yield started


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_costs_moments_and_nothing_that_was_acknowledged(
    server: PostgresServer, tmp_path: Path, mode: str
) -> None:
    with server.database() as database_url:
        environment = {
            "PORTICO_DATA_DIR": str(tmp_path),
            "PORTICO_DATABASE_URL": database_url,
            "PORTICO_MASTER_KEY": MASTER_KEY,
            "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
            "PORTICO_LOG_LEVEL": "error",
        }
        with gateway(environment) as (_, url):
            writers = Writers(url)
            writers.start()
            for _ in range(RESTARTS):
                writers.until(len(writers.made) + 20)
                began = time.monotonic()
                server.restart(mode)
                back = time.monotonic()
                writers.until(len(writers.made) + 20)
                first = min(moment for moment in writers.made.values() if moment > back)
                assert first - back < MOST_SECONDS, f"away for {back - began:.1f} s, and then for {first - back:.1f} s"
            writers.stop()
            assert writers.problems == []
            assert {(each.status, each.json["code"]) for each in writers.refused} <= {(503, "unavailable")}
            lost = [each for each in writers.made if writers.ask("GET", f"/api-token/{each}").status != 200]
            assert lost == []
