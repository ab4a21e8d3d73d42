"""Answers as results: what fits, what was asked for, files as links, keys handed over."""

from typing import Any

import msgspec
from msgspec import Struct, structs

from portico.errors import VendorGarbled, VendorTooLarge
from portico.gateway.shorten import SHORTEST_KEPT, Cut, longest_note, room_in, size_of, written
from portico.model.call import Answer, Page
from portico.model.operation import Operation
from portico.shapes import Json, NotJson, decode, is_record
from portico.toolbox import artifacts, fit, lean, results, tables
from portico.toolbox.artifacts import Artifacts, Keeping
from portico.toolbox.fields import ALL, Selection
from portico.toolbox.rests import NEXT_CURSOR, Place, Rests
from portico.toolbox.results import ToolResult
from portico.toolbox.shown_once import ShownOnce

_RESULT, _COUNT = "result", "result_count"
# What notes may take of an answer: those of the call, and those of what is not in the answer. So much at least, and of
# longer answers this part.
_ROOM_FOR_TOLD, _ROOM_FOR_MISSING, _NOTES_PART = 400, 100, 4


class Showing(Struct, frozen=True, kw_only=True):
    """How an answer is shown: what becomes of files and keys in it, which of its fields, and how much of it.

    `limit`: the characters that it may have, notes and all. `told` are notes of the call, which stand first in it.
    `place` is where the rest of what does not fit is kept, if it is. `arguments` may ask for what else stays out.
    `beside`: the names of what stands beside the answer.
    """

    keeping: Keeping
    keys: ShownOnce
    fields: Selection
    limit: int
    place: Place | None = None
    is_table: bool = False
    is_lean: bool = True
    arguments: Json = {}
    told: Json = {}
    beside: frozenset[str] = frozenset()

    def beneath(self, notes: Json) -> "Showing":
        """The same with so much less room."""
        limit = self.limit - size_of(notes) if notes else self.limit
        keeping = structs.replace(self.keeping, limit=limit)
        return structs.replace(self, limit=limit, keeping=keeping) if notes else self

    def notes(self, value: Any, left: list[str]) -> Json:
        """What the caller should know of what is not there."""
        notes: Json = {}
        if misses := self.fields.misses(value, self.beside):
            notes["fields"] = misses
        if left:
            notes["left_out"] = f"{', '.join(left)}; name it in fields to see it."
        return notes


class Presenter:
    """`most_bytes`: an answer that is larger cannot be shown."""

    def __init__(self, artifacts: Artifacts, rests: Rests, most_bytes: int) -> None:
        self._artifacts, self._rests, self._most_bytes = artifacts, rests, most_bytes

    async def show(self, answer: Answer, operation: Operation, showing: Showing) -> ToolResult:
        told = fit.fit_notes(showing.told, max(_ROOM_FOR_TOLD, showing.limit // _NOTES_PART))
        showing = structs.replace(showing, beside=frozenset(told)).beneath(told) if told else showing
        try:
            return results.with_notes(await self._shown(answer, operation, showing), told)
        except RecursionError:
            raise VendorGarbled("The vendor's answer is nested deeper than can be shown.") from None

    async def _shown(self, answer: Answer, operation: Operation, showing: Showing) -> ToolResult:
        keys = showing.keys.of(operation)
        if answer.page is not None:
            envelope = showing.beside | {NEXT_CURSOR, _COUNT}
            return await self._page(operation, answer.page, structs.replace(showing, keys=keys, beside=envelope))
        kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
        if answer.is_preview:
            return await self.value(_parsed(await self.read(answer)), showing, [])
        if kind == "application/json" or kind.endswith("+json"):
            content = await self.read(answer)
            same = _unchanged(content, operation, showing)
            if same is not None and same.startswith(b"{") and len(same) <= showing.limit:
                return results.of_encoded(same)
            value = await keys.over(_parsed(content))
            showing = structs.replace(showing, keys=keys)
            value, blocks, notes = await self._chosen(value, operation, showing, artifacts.may_hold_files(content))
            value = tables.with_tables(value) if showing.is_table else value
            shown = await self.value(value, showing.beneath(notes), blocks, is_clean=fit.is_clean(content))
            return results.with_notes(shown, notes)
        if not (answer.content or answer.stream):
            return results.of_value({"done": True, "status": answer.status})
        if kind.startswith("text/") and kind != "text/event-stream":
            return await self._text(answer, operation, showing)
        return await self._artifacts.give(answer, showing.keeping, operation.resource)

    async def composed(self, value: Json, notes: Json, showing: Showing, looked: Operation | None) -> ToolResult:
        """What a composed tool gives. `notes` come last, whatever was selected: what is missing in it, and why.

        `looked` is the operation whose answer this is, if it is one's: what is bulky in that stays out here too.
        """
        left = list[str]()
        if showing.is_lean and looked is not None:
            value, left = lean.leave_out(value, looked.bulky, {}, showing.fields)
        misses = structs.replace(showing, beside=frozenset(notes)).notes(value, left)
        value = showing.fields.keeping((*showing.keys.kept_fields, results.WAITING)).of(value)
        value = tables.with_tables(value) if showing.is_table else value
        value, blocks = await self._artifacts.lift(value, showing.keeping)
        return await self.value(value | notes | misses, showing, blocks)

    async def value(self, value: Any, showing: Showing, blocks: list[Json], *, is_clean: bool = False) -> ToolResult:
        """A value as it is, as much of it as fits."""
        whole: Json = value if is_record(value) else {_RESULT: value}
        whole = whole if is_clean else fit.clean(whole)
        encoded = written(whole)
        if len(encoded) <= showing.limit:
            return results.of_encoded(encoded, blocks=blocks)
        (shown, *rest), cuts = fit.split_value(whole, showing.limit)
        if cuts:
            cursor = await self._keep(showing, rest)
            shown = shown | _told(_shortened(cuts, showing.limit), cursor, "Name fields to see a part whole.")
        return results.of_value(shown, blocks=blocks)

    async def go_on(self, place: Place, cursor: str) -> ToolResult:
        return results.of_value(await self._rests.go_on(place, cursor))

    async def _page(self, operation: Operation, page: Page, showing: Showing) -> ToolResult:
        if (same := _unchanged(page.items, operation, showing)) is not None:
            tail = written({NEXT_CURSOR: page.next_cursor, _COUNT: page.count})
            encoded = b'{"%b":%b,%b' % (_RESULT.encode(), same, tail[1:])
            if len(encoded) <= showing.limit:
                return results.of_encoded(encoded)
        try:
            items: Any = decode(page.items)
        except NotJson:
            raise VendorGarbled from None
        items = await showing.keys.over(items if fit.is_clean(page.items) else fit.clean(items))
        items, blocks, notes = await self._chosen(items, operation, showing, artifacts.may_hold_files(page.items))
        showing = showing.beneath(notes)
        table = tables.as_table(items) if showing.is_table else None
        rows: list[Any] = table[tables.ROWS] if table else items

        def wrap(kept: list[Any]) -> Json:
            shown: Any = {tables.COLUMNS: table[tables.COLUMNS], tables.ROWS: kept} if table else kept
            return {_RESULT: shown, NEXT_CURSOR: None, _COUNT: len(kept)}

        whole = wrap(rows) | {NEXT_CURSOR: page.next_cursor}
        encoded = written(whole)
        if len(encoded) <= showing.limit:
            return results.with_notes(results.of_encoded(encoded, blocks=blocks), notes)
        shown, *rest = fit.split_page(rows, wrap, showing.limit)
        if rest:
            rest[-1] = rest[-1] | {NEXT_CURSOR: page.next_cursor}
        kept = shown[_COUNT]
        cursor = await self._keep(showing, rest)
        takes_limit = kept > 1 and operation.page is not None and operation.page.limit
        again = f"Call again with limit={kept} to go through all of them, or name" if takes_limit else "Name"
        shown = shown | _told(f"{kept} of {page.count} items fit.", cursor, f"{again} fields to keep.")
        return results.with_notes(results.of_value(shown, blocks=blocks), notes)

    async def _chosen(
        self, value: Any, operation: Operation, showing: Showing, may_hold_files: bool
    ) -> tuple[Any, list[Json], Json]:
        """What is wanted of a value, blocks to look at, and notes of what is not there."""
        fields, left = showing.fields, list[str]()
        if operation.page is not None:
            fields = fields.inside(_RESULT)
        if showing.is_lean:
            value, left = lean.leave_out(value, operation.bulky, showing.arguments, fields)
        blocks = list[Json]()
        if may_hold_files:
            value, blocks = await self._artifacts.lift(value, showing.keeping)
        if fields == ALL and not left:
            return value, blocks, {}
        notes = structs.replace(showing, fields=fields).notes(value, left)
        notes = fit.fit_notes(notes, max(_ROOM_FOR_MISSING, showing.limit // _NOTES_PART))
        return value if fields == ALL else fields.keeping(showing.keys.kept_fields).of(value), blocks, notes

    async def _keep(self, showing: Showing, rest: list[Json]) -> str | None:
        return await self._rests.keep(showing.place, rest) if showing.place and rest else None

    async def _text(self, answer: Answer, operation: Operation, showing: Showing) -> ToolResult:
        """Text as such; where it is too long, its beginning, and the whole of it as a file."""
        content, limit = await self.read(answer), showing.limit
        text = fit.clean(content.decode("utf-8", "replace"))
        if len(text) <= limit:
            return results.of_text(text)
        whole = Answer(status=answer.status, headers=answer.headers, content=content)
        given = await self._artifacts.give(whole, showing.keeping, operation.resource)
        facts: Json = {name: value for name, value in (given.structured or {}).items() if name != "preview"}
        room = room_in(limit)
        first, *more = fit.split_text(text, max(room - size_of(facts), SHORTEST_KEPT // 2), room)
        cursor = await self._keep(showing, [{"text": each} for each in more])
        left = f"{len(text) - len(first)} more characters{'; the whole text is at the url' if 'url' in facts else ''}."
        shown: Json = {"text": first} | _told(left, cursor, "") | facts
        return results.of_value(shown, blocks=given.content[1:])

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


def _unchanged(content: bytes, operation: Operation, showing: Showing) -> bytes | None:
    """JSON as the vendor wrote it, without its blanks, where nothing in it has to be looked into or left out."""
    if showing.fields != ALL or showing.is_table or operation.secrets or (showing.is_lean and operation.bulky):
        return None
    if b"\\/" in content or artifacts.may_hold_files(content):
        return None
    try:
        written_so = msgspec.json.format(content, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return None
    return written_so if fit.is_clean_json(written_so) else None


def _parsed(content: bytes) -> Any:
    try:
        return decode(content) if content else None
    except NotJson:
        return content.decode("utf-8", "replace")


def _shortened(cuts: list[Cut], limit: int) -> str:
    places = ", ".join(each.sentence for each in cuts[:10])
    return f"Shortened: {places[: longest_note(limit)]}."


def _told(what: str, cursor: str | None, otherwise: str) -> Json:
    """What was cut, and how to go on."""
    if cursor is None:
        return {"truncated": f"{what} {otherwise}".rstrip()}
    return {"truncated": f"{what} Call again with next_cursor to go on.", NEXT_CURSOR: cursor}
