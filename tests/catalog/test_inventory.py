"""The inventory's readers and their merging, on a small package and specification."""

from pathlib import Path

import pytest
import yaml

from portico.catalog.harvest.codec import record_json
from portico.catalog.harvest.endpoints import UnreadablePath
from portico.catalog.harvest.narrow import as_object
from portico.catalog.harvest.notes import UnknownNote, read_notes
from portico.catalog.harvest.openapi import NoOperations, read_openapi
from portico.catalog.harvest.record import Record
from portico.catalog.harvest.sdk import NoClient, Sdk
from tests.catalog.inventory_sources import SPECIFICATION, Workplace, arguments, by_call, write_workplace


def read_sdk(package: Path) -> tuple[str, list[Record]]:
    sdk = Sdk(package)
    return sdk.version, sdk.records()


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return write_workplace(tmp_path)


def test_package_is_read_without_being_run(workplace: Workplace) -> None:
    version, records = read_sdk(workplace.package)
    assert version == "9.1.0"
    assert {f"{record.verb} {record.path}" for record in records} == {
        "POST /files",
        "GET /files",
        "GET /files/{file_id}/content",
        "GET /files/{file_id}/events",
        "POST /files/{file_id}/notes",
    }


def test_upload_names_its_file_its_headers_and_its_wire_names(workplace: Workplace) -> None:
    record = by_call(read_sdk(workplace.package)[1])["POST /files"]
    told = arguments(record)
    assert (record.body.content_type, record.beta_header, record.idempotency_header) == (
        "multipart/form-data",
        "files=v2",
        "Idempotency-Key",
    )
    assert told["file"] == {"name": "file", "place": "upload", "type": "file", "required": True, "sources": "sdk"}
    assert told["purpose"]["enum"] == ["batch", "vision"]
    assert (told["async"]["sdk_name"], told["async"]["required"]) == ("async_", False)
    assert told["idempotency_key"]["wire_name"] == "Idempotency-Key"


def test_list_tells_its_page_its_key_and_the_items_fields(workplace: Workplace) -> None:
    record = by_call(read_sdk(workplace.package)[1])["GET /files"]
    told = as_object(record_json(record)["answers"])
    fields = as_object(as_object(record_json(record)["answer"])["fields"])
    assert record.security == "admin key"
    assert told["page"] == {"style": "cursor", "send": "after", "next_from": "data[-1].id", "fields": ["has_more"]}
    assert arguments(record)["kinds"]["wire_name"] == "kinds[]"
    assert as_object(fields["data"])["fields"] == {
        "id": "string",
        "size": "integer",
        "owner": "object",
        "class": "string",
    }


@pytest.mark.parametrize(
    ("call", "kind", "can_stream"),
    [
        ("POST /files", "json", False),
        ("GET /files/{file_id}/content", "binary", False),
        ("GET /files/{file_id}/events", "events", True),
        ("POST /files/{file_id}/notes", "none", False),
    ],
)
def test_answer_kind_follows_what_the_method_makes_of_it(
    workplace: Workplace, call: str, kind: str, can_stream: bool
) -> None:
    answer = by_call(read_sdk(workplace.package)[1])[call].answer
    assert (answer.kind, answer.can_stream) == (kind, can_stream)


def test_deprecated_twin_stands_behind_the_method_that_replaces_it(workplace: Workplace) -> None:
    record = by_call(read_sdk(workplace.package)[1])["GET /files/{file_id}/content"]
    assert (record.sdk, record.sdk_other) == ("client.files.content", ("client.files.aged_content",))
    assert record.deprecated_in == ()


def test_body_that_is_a_union_keeps_its_alternatives(workplace: Workplace) -> None:
    record = by_call(read_sdk(workplace.package)[1])["POST /files/{file_id}/notes"]
    told = arguments(record)
    assert [(entry.type_value, entry.required) for entry in record.body.alternatives] == [
        ("text", ("type", "text")),
        ("link", ("type", "url")),
    ]
    assert (told["type"]["required"], told["type"]["enum"]) == (True, ["text", "link"])
    assert told["url"]["required"] is False


def test_path_that_is_no_plain_text_is_refused(workplace: Workplace) -> None:
    workplace.change("vendor/resources/files.py", 'self._post("/files"', "self._post(address")
    with pytest.raises(UnreadablePath, match=r"client\.files\.create"):
        read_sdk(workplace.package)


def test_folder_without_a_client_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoClient):
        read_sdk(tmp_path)


def test_specification_gives_bounds_content_types_and_corrected_paths(workplace: Workplace) -> None:
    version, found = read_openapi(workplace.specification, {("DELETE", "/wrong"): "/right"})
    records = {f"{record.verb} {record.path}": record for record in found}
    listing, upload = arguments(records["GET /files"]), arguments(records["POST /files"])
    assert version == "5"
    assert records["GET /files"].query_variants == ("beta=true",)
    assert records["GET /files"].operation_id == "listFiles"
    assert (listing["after"]["nullable"], listing["after"]["max_length"]) == (True, 9)
    assert (listing["limit"]["minimum"], listing["limit"]["default"]) == (1, 20)
    assert listing["kinds"]["wire_name"] == "kinds[]"
    assert (upload["file"]["only_in"], upload["url"]["only_in"]) == ("multipart/form-data", "application/json")
    assert "only_in" not in upload["purpose"]
    assert records["POST /files"].answer.status == (("201", ("application/json",)), ("429", ()))
    right = records["DELETE /right"]
    assert (right.openapi_path, right.security, right.answer.kind) == ("/wrong", "admin key", "none")


def test_recursive_schema_is_cut_and_variants_are_told_apart(workplace: Workplace) -> None:
    _, records = read_openapi(workplace.specification, {})
    upload = arguments(by_call(records)["POST /files"])
    cut = {"name": "child", "type": "object", "required": False, "open": True}
    assert upload["node"]["properties"] == [{"name": "id", "type": "string", "required": False}, cut]
    round_form = {"name": "form", "type": "string", "required": False, "enum": ["round"]}
    size = {"name": "size", "type": "number", "required": False, "maximum": 4}
    square_form = {"name": "form", "type": "string", "required": False, "enum": ["square"]}
    assert upload["shape"]["by"] == "form"
    assert upload["shape"]["variants"] == [
        {"type_value": "round", "properties": [round_form, size]},
        {"type_value": "square", "properties": [square_form]},
    ]


def test_yaml_and_json_give_the_same_records(workplace: Workplace) -> None:
    other = workplace.folder / "openapi.yaml"
    other.write_text(yaml.safe_dump(SPECIFICATION, sort_keys=False))
    assert read_openapi(other, {}) == read_openapi(workplace.specification, {})


def test_unquoted_dates_in_yaml_stay_text(workplace: Workplace) -> None:
    parameter = "{name: day, in: query, schema: {type: string, enum: [2026-10-08], default: 2026-10-08}}"
    workplace.specification.with_suffix(".yaml").write_text(f"paths: {{/days: {{get: {{parameters: [{parameter}]}}}}}}")
    _, records = read_openapi(workplace.specification.with_suffix(".yaml"), {})
    told = arguments(records[0])["day"]
    assert (told["enum"], told["default"]) == (["2026-10-08"], "2026-10-08")


def test_specification_without_operations_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "openapi.json"
    empty.write_text("{}")
    with pytest.raises(NoOperations):
        read_openapi(empty, {})


def test_specification_decides_and_sdk_adds(workplace: Workplace) -> None:
    assert workplace.run("--openapi", str(workplace.specification)) == (0, "")
    records = workplace.held()
    listing, upload = arguments(records["GET /files"]), arguments(records["POST /files"])
    assert (listing["after"]["sources"], listing["limit"]["sources"]) == ("both", "openapi")
    items = as_object(listing["kinds"]["items"])
    assert (items["enum"], items["values_sdk_only"]) == (["text", "old", "sound"], ["sound"])
    # The specification wants no purpose in the JSON body, the SDK does.
    assert (upload["purpose"]["required"], upload["purpose"]["sdk_required"]) == (False, True)
    assert upload["async"]["sources"] == "sdk"
    assert records["GET /files"].deprecated_in == ("openapi",)
    page = as_object(as_object(record_json(records["GET /files"])["answers"])["page"])
    assert page["next_from"] == "last_id"
    # The path parameter has the specification's name, and the SDK's kind of answer stands.
    content = records["GET /files/{id}/content"]
    assert (content.answer.kind, arguments(content)["id"]["sdk_name"]) == ("binary", "file_id")
    assert (records["GET /me"].by_hand, records["GET /me"].sdk, records["GET /me"].in_openapi) == (True, "", False)


def test_rebuild_is_identical_with_and_without_the_specification(workplace: Workplace) -> None:
    workplace.run("--openapi", str(workplace.specification))
    first = workplace.inventory.read_bytes()
    workplace.run()
    assert workplace.inventory.read_bytes() == first
    workplace.run("--openapi", str(workplace.specification))
    assert workplace.inventory.read_bytes() == first


def test_rebuild_from_the_sdk_alone_keeps_what_the_specification_said(workplace: Workplace) -> None:
    workplace.run("--openapi", str(workplace.specification))
    workplace.change("vendor/types/file_list_params.py", "    after: str\n", "")
    workplace.change("vendor/resources/files.py", '"after": after, ', "")
    workplace.change("vendor/resources/files.py", ', "async_": async_', "")
    workplace.change("vendor/types/file_list_params.py", '"sound"', '"image"')
    workplace.run()
    records = workplace.held()
    listing, upload = arguments(records["GET /files"]), arguments(records["POST /files"])
    assert (listing["after"]["sources"], listing["after"]["max_length"]) == ("openapi", 9)
    assert listing["limit"]["default"] == 20
    assert as_object(listing["kinds"]["items"])["enum"] == ["text", "old", "image"]
    assert "async" not in upload


def test_unknown_word_in_the_notes_is_named(workplace: Workplace) -> None:
    workplace.notes.write_text("operation: []\n")
    with pytest.raises(UnknownNote, match="operation; known are"):
        read_notes(workplace.notes)
