"""What operations answer, as the vendor's package says it: read without running it, written once, served whole."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from portico.catalog.answers import answer_schema, vendor_schema
from portico.catalog.harvest.answer_schemas import answers_json, schema_of
from portico.catalog.harvest.notes import Listed, UnknownNote
from portico.catalog.harvest.sdk import Sdk
from portico.catalog.harvest.shape import Field, Shape
from portico.catalog.load import load_folder
from portico.catalog.schema import compile_check
from tests.catalog.inventory_sources import Workplace, write_workplace

VIEW = load_folder(Path("src/portico/integrations/openai/catalog"))
Json = dict[str, Any]
TEXT = Shape(type="string")


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return write_workplace(tmp_path)


def operation(key: str) -> Any:
    return VIEW.find(*key.split("."))


def test_answers_are_read_whole_from_the_package(workplace: Workplace) -> None:
    answers = Sdk(workplace.package).answers()
    assert set(answers) == {"GET /files", "POST /files"}, "neither bytes, nor a stream, nor nothing"
    file = schema_of(answers["POST /files"])
    assert file == {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "size": {"type": ["integer", "null"]},
            "owner": {
                "type": "object",
                "properties": {"id": {"type": "string"}, "parent": {"type": ["object", "null"]}},
                "required": ["id"],
            },
            "class": {"type": "string"},
        },
        "required": ["id", "owner", "class"],
    }
    page = schema_of(answers["GET /files"])
    assert page["properties"] == {"data": {"type": "array", "items": file}, "has_more": {"type": ["boolean", "null"]}}


def test_shape_that_stands_in_several_answers_is_written_once(workplace: Workplace) -> None:
    told: Any = answers_json(Sdk(workplace.package).answers())
    ((name, shape),) = told["$defs"].items()
    assert told["operations"]["POST /files"] == {"$ref": f"#/$defs/{name}"}
    assert told["operations"]["GET /files"]["properties"]["data"]["items"] == {"$ref": f"#/$defs/{name}"}
    assert "$ref" not in json.dumps(shape), "the owner stands in this one shape alone"


def test_field_may_be_called_like_a_word_of_json_schema() -> None:
    inner = Shape(type="object", properties=(Field("properties", TEXT, required=True), Field("$ref", TEXT)))
    told: Any = answers_json({"GET /a": inner, "GET /b": Shape(type="array", items=inner)})
    schema = {"$defs": told["$defs"], **told["operations"]["GET /b"]}
    assert compile_check(schema)([{"properties": "x", "$ref": "y"}]) == []
    assert compile_check(schema)([{"$ref": "y"}]) != []


CASES: list[tuple[Shape, list[Any], list[Any]]] = [
    (Shape(type="string", enum=("a", "b"), nullable=True), ["a", None], ["c", 1]),
    (Shape(type="string", known=("a",)), ["a", "c"], [None]),
    (Shape(type="union", any_of=(TEXT, Shape(type="integer")), nullable=True), ["a", 1, None], [1.5, []]),
    (Shape(type="object", open=True, values=Shape(type="integer")), [{}, {"x": 1}], [{"x": "1"}]),
    (Shape(type="object", properties=(Field("x", TEXT, required=True),), nullable=True), [{"x": ""}, None], [{}]),
    (Shape(), [None, 1, {}], []),
]


@pytest.mark.parametrize(("shape", "fits", "fails"), CASES)
def test_schema_of_a_shape_admits_what_the_shape_does(shape: Shape, fits: list[Any], fails: list[Any]) -> None:
    check = compile_check(schema_of(shape))
    assert [check(each) for each in fits] == [[] for _ in fits]
    assert all(check(each) for each in fails)


def test_values_that_the_package_leaves_out_are_added_by_hand() -> None:
    kind = Field("kind", Shape(type="string", enum=("a",)))
    kinds = Shape(type="array", items=Shape(type="object", properties=(kind,)))
    answers = {"GET /a": Shape(type="object", properties=(Field("data", kinds),))}
    told: Any = answers_json(answers, [Listed("GET /a", "data.kind", ("b",))])
    assert told["operations"]["GET /a"]["properties"]["data"]["items"]["properties"]["kind"]["enum"] == ["a", "b"]
    for missing in (Listed("GET /a", "data.size", ("b",)), Listed("GET /b", "data", ("b",))):
        with pytest.raises(UnknownNote):
            answers_json(answers, [missing])


def test_rebuild_writes_the_answers_beside_the_inventory(workplace: Workplace) -> None:
    workplace.run()
    written = json.loads(workplace.inventory.with_name("answers.json").read_text())
    assert set(written["operations"]) == {"GET /files", "POST /files"}


def test_every_json_answer_of_the_vendor_is_known_but_one_that_is_described_nowhere() -> None:
    unknown = {each.key for each in VIEW.operations if each.returns in {"value", "page"} and not answer_schema(each)}
    assert unknown == {"me.list"}


def test_proxy_answers_pages_with_cursors_and_other_methods_in_result() -> None:
    listed, item = answer_schema(operation("files.list")), vendor_schema(operation("files.get"))
    assert listed is not None
    assert item is not None
    ((reference,),) = (each.values() for each in [listed["properties"]["result"]["items"]])
    assert listed["$defs"][reference.removeprefix("#/$defs/")]["properties"]["filename"] == {"type": "string"}
    assert set(listed["properties"]) == {"result", "next_cursor", "prev_cursor", "result_count"}
    assert answer_schema(operation("files.get")) == item
    assert (answer_schema(operation("projects.archive")) or {})["required"] == ["result"]


def test_nothing_is_known_of_another_vendors_operations() -> None:
    own = structs.replace(operation("files.get"), integration="somebody")
    assert (answer_schema(own), vendor_schema(own)) == (None, None)
    moved = structs.replace(operation("files.get"), path="/elsewhere/{file_id}")
    assert answer_schema(moved) is None
