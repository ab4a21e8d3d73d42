"""Files: uploaded once, used by batches, vector stores, fine-tuning and responses."""

from portico.sandbox.checks import anything, fields, one_of
from portico.sandbox.file_store import EXPIRES_AFTER, keep, live_files, require_file
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.vector_store import STORES
from portico.sandbox.wire import Answer, Ask, Reply, Route, gone

LIST = Cursor(default=10_000, maximum=10_000)
PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
LARGEST_BYTES = 512 * 1024 * 1024


def create_file(ask: Ask) -> Answer:
    upload = ask.file("file")
    body = fields(ask.body, {"purpose": one_of(*PURPOSES)}, {"expires_after": EXPIRES_AFTER, "file": anything})
    if upload.blob.size > LARGEST_BYTES:
        raise Refusal(413, "A file may have 512 MB at most.", param="file", code="file_too_large")
    if upload.blob.size == 0:
        raise invalid("The file is empty.", "file", "empty_file")
    file = keep(ask, upload.filename, body["purpose"], upload.blob, body.get("expires_after"))
    file.content_type = upload.content_type
    return file.show()


def list_files(ask: Ask) -> Answer:
    purpose = ask.query.text("purpose")
    rows = live_files(ask).rows(lambda file: purpose in (None, file.purpose))
    return LIST.answer(ask, rows, lambda file: file.show())


def get_file(ask: Ask) -> Answer:
    return require_file(ask, ask["file_id"]).show()


def delete_file(ask: Ask) -> Answer:
    file = require_file(ask, ask["file_id"])
    live_files(ask).remove(file.id)
    for store in ask.held(STORES):
        if file.id in store.files:
            store.files.remove(file.id)
    return gone(file.id, "file")


def get_content(ask: Ask) -> Answer:
    file = require_file(ask, ask["file_id"])
    name = file.filename.encode("ascii", "replace").decode().replace('"', "'")
    headers = (("content-disposition", f'attachment; filename="{name}"'),)
    return Reply(file.blob, content_type="application/octet-stream", headers=headers)


ROUTES = (
    Route("GET", "/files", list_files),
    Route("POST", "/files", create_file),
    Route("GET", "/files/{file_id}", get_file),
    Route("DELETE", "/files/{file_id}", delete_file),
    Route("GET", "/files/{file_id}/content", get_content),
)
