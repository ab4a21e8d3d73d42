"""A gateway under load for a long time: it does not grow, leaves nothing open, and does not become slower.

Five seconds in the everyday suite, PORTICO_SOAK_MINUTES of them (an hour) with PORTICO_SIZE=full.
"""

import itertools
import os
import statistics
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from portico.sandbox.serve import running
from portico.sandbox.state import World
from tests.conftest import MASTER_KEY
from tests.outside.clients_at_work import TOKEN, Crowd, Place, place_at
from tests.programs import gateway
from tests.size import IS_FULL

MINUTES = float(os.environ.get("PORTICO_SOAK_MINUTES", "60")) if IS_FULL else 1 / 12
pytestmark = [pytest.mark.outside, pytest.mark.soak, pytest.mark.timeout(MINUTES * 60 + 180)]

CLIENTS = 4
LOOKS = 20
# Caches fill and pools open in the first part of a run; what comes after must be level.
WARM_UP = 0.3
MOST_GROWTH, MOST_GROWTH_BYTES = 0.15, 25_000_000
MOST_MORE_FILES, MOST_MORE_THREADS = 20, 8
MOST_SLOWER = 2.0


@dataclass(frozen=True)
class Look:
    """What the operating system says of the process, and how many answers it has given."""

    memory: int
    files: int
    threads: int
    answers: int
    at: float


@pytest.fixture
def house(tmp_path: Path) -> Generator[tuple[Place, int]]:
    with ExitStack() as stack:
        sandbox_url = stack.enter_context(running(World(pace=0.0)))
        environment = {
            "PORTICO_DATA_DIR": str(tmp_path),
            "PORTICO_MASTER_KEY": MASTER_KEY,
            "PORTICO_BOOTSTRAP_TOKEN": TOKEN,
            "PORTICO_VENDOR_BASE_URLS": f"openai={sandbox_url}/v1",
            "PORTICO_LOG_LEVEL": "error",
        }
        process, url = stack.enter_context(gateway(environment))
        yield place_at(url), process.pid


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="what a process uses is read from /proc")
def test_nothing_grows_and_nothing_becomes_slower(house: tuple[Place, int]) -> None:
    place, pid = house
    crowd = Crowd(place, CLIENTS)
    crowd.start()
    looks: list[Look] = []
    for _ in range(LOOKS):
        time.sleep(MINUTES * 60 / LOOKS)
        looks.append(look(pid, crowd))
    crowd.stop()
    assert crowd.problems == []
    level = looks[int(LOOKS * WARM_UP) :]
    first, last = level[0], level[-1]
    sys.stdout.write(f"{first}\n{last}\n")
    assert last.memory < first.memory * (1 + MOST_GROWTH) + MOST_GROWTH_BYTES, [each.memory for each in looks]
    assert last.files <= first.files + MOST_MORE_FILES, [each.files for each in looks]
    assert last.threads <= first.threads + MOST_MORE_THREADS, [each.threads for each in looks]
    if not IS_FULL:
        return  # in five seconds beside other tests, times say how busy the machine is
    middle = len(level) // 2
    early, late = pauses(level[: middle + 1]), pauses(level[middle:])
    assert late < early * MOST_SLOWER, f"{early * 1000:.1f} ms an answer at first, {late * 1000:.1f} at last"


def look(pid: int, crowd: Crowd) -> Look:
    folder = Path(f"/proc/{pid}")
    told = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
    return Look(
        memory=int(told["VmRSS"].split()[0]) * 1024,
        files=len(list((folder / "fd").iterdir())),
        threads=int(told["Threads"]),
        answers=sum(crowd.served.values()),
        at=time.monotonic(),
    )


def pauses(looks: list[Look]) -> float:
    """Seconds between two answers, the median of what was seen from look to look."""
    pairs = itertools.pairwise(looks)
    return statistics.median((after.at - before.at) / max(after.answers - before.answers, 1) for before, after in pairs)
