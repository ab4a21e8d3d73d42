"""Commands on the database itself, for whoever sits at the machine, as opposed to those that ask a gateway."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from portico.cli.say import Unhappy
from portico.settings import Settings

if TYPE_CHECKING:
    from portico.app import Portico


@asynccontextmanager
async def opened(*, may_make: bool = False) -> "AsyncGenerator[Portico]":
    """The gateway's parts, not serving. Where no gateway has ever been nothing is made, unless that is the point."""
    from portico.app import build
    from portico.store.engines import exists

    settings = Settings.read()
    if not may_make and not await exists(settings.database_url, settings.data_dir):
        raise Unhappy(
            f"There is no gateway's data here: {_place(settings)} holds none. `portico serve` makes them; "
            "for those of a gateway that has run, set the PORTICO_DATA_DIR or PORTICO_DATABASE_URL that it runs with."
        )
    portico = await build(settings)
    try:
        yield portico
    finally:
        await portico.stop()


def _place(settings: Settings) -> str:
    from portico.store.engines import is_postgres, path_of

    if is_postgres(settings.database_url):
        return "the database at PORTICO_DATABASE_URL"
    path = path_of(settings.database_url, settings.data_dir)
    return f"{path} (from {'PORTICO_DATABASE_URL' if settings.database_url else 'PORTICO_DATA_DIR'})"
