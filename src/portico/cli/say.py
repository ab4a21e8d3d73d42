"""How commands speak: tables for people, JSON for programs, errors in one sentence."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from rich.console import Console
from rich.table import Table

FAILED = 1
_MOST_COLUMNS = 6


class Unhappy(Exception):
    """A command cannot do what was asked; the text says why and what to do."""


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    with suppress(OSError):  # a full disk behind it is no reason to stop
        sys.stderr.write(text.rstrip() + "\n")


def explain(problem: Exception) -> int:
    """Any exception as one sentence on standard error; our own refusals carry theirs."""
    from portico.errors import Refusal

    if isinstance(problem, Unhappy | Refusal):
        complain(str(problem))
    elif isinstance(problem, OSError) and isinstance(problem.filename, str):
        complain(f"{problem.filename} cannot be used: {problem.strerror}.")
    else:
        complain(f"Something went wrong that should not: {type(problem).__name__}: {problem}. Please report it.")
    return FAILED


def say_json(value: Any) -> None:
    say(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def say_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """A table as wide as its content needs; without a terminal, tab-separated, which other programs read."""
    if not rows:
        complain(empty)
        return
    if not sys.stdout.isatty():
        for row in rows:
            say("\t".join(_cell(value) for value in row))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console().print(table)


def say_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    """A vendor's objects as a table: the first few of their fields."""
    columns = list(dict.fromkeys(name for row in rows for name in row if name != "object"))[:_MOST_COLUMNS]
    say_table(columns, [[row.get(name) for name in columns] for row in rows], "The list is empty.")


def say_record(record: Mapping[str, Any]) -> None:
    """One thing: its fields below each other."""
    say_table(("field", "value"), [(name, value) for name, value in record.items()], "Nothing.")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
