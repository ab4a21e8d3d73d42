"""What a look at the request log costs as the log grows: fills a database step by step and times every kind of search.

    python -m bench.log_size --rows 10000000                        SQLite, in a folder that is deleted afterwards
    python -m bench.log_size --rows 10000000 --database-url postgresql://…     an empty database of your own

Exits with 1 when a search on the full log takes more than `--most-milliseconds`.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from portico.clock import from_milliseconds
from portico.model.account import EnvironmentId
from portico.model.request import RequestRow
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.ids import Sequence
from portico.store.migrate import migrate
from portico.store.operators import Operators
from portico.store.requests import LAST, RequestFilter, Requests

ENVIRONMENT = EnvironmentId("environment-1")
FIRST = 1_793_000_000_000
ACCOUNTS, TOOLS, SERVERS = 2_000, 150, 300
BATCH = 5_000
SEARCHES = {
    "everything": RequestFilter(),
    "an account": RequestFilter(account_id="account-7"),
    "an account's 5xx": RequestFilter(account_id="account-7", status_class=5),
    "a tenant": RequestFilter(tenant_id="tenant-3"),
    "every 4xx": RequestFilter(status_class=4),
    "every 404": RequestFilter(status=404),
    "a status that never comes": RequestFilter(status=418),
    "a tool": RequestFilter(tool="tool-5"),
    "a server": RequestFilter(server_id="server-9"),
    "a face that is rare": RequestFilter(face="jobs"),
    "words that are nowhere": RequestFilter(words="no such words"),
    "one request": RequestFilter(request_id="request-77"),
}


async def main() -> int:
    parser = argparse.ArgumentParser(description="Time searches of a request log that grows.")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--database-url", default="")
    parser.add_argument("--most-milliseconds", type=float, default=250.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(chosen.database_url, Path(folder))
        try:
            return await _run(database, chosen.rows, chosen.most_milliseconds)
        finally:
            await database.close()


async def _run(database: Database, rows: int, most: float) -> int:
    await migrate(database)
    slowest = 0.0
    filled = 0
    for size in [step for step in (10_000, 100_000, 1_000_000) if step < rows] + [rows]:
        started = time.perf_counter()
        await _fill(database, filled, size)
        seconds = time.perf_counter() - started
        _say(f"{size} rows ({(size - filled) / seconds:.0f} rows/s)")
        filled = size
        if database.dialect == "postgres":
            await database.script("ANALYZE requests")
        slowest = max([await _time(database, name, where) for name, where in SEARCHES.items()])
    await _delete(database)
    _say(f"slowest on the full log: {slowest:.1f} ms; {most:.0f} ms are allowed")
    return int(slowest > most)


async def _fill(database: Database, start: int, end: int) -> None:
    dice, ids, store = random.Random(start), Sequence(), Requests(database)
    for first in range(start, end, BATCH):
        numbers = range(first, min(first + BATCH, end))
        await store.add([_row(number, dice, ids) for number in numbers])


def _row(number: int, dice: random.Random, ids: Sequence) -> RequestRow:
    at = FIRST + number * 10
    account = dice.randrange(ACCOUNTS)
    status = dice.choices((200, 201, 404, 429, 500, 504), (900, 50, 20, 20, 9, 1))[0]
    is_tool = dice.random() < 0.2
    return RequestRow(
        id=ids.at(at * 1_000_000), environment_id=ENVIRONMENT, at=at, account_id=f"account-{account}",
        tenant_id=f"tenant-{account % 50}", integration="openai", face="mcp" if is_tool else "proxy",
        resource="chat_completions", method="create", verb="POST", path="/chat/completions",
        tool=f"tool-{dice.randrange(TOOLS)}" if is_tool else "",
        server_id=f"server-{dice.randrange(SERVERS)}" if is_tool else "", client="openai-python/3.3.1",
        token_id="token-1", request_id=f"request-{number}", trace_id="", status=status, code="",
        vendor_status=status, vendor_request_id=f"req_{number:032x}", bytes_in=400, bytes_out=2_000,
        duration_us=900_000, vendor_us=890_000, status_class=status // 100, model="gpt-4o-mini", input_tokens=900,
        output_tokens=200, cost_nanos=255_000,
    )  # fmt: skip


async def _time(database: Database, name: str, where: RequestFilter) -> float:
    """The first page and one from the middle of the log; the slower of them, best of three."""
    store, times, rows = Requests(database), list[float](), 0
    for before in (LAST, Sequence().at((FIRST + 50_000) * 1_000_000)):
        took: list[float] = []
        for _ in range(3):
            started = time.perf_counter()
            found = await store.search(ENVIRONMENT, before, 100, where)
            took.append((time.perf_counter() - started) * 1000)
            rows = len(found.rows)
        times.append(min(took))
    _say(f"  {name:<28}{max(times):8.1f} ms  {rows:4} rows")
    return max(times)


async def _delete(database: Database) -> None:
    """Retention: the thousand oldest."""
    moment = from_milliseconds(FIRST + 10_000)
    started = time.perf_counter()
    await Operators(database).clean(moment, moment, moment)
    _say(f"  a thousand rows of retention{(time.perf_counter() - started) * 1000:8.1f} ms")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
