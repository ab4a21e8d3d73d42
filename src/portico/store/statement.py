"""SQL as it is written in this package: one text with `:name` values, spelled for each of the two engines."""

import re
from typing import LiteralString

_NAME = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Statement:
    """One statement. Give `postgres` only where that engine needs other words."""

    __slots__ = ("postgres", "sqlite")

    def __init__(self, text: LiteralString, *, postgres: LiteralString | None = None) -> None:
        self.sqlite: str = text
        self.postgres: str = _NAME.sub(r"%(\1)s", (postgres or text).replace("%", "%%"))

    def __repr__(self) -> str:
        return f"Statement({' '.join(self.sqlite.split())[:60]!r})"
