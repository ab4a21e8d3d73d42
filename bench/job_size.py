"""What taking jobs costs as they become many: tables of several sizes, and every kind of backlog in each in turn.

    python -m bench.job_size --jobs 10000 1000000                        SQLite, in a folder that is deleted afterwards
    python -m bench.job_size --jobs 10000 1000000 --engine postgres      PostgreSQL, likewise

Exits with 1 when taking from the largest table takes more than `--most-milliseconds`.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bench.job_engines.plant import databases, workshop
from portico.clock import from_milliseconds, to_milliseconds
from portico.jobs.worker import LANE_WIDTH, MOST_AT_ONCE
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.migrate import migrate
from portico.store.operators import Operators, Taking
from portico.store.statement import Statement

MOMENT = from_milliseconds(1_793_000_000_000)
TAKING = Taking(count=MOST_AT_ONCE, width=LANE_WIDTH, lease_seconds=60)
FEW = 2 * MOST_AT_ONCE
# Who fills the table: a job a second from `first` on, each in its own lane or all in one.
_ADD = Statement(
    "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count) "
    "INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until) "
    "SELECT :mark || n, 'environment-1', 'deliver', :mark || n, CASE WHEN :lane = '' THEN :mark || n ELSE :lane END, "
    ":first + n * 1000, 0, 0, 0 FROM numbers",
    postgres="INSERT INTO jobs (id, environment_id, kind, subject, lane, run_at, tries, fence, lease_until) "
    "SELECT CAST(:mark AS TEXT) || n, 'environment-1', 'deliver', CAST(:mark AS TEXT) || n, "
    "CASE WHEN CAST(:lane AS TEXT) = '' THEN CAST(:mark AS TEXT) || n ELSE CAST(:lane AS TEXT) END, "
    "CAST(:first AS BIGINT) + n * 1000, 0, 0, 0 FROM generate_series(1, CAST(:count AS BIGINT)) AS n",
)
_FREE = Statement("UPDATE jobs SET lease_until = 0 WHERE lease_until > 0")


@dataclass
class Table:
    """Jobs of which all are due later, or all are due; `taken` says when somebody asks for some."""

    database: Database
    size: int
    best: dict[str, float] = field(default_factory=dict[str, float])

    async def take(self, name: str, moment_ms: int) -> None:
        moment = from_milliseconds(moment_ms)
        started = time.perf_counter()
        taken = await Operators(self.database).take_jobs(moment, TAKING)
        took = (time.perf_counter() - started) * 1000
        assert taken or name == "nothing due"
        self.best[name] = min(took, self.best.get(name, took))


async def planned(table: Table) -> None:
    """All of them later, and a few now."""
    await _add(table, "later-", table.size, to_milliseconds(MOMENT + timedelta(days=1)))
    await _measured(table, "nothing due")
    await _add(table, "now-", FEW, to_milliseconds(MOMENT) - FEW * 1000)
    await _measured(table, "a few due")


async def backlog(table: Table) -> None:
    """All of them due, each in its own lane."""
    await _add(table, "late-", table.size, to_milliseconds(MOMENT) - table.size * 1000)
    await _measured(table, "all due")


async def clogged(table: Table) -> None:
    """All of them due and in one lane, which is full; a few others came later."""
    await _add(table, "slow-", table.size, to_milliseconds(MOMENT) - (table.size + FEW) * 1000, lane="slow")
    await _add(table, "now-", FEW, to_milliseconds(MOMENT) - FEW * 1000)
    await _measured(table, "all due in one lane")


FILLINGS: tuple[Callable[[Table], Awaitable[None]], ...] = (planned, backlog, clogged)
ROUNDS = 5


async def _measured(table: Table, name: str) -> None:
    for _ in range(ROUNDS):
        await table.take(name, to_milliseconds(MOMENT))
        if name == "all due in one lane":
            await table.take(f"{name}, beyond it", to_milliseconds(MOMENT))
        await table.database.run(_FREE)


async def _add(table: Table, mark: str, count: int, first: int, lane: str = "") -> None:
    await table.database.run(_ADD, mark=mark, count=count, first=first, lane=lane)
    if table.database.dialect == "postgres":
        await table.database.script("ANALYZE jobs")


async def main() -> int:
    parser = argparse.ArgumentParser(description="Time the taking of jobs from tables of several sizes.")
    parser.add_argument("--jobs", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--most-milliseconds", type=float, default=250.0)
    chosen = parser.parse_args()
    with workshop() as folder, databases(chosen.engine, folder) as make:
        columns: list[dict[str, float]] = []
        for size in sorted(chosen.jobs):
            columns.append({})
            for fill in FILLINGS:
                database = await open_database(make(), folder)
                await migrate(database)
                table = Table(database, size, columns[-1])
                await fill(table)
                await database.close()
    _say(f"  {'ms':<36}" + "".join(f"{size:>12}" for size in sorted(chosen.jobs)) + "   largest : smallest")
    for name in columns[0]:
        took = [column[name] for column in columns]
        _say(f"  {name:<36}" + "".join(f"{each:12.1f}" for each in took) + f"{took[-1] / took[0]:12.1f}")
    return int(max(columns[-1].values()) > chosen.most_milliseconds)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
