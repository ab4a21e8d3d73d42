"""Answers that need no change leave as the vendor wrote them, but for blanks; all others as if each had been taken
apart and put together again."""

import base64
import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec import structs

from portico.app import INTEGRATIONS
from portico.catalog.load import load_folder
from portico.faces.admin.server_config import LEAST_RESULT
from portico.model.account import EnvironmentId
from portico.model.call import Answer, Page
from portico.model.caller import Caller
from portico.model.operation import Operation
from portico.model.secret import SecretRules
from portico.shapes import is_list, is_record
from portico.toolbox import fit
from portico.toolbox.artifacts import Artifacts, Keeping, may_hold_files
from portico.toolbox.fields import ALL, read_fields
from portico.toolbox.rests import Rests
from portico.toolbox.results import ToolResult
from portico.toolbox.showing import Presenter, Showing
from portico.toolbox.shown_once import KeyWish, ShownOnce

NOBODY: Any = None  # what is never asked for here
VIEW = load_folder(INTEGRATIONS / "openai" / "catalog")
BATCHES, BATCH = VIEW.find("batches", "list"), VIEW.find("batches", "get")
LIMIT = 100_000
BASE64 = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(200)).decode()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30) | st.sampled_from([BASE64, "a/b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.text(max_size=8), VALUES, max_size=5)


async def shown(operation: Operation, content: str, *, is_page: bool, limit: int = LIMIT, **more: Any) -> ToolResult:
    presenter = Presenter(Artifacts(NOBODY), Rests(NOBODY, b"pepper"), LIMIT)
    keeping = Keeping(environment_id=EnvironmentId("e"), account_id="a", limit=limit, is_off=True)
    caller = Caller(environment_id=EnvironmentId("e"), token_id="t", name="n", scopes=frozenset())
    keys = ShownOnce(NOBODY, NOBODY, KeyWish(caller=caller, account_id="a", rules=SecretRules()), operation)
    count = len(json.loads(content)) if is_page else 0
    page = Page(items=content.encode(), count=count, next_cursor="on", prev_cursor=None) if is_page else None
    headers = [("content-type", "application/json")]
    answer = Answer(status=200, headers=headers, content=content.encode(), page=page)
    showing = structs.replace(Showing(keeping=keeping, keys=keys, fields=ALL, limit=limit), **more)
    return await presenter.show(answer, operation, showing)


def without_files(value: Any) -> Any:
    if is_record(value):
        return {name: without_files(each) for name, each in value.items()}
    if is_list(value):
        return [without_files(each) for each in value]
    return {"content_type", "bytes", "note"} if value == BASE64 else value


def named(value: Any) -> Any:
    """What stands in a file's place, by the names of what is told of it."""
    if is_record(value):
        told = {"content_type", "bytes", "note"}
        return told if set(value) >= told else {name: named(each) for name, each in value.items()}
    return [named(each) for each in value] if is_list(value) else value


@given(value=RECORDS, is_spelled_out=st.booleans(), indent=st.sampled_from([None, 2]))
async def test_object_holds_what_the_vendor_said(value: Any, is_spelled_out: bool, indent: int | None) -> None:
    result = await shown(BATCH, json.dumps(value, ensure_ascii=is_spelled_out, indent=indent), is_page=False)
    assert named(result.structured) == without_files(fit.clean(value))
    assert json.loads(result.content[0]["text"]) == result.structured


@given(items=st.lists(RECORDS, max_size=4), is_spelled_out=st.booleans(), indent=st.sampled_from([None, 2]))
async def test_page_holds_what_the_vendor_said(items: Any, is_spelled_out: bool, indent: int | None) -> None:
    result = await shown(BATCHES, json.dumps(items, ensure_ascii=is_spelled_out, indent=indent), is_page=True)
    whole = {"result": without_files(fit.clean(items)), "next_cursor": "on", "result_count": len(items)}
    assert named(result.structured) == whole
    assert json.loads(result.content[0]["text"]) == result.structured


async def test_numbers_stay_as_they_were_written_and_blanks_go() -> None:
    result = await shown(BATCH, '{ "cost": 1.10,\n  "id": 12345678901234567890123, "said": "a b\\n" }', is_page=False)
    assert result.content[0]["text"] == '{"cost":1.10,"id":12345678901234567890123,"said":"a b\\n"}'


@pytest.mark.parametrize("content", ["", "no JSON", "[1, 2]", "7", '{"a":}', '{"a": "\x00"}', "[" * 3000 + "]" * 3000])
async def test_what_is_no_object_is_shown_as_a_result(content: str) -> None:
    result = await shown(BATCH, content, is_page=False)
    assert result.structured is not None
    assert "result" in result.structured or "done" in result.structured


@given(value=VALUES, is_spelled_out=st.booleans())
def test_no_file_is_overlooked(value: Any, is_spelled_out: bool) -> None:
    content = json.dumps(value, ensure_ascii=is_spelled_out)
    assert may_hold_files(content.encode()) or BASE64 not in content


@pytest.mark.parametrize("slash", ["\\/", "\\u002f"])
def test_base64_is_seen_behind_escapes(slash: str) -> None:
    assert may_hold_files(f'{{"a": "{("A" * 99 + slash) * 3}"}}'.encode())


@pytest.mark.parametrize(("text", "may"), [("A" * 200, True), ("A" * 199, False), ("a b " * 100, False)])
def test_file_begins_at_two_hundred_letters_without_a_blank(text: str, may: bool) -> None:
    assert may_hold_files(json.dumps({"some": "thing", "text": text, "more": "x"}).encode()) is may


NOTES = st.dictionaries(
    st.sampled_from(["waiting", "understood"]),
    st.dictionaries(st.sampled_from(["handle", "go_on", "start_time"]), st.text(max_size=2000), min_size=1),
)
FIELDS = st.lists(st.text("abc", min_size=1, max_size=60), max_size=20).map(lambda names: read_fields(names or None))
LONG = st.dictionaries(st.text("abc", max_size=8), VALUES | st.text(max_size=4000), max_size=5)


@given(value=LONG, told=NOTES, fields=FIELDS, limit=st.integers(LEAST_RESULT, 4000))
async def test_object_with_its_notes_has_no_more_characters_than_it_may(
    value: Any, told: Any, fields: Any, limit: int
) -> None:
    result = await shown(BATCH, json.dumps(value), is_page=False, limit=limit, told=told, fields=fields)
    assert len(result.content[0]["text"].encode()) <= limit
    assert json.loads(result.content[0]["text"]) == result.structured
    assert told.keys() <= {*(result.structured or {}), *result.meta}


@given(items=st.lists(LONG, max_size=6), told=NOTES, fields=FIELDS, limit=st.integers(LEAST_RESULT, 4000))
async def test_page_with_its_notes_has_no_more_characters_than_it_may(
    items: Any, told: Any, fields: Any, limit: int
) -> None:
    result = await shown(BATCHES, json.dumps(items), is_page=True, limit=limit, told=told, fields=fields)
    assert len(result.content[0]["text"].encode()) <= limit
    assert told.keys() <= {*(result.structured or {}), *result.meta}
