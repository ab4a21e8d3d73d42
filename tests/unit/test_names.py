"""Looking names up in lists: what a long list hides, how items are called, which parents are looked through."""

from pathlib import Path

import pytest

from portico.catalog.load import load_folder
from portico.errors import InvalidArguments
from portico.gateway.written import Written
from portico.model.operation import NameRule, Operation
from portico.shapes import Json
from portico.toolbox import names
from portico.toolbox.names import Asked, Candidate, Desk, Listed, NameBook, asked_for, resolve
from tests.conftest import HeldClock

VIEW = load_folder(Path("src/portico/integrations/openai/catalog"))


class Shelf:
    """Lists with what a test puts into them, and how often each was asked for."""

    def __init__(self, *, is_whole: bool = True, **items: list[Json]) -> None:
        self.items, self.is_whole = items, is_whole
        self.asked: list[tuple[str, Json]] = []

    async def list(self, operation: Operation, arguments: Json) -> Listed:
        self.asked.append((operation.resource, arguments))
        own = self.items.get(operation.resource, [])
        found = [each for each in own if all(each.get(name, value) == value for name, value in arguments.items())]
        return Listed(items=found, is_whole=self.is_whole)

    async def resolve(self, resource: str, method: str, arguments: Json) -> tuple[Json, Json]:
        book = NameBook(HeldClock(), Written())
        desk = Desk(view=VIEW, place=("e", "a"), book=book, lister=self.list, may_show=_sees_all)
        operation = VIEW.find(resource, method)
        return await resolve(desk, operation, arguments, asked_for(VIEW, operation))


def _sees_all(_listing: Operation, _asked: Asked, _candidate: Candidate) -> bool:
    return True


async def problem(shelf: Shelf, resource: str, method: str, arguments: Json) -> str:
    with pytest.raises(InvalidArguments) as caught:
        await shelf.resolve(resource, method, arguments)
    (failure,) = caught.value.failures
    return f"{failure.path}: {failure.problem} [{failure.allowed}]"


async def test_miss_in_a_list_too_long_to_be_read_says_so() -> None:
    shelf = Shelf(projects=[{"id": "proj_1", "name": "One"}], is_whole=False)
    assert "only the first 1 were looked through" in await problem(shelf, "projects", "get", {"project_id": "Two"})


async def test_miss_in_an_empty_list_says_that_there_are_none() -> None:
    assert "there are none" in await problem(Shelf(), "vector_stores", "get", {"vector_store_id": "Notes"})


async def test_many_namesakes_are_counted_and_not_all_shown() -> None:
    shelf = Shelf(files=[{"id": f"file-{number}", "filename": "a.txt"} for number in range(25)])
    told = await problem(shelf, "files", "get", {"file_id": "a.txt"})
    assert "is the name of 25" in told
    assert "and 15 more" in told


async def test_the_same_item_under_two_names_is_one() -> None:
    shelf = Shelf(batches=[{"id": "batch_1", "metadata": {"title": "Night", "run": "night"}}])
    resolved, _ = await shelf.resolve("batches", "get", {"batch_id": "NIGHT"})
    assert resolved == {"batch_id": "batch_1"}


async def test_parent_is_resolved_before_its_child_wherever_it_stands() -> None:
    shelf = Shelf(
        projects=[{"id": "proj_1", "name": "One"}],
        project_service_accounts=[{"id": "svc_acct_1", "name": "bot", "project_id": "proj_1"}],
    )
    asked = {"service_account_id": "bot", "project_id": "One", "workload_identity_provider_id": "idp_1"}
    resolved, understood = await shelf.resolve("federation_rules", "create", asked)
    assert (resolved["project_id"], resolved["service_account_id"]) == ("proj_1", "svc_acct_1")
    assert understood == {"project_id": "One = proj_1", "service_account_id": "bot = svc_acct_1"}


async def test_too_many_parents_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_MOST_PARENTS", 2)
    shelf = Shelf(projects=[{"id": f"proj_{number}", "name": str(number)} for number in range(3)])
    told = await problem(shelf, "costs", "list", {"start_time": 1, "api_key_ids": ["laptop"]})
    assert "project_id: must be said, for there are 3" in told
    assert [resource for resource, _ in shelf.asked] == ["projects"]


async def test_values_that_are_no_text_are_left_alone() -> None:
    shelf = Shelf(projects=[{"id": "proj_1", "name": "7"}])
    resolved, _ = await shelf.resolve("costs", "list", {"start_time": 1, "project_ids": [7, "", "7"]})
    assert resolved["project_ids"] == [7, "", "proj_1"]


@pytest.mark.parametrize(
    ("rule", "item", "called"),
    [
        (NameRule(), {"name": "a"}, ("a",)),
        (NameRule(fields=("email", "name")), {"email": "a@b", "name": "a"}, ("a@b", "a")),
        (NameRule(fields=("metadata.*",)), {"metadata": {"x": "a", "y": 1, "z": "a"}}, ("a",)),
        (NameRule(fields=("user.name",)), {"user": {"name": "a"}}, ("a",)),
        (NameRule(fields=("user.name", "metadata.*")), {"user": None, "metadata": None}, ()),
    ],
)
def test_items_are_called_by_the_fields_of_their_rule(rule: NameRule, item: Json, called: tuple[str, ...]) -> None:
    assert names.candidate_of(rule, {"id": "1", **item}).names == called


def test_writes_never_seem_undone() -> None:
    written = Written()
    seen = [written.count("a")]
    for account in ("a", "b", "a"):
        written.note(account)
        seen.append(written.count("a"))
    assert seen == [0, 1, 1, 2]
