"""Which engine an address means. Each is imported only when it is used."""

from pathlib import Path

from portico.store.database import Database


async def open_database(url: str, data_dir: Path) -> Database:
    """PostgreSQL where the URL names it, else SQLite in the data folder. Engines are imported only when used."""
    if url.startswith(("postgres://", "postgresql://")):
        from portico.store.postgres import open_postgres

        return await open_postgres(url)
    from portico.store.sqlite import open_sqlite

    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)  # noqa: ASYNC240 -- once, before anything is served
    path = url.removeprefix("sqlite:///") if url else str(data_dir / "portico.db")
    return await open_sqlite(path)
