"""SQL as it is written in this package: one text with `:name` values, spelled for each of the two engines."""

import re
from collections.abc import Iterable
from typing import LiteralString

_NAME = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
# What a statement writes as DATABASE_NOW: milliseconds since 1970 by the one clock that all replicas share.
_SQLITE_NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
_POSTGRES_NOW = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)"
# ONE_OF(column, :wanted): the column, or an expression, is one of these, or nothing is asked for; `one_of` writes it.
_ONE_OF = re.compile(r"ONE_OF\(((?:[^()]|\([^()]*\))+), :(\w+)\)")
_MARK = "\x1f"  # stands in no name


def one_of(wanted: Iterable[str]) -> str:
    """All values that are wanted with a mark before and behind each; '' where there are none, which asks for any.

    Neighbours share a mark: between two of their own an empty column would be found.
    """
    values = list(wanted)
    return f"{_MARK}{_MARK.join(values)}{_MARK}" if values else ""


class Statement:
    """One statement. Give `postgres` only where that engine needs other words."""

    __slots__ = ("postgres", "sqlite")

    def __init__(self, text: LiteralString, *, postgres: LiteralString | None = None) -> None:
        self.sqlite: str = _spelled(text).replace("DATABASE_NOW", _SQLITE_NOW)
        spelled = _spelled(postgres or text).replace("DATABASE_NOW", _POSTGRES_NOW)
        self.postgres: str = _NAME.sub(r"%(\1)s", spelled.replace("%", "%%"))

    def __repr__(self) -> str:
        return f"Statement({' '.join(self.sqlite.split())[:60]!r})"


def _spelled(text: str) -> str:
    found = rf"(:\2 = '' OR REPLACE(:\2, '{_MARK}' || CAST(\1 AS TEXT) || '{_MARK}', '') <> :\2)"
    return _ONE_OF.sub(found, text)


ALL_ROWS: LiteralString = "SELECT * FROM {table}"
ROW_COUNT: LiteralString = "SELECT COUNT(*) FROM {table}"


def of_table(text: LiteralString, table: LiteralString) -> LiteralString:
    """The text for a table that is chosen only now, among those that stand in our own migrations."""
    return text.replace("{table}", table)
