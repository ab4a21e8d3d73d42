"""`portico backup` and `portico restore`: the whole database in one file, on the database itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from portico.cli.api import JsonOption
from portico.cli.local import opened
from portico.cli.progress import told
from portico.cli.say import Unhappy, say, say_json
from portico.cli.serve import run
from portico.settings import Settings

if TYPE_CHECKING:
    from portico.gateway.backup import Header
    from portico.gateway.roots import Roots, RootService

File = Annotated[Path, Parameter(help="The file.")]
Force = Annotated[bool, Parameter(negative="", help="Write over a file that is there already.")]
Replace = Annotated[bool, Parameter(negative="", help="Throw away what the database holds now.")]
CheckOnly = Annotated[bool, Parameter(name="--check", negative="", help="Only prove that the file is whole and opens.")]


def backup(file: File, *, force: Force = False, json: JsonOption = False) -> int:
    """Write everything to one file, as it is at one moment, while everything runs.

    Secrets stay sealed in it; the root key is not in it and must be kept elsewhere.
    """
    if file.exists() and not force:
        raise Unhappy(f"{file} exists; choose another name, or say --force.")

    async def main() -> int:
        from portico.gateway.backup import note, write

        async with opened() as portico:
            parts = portico.parts
            with told("Backing up") as progress:
                header = await write(parts.database, parts.keyring, file, parts.clock, progress.count)
            await note(parts, file, header)
        _show(file, header, "Wrote", json=json)
        return 0

    return run(main())


def restore(file: File, *, replace: Replace = False, check: CheckOnly = False, json: JsonOption = False) -> int:
    """Put a backup back, into SQLite or PostgreSQL, whichever it came from. All of it or nothing."""
    return run(_restore(file, replace=replace, check=check, json=json))


async def _restore(file: Path, *, replace: bool, check: bool, json: bool) -> int:
    from portico.gateway.backup import Backup
    from portico.gateway.restore import restore as put_back
    from portico.gateway.transit import open_transit
    from portico.store.claim import claimed
    from portico.store.engines import open_database

    settings = Settings.read()
    saved = Backup(file)
    service = open_transit(settings)
    roots = _roots(settings, service, saved.header.root_key)
    try:
        if check:
            await saved.prove(roots)
        else:
            with claimed(settings.database_url, settings.data_dir, "restore"):
                database = await open_database(settings.database_url, settings.data_dir)
                try:
                    with told("Restoring") as progress:
                        await put_back(saved, database, roots, progress.count, replace=replace)
                finally:
                    await database.close()
    finally:
        await roots.close()
    _show(file, saved.header, "Proved" if check else "Restored", json=json)
    return 0


def _roots(settings: Settings, service: "RootService | None", wanted: str) -> "Roots":
    """Never a new one: what is sealed in a backup opens with the key that it was made under."""
    from portico.gateway.roots import KEY_FILE, NoKey, read_roots

    try:
        return read_roots(settings, is_shared=bool(settings.database_url), has_data=True, service=service)
    except NoKey:
        place = "" if settings.database_url else f", or as the file {settings.data_dir / KEY_FILE}"
        raise NoKey(
            f"This backup was made under the root key {wanted}, and there is no root key here: give that one in "
            f"PORTICO_MASTER_KEY_FILE or PORTICO_MASTER_KEY{place}."
        ) from None


def _show(file: Path, header: "Header", did: str, *, json: bool) -> None:
    rows = sum(header.tables.values())
    if json:
        shown: dict[str, Any] = {
            "file": str(file), "version": header.version, "schema": header.schema, "engine": header.engine,
            "created_at": header.created_at, "root_key": header.root_key, "rows": rows, "tables": header.tables,
        }  # fmt: skip
        say_json(shown)
        return
    say(f"{did} {file}: {rows} rows of {header.created_at}, under the root key {header.root_key}.")
