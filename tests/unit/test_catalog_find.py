"""Finding operations: by name, by alias, by filter, by the vendor's own path; and what is said when there is none."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from portico.catalog.find import group_of, select
from portico.errors import NoSuchOperation
from portico.model.operation import Lifecycle
from tests.unit import lumen

VIEW = lumen.view()
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("resource", "method", "key"),
    [
        ("lamps", "list", "lamps.list"),
        ("lamps", "blink", "lamps.blink"),
        ("lights", "flash", "lamps.blink"),
        ("house", "get", "house.get"),
        ("house", "list", "house.get"),
        ("meters", "get", "meters.list"),
        ("house", "create", "house.update"),
    ],
)
def test_an_operation_is_found_by_resource_and_method(resource: str, method: str, key: str) -> None:
    assert VIEW.find(resource, method).key == key


@pytest.mark.parametrize(
    ("resource", "method", "sentence"),
    [
        ("lamp", "list", "Lumen has no resource 'lamp'; did you mean 'lamps'?"),
        ("room_lock", "get", "Lumen has no resource 'room_lock'; did you mean 'room_locks'?"),
        ("zzz", "list", "Lumen has no resource 'zzz'; GET …/capabilities lists all of them."),
        (
            "lamps",
            "glow",
            "The resource 'lamps' has no method 'glow'; it has: list, get, create, update, delete, blink.",
        ),
        ("LAMPS", "list", "Lumen has no resource 'LAMPS'; GET …/capabilities lists all of them."),
    ],
)
def test_what_is_not_there_is_told_with_what_is_near(resource: str, method: str, sentence: str) -> None:
    with pytest.raises(NoSuchOperation) as caught:
        VIEW.find(resource, method)
    assert caught.value.sentence == sentence


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("list_all_lumen_lamps", "lamps.list"),
        ("lumen_flash", "lamps.blink"),
        ("lumen_lamps_blink", "lamps.blink"),
        ("list_all_lu_men_lamps", "lamps.list"),
        ("lu_men_blink", "lamps.blink"),
        ("get_single_lu_men_lamp_by_id", "lamps.get"),
    ],
)
def test_a_tool_is_found_by_name_alias_and_other_spelling(name: str, key: str) -> None:
    found = VIEW.tool(name)
    assert found is not None
    assert found.key == key


@pytest.mark.parametrize(
    "name", ["", "lamps", "list_all_lumens_lamps", "list_all_lu_men_lu_men_lamps", "LIST_ALL_LUMEN_LAMPS"]
)
def test_no_other_name_is_a_tool(name: str) -> None:
    assert VIEW.tool(name) is None


def test_the_nearest_tools_are_named_nearest_first() -> None:
    assert VIEW.nearest_tools("list_all_lumen_lamp")[0] == "list_all_lumen_lamps"
    assert VIEW.nearest_tools("????") == []


@pytest.mark.parametrize(
    ("methods", "tags", "keys"),
    [
        (["list"], ["lamps"], ["lamps.list"]),
        (["read"], ["lamps"], ["lamps.list", "lamps.get"]),
        (["write"], ["lamps"], ["lamps.create", "lamps.update", "lamps.delete"]),
        (["custom"], [], ["lamps.blink", "scenes.search", "shows.film"]),
        (["lamps.get", "list_all_lumen_scenes", "lumen_flash"], [], ["lamps.get", "lamps.blink", "scenes.list"]),
        ([], ["destructive"], ["lamps.delete"]),
        ([], ["admin", "shows"], ["shows.create", "shows.film", "meters.list", "house.get", "house.update"]),
        (["read"], ["shows"], []),
        (["nonsense"], [], []),
        ([], ["nonsense"], []),
    ],
)
def test_both_filters_narrow_together(methods: Sequence[str], tags: Sequence[str], keys: list[str]) -> None:
    assert [each.key for each in select(VIEW.operations, methods, tags)] == keys


def test_no_filter_keeps_everything() -> None:
    assert select(VIEW.operations) == list(VIEW.operations)


@pytest.mark.parametrize(
    ("method", "group"),
    [
        ("list", "read"),
        ("get", "read"),
        ("create", "write"),
        ("update", "write"),
        ("delete", "write"),
        ("blink", "custom"),
    ],
)
def test_every_method_belongs_to_one_group(method: str, group: str) -> None:
    assert group_of(method) == group


@pytest.mark.parametrize(
    ("path", "credential"),
    [
        ("/admin", "admin"), ("/admin/", "admin"), ("/admin/meters", "admin"), ("/admin/meters/1/2", "admin"),
        ("/administration", "user"), ("/lamps/admin", "user"), ("/", "user"), ("/Admin/meters", "user"), ("", "user"),
        ("/admin\n/x", "user"),
    ],
)  # fmt: skip
def test_a_path_decides_which_key_it_needs(path: str, credential: str) -> None:
    assert VIEW.credential_for(path).name == credential


@pytest.mark.parametrize(
    ("verb", "path", "key"),
    [
        ("GET", "/lamps", "lamps.list"),
        ("GET", "/lamps/", "lamps.list"),
        ("GET", "/lamps/l1", "lamps.get"),
        ("POST", "/lamps/l1", "lamps.update"),
        ("POST", "/lamps/l1/blink", "lamps.blink"),
        ("GET", "/rooms/r/locks/k", "room_locks.get"),
        ("POST", "/rooms/scenes/search", "scene_search.list"),
        ("PUT", "/lamps/l1", None),
        ("GET", "/lamps/l1/l2/l3", None),
        ("GET", "/rooms/r/doors/k", None),
        ("GET", "/", None),
    ],
)
def test_a_vendors_path_leads_back_to_its_operation(verb: str, path: str, key: str | None) -> None:
    found = VIEW.by_path(verb, path)
    assert (found.key if found else None) == key


def test_a_view_of_another_day_differs_only_where_the_calendar_does() -> None:
    before, after = VIEW.on(date(2026, 1, 30)), VIEW.on(date(2026, 1, 31))
    assert before.find("bulbs", "list").lifecycle.state == "deprecated"
    assert after is VIEW
    assert VIEW.on(date(2025, 1, 1)) is before
    assert before.find("lamps", "list") is VIEW.find("lamps", "list")


_START, _END = date(2026, 10, 31), date(2026, 11, 30)


@pytest.mark.parametrize(
    ("lifecycle", "day", "state", "told"),
    [
        (Lifecycle(), _END, "active", None),
        (Lifecycle(state="active", date=_START), _END, "active", _START),
        (Lifecycle(state="deprecated"), _END, "deprecated", None),
        (Lifecycle(state="removed"), _START, "removed", None),
        (Lifecycle(state="deprecated", date=_END), _END - DAY, "deprecated", _END),
        (Lifecycle(state="deprecated", date=_END), _END, "removed", _END),
        (Lifecycle(state="removed", date=_END), _END - DAY, "deprecated", _END),
        (Lifecycle(state="removed", date=_END), _END, "removed", _END),
        (Lifecycle(state="read_only", date=_START, ends=_END), _START - DAY, "deprecated", _START),
        (Lifecycle(state="read_only", date=_START, ends=_END), _START, "read_only", _START),
        (Lifecycle(state="read_only", date=_START, ends=_END), _END - DAY, "read_only", _START),
        (Lifecycle(state="read_only", date=_START, ends=_END), _END, "removed", _END),
        (Lifecycle(state="read_only", date=_START), _END, "read_only", _START),
        (Lifecycle(state="read_only", ends=_END), _END, "removed", _END),
    ],
)
def test_the_state_that_an_operation_has_come_to(
    lifecycle: Lifecycle, day: date, state: str, told: date | None
) -> None:
    standing = lifecycle.on(day)
    assert (standing.state, standing.date) == (state, told)
    assert (standing.ends is None) or standing.state != "removed"
