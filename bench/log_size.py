"""What a look at the request log costs as it grows: logs of several sizes, and every kind of search on each in turn.

    python -m bench.log_size --rows 10000 10000000                        SQLite, in a folder that is deleted afterwards
    python -m bench.log_size --rows 10000 10000000 --engine postgres      PostgreSQL, likewise
    python -m bench.log_size --rows 10000 --database-url postgresql://…   an empty database of your own for each size

Exits with 1 when a search on the largest log takes more than `--most-milliseconds`.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from bench.job_engines.plant import databases, workshop
from portico.clock import from_milliseconds
from portico.model.account import EnvironmentId
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.ids import lowest_id
from portico.store.migrate import migrate
from portico.store.operators import Operators
from portico.store.requests import LAST, RequestFilter, Requests
from portico.store.statement import Statement

ENVIRONMENT = EnvironmentId("environment-1")
FIRST = 1_793_000_000_000
# Between two rows, in milliseconds; how many are older than the last page that is looked at.
GAP, OLDEST = 10, 5_000
AT_ONCE = 500_000
SEARCHES = {
    "everything": RequestFilter(),
    "an account": RequestFilter(account_id=("account-7",)),
    "an account's 5xx": RequestFilter(account_id=("account-7",), status=(5,)),
    "a tenant": RequestFilter(tenant_id=("tenant-3",)),
    "every 4xx": RequestFilter(status=(4,)),
    "every 404": RequestFilter(status=(404,)),
    "a status that never comes": RequestFilter(status=(418,)),
    "a tool": RequestFilter(tool=("tool-5",)),
    "a server": RequestFilter(server_id=("server-9",)),
    "a face that is rare": RequestFilter(face=("jobs",)),
    "words that are nowhere": RequestFilter(words="no such words"),
    "one request": RequestFilter(request_id=("request-77",)),
}

_INDEXES = Statement(
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'requests' AND sql IS NOT NULL",
    postgres="SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
    "AND tablename = 'requests' AND indexdef NOT LIKE 'CREATE UNIQUE%'",
)
# Rows that the database makes by itself: what looks drawn is a multiple of the row's number, far apart from the last.
_ROWS: LiteralString = """
INSERT INTO requests (id, environment_id, at, account_id, tenant_id, integration, face, resource, method, verb, path,
  tool, server_id, client, token_id, request_id, trace_id, status, class, code, problem, is_replay, vendor_status,
  vendor_request_id, bytes_in, bytes_out, duration_us, vendor_us, model, input_tokens, cached_tokens, output_tokens,
  is_estimated, cost_nanos, has_bodies)
SELECT ID, 'environment-1', at, 'account-' || account, 'tenant-' || (account % 50), 'openai',
  CASE WHEN is_tool THEN 'mcp' ELSE 'proxy' END, 'chat_completions', 'create', 'POST', '/chat/completions',
  CASE WHEN is_tool THEN 'tool-' || (draw % 150) ELSE '' END,
  CASE WHEN is_tool THEN 'server-' || (draw % 300) ELSE '' END,
  'openai-python/3.3.1', 'token-1', 'request-' || n, '', status, status / 100, '', '', FALSE, status,
  'req_0123456789abcdef0123456789abcdef' || n, 400, 2000, 900000, 890000, 'gpt-4o-mini', 900, 0, 200, FALSE, 255000,
  FALSE
FROM (
  SELECT n, 1793000000000 + n * 10 AS at, n * 2654435761 / 128 % 2000 AS account, n * 2246822519 / 128 AS draw,
    n * 3266489917 / 128 % 5 = 0 AS is_tool,
    CASE WHEN lot < 900 THEN 200 WHEN lot < 950 THEN 201 WHEN lot < 970 THEN 404 WHEN lot < 990 THEN 429
      WHEN lot < 999 THEN 500 ELSE 504 END AS status
  FROM (SELECT n, n * 668265263 / 128 % 1000 AS lot FROM NUMBERS) AS drawn
) AS made
"""
_FILL = Statement(
    "WITH RECURSIVE numbers (n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last) "
    + _ROWS.replace("NUMBERS", "numbers").replace(
        "ID,",
        "printf('%08x-%04x-7000-8%.3s-%012x', at / 65536, at % 65536, hex(randomblob(2)), n),",
        1,
    ),
    postgres=_ROWS.replace("NUMBERS", "generate_series(CAST(:first AS BIGINT), CAST(:last AS BIGINT)) AS n").replace(
        "ID,",
        "lpad(to_hex(at / 65536), 8, '0') || '-' || lpad(to_hex(at % 65536), 4, '0') || '-7000-8' "
        "|| substr(md5(CAST(n AS TEXT)), 1, 3) || '-' || lpad(to_hex(n), 12, '0'),",
        1,
    ),
)


async def main() -> int:
    parser = argparse.ArgumentParser(description="Time searches of request logs of several sizes.")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--database-url", nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--most-milliseconds", type=float, default=250.0)
    chosen = parser.parse_args()
    if chosen.database_url and len(chosen.database_url) != len(chosen.rows):
        parser.error("--database-url takes one empty database for each number of --rows.")
    logs: list[Log] = []
    with workshop() as folder, databases(chosen.engine, folder) as make:
        try:
            for place, size in enumerate(sorted(chosen.rows)):
                url = chosen.database_url[place] if chosen.database_url else make()
                logs.append(await _filled(await open_database(url, folder), size))
            times = await _times(logs, chosen.rounds)
            _show(logs, times)
            await _delete(logs[-1].database)
        finally:
            for log in logs:
                await log.database.close()
    slowest = max(each[-1] for each in times.values())
    _say(f"slowest on the largest log: {slowest:.1f} ms; {chosen.most_milliseconds:.0f} ms are allowed")
    return int(slowest > chosen.most_milliseconds)


@dataclass(frozen=True)
class Log:
    database: Database
    size: int


async def _filled(database: Database, size: int) -> Log:
    await migrate(database)
    started = time.perf_counter()
    await _fill(database, size)
    if database.dialect == "postgres":
        await database.script("ANALYZE requests")  # as the server does by itself, a little later
    _say(f"{size} rows ({size / (time.perf_counter() - started):.0f} rows/s)")
    return Log(database, size)


async def _times(logs: Sequence[Log], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each search on each log. The logs take turns, so that what disturbs one disturbs all; of all
    rounds the best counts, and of all pages the slowest."""
    best: dict[tuple[str, int, str], float] = {}
    for _ in range(rounds):
        for name, where in SEARCHES.items():
            for place, log in enumerate(logs):
                for before in log_pages(log.size):
                    started = time.perf_counter()
                    await Requests(log.database).search(ENVIRONMENT, before, 100, where)
                    took = (time.perf_counter() - started) * 1000
                    best[name, place, before] = min(took, best.get((name, place, before), took))
    return {
        name: [max(took for key, took in best.items() if key[:2] == (name, place)) for place in range(len(logs))]
        for name in SEARCHES
    }


def log_pages(size: int) -> tuple[str, str, str]:
    """Where pages begin: at the newest, in the middle, near the oldest."""
    return LAST, lowest_id(FIRST + size // 2 * GAP), lowest_id(FIRST + OLDEST * GAP)


def _show(logs: Sequence[Log], times: Mapping[str, Sequence[float]]) -> None:
    _say(f"  {'ms':<28}" + "".join(f"{log.size:>12}" for log in logs) + "   largest : smallest")
    for name, took in times.items():
        _say(f"  {name:<28}" + "".join(f"{each:12.1f}" for each in took) + f"{took[-1] / took[0]:12.1f}")


async def _fill(database: Database, size: int) -> None:
    """The indexes afterwards, and on PostgreSQL nothing for the case that the power fails."""
    indexes = await database.all(_INDEXES)
    if database.dialect == "postgres":
        await database.script("ALTER TABLE requests SET UNLOGGED")
    for name, _ in indexes:
        await database.script(f"DROP INDEX {name}")
    for first in range(0, size, AT_ONCE):
        await database.run(_FILL, first=first, last=min(first + AT_ONCE, size) - 1)
    for _, made in indexes:
        await database.script(made)


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
