"""Uploaded and produced files of a project, as the families share them: kept once, read by id, gone when expired."""

from dataclasses import dataclass

from portico.sandbox.blobs import Blob
from portico.sandbox.checks import Check, integer, one_of, record
from portico.sandbox.refusals import no_such
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Collection, Kind
from portico.sandbox.wire import Ask

BATCH_FILE_SECONDS = 30 * 24 * 3600

# The body field that says when a file goes: between an hour and thirty days after it was made.
EXPIRES_AFTER: Check = record({"anchor": one_of("created_at"), "seconds": integer(3600, BATCH_FILE_SECONDS)})


@dataclass(slots=True)
class StoredFile:
    id: str
    filename: str
    purpose: str
    blob: Blob
    created_at: int
    content_type: str = "application/octet-stream"
    expires_at: int | None = None

    def show(self) -> Json:
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.blob.size,
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


FILES = Kind[StoredFile]("file", "file-")


def keep(ask: Ask, filename: str, purpose: str, blob: Blob, expires_after: Json | None = None) -> StoredFile:
    """Add a file to the project of the key."""
    seconds = expires_after["seconds"] if expires_after else (BATCH_FILE_SECONDS if purpose == "batch" else None)
    file = StoredFile(ask.new_id(FILES), filename, purpose, blob, ask.now)
    file.expires_at = file.created_at + seconds if seconds is not None else None
    return ask.held(FILES).add(file.id, file)


def live_files(ask: Ask) -> Collection[StoredFile]:
    """The project's files, without those whose time is over."""
    files = ask.held(FILES)
    for file in files:
        if file.expires_at is not None and file.expires_at <= ask.now:
            files.remove(file.id)
    return files


def require_file(ask: Ask, file_id: str) -> StoredFile:
    """The file of that id, or OpenAI's 404."""
    file = live_files(ask).look(file_id)
    if file is None:
        raise no_such("File object", file_id)
    return file
