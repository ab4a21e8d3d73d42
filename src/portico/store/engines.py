"""Which engine an address means. Each is imported only when it is used."""

from pathlib import Path

from portico.errors import Unavailable
from portico.store.database import Database


async def open_database(url: str, data_dir: Path) -> Database:
    """PostgreSQL where the URL names it, else SQLite in the data folder. Engines are imported only when used."""
    if url.startswith(("postgres://", "postgresql://")):
        from portico.store.postgres import open_postgres

        return await open_postgres(url)
    from portico.store.sqlite import open_sqlite

    _make(data_dir)
    path = url.removeprefix("sqlite:///") if url else str(data_dir / "portico.db")
    return await open_sqlite(path)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise Unavailable(
            f"The data folder {folder} cannot be made ({problem.strerror}): name another in PORTICO_DATA_DIR."
        ) from None
