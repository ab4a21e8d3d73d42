"""The files of a vector store, one by one and in batches."""

from collections.abc import Callable
from typing import Any

from portico.sandbox.checks import array, fields, wrong_type
from portico.sandbox.chunking import CHUNKING, Strategy
from portico.sandbox.file_store import require_file
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_record
from portico.sandbox.shelves import Rows
from portico.sandbox.vector_store import (
    BETA,
    STATUSES,
    STORES,
    FileBatch,
    StoreFile,
    VectorStore,
    attach,
    count_files,
    require_live,
)
from portico.sandbox.wire import Answer, Ask, Route, gone

LIST = Cursor(before=True)
MOST_IN_BATCH = 2000
PATH = "/vector_stores/{vector_store_id}"


def attributes(value: Any, path: str) -> dict[str, str | float | bool]:
    """At most 16 pairs; values are text up to 512 characters, numbers or booleans."""
    if not is_record(value):
        raise wrong_type(path, "an object", value)
    if len(value) > 16:
        raise invalid(f"'{path}' may hold 16 pairs at most.", path, "object_above_max_properties")
    for name, item in value.items():
        if not isinstance(item, str | int | float):
            raise wrong_type(f"{path}.{name}", "a string, a number or a boolean", item)
        if len(name) > 64 or (isinstance(item, str) and len(item) > 512):
            raise invalid(f"'{path}.{name}' is too long.", f"{path}.{name}", "string_above_max_length")
    return dict(value)


FILE_OPTIONS = {"attributes": attributes, "chunking_strategy": CHUNKING}


def add_file(ask: Ask) -> Answer:
    store = require_live(ask)
    body = fields(ask.body, {"file_id": str}, FILE_OPTIONS)
    return _attach(ask, store, body).show(ask.world.time())


def list_files(ask: Ask) -> Answer:
    return _list(ask, lambda file: True)


def get_file(ask: Ask) -> Answer:
    return _file(ask).show(ask.world.time())


def update_file(ask: Ask) -> Answer:
    file = _file(ask)
    file.attributes = fields(ask.body, optional={"attributes": attributes}).get("attributes", {})
    return file.show(ask.world.time())


def remove_file(ask: Ask) -> Answer:
    """Takes the file out of the store; the file itself stays."""
    _store(ask).files.remove(ask["file_id"])
    return gone(ask["file_id"], "vector_store.file.deleted")


def get_content(ask: Ask) -> Answer:
    file = _file(ask)
    if file.status(ask.world.time()) != "completed":
        raise invalid("This file has no content that could be shown.", "file_id")
    data = [{"type": "text", "text": chunk.text} for chunk in file.chunks]
    return {"object": "vector_store.file_content.page", "data": data, "has_more": False, "next_page": None}


def create_batch(ask: Ask) -> Answer:
    store = require_live(ask)
    several = array(str, longest=MOST_IN_BATCH, shortest=1)
    body = fields(ask.body, optional={"file_ids": several, "files": array(dict, longest=MOST_IN_BATCH), **FILE_OPTIONS})
    if ("file_ids" in body) == ("files" in body):
        raise invalid("Give either 'file_ids' or 'files'.", "file_ids", "missing_required_parameter")
    shared = {name: body[name] for name in FILE_OPTIONS if name in body}
    wanted: list[Json] = [{"file_id": file_id, **shared} for file_id in body.get("file_ids", [])]
    for place, given in enumerate(body.get("files", [])):
        wanted.append(fields(given, {"file_id": str}, FILE_OPTIONS, path=f"files[{place}]"))
    for item in wanted:
        require_file(ask, item["file_id"])
    batch = FileBatch(ask.new_id("vsfb_"), store.id, ask.now)
    for item in wanted:
        _attach(ask, store, item).batch_id = batch.id
    return _show(ask, store, store.batches.add(batch.id, batch))


def get_batch(ask: Ask) -> Answer:
    store = _store(ask)
    return _show(ask, store, store.batches.get(ask["batch_id"]))


def cancel_batch(ask: Ask) -> Answer:
    store = _store(ask)
    batch = store.batches.get(ask["batch_id"])
    for file in _members(store, batch):
        file.cancelled = file.cancelled or file.status(ask.world.time()) == "in_progress"
    return _show(ask, store, batch)


def list_batch_files(ask: Ask) -> Answer:
    batch = _store(ask).batches.get(ask["batch_id"])
    return _list(ask, lambda file: file.batch_id == batch.id)


def _store(ask: Ask) -> VectorStore:
    return ask.held(STORES).get(ask["vector_store_id"])


def _file(ask: Ask) -> StoreFile:
    return _store(ask).files.get(ask["file_id"])


def _attach(ask: Ask, store: VectorStore, body: Json) -> StoreFile:
    file = attach(ask, store, require_file(ask, body["file_id"]), body.get("chunking_strategy", Strategy()))
    file.attributes = body.get("attributes", {})
    return file


def _list(ask: Ask, belongs: Callable[[StoreFile], bool]) -> Answer:
    now, wanted = ask.world.time(), ask.query.choice("filter", STATUSES)
    rows: Rows[StoreFile] = _store(ask).files.rows(lambda file: belongs(file) and wanted in (None, file.status(now)))
    return LIST.answer(ask, rows, lambda file: file.show(now))


def _members(store: VectorStore, batch: FileBatch) -> list[StoreFile]:
    return [file for file in store.files if file.batch_id == batch.id]


def _show(ask: Ask, store: VectorStore, batch: FileBatch) -> Json:
    counts = count_files(_members(store, batch), ask.world.time())
    status = "completed"
    if counts["in_progress"]:
        status = "in_progress"
    elif counts["cancelled"]:
        status = "cancelled"
    elif counts["failed"] and counts["failed"] == counts["total"]:
        status = "failed"
    return {
        "id": batch.id,
        # The specification says "files_batch"; the wire, and the official client's own workaround, say this.
        "object": "vector_store.file_batch",
        "created_at": batch.created_at,
        "vector_store_id": store.id,
        "status": status,
        "file_counts": counts,
    }


ROUTES = (
    Route("GET", f"{PATH}/files", list_files, beta=BETA),
    Route("POST", f"{PATH}/files", add_file, beta=BETA),
    Route("GET", f"{PATH}/files/{{file_id}}", get_file, beta=BETA),
    Route("POST", f"{PATH}/files/{{file_id}}", update_file, beta=BETA),
    Route("DELETE", f"{PATH}/files/{{file_id}}", remove_file, beta=BETA),
    Route("GET", f"{PATH}/files/{{file_id}}/content", get_content, beta=BETA),
    Route("POST", f"{PATH}/file_batches", create_batch, beta=BETA),
    Route("GET", f"{PATH}/file_batches/{{batch_id}}", get_batch, beta=BETA),
    Route("POST", f"{PATH}/file_batches/{{batch_id}}/cancel", cancel_batch, beta=BETA),
    Route("GET", f"{PATH}/file_batches/{{batch_id}}/files", list_batch_files, beta=BETA),
)
