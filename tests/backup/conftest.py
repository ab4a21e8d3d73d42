"""Which pairs of engines are tried: where a backup comes from, and where it is put back."""

import pytest

from tests.size import IS_FULL

# From PostgreSQL to SQLite and the other way round is always tried. PostgreSQL at both ends costs the most and finds
# the least: in the everyday suite these tests try it all the same.
ALWAYS = {
    "test_calls_tokens_and_audit_go_on_after_a_restore_on_either_engine",
    "test_what_was_logged_metered_and_stored_is_there_after_a_restore",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not IS_FULL:
        items[:] = [each for each in items if not _is_left_out(each)]


def _is_left_out(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return False
    tried = item.callspec.params
    targets = [tried[name] for name in ("target_url", "begun_url") if name in tried]
    return bool(targets) and [tried.get("engine"), *targets] == ["postgres"] * 2 and item.originalname not in ALWAYS
