"""The filters of vector-store searches: comparisons of attributes, joined by and/or."""

from collections.abc import Callable, Mapping
from typing import Any

from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_list, is_record

Attributes = Mapping[str, str | float | bool]
Test = Callable[[Attributes], bool]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda held, wanted: held == wanted,
    "ne": lambda held, wanted: held != wanted,
    "gt": lambda held, wanted: held > wanted,
    "gte": lambda held, wanted: held >= wanted,
    "lt": lambda held, wanted: held < wanted,
    "lte": lambda held, wanted: held <= wanted,
    "in": lambda held, wanted: held in wanted,
    "nin": lambda held, wanted: held not in wanted,
}
OF_LISTS = ("in", "nin")
OF_ORDER = ("gt", "gte", "lt", "lte")


def read_filter(given: object, path: str = "filters") -> Test:
    """A filter as a test of attributes; no filter lets everything through."""
    if given is None:
        return lambda attributes: True
    if not is_record(given):
        raise invalid(f"'{path}' must be an object.", path, "invalid_type")
    kind = given.get("type")
    if kind in ("and", "or"):
        return _joined(given, path)
    if kind not in COMPARISONS:
        allowed = ", ".join((*COMPARISONS, "and", "or"))
        raise invalid(f"'{path}.type' must be one of {allowed}.", f"{path}.type")
    return _comparison(given, str(kind), path)


def _joined(given: Json, path: str) -> Test:
    inner = given.get("filters")
    if not is_list(inner) or not inner:
        raise invalid(f"'{path}.filters' must be a list of filters.", f"{path}.filters")
    tests = [read_filter(item, f"{path}.filters[{place}]") for place, item in enumerate(inner)]
    if given["type"] == "and":
        return lambda attributes: all(test(attributes) for test in tests)
    return lambda attributes: any(test(attributes) for test in tests)


def _comparison(given: Json, kind: str, path: str) -> Test:
    key, wanted = given.get("key"), given.get("value")
    if not isinstance(key, str) or wanted is None:
        raise invalid(f"'{path}' needs a 'key' and a 'value'.", path, "missing_required_parameter")
    if is_list(wanted) != (kind in OF_LISTS):
        raise invalid(f"'{path}.value' does not fit the comparison '{kind}'.", f"{path}.value")
    compare = COMPARISONS[kind]

    def test(attributes: Attributes) -> bool:
        held = attributes.get(key)
        if held is None:
            return kind in ("ne", "nin")
        if kind in OF_ORDER and isinstance(held, str) != isinstance(wanted, str):
            return False
        return compare(held, wanted)

    return test
