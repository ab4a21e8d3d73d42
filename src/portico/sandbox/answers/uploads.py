"""Uploads: a large file in parts, put together at the end and checked."""

from dataclasses import dataclass, field

from portico.sandbox.blobs import Blob
from portico.sandbox.checks import array, fields, integer, one_of, text
from portico.sandbox.file_store import EXPIRES_AFTER, StoredFile, keep
from portico.sandbox.refusals import Refusal, invalid, not_found
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Answer, Ask, Route

LARGEST_BYTES = 8 * 1024**3
LARGEST_PART_BYTES = 64 * 1024**2
LIFETIME_SECONDS = 3600
PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")


@dataclass(slots=True)
class Upload:
    id: str
    filename: str
    purpose: str
    size: int
    mime_type: str
    created_at: int
    expires_after: Json | None = None
    parts: dict[str, Blob] = field(default_factory=dict[str, Blob])
    is_cancelled: bool = False
    file: StoredFile | None = None

    def status(self, now: int) -> str:
        if self.file is not None:
            return "completed"
        if self.is_cancelled:
            return "cancelled"
        return "expired" if now >= self.created_at + LIFETIME_SECONDS else "pending"

    def show(self, now: int) -> Json:
        return {
            "id": self.id,
            "object": "upload",
            "bytes": self.size,
            "created_at": self.created_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": self.status(now),
            "expires_at": self.created_at + LIFETIME_SECONDS,
            "file": self.file.show() if self.file else None,
        }


UPLOADS = Kind[Upload]("upload", "upload_")


def create_upload(ask: Ask) -> Answer:
    required = {
        "filename": text(shortest=1),
        "purpose": one_of(*PURPOSES),
        "bytes": integer(1, LARGEST_BYTES),
        "mime_type": text(shortest=1),
    }
    body = fields(ask.body, required, {"expires_after": EXPIRES_AFTER})
    identity, expires_after = ask.new_id(UPLOADS), body.get("expires_after")
    made = Upload(identity, body["filename"], body["purpose"], body["bytes"], body["mime_type"], ask.now, expires_after)
    return ask.held(UPLOADS).add(made.id, made).show(ask.now)


def add_part(ask: Ask) -> Answer:
    upload = _pending(ask)
    data = ask.file("data")
    if data.blob.size > LARGEST_PART_BYTES:
        raise Refusal(413, "A part may have 64 MB at most.", param="data", code="part_too_large")
    if sum(part.size for part in upload.parts.values()) + data.blob.size > upload.size:
        raise invalid("The parts hold more bytes than the upload was announced with.", "data")
    identity = ask.new_id("part_")
    upload.parts[identity] = data.blob
    return {"id": identity, "object": "upload.part", "created_at": ask.now, "upload_id": upload.id}


def complete_upload(ask: Ask) -> Answer:
    upload = _pending(ask)
    body = fields(ask.body, {"part_ids": array(str, shortest=1)}, {"md5": str})
    unknown = [part_id for part_id in body["part_ids"] if part_id not in upload.parts]
    if unknown:
        raise not_found(f"This upload has no part '{unknown[0]}'.", "part_ids")
    whole = Blob.joined(upload.parts[part_id] for part_id in body["part_ids"])
    if whole.size != upload.size:
        raise invalid(f"The parts hold {whole.size} bytes, but {upload.size} were announced.", "part_ids")
    if "md5" in body and body["md5"].lower() != whole.md5:
        raise invalid("The checksum of the parts is not the 'md5' that was given.", "md5")
    upload.file = keep(ask, upload.filename, upload.purpose, whole, upload.expires_after)
    upload.file.content_type = upload.mime_type
    upload.parts.clear()
    return upload.show(ask.now)


def cancel_upload(ask: Ask) -> Answer:
    upload = _pending(ask)
    upload.is_cancelled = True
    upload.parts.clear()
    return upload.show(ask.now)


def _pending(ask: Ask) -> Upload:
    upload = ask.held(UPLOADS).get(ask["upload_id"])
    if (status := upload.status(ask.now)) != "pending":
        raise invalid(f"This upload is {status}, not pending.", None, f"upload_{status}")
    return upload


ROUTES = (
    Route("POST", "/uploads", create_upload),
    Route("POST", "/uploads/{upload_id}/parts", add_part),
    Route("POST", "/uploads/{upload_id}/complete", complete_upload),
    Route("POST", "/uploads/{upload_id}/cancel", cancel_upload),
)
