"""What a model sees of the catalog: promised names, a list that fits, schemas that the narrowest client accepts."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from portico.catalog.check import lint
from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.catalog.names import LONGEST
from portico.model.operation import Operation
from portico.shapes import Json
from portico.toolbox.tools import tool_of

HERE = Path(__file__).parent
VIEW: View = load_folder(Path("src/portico/integrations/openai/catalog"))
LIVE = [each for each in VIEW.operations if each.lifecycle.state != "removed"]
PROMISED = (HERE / "promised_tools.txt").read_text().split()
ACTIONS = (HERE / "promised_actions.txt").read_text().splitlines()

MOST_LIST_BYTES = 200_000
MOST_LIST_TOKENS = 45_000
MOST_TOOL_BYTES = 8_000
LEGAL_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
COMBINATORS = {"anyOf", "oneOf", "allOf", "not", "enum"}


def size(operation: Operation) -> int:
    tool = tool_of(operation)
    return len(msgspec.json.encode([tool.name, tool.description, tool.input_schema]))


def test_every_operation_is_there_once() -> None:
    assert len(VIEW.operations) == 382
    assert len({(each.verb, each.path) for each in VIEW.operations}) == 382
    assert len({each.tool.name for each in VIEW.operations}) == 382


def test_every_promised_tool_is_there_by_its_exact_name_and_by_its_other_spelling() -> None:
    assert len(PROMISED) == len(set(PROMISED)) > 0
    for name in PROMISED:
        operation = VIEW.tool(name)
        assert operation is not None, name
        assert operation.tool.name == name
        assert VIEW.tool(name.replace("openai", "open_ai")) is operation, name


def test_every_promised_action_is_reachable_as_a_proxy_method_and_as_a_tool() -> None:
    by_shape: dict[str, list[Operation]] = defaultdict(list)
    for each in VIEW.operations:
        by_shape[shape(f"{each.verb} {each.path}")].append(each)
    assert len(ACTIONS) > 0
    for call in ACTIONS:
        found = by_shape[shape(call)]
        assert len(found) == 1, call
        assert VIEW.find(found[0].resource, found[0].method) is found[0], call
        assert VIEW.tool(found[0].tool.name) is found[0], call


def shape(call: str) -> str:
    """Whatever its arguments are named."""
    return re.sub(r"\{[^}]*\}", "{}", call)


def test_no_word_is_missing_or_too_long() -> None:
    assert lint(VIEW) == []


def test_complete_list_fits_into_a_context() -> None:
    total = sum(size(each) for each in LIVE)
    assert total < MOST_LIST_BYTES
    assert total / 4 < MOST_LIST_TOKENS


def test_every_schema_suits_the_narrowest_client() -> None:
    for operation in VIEW.operations:
        tool = tool_of(operation)
        assert len(tool.name) <= LONGEST, operation.key
        assert size(operation) < MOST_TOOL_BYTES, operation.key
        assert tool.input_schema["type"] == "object", operation.key
        assert not COMBINATORS & tool.input_schema.keys(), operation.key
        assert set(tool.input_schema.get("required", ())) <= tool.input_schema["properties"].keys(), operation.key
        for name, schema in tool.input_schema["properties"].items():
            assert LEGAL_NAME.fullmatch(name), f"{operation.key}: {name}"
            check_nested(schema, f"{operation.key}: {name}")


def check_nested(schema: Json, path: str) -> None:
    kind: Any = schema.get("type")
    assert "$ref" not in schema, path
    if kind == "array" or (isinstance(kind, list) and "array" in kind):
        assert "items" in schema, f"{path} is an array without items"
        check_nested(schema["items"], f"{path}[]")
    for name, each in schema.get("properties", {}).items():
        assert LEGAL_NAME.fullmatch(name), f"{path}.{name}"
        check_nested(each, f"{path}.{name}")


def test_every_argument_of_the_vendor_is_accepted() -> None:
    """What is not shown is named in `extra`, or replaced by our cursor and by whole answers."""
    for operation in VIEW.operations:
        shown = {each.name for each in operation.parameters if each.shown == "always"}
        rare = {each.name for each in operation.parameters if each.shown == "rare"}
        extra = tool_of(operation).input_schema["properties"].get("extra", {}).get("description", "")
        assert [name for name in rare if name not in extra] == [], operation.key
        assert not shown & rare, operation.key


def test_lifecycle_tells_date_and_replacement() -> None:
    removed = [each for each in VIEW.operations if each.lifecycle.state == "removed"]
    assert len(removed) == 35
    assert all(each.lifecycle.date for each in removed)
    assert VIEW.find("assistants", "create").lifecycle.replacement == "create_a_openai_response"
    assert "Switched off 2026-08-26" in tool_of(VIEW.find("assistants", "create")).description


def test_admin_key_is_for_what_lies_under_organization_and_projects() -> None:
    for each in VIEW.operations:
        is_admin = each.path.startswith(("/organization", "/projects"))
        assert each.credential == ("admin_key" if is_admin else "project_key"), each.key
