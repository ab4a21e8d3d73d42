"""Facts of the committed inventory, and that it is what the installed SDK says."""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from portico.catalog import inventory
from portico.catalog.harvest.narrow import JsonObject, as_list, as_object, as_objects, as_text
from portico.catalog.harvest.notes import read_notes
from portico.catalog.harvest.sdk import Sdk

FILE, NOTES = inventory.VENDOR / "inventory.json", inventory.VENDOR / "definition" / "inventory-notes.yaml"
KINDS = {"string", "integer", "number", "boolean", "object", "array", "file", "union"}


@pytest.fixture(scope="module")
def records() -> list[JsonObject]:
    return as_objects(as_object(json.loads(FILE.read_text(encoding="utf-8")))["operations"])


@pytest.fixture(scope="module")
def sdk() -> Sdk:
    """The installed one, read once: that takes seconds."""
    return Sdk(inventory.installed())


def at(record: JsonObject, *names: str) -> object:
    value: object = record
    for name in names:
        value = as_object(value).get(name)
    return value


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for entry in [*as_list(value), *as_object(value).values()]:
        yield from texts(entry)


def test_every_operation_is_there_once_and_in_order(records: list[JsonObject]) -> None:
    calls = [(as_text(record["path"]), as_text(record["verb"])) for record in records]
    assert len(calls) == 382
    assert calls == sorted(set(calls))


@pytest.mark.parametrize(
    ("names", "counts"),
    [
        (["verb"], {"GET": 169, "POST": 158, "DELETE": 55}),
        (["in_openapi"], {True: 281, False: 101}),
        (["security"], {"project key": 239, "admin key": 143}),
        (["beta_header"], {None: 278, "agents=v1": 57, "assistants=v2": 41, "chatkit_beta=v1": 6}),
        (["body", "content_type"], {None: 242, "application/json": 123, "multipart/form-data": 17}),
        (["answers", "kind"], {"json": 360, "none": 12, "binary": 8, "events": 1, "text": 1}),
        (["answers", "can_stream"], {False: 369, True: 13}),
        (["answers", "page", "next_from"], {None: 297, "last_id": 40, "data[-1].id": 23, "next_page": 12, "next": 10}),
        (["idempotency_header"], {None: 380, "Idempotency-Key": 2}),
        (["by_hand"], {None: 381, True: 1}),
    ],
)
def test_counts_are_those_of_the_vendors_surface(
    records: list[JsonObject], names: list[str], counts: dict[object, int]
) -> None:
    assert Counter(at(record, *names) for record in records) == counts


def test_deprecations_are_told_per_source(records: list[JsonObject]) -> None:
    marks = Counter(tuple(as_list(record.get("deprecated_in"))) for record in records)
    assert marks == {(): 347, ("openapi", "sdk"): 15, ("sdk",): 20}


def test_path_arguments_are_those_in_the_path(records: list[JsonObject]) -> None:
    for record in records:
        told = [entry["name"] for entry in as_objects(record["parameters"]) if entry["place"] == "path"]
        assert told == re.findall(r"{(\w+)}", as_text(record["path"]))


def test_every_argument_has_a_known_kind_and_a_place(records: list[JsonObject]) -> None:
    for entry in (entry for record in records for entry in as_objects(record["parameters"])):
        assert entry["type"] in KINDS
        assert entry["place"] in {"path", "query", "header", "body", "upload"}
        assert entry["sources"] in {"sdk", "openapi", "both"}


def test_uploads_are_only_in_multipart_bodies(records: list[JsonObject]) -> None:
    for record in records:
        if at(record, "body", "uploads"):
            assert at(record, "body", "content_type") == "multipart/form-data"


def test_no_text_is_a_sentence(records: list[JsonObject]) -> None:
    allowed = {"project key", "admin key", "conversation cursor"}
    assert {text for record in records for text in texts(record) if " " in text} == allowed


def test_hand_facts_are_in_place(records: list[JsonObject]) -> None:
    calls = {f"{record['verb']} {record['path']}": record for record in records}
    assert calls["GET /me"]["sdk"] is None
    cancel = calls["POST /evals/{eval_id}/runs/{run_id}/cancel"]
    assert (cancel["sdk"], cancel["in_openapi"]) == ("client.evals.runs.cancel", True)
    assert "POST /evals/{eval_id}/runs/{run_id}" not in calls


def test_installed_sdk_breaks_nothing_the_inventory_promises(sdk: Sdk) -> None:
    out = io.StringIO()
    assert inventory.check(FILE, sdk, read_notes(NOTES), None, out=out, as_json=False) == 0, out.getvalue()


def test_rebuild_from_the_same_sdk_changes_no_byte(sdk: Sdk) -> None:
    held = FILE.read_text(encoding="utf-8")
    notes = read_notes(NOTES)
    built = inventory.build(FILE, sdk, notes, None)
    before, after = (as_object(json.loads(text))["about"] for text in (held, built))
    if before != after:
        pytest.skip(f"the inventory was made from {before}, installed is {after}")
    assert built == held
    assert inventory.answers_text(sdk, notes) == FILE.with_name(inventory.ANSWERS).read_text(encoding="utf-8")


def test_answers_say_no_sentence() -> None:
    """Facts alone: words of the vendor's are names, kinds and listed values."""
    told = texts(json.loads(FILE.with_name(inventory.ANSWERS).read_text(encoding="utf-8")))
    assert [each for each in told if " " in each.strip()] == []


def test_file_is_small_enough_to_review() -> None:
    assert FILE.stat().st_size < 2_500_000
