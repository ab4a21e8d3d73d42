"""SQL as it is written in this package: one text with `:name` values, spelled for each of the two engines."""

import re
from typing import LiteralString

_NAME = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
# What a statement writes as DATABASE_NOW: milliseconds since 1970 by the one clock that all replicas share.
_SQLITE_NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
_POSTGRES_NOW = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)"


class Statement:
    """One statement. Give `postgres` only where that engine needs other words."""

    __slots__ = ("postgres", "sqlite")

    def __init__(self, text: LiteralString, *, postgres: LiteralString | None = None) -> None:
        self.sqlite: str = text.replace("DATABASE_NOW", _SQLITE_NOW)
        spelled = (postgres or text).replace("DATABASE_NOW", _POSTGRES_NOW)
        self.postgres: str = _NAME.sub(r"%(\1)s", spelled.replace("%", "%%"))

    def __repr__(self) -> str:
        return f"Statement({' '.join(self.sqlite.split())[:60]!r})"


ALL_ROWS: LiteralString = "SELECT * FROM {table}"
ROW_COUNT: LiteralString = "SELECT COUNT(*) FROM {table}"


def of_table(text: LiteralString, table: LiteralString) -> LiteralString:
    """The text for a table that is chosen only now, among those that stand in our own migrations."""
    return text.replace("{table}", table)
