"""Nothing that the catalog could do for a model is forgotten: ids take names, and what takes time can be waited for."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from portico.catalog.build import INTEGRATIONS
from portico.catalog.check import exceptions_of
from portico.catalog.comforts import Exceptions, Finding, findings, forgotten, report
from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.model.operation import Operation

FOLDER = INTEGRATIONS / "openai"
VIEW, EXCEPTIONS = load_folder(FOLDER / "catalog"), exceptions_of(FOLDER)


def changed(key: str, change: Callable[[Operation], Operation], **integration: Any) -> View:
    """The catalog with one operation as somebody might have left it."""
    operations = [change(each) if each.key == key else each for each in VIEW.operations]
    return View(structs.replace(VIEW.integration, **integration), operations)


def unnamed(operation: Operation) -> Operation:
    return structs.replace(
        operation,
        parameters=tuple(structs.replace(each, names="", names_within={}) for each in operation.parameters),
    )


def of(kind: str, key: str) -> Finding:
    return next(each for each in findings(VIEW, EXCEPTIONS) if (each.kind, each.key) == (kind, key))


def test_nothing_of_the_vendor_is_forgotten() -> None:
    assert forgotten(VIEW, EXCEPTIONS) == []


@pytest.mark.parametrize(
    ("key", "argument"),
    [
        ("batches.create", "input_file_id"),
        ("costs.list", "project_ids"),
        ("group_users.create", "user_id"),
        ("agent_sessions.create", "vault_ids"),
        ("federation_rules.create", "service_account_id"),
        ("invites.create", "projects[].id"),
        ("responses.create", "tools[].vector_store_ids"),
        ("vector_store_file_batches.create", "files[].file_id"),
    ],
)
def test_id_whose_kind_can_be_listed_is_missed_when_it_takes_no_name(key: str, argument: str) -> None:
    lines = forgotten(changed(key, unnamed), EXCEPTIONS)
    assert any(each.startswith(f"{key} {argument}: is an id that") for each in lines)


@pytest.mark.parametrize(
    "key",
    [
        "batches.create", "batches.get", "fine_tuning_jobs.create", "vector_store_files.create", "videos.create",
        "vector_store_file_batches.create", "uploads.complete", "runs.create", "responses.create", "responses.cancel",
        "eval_runs.create", "agent_turns.get", "files.create",
    ],
)  # fmt: skip
def test_what_passes_by_itself_is_missed_when_nothing_waits_for_it(key: str) -> None:
    left = changed(key, lambda each: structs.replace(each, wait=None))
    assert [each.partition(":")[0] for each in forgotten(left, EXCEPTIONS)] == [key]


def test_change_is_waited_for_where_the_thing_is_looked_at() -> None:
    assert of("states", "vector_stores.update") == Finding(
        kind="states", key="vector_stores.update", verdict="has it", told="vector_stores.get waits"
    )


def test_exceptions_have_reasons_and_every_one_is_needed() -> None:
    for words in structs.asdict(EXCEPTIONS).values():
        assert all(len(why) > 20 for why in words.values())
    needless = structs.replace(EXCEPTIONS, ids={**EXCEPTIONS.ids, "batches.create input_file_id": "no reason at all"})
    assert forgotten(VIEW, needless) == ["exceptions.ids: 'batches.create input_file_id' needs none"]
    none = forgotten(VIEW, Exceptions())
    assert len(none) == sum(len(words) for words in structs.asdict(EXCEPTIONS).values())


def test_list_said_to_have_no_names_is_missed_when_its_items_have_one() -> None:
    rules = VIEW.integration.names
    nameless = rules | {"vector_stores.list": structs.replace(rules["vector_stores.list"], fields=())}
    lines = forgotten(changed("", unnamed, names=nameless), EXCEPTIONS)
    assert lines[0].startswith("vector_stores.list: its items have name")


def test_id_in_a_nested_object_is_seen_and_what_nothing_lists_is_told() -> None:
    assert of("ids", "responses.create tools[].vector_store_ids").told == "vector_stores.list"
    assert of("ids", "external_storage.create provider.workload_identity_provider_id").verdict == "excepted"
    assert of("ids", "responses.create previous_response_id").verdict == "nothing lists it"
    assert of("ids", "agent_artifacts.list environment_id").verdict == "its kind has no names"


def test_report_says_of_every_place_what_stands_for_it() -> None:
    told = report(VIEW, EXCEPTIONS)
    assert "batches.create input_file_id" in told
    assert told.endswith(" excepted\n")
