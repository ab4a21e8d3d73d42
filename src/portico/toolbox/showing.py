"""Answers as results: what fits, what was asked for, files as links, keys handed over."""

from typing import Any

import msgspec
from msgspec import Struct

from portico.errors import Failure, InvalidArguments, VendorTooLarge
from portico.gateway.shorten import fit_value
from portico.model.call import Answer, Page
from portico.model.operation import Operation
from portico.shapes import Json, is_list, is_record
from portico.toolbox import fit, results
from portico.toolbox.artifacts import Artifacts, Keeping
from portico.toolbox.results import ToolResult
from portico.toolbox.shown_once import ShownOnce


class Showing(Struct, frozen=True, kw_only=True):
    """How an answer is shown: what becomes of files and keys in it, which of its fields, and how much of it."""

    keeping: Keeping
    keys: ShownOnce
    fields: list[str]
    limit: int

    def chosen(self, value: Any, keys: ShownOnce) -> Any:
        """Only the fields that were named, and what leads to keys, which would be lost otherwise."""
        return fit.select(value, [*self.fields, *keys.kept_fields]) if self.fields else value


class Presenter:
    """`most_bytes`: an answer that is larger cannot be shown."""

    def __init__(self, artifacts: Artifacts, most_bytes: int) -> None:
        self._artifacts, self._most_bytes = artifacts, most_bytes

    async def show(self, answer: Answer, operation: Operation, showing: Showing) -> ToolResult:
        keys, keeping = showing.keys.of(operation), showing.keeping
        if answer.page is not None:
            items = await keys.over(fit.clean(msgspec.json.decode(answer.page.items)))
            return _page(operation, answer.page, showing.chosen(items, keys), showing.limit)
        kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
        if answer.is_preview or kind == "application/json" or kind.endswith("+json"):
            value = await self._value(answer)
            value = value if answer.is_preview else await keys.over(value)
            value, blocks = await self._artifacts.lift(value, keeping)
            return show_value(showing.chosen(value, keys), blocks, showing.limit)
        if not (answer.content or answer.stream):
            return results.of_value({"done": True, "status": answer.status})
        if kind.startswith("text/") and kind != "text/event-stream":
            return await self._text(answer, operation, showing)
        return await self._artifacts.give(answer, keeping, operation.resource)

    async def _text(self, answer: Answer, operation: Operation, showing: Showing) -> ToolResult:
        """Text as such; where it is too long, its beginning, and the whole of it as a file."""
        content, limit = await self.read(answer), showing.limit
        text = fit.clean(content.decode("utf-8", "replace"))
        if len(text) <= limit:
            return results.of_text(text)
        whole = Answer(status=answer.status, headers=answer.headers, content=content)
        given = await self._artifacts.give(whole, showing.keeping, operation.resource)
        facts: Json = {name: value for name, value in (given.structured or {}).items() if name != "preview"}
        note = f"{len(text) - limit} more characters; the whole text is at the url."
        return results.of_value({"text": text[:limit], "truncated": note, **facts}, blocks=given.content[1:])

    async def _value(self, answer: Answer) -> Any:
        content = await self.read(answer)
        try:
            return msgspec.json.decode(content) if content else None
        except msgspec.DecodeError:
            return content.decode("utf-8", "replace")

    async def read(self, answer: Answer) -> bytes:
        if answer.stream is None:
            return answer.content or b""
        pieces: list[bytes] = []
        total = 0
        async for piece in answer.stream:
            pieces.append(piece)
            total += len(piece)
            if total > self._most_bytes:
                raise VendorTooLarge
        return b"".join(pieces)


def _page(operation: Operation, page: Page, items: Any, limit: int) -> ToolResult:
    shown: Json = {"result": items, "next_cursor": page.next_cursor, "result_count": page.count}
    shown, was_cut = fit.fit_page(shown, limit)
    if was_cut:
        kept = len(shown["result"])
        takes_limit = kept > 1 and operation.page is not None and operation.page.limit
        again = f"Call again with limit={kept} to go through all of them, or name" if takes_limit else "Name"
        shown["truncated"] = f"{kept} of {page.count} items fit. {again} fields to keep."
    return results.of_value(shown)


def show_value(value: Any, blocks: list[Json], limit: int) -> ToolResult:
    whole: Json = value if is_record(value) else {"result": value}
    shown, cut = fit_value(fit.clean(whole), limit)
    if cut:
        shown["truncated"] = f"Shortened: {', '.join(cut[:10])}. Name fields to see a part whole."
    return results.of_value(shown, blocks=blocks)


def read_fields(given: Any) -> list[str]:
    if given is None:
        return []
    listed: list[Any] = given if is_list(given) else str(given).split(",")
    fields = [str(each).strip() for each in listed if str(each).strip()]
    if not fields:
        raise InvalidArguments([Failure("fields", "must name at least one field", "id, name, amount.value …")])
    return fields
