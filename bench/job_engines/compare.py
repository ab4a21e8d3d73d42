"""Our job engine and DBOS, side by side, in one run: start, memory, speed, what a kill -9 does, what each prints.

    python -m bench.job_engines.compare [--deliveries 600] [--kills 10] [--seed 1] [--database sqlite] [--words]

DBOS is needed for this alone: `pip install dbos==3.4.0`. The numbers stand in docs/decisions/0011-our-own-jobs.md.
"""

import argparse
import asyncio
import atexit
import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.job_engines import closure, plant
from bench.job_engines.plant import Receiver
from portico.app import build
from portico.model.account import EnvironmentId
from portico.store.statement import Statement

ENGINES = ("ours", "dbos")
MODULES = {"none": "bench.job_engines.ours", "ours": "bench.job_engines.ours", "dbos": "bench.job_engines.with_dbos"}
STARTS, IDLE_SECONDS, LATENCIES = 5, 10.0, 15
LEASE_SECONDS, GRACE_SECONDS = 5.0, 5.0
REPLICAS = 3
_TICKS = os.sysconf("SC_CLK_TCK")
_STATES = Statement(
    "SELECT state, attempts, COUNT(*) FROM deliveries GROUP BY state, attempts ORDER BY state, attempts"
)
_DONE = Statement("SELECT COUNT(*) FROM deliveries WHERE state = 'delivered'")


@dataclass
class Run:
    """Where one measurement takes place."""

    engine: str
    folder: Path
    database_url: str
    receiver: Receiver
    environment_id: EnvironmentId | None = None
    said: list[str] = field(default_factory=list[str])

    @property
    def settings(self) -> Any:
        return plant.settings(self.folder, self.database_url, self.receiver.url)

    async def prepare(self) -> None:
        self.environment_id = await plant.prepare(self.settings, self.receiver.url)
        if self.engine == "dbos":  # its tables and queues are made by the first process that starts
            from bench.job_engines.with_dbos import speed_up

            await (await Worker.start(self)).stop()
            speed_up(self.database_url)

    async def announce(self, count: int) -> list[str]:
        """Written by a process of its own kind; what has been announced is durable when this returns."""
        portico = await build(self.settings)
        assert self.environment_id is not None
        ids = await plant.announce(portico, self.environment_id, count, with_jobs=self.engine == "ours")
        await portico.stop()
        if self.engine == "dbos":
            from bench.job_engines.with_dbos import enqueue

            await asyncio.to_thread(enqueue, self.database_url, self.environment_id, ids)
        return ids

    async def rows(self, statement: Statement) -> Any:
        portico = await build(self.settings)
        rows = await portico.parts.database.all(statement)
        await portico.stop()
        return rows


def _spawn(run: Run, executor: str, poll_seconds: float) -> "subprocess.Popen[str]":
    arguments = (run.engine, str(run.folder), run.database_url, run.receiver.url)
    return subprocess.Popen(
        [sys.executable, "-m", MODULES[run.engine], *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "BENCH_EXECUTOR": executor, "BENCH_LEASE": str(LEASE_SECONDS),
             "BENCH_DBOS_POLL": str(poll_seconds)},
    )  # fmt: skip


@dataclass
class Worker:
    process: subprocess.Popen[str]
    run: Run
    seconds: float

    @classmethod
    async def start(
        cls, run: Run, executor: str = "one", *, poll_seconds: float = 0.05, waits: bool = True
    ) -> "Worker":
        began = time.perf_counter()
        process = _spawn(run, executor, poll_seconds)
        atexit.register(process.kill)
        lines: list[str] = []

        def listen() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                if line == "ready\n" and waits:
                    return
                lines.append(line)

        listening = asyncio.get_running_loop().run_in_executor(None, listen)
        if not waits:
            return cls(process, run, 0.0)
        await listening
        seconds = time.perf_counter() - began
        run.said += lines
        asyncio.get_running_loop().run_in_executor(None, cls._drain, process, run)
        return cls(process, run, seconds)

    @staticmethod
    def _drain(process: "subprocess.Popen[str]", run: Run) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            run.said.append(line)

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def stop(self) -> None:
        self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, 40)
        except subprocess.TimeoutExpired:
            self.kill()


async def starts(run: Run) -> dict[str, float]:
    """Median of several starts on a database that is there already; then what it costs to wait."""
    seconds, cpus, memories = list[float](), list[float](), list[float]()
    for _ in range(STARTS):
        worker = await Worker.start(run, poll_seconds=1.0)
        await asyncio.sleep(1)
        seconds.append(worker.seconds)
        cpus.append(worker.cpu())
        memories.append(worker.memory())
        await worker.stop()
    worker = await Worker.start(run, poll_seconds=1.0)
    await asyncio.sleep(2)
    before = worker.cpu()
    await asyncio.sleep(IDLE_SECONDS)
    idle = (worker.cpu() - before) / IDLE_SECONDS
    await worker.stop()
    found = {"start s": seconds, "start CPU s": cpus, "memory MB": memories}
    return {name: statistics.median(values) for name, values in found.items()} | {"idle CPU %": idle * 100}


async def speed(run: Run, count: int) -> dict[str, float]:
    """Deliveries that wait already, by one worker; then single ones while there is nothing else to do."""
    await run.announce(count)
    worker = await Worker.start(run)
    cpu, began = worker.cpu(), time.perf_counter()
    await until(lambda: len(run.receiver.seen) >= count, 600)
    seconds = time.perf_counter() - began
    await asyncio.sleep(2)  # the last outcomes are still being written
    cpu = worker.cpu() - cpu
    waits = list[float]()
    for expected in range(count + 1, count + LATENCIES + 1):
        await run.announce(1)
        written = time.perf_counter()
        await until(lambda most=expected: len(run.receiver.seen) >= most, 60)
        waits.append(time.perf_counter() - written)
    found = {
        "deliveries/s": len(run.receiver.seen) / seconds,
        "CPU ms each": cpu / count * 1000,
        "memory MB": worker.memory(),
        "wait ms": statistics.median(waits) * 1000,
        "disk kB each": _disk(run) / count / 1024,
    }
    await worker.stop()
    return found


def _disk(run: Run) -> float:
    if run.database_url.startswith("sqlite"):
        stem = run.database_url.removeprefix("sqlite:///").removesuffix(".db")
        return sum(each.stat().st_size for each in run.folder.glob(f"{Path(stem).name}*"))
    import psycopg

    with psycopg.connect(run.database_url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return float(row[0]) if row else 0.0


async def kills(run: Run, count: int, times: int, seed: int, *, is_restarted: bool) -> dict[str, Any]:
    """Workers killed at random moments. Restarted: at once, under their own names; else the others must do."""
    dice = random.Random(seed)
    workers = {f"worker-{number}": await Worker.start(run, f"worker-{number}") for number in range(REPLICAS)}
    await run.announce(count)
    killed = 0
    while killed < times and len(run.receiver.seen) < count:
        await asyncio.sleep(dice.uniform(0.02, 0.4))
        name = dice.choice([each for each, worker in workers.items() if worker.process.poll() is None])
        workers[name].kill()
        killed += 1
        if is_restarted:
            workers[name] = await Worker.start(run, name, waits=False)
    began = time.perf_counter()
    await until_async(lambda: _is_done(run, count), LEASE_SECONDS + GRACE_SECONDS + 30)
    seconds = time.perf_counter() - began
    rows = await run.rows(_STATES)
    for worker in workers.values():
        await worker.stop()
    delivered = sum(row[2] for row in rows if row[0] == "delivered")
    return {
        "kills": killed,
        "undelivered": count - len(run.receiver.seen),
        "not marked": count - delivered,
        "repeated": sum(run.receiver.seen.values()) - len(run.receiver.seen),
        "attempts > 1": sum(row[2] for row in rows if row[0] == "delivered" and row[1] > 1),
        "s after the last kill": round(seconds, 1),
    }


async def _is_done(run: Run, count: int) -> bool:
    return (await run.rows(_DONE))[0][0] >= count


async def until(is_so: Any, seconds: float) -> bool:
    end = time.perf_counter() + seconds
    while not is_so():
        if time.perf_counter() > end:
            return False
        await asyncio.sleep(0.002)
    return True


async def until_async(is_so: Any, seconds: float) -> bool:
    end = time.perf_counter() + seconds
    while not await is_so():
        if time.perf_counter() > end:
            return False
        await asyncio.sleep(0.5)
    return True


async def measure(engine: str, make: Any, folder: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, Any] = {}

    async def prepared(receiver: Receiver) -> Run:
        run = Run(engine, folder, make(), receiver)
        await run.prepare()
        return run

    async with Receiver().listening() as receiver:
        run = await prepared(receiver)
        found["starts"] = await starts(run)
        found["printed lines"] = len(run.said)
        found["printed"] = sorted({line.strip() for line in run.said})[:40] if chosen.words else []
        if engine == "none":
            return found
        found["speed"] = await speed(await prepared(receiver), chosen.deliveries)
    for name, times, is_restarted in (("killed, restarted", chosen.kills, True), ("killed, others go on", 2, False)):
        async with Receiver(pause_seconds=0.02).listening() as receiver:
            run = await prepared(receiver)
            found[name] = await kills(run, chosen.deliveries, times, chosen.seed, is_restarted=is_restarted)
    return found


async def main(chosen: argparse.Namespace) -> None:
    print(f"seed {chosen.seed}, {chosen.deliveries} deliveries to {plant.WEBHOOKS} webhooks, lease {LEASE_SECONDS:g} s")
    print(json.dumps({"added by dbos": closure.added("dbos", "portico-gateway")}, indent=1))
    for database in chosen.database or ["sqlite", "postgres"]:
        with plant.workshop() as folder, plant.databases(database, folder) as make:
            for engine in chosen.engine or ("none", *ENGINES):
                found = await measure(engine, make, folder, chosen)
                print(json.dumps({"database": database, "engine": engine, **found}, indent=1), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=600)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", action="append", choices=["sqlite", "postgres"])
    parser.add_argument("--engine", action="append", choices=["none", "ours", "dbos"])
    parser.add_argument("--words", action="store_true", help="also what each engine printed")
    asyncio.run(main(parser.parse_args()))
