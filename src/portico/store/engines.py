"""Which engine an address means. Each is imported only when it is used."""

from pathlib import Path

from portico.errors import Unavailable
from portico.store.database import Database
from portico.store.migrate import schema_of


async def open_database(url: str, data_dir: Path) -> Database:
    """PostgreSQL where the URL names it, else SQLite in the data folder. Engines are imported only when used."""
    if is_postgres(url):
        from portico.store.postgres import open_postgres

        return await open_postgres(url)
    from portico.store.sqlite import open_sqlite

    make_folder(data_dir)
    return await open_sqlite(str(path_of(url, data_dir)))


def is_postgres(url: str) -> bool:
    return url.startswith(("postgres://", "postgresql://"))


def path_of(url: str, data_dir: Path) -> Path:
    """Where SQLite's file is, or would be."""
    return Path(url.removeprefix("sqlite:///")) if url else data_dir / "portico.db"


async def exists(url: str, data_dir: Path) -> bool:
    """Whether there is a database in which a Portico has ever been started; looking makes none."""
    if not is_postgres(url) and not path_of(url, data_dir).exists():
        return False
    database = await open_database(url, data_dir)
    try:
        return await schema_of(database) > 0
    finally:
        await database.close()


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise Unavailable(
            f"The data folder {folder} cannot be made ({problem.strerror}): name another in PORTICO_DATA_DIR."
        ) from None
