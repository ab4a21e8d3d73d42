"""`portico doctor`: look for what is likely to be wrong on this machine, and say how to mend it."""

import asyncio
import shutil
import stat
import sys
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from portico.cli.api import JsonOption
from portico.cli.progress import told
from portico.cli.say import say_json, say_table
from portico.errors import Refusal
from portico.settings import Settings

_LEAST_FREE_BYTES = 200_000_000


class Finding(NamedTuple):
    """One thing looked at. `mend` is empty where all is well."""

    what: str
    is_well: bool
    found: str
    mend: str = ""


def doctor(*, json: JsonOption = False) -> int:
    """Look at Python, the database library, the data folder, the key, the database and the settings."""
    try:
        settings = Settings.read()
    except Refusal as problem:
        findings = [Finding("settings", False, problem.sentence, "Correct that variable.")]
    else:
        with told("Looking"):
            findings = asyncio.run(_look(settings))
    if json:
        say_json([each._asdict() for each in findings])
    else:
        rows = [("ok" if each.is_well else "WRONG", each.what, each.found, each.mend) for each in findings]
        say_table(("", "what", "found", "how to mend it"), rows, "")
    return 0 if all(each.is_well for each in findings) else 1


async def _look(settings: Settings) -> list[Finding]:
    looks: tuple[Callable[[Settings], Awaitable[Finding]], ...] = (
        _python,
        _sqlite,
        _folder,
        _space,
        _key_file,
        _database,
        _public_url,
        _base_urls,
    )
    return [await look(settings) for look in looks]


async def _python(_settings: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "Python", sys.version_info >= (3, 11), version, "" if sys.version_info >= (3, 11) else "Use 3.11 or newer."
    )


async def _sqlite(_settings: Settings) -> Finding:
    import apsw

    from portico.store.sqlite import refuse_unsafe

    version = apsw.sqlite_lib_version()
    try:
        refuse_unsafe(version)
    except Refusal as problem:
        return Finding("SQLite library", False, version, problem.sentence)
    return Finding("SQLite library", True, version)


async def _folder(settings: Settings) -> Finding:
    folder = settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as problem:
        return Finding(
            "data folder", False, f"{folder}: {problem.strerror}", "Give PORTICO_DATA_DIR a folder that can be written."
        )
    return Finding("data folder", True, str(folder))


async def _space(settings: Settings) -> Finding:
    if not settings.data_dir.exists():
        return Finding("free space", False, "no data folder", "See the data folder above.")
    free = shutil.disk_usage(settings.data_dir).free
    found = f"{free / 1e9:.1f} GB"
    return Finding(
        "free space", free >= _LEAST_FREE_BYTES, found, "" if free >= _LEAST_FREE_BYTES else "Make room on that disk."
    )


async def _key_file(settings: Settings) -> Finding:
    if settings.master_key:
        return Finding("root key", True, "from PORTICO_MASTER_KEY")
    path = settings.data_dir / "master.key"
    if not path.exists():
        return Finding("root key", True, "will be made on the first start")
    is_private = not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    return Finding("root key", is_private, str(path), "" if is_private else f"chmod 600 {path}")


async def _database(settings: Settings) -> Finding:
    from portico.clock import now
    from portico.gateway.keyring import open_keyring
    from portico.store.engines import open_database
    from portico.store.migrate import migrate

    kind = "PostgreSQL" if settings.database_url else "SQLite"
    try:
        database = await open_database(settings.database_url, settings.data_dir)
        try:
            await migrate(database)
            await open_keyring(settings, database, now)
        finally:
            await database.close()
    except Refusal as problem:
        return Finding("database", False, kind, problem.sentence)
    except ImportError:
        return Finding("database", False, kind, "Install the extra: pip install 'portico-gateway[postgres]'.")
    return Finding("database", True, f"{kind}, schema up to date, key fits")


async def _public_url(settings: Settings) -> Finding:
    url = settings.public_url
    if not url:
        return Finding("public URL", True, "not set: only this machine can reach Portico")
    is_safe = url.startswith("https://") or "//127.0.0.1" in url or "//localhost" in url
    return Finding("public URL", is_safe, url, "" if is_safe else "Tokens travel readable over http; use https.")


async def _base_urls(settings: Settings) -> Finding:
    wrong = [url for url in settings.extra_base_urls() if not url.startswith(("https://", "http://"))]
    found = ", ".join(settings.extra_base_urls()) or "the vendors' own"
    return Finding("base URLs", not wrong, found, "Write each as https://host/path." if wrong else "")
