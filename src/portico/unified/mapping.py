"""The mapping language: trees of JSONata expressions, run on JSON within limits of time and depth. Pure.

A tree is an expression, or an object or a list of trees; numbers, booleans and null stand for themselves. What comes
out is JSON again: numbers with a fraction that were only passed on keep the vendor's own digits.
"""

import json
import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, NamedTuple

from portico.clock import iso
from portico.errors import MappingFailed
from portico.shapes import Json, is_list, is_record

MOST_MILLISECONDS = 500
# What comes with Portico was tried when it was built, so only a machine that has no time for it can make it slow.
OUR_MILLISECONDS = 2_000
MOST_DEPTH = 100
LONGEST_EXPRESSION = 20_000
LONGEST_TEXT = 1_000_000
_DEEPEST = 40
_LARGEST_EXACT = 2**53
# Evaluates text that nobody has looked at.
_REMOVED = ("eval",)


class Fault(NamedTuple):
    """What is wrong with one expression of a tree: where it stands, and what the language says about it."""

    path: str
    problem: str


class Written(float):
    """A number that remembers how it was written."""

    text: str

    def __new__(cls, text: str) -> "Written":
        made = super().__new__(cls, text)
        made.text = text
        return made


def read(content: bytes | str) -> Any:
    """JSON whose fractions keep their digits."""
    return json.loads(content, parse_float=Written)


def check(tree: Any, path: str = "") -> list[Fault]:
    """Every expression that cannot be compiled."""
    faults: list[Fault] = []
    for place, expression in expressions(tree, path):
        if len(expression) > LONGEST_EXPRESSION:
            faults.append(Fault(place, f"is longer than {LONGEST_EXPRESSION} characters"))
            continue
        try:
            _compile(expression)
        except Exception as problem:
            faults.append(Fault(place, _reason(problem)))
    return faults


def expressions(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(place, expression) of everything in a tree that is run."""
    if isinstance(tree, str):
        yield path, tree
        return
    members: Any = tree.items() if is_record(tree) else enumerate(tree) if is_list(tree) else ()
    for name, each in members:
        yield from expressions(each, f"{path}.{name}" if path else str(name))


def run(tree: Any, scope: Json, milliseconds: int = MOST_MILLISECONDS) -> Any:
    """What the tree makes of the scope; None for nothing. MappingFailed names the expression that failed, and why."""
    try:
        return _clean(_evaluate(source(tree), scope, milliseconds), 0)
    except Exception as problem:
        raise _blame(tree, scope, problem) from None


def source(tree: Any) -> str:
    """One expression for a whole tree, so that a record is run once."""
    if isinstance(tree, str):
        return f"({tree})"
    if is_record(tree):
        return "{" + ", ".join(f"{json.dumps(name)}: {source(each)}" for name, each in tree.items()) + "}"
    if is_list(tree):
        return "[" + ", ".join(source(each) for each in tree) + "]"
    return json.dumps(tree)


def _blame(tree: Any, scope: Json, problem: Exception) -> MappingFailed:
    for place, expression in expressions(tree):
        try:
            _clean(_evaluate(source(expression), scope), 0)
        except Exception as found:
            return MappingFailed(f"The mapping {_place(place)}cannot be applied: {_reason(found)}.")
    return MappingFailed(f"The mapping cannot be applied: {_reason(problem)}.")


def _place(path: str) -> str:
    return f"of {path} " if path else ""


def _evaluate(expression: str, scope: Json, milliseconds: int = MOST_MILLISECONDS) -> Any:
    compiled = _compile(expression)
    frame = compiled.create_frame()
    frame.set_runtime_bounds(milliseconds, MOST_DEPTH)
    for name in _REMOVED:
        frame.bind(name, None)
    for name, function in _FUNCTIONS.items():
        frame.bind(name, _library().Jsonata.JLambda(function))
    return compiled.evaluate(scope, frame)


@lru_cache(maxsize=1024)
def _compile(expression: str) -> Any:
    compiled = _library().Jsonata(expression, _regex)
    compiled.set_validate_input(False)
    compiled.set_output_convert_nulls(False)
    return compiled


@cache
def _library() -> Any:
    """The language, imported when it is first needed. It raises the recursion limit of the whole process; not here."""
    limit = sys.getrecursionlimit()
    import jsonata

    sys.setrecursionlimit(limit)
    return jsonata


def _regex(pattern: str, flags: Any) -> Any:
    """Regular expressions that take time in proportion to the text, whatever they are."""
    import re2

    engine: Any = re2
    options = engine.Options()
    options.log_errors = False
    options.case_sensitive = not flags.case_insensitive
    options.never_nl = False
    return engine.compile(f"(?m){pattern}" if flags.multiline else pattern, options)


def _clean(value: Any, depth: int) -> Any:
    """Plain JSON of what the language gave."""
    if depth > _DEEPEST:
        raise ValueError(f"it gives a value nested deeper than {_DEEPEST} levels")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Written):
        return Decimal(value.text)
    if isinstance(value, int | float):
        return _number(value)
    if is_record(value):
        return {str(name): _clean(each, depth + 1) for name, each in value.items()}
    if is_list(value):
        return [_clean(each, depth + 1) for each in value]
    if value is _library().Utils.NULL_VALUE:
        return None
    if isinstance(value, range) or hasattr(value, "__iter__"):
        return [_clean(each, depth + 1) for each in value]
    raise ValueError("it gives a function, which is no JSON")


def _number(value: float) -> float:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("it gives a number without bounds")
        if value.is_integer() and abs(value) < _LARGEST_EXACT:
            return int(value)
    elif abs(value) >= 2**63:
        raise ValueError("it gives a number larger than JSON readers take")
    return value


def _reason(problem: BaseException) -> str:
    if isinstance(problem, RecursionError):
        return "it is nested too deeply"
    if isinstance(problem, MemoryError):
        return "it needs too much memory"
    if isinstance(problem, _library().JException):
        return {"D1011": "it calls itself too often", "D1012": "it takes too long"}.get(
            str(getattr(problem, "error", "")), str(problem)[:300].rstrip(".")
        )
    if type(problem).__module__.startswith("re2"):
        words = problem.args[0] if problem.args else ""
        return f"its regular expression is not one: {words.decode() if isinstance(words, bytes) else words}"[:300]
    return str(problem)[:300].rstrip(".") or type(problem).__name__


def _first_non_empty(*values: Any) -> Any:
    """The first that is neither missing, null, nor empty; a list counts by its members."""
    given: Any = values[0] if len(values) == 1 and is_list(values[0]) else values
    return next((value for value in given if not _is_empty(value)), None)


def _remove_empty(value: Any) -> Any:
    if is_record(value):
        return {name: each for name, each in value.items() if not _is_empty(each)}
    return [each for each in value if not _is_empty(each)] if is_list(value) else value


def _is_empty(value: Any) -> bool:
    return value is None or value is _library().Utils.NULL_VALUE or (isinstance(value, str | list | dict) and not value)


def _from_seconds(value: Any) -> str | None:
    """Unix seconds as ISO 8601; nothing for what is no moment."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return iso(datetime.fromtimestamp(value, UTC))
    except (OverflowError, OSError, ValueError):
        return None


def _to_seconds(value: Any) -> int | None:
    """ISO 8601, a date, or Unix seconds themselves, as Unix seconds."""
    text = str(value or "").strip()
    if text.isdecimal():
        return int(text[:18])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _pad(text: Any, width: Any = 0, filler: Any = " ") -> Any:
    if not isinstance(text, str):
        return None
    if abs(width) > LONGEST_TEXT:
        raise ValueError(f"$pad makes texts of {LONGEST_TEXT} characters at most")
    missing = int(abs(width)) - len(text)
    fill = (str(filler) * missing)[:missing] if missing > 0 and filler else ""
    return text + fill if width > 0 else fill + text


_FUNCTIONS: dict[str, Any] = {
    "firstNonEmpty": _first_non_empty,
    "removeEmpty": _remove_empty,
    "fromSeconds": _from_seconds,
    "toSeconds": _to_seconds,
    "pad": _pad,
}
FUNCTIONS = tuple(_FUNCTIONS)
