"""Where the rows of an eval run come from: the request itself, a file, stored completions, or kept responses."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from portico.sandbox.completion_store import KEPT, Stored
from portico.sandbox.evaluating.item_schema import misfit
from portico.sandbox.file_store import live_files
from portico.sandbox.messages import text_of
from portico.sandbox.response_store import RESPONSES, Response
from portico.sandbox.shapes import Json, is_record, record, records
from portico.sandbox.wire import Ask

MOST_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """What templates know as `item`, and as `sample` unless a model makes one."""

    item: Json
    sample: Json | None = None


class RowsUnusable(Exception):
    """A source that gives no rows, or rows of the wrong form."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def read(ask: Ask, source: Json, schema: Json) -> list[Row]:
    """All rows of a source, each fitting the eval's item schema; raises RowsUnusable."""
    rows = SOURCES[str(source["type"])](ask, source)
    if not rows:
        raise RowsUnusable("no_items", "The data source has nothing to grade.")
    if len(rows) > MOST_ROWS:
        raise RowsUnusable("too_many_items", f"The data source has more than {MOST_ROWS} items.")
    for number, row in enumerate(rows, 1):
        if (problem := misfit(row.item, schema)) is not None:
            raise RowsUnusable("invalid_item", f"Row {number} does not fit the eval: {problem}.")
    return rows


def rows_of_lines(lines: bytes) -> list[Row]:
    return [_row(line, number) for number, line in enumerate(lines.splitlines(), 1) if line.strip()]


def _row(line: bytes, number: int) -> Row:
    try:
        value: object = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RowsUnusable("invalid_file", f"Line {number} of the file is not JSON.") from None
    if not is_record(value) or not is_record(value.get("item")):
        raise RowsUnusable("invalid_file", f"Line {number} of the file has no 'item'.")
    sample: object = value.get("sample")
    return Row(value["item"], sample if is_record(sample) else None)


def _content(ask: Ask, source: Json) -> list[Row]:
    return [Row(row["item"], row.get("sample")) for row in records(source["content"])]


def _file(ask: Ask, source: Json) -> list[Row]:
    file = live_files(ask).look(source["id"])
    if file is None:
        raise RowsUnusable("file_not_found", f"There is no file '{source['id']}'.")
    return rows_of_lines(file.blob.read())


def _completions(ask: Ask, source: Json) -> list[Row]:
    kept = [held for held in ask.held(KEPT) if _is_wanted(held.completion, held.completion["created"], source)]
    limit = source.get("limit")
    return [_of_completion(ask, held) for held in (kept if limit is None else kept[-limit:])]


def _of_completion(ask: Ask, held: Stored) -> Row:
    choice = record(records(held.completion["choices"])[0])
    said = str(record(choice["message"]).get("content") or "")
    asked = [{"role": message["role"], "content": text_of(ask, message.get("content"))} for message in held.messages]
    item: Json = {"input": asked, "output": said, "metadata": held.completion["metadata"]}
    used = record(held.completion["usage"])
    sample: Json = {
        "input": asked,
        "output_text": said,
        "model": held.completion["model"],
        "finish_reason": choice["finish_reason"],
        "usage": {name: used[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")},
    }
    return Row(item, sample)


def _responses(ask: Ask, source: Json) -> list[Row]:
    now = ask.world.time()
    kept = [held for held in ask.held(RESPONSES) if held.status(now) in ("completed", "incomplete")]
    wanted = [held for held in kept if _is_wanted(held.shown, int(held.created_at), source)]
    return [_of_response(ask, held) for held in wanted if _matches(held, source)]


def _of_response(ask: Ask, held: Response) -> Row:
    asked = [
        {"role": item["role"], "content": text_of(ask, item["content"])}
        for item in (*held.earlier, *held.input)
        if item["type"] == "message"
    ]
    said = "\n".join(text_of(ask, item["content"]) for item in held.output if item["type"] == "message")
    item: Json = {"input": asked, "output": said, "metadata": held.shown["metadata"]}
    sample: Json = {
        "input": asked,
        "output_text": said,
        "model": held.shown["model"],
        "finish_reason": "length" if held.is_cut else "stop",
        "usage": {
            "prompt_tokens": held.usage["input_tokens"],
            "completion_tokens": held.usage["output_tokens"],
            "total_tokens": held.usage["total_tokens"],
        },
    }
    return Row(item, sample)


def _is_wanted(shown: Json, created: int, source: Json) -> bool:
    metadata = record(shown.get("metadata"))
    return (
        source.get("model") in (None, shown["model"])
        and created >= source.get("created_after", created)
        and created <= source.get("created_before", created)
        and all(metadata.get(name) == value for name, value in record(source.get("metadata")).items())
    )


def _matches(held: Response, source: Json) -> bool:
    """The filters that only responses have."""
    shown = held.shown
    tools = {str(tool.get("name", tool.get("type"))) for tool in records(shown.get("tools"))}
    search = str(source.get("instructions_search") or "").lower()
    return (
        search in str(shown.get("instructions") or "").lower()
        and all(source.get(name) in (None, shown.get(name)) for name in ("temperature", "top_p"))
        and source.get("reasoning_effort") in (None, record(shown.get("reasoning")).get("effort"))
        and set(source.get("tools") or ()) <= tools
        and (source.get("users") is None or shown.get("user") in source["users"])
    )


SOURCES: dict[str, Callable[[Ask, Json], list[Row]]] = {
    "file_content": _content,
    "file_id": _file,
    "stored_completions": _completions,
    "responses": _responses,
}
