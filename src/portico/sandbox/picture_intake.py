"""Pictures that come in: as files of a form, or named in JSON by file id, data URL or address."""

import base64
import binascii

from portico.sandbox.checks import Check, record, text
from portico.sandbox.file_store import require_file
from portico.sandbox.media import pictures
from portico.sandbox.media.mosaic import paint
from portico.sandbox.media.pictures import Seen
from portico.sandbox.published import content_of
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Ask

LARGEST_BYTES = 50 * 1024 * 1024
FORMATS = ("png", "webp", "jpeg")
REFERENCE: Check = record(optional={"file_id": text(shortest=1), "image_url": text(shortest=1)})


def see(content: bytes, param: str, *, formats: tuple[str, ...] = FORMATS, largest_bytes: int = LARGEST_BYTES) -> Seen:
    """The picture that the bytes are, or OpenAI's 400 or 413."""
    if len(content) > largest_bytes:
        message = f"The image may have {largest_bytes} bytes at most, not {len(content)}."
        raise Refusal(413, message, param=param, code="file_too_large")
    seen = pictures.look(content)
    if seen is None or seen.format not in formats:
        raise invalid(f"'{param}' must be an image: {', '.join(formats)}.", param, "invalid_image_file")
    return seen


def uploaded(ask: Ask, name: str) -> list[Seen]:
    return [see(upload.blob.read(LARGEST_BYTES + 1), name) for upload in ask.uploads(name)]


def referenced(ask: Ask, reference: Json, param: str) -> Seen:
    """The picture that a reference names. Foreign addresses are never fetched: their text stands for the picture."""
    if len(reference) != 1:
        raise invalid(f"'{param}' must hold either 'file_id' or 'image_url'.", param)
    if "file_id" in reference:
        return see(require_file(ask, reference["file_id"]).blob.read(LARGEST_BYTES + 1), param)
    address = str(reference["image_url"])
    if address.startswith("data:"):
        return see(_decode(address, param), param)
    if not address.startswith(("https://", "http://")):
        raise invalid(f"'{param}.image_url' must be a URL.", f"{param}.image_url", "invalid_url")
    content = content_of(ask.world, address)
    return see(content or pictures.make(paint(address), (1024, 1024), "png", {}), param)


def _decode(address: str, param: str) -> bytes:
    head, mark, encoded = address.partition(",")
    try:
        if not mark or not head.endswith(";base64"):
            raise binascii.Error
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        message = f"'{param}.image_url' is not a data URL with base64."
        raise invalid(message, f"{param}.image_url", "invalid_base64") from None
