"""Many callers at once by every way in, while their vendor is in every mood there is: each call has its one defined
answer, its one row in the log, and leaves nothing behind.

Every mood meets every way in once in the everyday suite, twenty times with PORTICO_SIZE=full.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from portico.sandbox.serve import running
from portico.sandbox.state import World
from tests.conftest import MASTER_KEY
from tests.outside.callers import Caller, House, Task, Told, all_tasks, at_once
from tests.outside.moods import FINE, LARGEST_BYTES, MOODS, WAYS, Ending, endings
from tests.outside.moody_vendor import Moody, moody
from tests.outside.secret_search import traces_of
from tests.programs import environment_of, speaking
from tests.served import exchanged
from tests.size import IS_FULL, dice

pytestmark = [pytest.mark.outside, pytest.mark.chaos, pytest.mark.timeout(1800 if IS_FULL else 300)]

TOKEN = "ptc_bootstrap_for_tests_0123456789abcdef"
CALLERS, ROUNDS = (32, 20) if IS_FULL else (20, 1)
DEADLINE_SECONDS, PATIENCE_SECONDS = 1.2, 10.0
MOST = 10**9
LOOKS = 20


@dataclass
class Gateway:
    """A program that runs, and what can be known of it from outside."""

    url: str
    process_id: int
    world: World
    vendor: Moody
    said: Path

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {TOKEN}"} | ({"content-type": "application/json"} if content else {})
        got = exchanged(self.url, verb, path, sent, content)
        assert got.status in (200, 201), (path, got.status, got.content[:500])
        return got

    def caller(self, owner: str) -> Caller:
        keys = {"api_key": f"sk-proj-{owner}", "admin_key": f"sk-admin-{owner}"}
        body = {"integration": "openai", "tenant_id": owner, "context": keys}
        account = self.ask("POST", "/integrated-account", body).json["id"]
        server = self.ask("POST", f"/integrated-account/{account}/mcp", {"name": owner}).json["token"]
        return Caller(House(self.url, TOKEN, self.vendor, DEADLINE_SECONDS), owner, account, f"/mcp/{server}")

    def rows(self) -> list[dict[str, Any]]:
        """The whole request log, once all of it is written."""
        until(lambda: self.number("portico_request_rows_waiting") == 0)
        return [json.loads(line) for line in self.ask("GET", "/log/export").content.splitlines()]

    def numbers(self) -> dict[str, float]:
        families = text_string_to_metric_families(exchanged(self.url, "GET", "/metrics", {}).content.decode())
        return {each.name: each.value for family in families for each in family.samples if not each.labels}

    def number(self, name: str) -> float:
        return self.numbers()[name]

    def files(self) -> int:
        return len(list(Path(f"/proc/{self.process_id}/fd").iterdir()))

    def rest(self) -> tuple[int, float]:
        """(open files, tasks) once nothing is under way and the vendor has hung up on what was kept."""
        until(lambda: self.number("portico_calls_in_flight") == 0)
        until(lambda: self._connections() == (self.vendor.connections,) * 2)
        self.vendor.hang_up()
        until(lambda: self._connections() == (0, 0))
        seen: list[tuple[int, float]] = []
        for _ in range(LOOKS):  # a farewell of somebody who has gone may be on its way, a job may be at work
            seen.append((self.files(), self.number("portico_tasks")))
            time.sleep(0.02)
        return min(files for files, _ in seen), min(tasks for _, tasks in seen)

    def _connections(self) -> tuple[float, float]:
        """(open, idle) to vendors, as the gateway says."""
        told = self.numbers()
        return told["portico_vendor_connections"], told["portico_vendor_connections_idle"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gateway]:
    world, folder = World(pace=0.0), tmp_path_factory.mktemp("moods")
    with ExitStack() as stack:
        vendor = stack.enter_context(moody(stack.enter_context(running(world))))
        environment = {
            "PORTICO_DATA_DIR": str(folder / "data"),
            "PORTICO_MASTER_KEY": MASTER_KEY,
            "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
            "PORTICO_VENDOR_BASE_URLS": f"openai={vendor.url}",
            "PORTICO_ANSWER_TIMEOUT_SECONDS": str(DEADLINE_SECONDS),
            "PORTICO_IDLE_TIMEOUT_SECONDS": str(DEADLINE_SECONDS),
            "PORTICO_RESHAPE_LIMIT_BYTES": str(LARGEST_BYTES),
        }
        process, url = stack.enter_context(speaking(environment_of(environment), folder))
        yield Gateway(url, process.pid, world, vendor, folder / "stderr")


@dataclass
class Run:
    """All that was asked and told, and how the gateway was before and after it."""

    callers: list[Caller]
    quotas: dict[str, str]
    at_first: tuple[int, float]
    at_last: tuple[int, float]
    recovered: list[Told]

    @property
    def told(self) -> list[Told]:
        return [each for caller in self.callers for each in caller.told]

    @property
    def problems(self) -> list[str]:
        return [each for caller in self.callers for each in caller.problems]


@pytest.fixture(scope="module")
def run(house: Gateway) -> Run:
    chance = dice()
    callers = [house.caller(f"owner{number}") for number in range(CALLERS)]
    quotas = {
        measure: house.ask(
            "POST",
            "/quota",
            {"applies_to": "environment", "measure": measure, "period": "month", "maximum": MOST},
        ).json["id"]
        for measure in ("requests", "tokens")
    }
    well = [[Task(way) for way in WAYS] for _ in callers]
    at_once(callers, well)
    at_first = house.rest()
    at_once(callers, drawn(chance))
    before = [len(each.told) for each in callers]
    at_once(callers, well)
    recovered = [each for caller, count in zip(callers, before, strict=True) for each in caller.told[count:]]
    return Run(callers, quotas, at_first, house.rest(), recovered)


def drawn(chance: random.Random) -> list[list[Task]]:
    """Every task so often, in any order, among so many callers."""
    tasks = all_tasks() * ROUNDS
    chance.shuffle(tasks)
    return [tasks[number::CALLERS] for number in range(CALLERS)]


def test_every_call_ends_as_it_is_defined(run: Run) -> None:
    assert not run.problems, "\n".join(run.problems)
    assert len(run.told) > len(all_tasks()) * ROUNDS
    # That the vendor was in all those moods.
    known = {ending.code for mood in MOODS for way in WAYS for ending in endings(mood, way)}
    assert {each.ending.code for each in run.told} >= known | {"client_left", "outcome_unknown", "not_replayable"}
    assert {each.ending.code for each in run.told if each.ending.is_cut} == {"upstream_interrupted", "upstream_timeout"}


def test_every_call_has_one_row_that_says_how_it_ended(house: Gateway, run: Run) -> None:
    rows: dict[str, list[Ending]] = {}
    for row in house.rows():
        rows.setdefault(row["trace_id"], []).append(Ending(row["http_status_code"], row["code"]))
    wrong = [
        f"{each.task}: {each.ending} and {found}"
        for each in run.told
        if len(found := rows.get(each.trace, [])) != 1
        or found[0] not in {replace(may_be, is_cut=False) for may_be in each.rows}
    ]
    assert not wrong, "\n".join(wrong)
    assert house.number("portico_request_rows_dropped_total") == 0


def test_what_was_counted_is_what_was_told(house: Gateway, run: Run) -> None:
    rows = {row["trace_id"]: row for row in house.rows() if row["trace_id"]}
    told = [each for each in run.told if each.tokens is not None]
    assert {each.task.way for each in told} == {"chat", "stream"}
    counted = [(rows[each.trace]["input_tokens"] + rows[each.trace]["output_tokens"], each.tokens) for each in told]
    assert [pair for pair in counted if pair[0] != pair[1]] == []
    used = {measure: house.ask("GET", f"/quota/{quota}").json["used"] for measure, quota in run.quotas.items()}
    assert used["tokens"] == sum(row["input_tokens"] + row["output_tokens"] for row in rows.values())
    assert used["requests"] == sum(not each.is_replay for each in run.told)


def test_nothing_is_left_open(run: Run) -> None:
    assert run.at_last == run.at_first


def test_all_is_well_again_at_once(run: Run) -> None:
    prompt = [each for each in run.recovered if not each.is_replay and not each.was_slow]
    assert prompt
    assert {each.ending for each in prompt} == {Ending()}
    assert {each.task.mood for each in run.recovered} == {FINE}


def test_nothing_was_done_twice(house: Gateway, run: Run) -> None:
    made = Counter(
        project.name
        for caller in run.callers
        for project in house.world.organization(caller.owner).projects.values()
        if project.name in caller.names
    )
    assert made
    assert [name for name, times in made.items() if times > 1] == []


def test_the_log_tells_of_no_fault_of_ours_and_of_no_secret(house: Gateway, run: Run) -> None:
    said = house.said.read_bytes()
    assert b"Traceback" not in said, said[-3000:].decode()
    assert b"unexpected" not in said.lower(), said[-3000:].decode()
    assert b"error" not in said.lower(), said[-3000:].decode()
    some = run.callers[:4]
    secrets = {f"{each.owner}'s {kind} key": f"sk-{kind}-{each.owner}" for each in some for kind in ("proj", "admin")}
    secrets |= {f"{each.owner}'s server": each.mcp.removeprefix("/mcp/") for each in some}
    left = {path.name: path.read_bytes() for path in (house.said.parent / "data").rglob("*") if path.is_file()}
    assert traces_of(secrets | {"token": TOKEN, "root key": MASTER_KEY}, left | {"log": said}) == []


def until(holds: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
