"""What scripts of python graders may do with values: operators, comparisons, functions and methods, all bounded."""

import ast
import math
from collections.abc import Callable
from typing import Any

LARGEST_SIZE = 100_000
LARGEST_POWER = 64
LARGEST_NUMBER = 10**100


class ScriptStopped(Exception):
    """A script that can't go on, and why. What Python itself would raise can be caught by the script's `try`."""

    def __init__(self, reason: str, *, can_be_caught: bool = False) -> None:
        super().__init__(reason)
        self.can_be_caught = can_be_caught


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "all": all,
    "any": any,
    "bool": bool,
    "dict": dict,
    "float": float,
    "int": int,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "range": lambda *ends: sized(range(*ends)),
    "round": round,
    "set": lambda *given: list(dict[Any, None].fromkeys(*given)),
    "sorted": sorted,
    "str": str,
    "sum": sum,
}
TEXT_METHODS = """
count endswith find isalpha isdigit islower isupper join lower lstrip removeprefix removesuffix rstrip split splitlines
startswith strip title upper
"""
METHODS: dict[type, frozenset[str]] = {
    str: frozenset(TEXT_METHODS.split()),
    dict: frozenset(("get", "keys", "values")),
    list: frozenset(("append", "count", "index")),
}


def combine(sign: ast.operator, left: Any, right: Any) -> Any:
    match sign:
        case ast.Add():
            return sized(left + right)
        case ast.Sub():
            return left - right
        case ast.Mult():
            if not all(isinstance(side, int | float) for side in (left, right)):
                raise ScriptStopped("only numbers can be multiplied here")
            return sized(left * right)
        case ast.Div():
            return left / right
        case ast.FloorDiv():
            return left // right
        case ast.Mod():
            if isinstance(left, str):
                raise ScriptStopped("texts can't be formatted here")
            return left % right
        case ast.Pow() if abs(right) <= LARGEST_POWER:
            return sized(left**right)
        case _:
            raise ScriptStopped(f"the operator '{type(sign).__name__}' is not known here")


def compare(sign: ast.cmpop, left: Any, right: Any) -> bool:
    known: dict[type[ast.cmpop], Callable[[], bool]] = {
        ast.Eq: lambda: left == right,
        ast.NotEq: lambda: left != right,
        ast.Lt: lambda: left < right,
        ast.LtE: lambda: left <= right,
        ast.Gt: lambda: left > right,
        ast.GtE: lambda: left >= right,
        ast.In: lambda: left in right,
        ast.NotIn: lambda: left not in right,
        ast.Is: lambda: left is right,
        ast.IsNot: lambda: left is not right,
    }
    return known[type(sign)]()


def sized(value: Any) -> Any:
    """The value, if it is not absurdly large."""
    if isinstance(value, int | float):
        if math.isfinite(value) and abs(value) > LARGEST_NUMBER:
            raise ScriptStopped("a number became too large")
    elif hasattr(value, "__len__") and len(value) > LARGEST_SIZE:
        raise ScriptStopped("a value became too large")
    return value
