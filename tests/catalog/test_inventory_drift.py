"""What the inventory's check reports when a source moves, and what it makes of it."""

import json
from pathlib import Path

import pytest

from portico.catalog.harvest.narrow import as_object, as_objects
from tests.catalog.inventory_sources import Workplace, write_workplace

CREATE, LISTING = "vendor/types/file_create_params.py", "vendor/types/file_list_params.py"
RESOURCE, NOTE = "vendor/resources/files.py", "vendor/types/note_create_params.py"


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    made = write_workplace(tmp_path)
    made.run("--openapi", str(made.specification))
    return made


def changes(workplace: Workplace, *arguments: str) -> tuple[int, list[tuple[object, ...]]]:
    code, text = workplace.run("--check", "--json", *arguments)
    told = as_objects(as_object(json.loads(text))["changes"])
    return code, [(entry["severity"], entry["call"], entry["name"], entry["what"]) for entry in told]


def test_unmoved_sources_report_nothing(workplace: Workplace) -> None:
    assert changes(workplace, "--openapi", str(workplace.specification)) == (0, [])


@pytest.mark.parametrize(
    ("edits", "code", "told"),
    [
        pytest.param(
            [(RESOURCE, "def wait(self, file_id: str) -> File:\n        return self.retrieve(file_id)",
              'def wait(self) -> File:\n        return self._get("/files/wait", cast_to=File)')],
            0, ("new", "GET /files/wait", "", "operation added"), id="operation added",
        ),
        pytest.param(
            [(RESOURCE, '"/files/{file_id}/notes"', '"/notes/{file_id}"')],
            1, ("break", "POST /files/{file_id}/notes", "", "operation removed"), id="operation removed",
        ),
        pytest.param(
            [(RESOURCE, '"after": after, ', '"after": after, "order": order, ')],
            0, ("new", "GET /files", "order", "argument added"), id="argument added",
        ),
        pytest.param(
            [(RESOURCE, '"after": after, ', "")],
            1, ("break", "GET /files", "after", "argument removed"), id="argument removed",
        ),
        pytest.param(
            [(CREATE, "async_: Annotated[bool, ", "async_: Annotated[Required[bool], ")],
            1, ("break", "POST /files", "async", "argument is now required"), id="argument newly required",
        ),
        pytest.param(
            [(CREATE, "    file:", "    owner: Required[str]\n    file:"),
             (RESOURCE, '"file": file,', '"file": file, "owner": owner,')],
            1, ("break", "POST /files", "owner", "required argument added"), id="required argument added",
        ),
        pytest.param(
            [(CREATE, "purpose: Required[", "purpose: NotRequired[")],
            0, ("changed", "POST /files", "purpose", "argument is no longer required"),
            id="argument no longer required",
        ),
        pytest.param(
            [(LISTING, '"sound"', '"sound", "image"')],
            0, ("new", "GET /files", "kinds", "value added: image"), id="value added",
        ),
        pytest.param(
            [(LISTING, ', "sound"', "")],
            0, ("changed", "GET /files", "kinds", "value removed: sound"), id="value removed",
        ),
        pytest.param(
            [(NOTE, "    url: Required[str]\n", "    url: Required[To]\nclass To(TypedDict):\n    host: str\n")],
            0, ("new", "POST /files/{file_id}/notes", "url.host", "property added"), id="property added",
        ),
        pytest.param(
            [(RESOURCE, "    def list(", "    @typing_extensions.deprecated('late')\n    def list(")],
            0, ("changed", "GET /files", "", "deprecated"), id="operation deprecated",
        ),
        pytest.param(
            [(RESOURCE, '"files=v2"', '"files=v3"')],
            0, ("changed", "POST /files", "", "beta header: files=v2 is now files=v3"), id="beta header changed",
        ),
    ],
)  # fmt: skip
def test_moved_sdk_is_reported_and_breaks_fail(
    workplace: Workplace, edits: list[tuple[str, str, str]], code: int, told: tuple[str, ...]
) -> None:
    for name, before, after in edits:
        workplace.change(name, before, after)
    found_code, found = changes(workplace)
    assert told in found
    assert found_code == code


def test_moved_specification_is_reported_when_it_is_given(workplace: Workplace) -> None:
    workplace.change("openapi.json", '"name": "limit"', '"name": "size"')
    assert changes(workplace) == (0, [])
    assert changes(workplace, "--openapi", str(workplace.specification)) == (
        1,
        [("break", "GET /files", "limit", "argument removed"), ("new", "GET /files", "size", "argument added")],
    )


@pytest.mark.parametrize("entry", ["{call: GET /files, name: after}", "{call: GET /files}"])
def test_ignored_changes_neither_show_nor_fail(workplace: Workplace, entry: str) -> None:
    workplace.change("vendor/resources/files.py", '"after": after, ', "")
    workplace.notes.write_text(f"ignore: [{entry}]\n")
    assert changes(workplace) == (0, [])


def test_table_names_versions_changes_and_counts(workplace: Workplace) -> None:
    workplace.change("vendor/_version.py", "9.1.0", "9.2.0")
    workplace.change("vendor/resources/files.py", '"after": after, ', "")
    assert workplace.run("--check") == (
        1,
        "sdk: inventory 9.1.0, found 9.2.0\n"
        "break  sdk  GET /files after  argument removed\n"
        "1 breaking, 0 new, 0 changed\n",
    )


def test_check_writes_nothing(workplace: Workplace) -> None:
    before = workplace.inventory.read_bytes()
    workplace.change("vendor/resources/files.py", '"after": after, ', "")
    workplace.run("--check")
    assert workplace.inventory.read_bytes() == before
