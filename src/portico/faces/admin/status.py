"""/status and /settings: how this gateway is and what it was told, for whoever runs it."""

import time
from typing import Any

from msgspec import Struct

from portico import settings as settings_
from portico.clock import from_milliseconds, iso
from portico.faces.endpoint import Asked, Endpoint, NoQuery
from portico.gateway.heartbeat import LIVING_SECONDS
from portico.store.database import Database
from portico.store.migrate import applied, known_migrations
from portico.store.replicas import Replica, Replicas
from portico.store.survey import Survey, backlog, survey
from portico.version import VERSION

TAG = "Gateway"


class DatabaseShown(Struct, frozen=True, kw_only=True):
    """`milliseconds`: how long it took to answer just now."""

    kind: str
    milliseconds: float


class MigrationsShown(Struct, frozen=True, kw_only=True):
    """`missing`: known here and not applied. `newest` is the last that was."""

    applied: int
    newest: str
    missing: list[str]


class ProcessShown(Struct, frozen=True, kw_only=True):
    id: str
    host: str
    version: str
    started_at: str


class BacklogShown(Struct, frozen=True, kw_only=True):
    """`due`: their time has come and no worker has taken them yet."""

    kind: str
    planned: int
    under_way: int
    due: int
    next_at: str | None


class StatusShown(Struct, frozen=True, kw_only=True):
    """`problems` are sentences: what is not as it should be, and what to do."""

    version: str
    is_well: bool
    problems: list[str]
    database: DatabaseShown
    migrations: MigrationsShown
    processes: list[ProcessShown]
    jobs: list[BacklogShown]


class SettingShown(Struct, frozen=True, kw_only=True):
    """`source`: environment (the variable `name`), default, or program (what started Portico). Secrets are `set` or
    `not set`."""

    name: str
    value: str
    source: str
    meaning: str
    is_secret: bool


async def get_status(asked: Asked) -> Any:
    parts = asked.parts
    begun = time.monotonic()
    known, have = {each.name for each in known_migrations()}, await applied(parts.database)
    took = (time.monotonic() - begun) * 1000
    living = await Replicas(parts.database).living(LIVING_SECONDS)
    jobs, found = await backlog(parts.database), await survey(parts.database)
    missing = sorted(known - {name for _, name in have})
    facts: dict[str, Any] = {
        "version": VERSION,
        "database": {"kind": _kind(parts.database), "milliseconds": round(took, 1)},
        "migrations": {"applied": len(have), "newest": _newest(have), "missing": missing},
        "processes": [
            {"id": each.id, "host": each.host, "version": each.version, "started_at": _began(each)}
            for each in living
        ],
        "jobs": [
            {
                "kind": each.kind, "planned": each.planned, "under_way": each.under_way, "due": each.due,
                "next_at": iso(each.next_at) if each.next_at else None,
            }
            for each in jobs
        ],
    }  # fmt: skip
    problems = _problems(missing, sorted({each.version for each in living}), parts.keyring.trouble) + _undone(found)
    return {**facts, "is_well": not problems, "problems": problems}


async def get_settings(asked: Asked) -> Any:
    result = [each._asdict() for each in settings_.told(asked.parts.settings)]
    return {"result": result, "next_cursor": None, "prev_cursor": None, "result_count": len(result)}


def _problems(missing: list[str], versions: list[str], trouble: str) -> list[str]:
    found: list[str] = []
    if missing:
        found.append(f"The database lacks {', '.join(missing)}: restart a process of this version, which applies them.")
    if not versions:
        found.append("No process has said lately that it lives: the database may be too slow to be told.")
    if len(versions) > 1:
        found.append(f"Processes of {', '.join(versions)} run side by side: bring all of them to one version.")
    if trouble:
        found.append(f"The keys cannot be opened: {trouble}")
    return found


def _undone(found: Survey) -> list[str]:
    said: list[str] = []
    if found.late_jobs:
        said.append(
            f"Jobs are more than five minutes late ({found.late_jobs}): look in the log for lines of the part jobs."
        )
    if found.ended_webhooks:
        said.append(
            f"Webhooks were given up after days of failing ({found.ended_webhooks}): mend and switch them on again."
        )
    return said


def _began(process: Replica) -> str:
    return iso(from_milliseconds(process.started_at_ms))


def _kind(database: Database) -> str:
    return "PostgreSQL" if database.dialect == "postgres" else "SQLite"


def _newest(have: list[tuple[int, str]]) -> str:
    return f"{have[-1][0]:04} {have[-1][1].replace('_', ' ')}" if have else ""


ENDPOINTS = (
    Endpoint(
        verb="GET", path="/status", name="getStatus", summary="How the gateway is", tag=TAG,
        description="Database, migrations, processes and what waits to be done. For load balancers there is /readyz.",
        handler=get_status, query=NoQuery, returns=StatusShown, scope="operator",
    ),
    Endpoint(
        verb="GET", path="/settings", name="listSettings", summary="Which settings hold", tag=TAG,
        description="Those of the process that answers, and where each comes from; never a secret.",
        handler=get_settings, query=NoQuery, returns=list[SettingShown], scope="operator",
    ),
)  # fmt: skip
