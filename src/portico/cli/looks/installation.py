"""Looks at the database: can it be reached, do schema and key fit, who serves, and does anything lie about undone."""

from datetime import datetime

from portico.cli.looks.finding import Finding, well, wrong
from portico.errors import Refusal, Unavailable
from portico.settings import Settings
from portico.store.database import Database
from portico.store.replicas import Replica
from portico.store.survey import Survey
from portico.version import VERSION

_EXTRA = "Install the extra: pip install 'portico-gateway[postgres]'."
LONG_AGO_DAYS = 30
MOST_READ_BYTES = 1_000_000_000
_BROKEN = ("needs_reauth", "validation_error", "post_install_error")


async def look(settings: Settings) -> list[Finding]:
    """Changes nothing: a database that is not there yet is not made."""
    from portico.store.engines import is_postgres, open_database, path_of

    kind = "PostgreSQL" if is_postgres(settings.database_url) else "SQLite"
    if kind == "SQLite" and not path_of(settings.database_url, settings.data_dir).exists():
        return [_absent(settings)]
    try:
        database = await open_database(settings.database_url, settings.data_dir)
    except ImportError:
        return [wrong("database", kind, _EXTRA)]
    except Unavailable as problem:
        mend = f"{problem.sentence} Is it running, and are address, name and password in PORTICO_DATABASE_URL right?"
        return [wrong("database", f"{kind} cannot be used", mend if settings.database_url else problem.sentence)]
    except Refusal as problem:
        return [wrong("database", kind, problem.sentence)]
    try:
        return await _inside(settings, database, kind)
    except Refusal as problem:
        return [wrong("database", kind, problem.sentence)]
    finally:
        await database.close()


def _absent(settings: Settings) -> Finding:
    from portico.store.claim import holder
    from portico.store.engines import path_of

    who = holder(settings.database_url, settings.data_dir)
    folder = path_of(settings.database_url, settings.data_dir).parent
    if settings.database_url and not folder.is_dir():
        return wrong("database", f"SQLite: there is no folder {folder}", "Make it, or name another.")
    if not who:
        return well("database", "SQLite, will be made on the first start")
    mend = "Do not start anew, which would begin with nothing: stop it, and put the file or a backup back."
    return wrong("database", f"SQLite's file is gone, while {who} serves from it", mend)


async def _whole(settings: Settings, database: Database) -> list[Finding]:
    """Only where reading all of it takes no more than seconds."""
    from portico.store.engines import path_of
    from portico.store.survey import damage

    path = path_of(settings.database_url, settings.data_dir)
    if database.dialect != "sqlite" or path.stat().st_size > MOST_READ_BYTES:
        return []
    if not (found := await damage(database)):
        return []
    mend = "Stop Portico, keep a copy of the folder, and put the last backup back (`portico restore FILE --replace`)."
    return [wrong("database's file", f"damaged: {found.splitlines()[-1]}", mend)]


async def _inside(settings: Settings, database: Database, kind: str) -> list[Finding]:
    from portico.store.keys import Keys
    from portico.store.migrate import known_migrations, schema_of
    from portico.store.survey import takes_writes

    if not await takes_writes(database):
        mend = "Name the primary in PORTICO_DATABASE_URL, or several hosts and target_session_attrs=read-write."
        return [wrong("database", f"{kind} takes no writes: a standby, or set to read only", mend)]
    present, newest = await schema_of(database), known_migrations()[-1].number
    if present > newest:
        mend = f"Use the Portico that wrote it, or a newer one; this is {VERSION}."
        return [wrong("database", f"{kind} with schema {present}; this Portico knows {newest}", mend)]
    if present == 0 or (present == newest and not await Keys(database).roots()):
        return [well("database", f"{kind}, empty; filled on the first start")]
    if present < newest:
        advice = "The next start brings it there. Take a backup first: there is no way back."
        return [well("database", f"{kind} with schema {present}; this Portico brings it to {newest}", advice)]
    if damaged := await _whole(settings, database):
        return damaged
    fits = await _key_fits(settings, database, kind)
    if not fits.is_well:
        return [fits]
    return [fits, *await _doings(settings, database)]


async def _key_fits(settings: Settings, database: Database, kind: str) -> Finding:
    from portico.clock import now
    from portico.gateway.keyring import open_keyring
    from portico.gateway.transit import open_transit

    service = None
    try:
        service = open_transit(settings)
        keyring = await open_keyring(settings, database, now, service)
        await keyring.check()
    except Refusal as problem:
        return wrong("database", f"{kind}, but the root key does not fit", problem.sentence)
    finally:
        if service is not None:
            await service.close()
    if keyring.trouble:
        return wrong("database", f"{kind}, but the root key does not fit", keyring.trouble)
    return well("database", f"{kind}, schema up to date, root key fits")


async def _doings(settings: Settings, database: Database) -> list[Finding]:
    from portico.clock import now
    from portico.gateway.heartbeat import LIVING_SECONDS
    from portico.store.replicas import Replicas
    from portico.store.survey import connections, survey

    living, found = await Replicas(database).living(LIVING_SECONDS), await survey(database)
    findings = [
        _serving(living, is_shared=database.dialect == "postgres"),
        _jobs(found.late_jobs, len(living)),
        _accounts(found.accounts),
        _webhooks(found.ended_webhooks),
        backups(found, now()),
    ]
    if allowed := await connections(database):
        findings.append(crowd(len(living), allowed))
    skew = abs((now() - found.clock).total_seconds())
    if database.dialect == "postgres" and skew > 5:
        mend = "Let both machines keep time by NTP: expiries and signatures depend on it."
        findings.append(wrong("database's clock", f"{skew:.0f} seconds off ours", mend))
    return findings


def crowd(living: int, allowed: int) -> Finding:
    """Each process takes connections as it needs them, and under load all that it may."""
    from portico.store.postgres import POOL_SIZE

    found = f"{allowed} for all clients; {living} processes may take {living * POOL_SIZE}"
    if living * POOL_SIZE <= allowed:
        return well("database connections", found)
    mend = "Raise max_connections at the server, or run fewer processes: under load, calls wait and are then refused."
    return wrong("database connections", found, mend)


def _serving(living: list[Replica], *, is_shared: bool) -> Finding:
    if not living:
        return well("serving", "nobody just now", "Start it with `portico serve`.")
    hosts, versions = (
        sorted({each.host.rpartition(":")[0] for each in living}),
        sorted({each.version for each in living}),
    )
    found = f"{len(living)} on {', '.join(hosts)}"
    if not is_shared and len(hosts) > 1:
        mend = "SQLite cannot be shared by machines, and loses data: stop all but one, or go over to PostgreSQL."
        return wrong("serving", found, mend)
    if len(versions) > 1:
        return well("serving", f"{found}, versions {', '.join(versions)}", "Bring all to the same version soon.")
    return well("serving", found)


def _jobs(late: int, living: int) -> Finding:
    if not late:
        return well("jobs", "none is late")
    mend = "Nobody takes them: start `portico serve`." if not living else "Look in the log for lines of the part jobs."
    return wrong("jobs", f"{late} should have been taken up five minutes ago", mend)


def _accounts(by_status: dict[str, int]) -> Finding:
    every, broken = sum(by_status.values()), {name: by_status[name] for name in _BROKEN if by_status.get(name)}
    if not broken:
        return well("accounts", f"{every}, none is refused by its vendor")
    found = ", ".join(f"{count} {name}" for name, count in broken.items())
    mend = "`portico accounts list --status …` names them; `accounts update --key` gives one a new key."
    return wrong("accounts", f"{found} of {every}", mend)


def _webhooks(ended: int) -> Finding:
    if not ended:
        return well("webhooks", "none was given up")
    mend = "`portico webhooks list` says why; mend the receiver, then switch it on again."
    return wrong("webhooks", f"{ended} were given up after days of failing", mend)


def backups(found: Survey, moment: datetime) -> Finding:
    """Others have ways of their own to keep the database, which cannot be seen from here: so this is advice."""
    own = (
        "or see that database and root key are kept elsewhere in some other way, and try once that it can be restored."
    )
    if found.backup_at is None:
        if not found.accounts:
            return well("backup", "none yet, and nothing to lose yet")
        return well("backup", "none was ever made with `portico backup`", f"Make one, {own}")
    days = (moment - found.backup_at).days
    if days > LONG_AGO_DAYS:
        return well("backup", f"the last one is {days} days old", f"Make them regularly with `portico backup`, {own}")
    return well("backup", f"the last one is {'of today' if days < 1 else f'{days} days old'}")
