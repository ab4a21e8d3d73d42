"""Content provenance checks: whether a picture or a sound was made here, and whether it was changed since."""

from datetime import UTC, datetime

from portico.sandbox.checks import anything, fields
from portico.sandbox.media import imprint, listen, pictures
from portico.sandbox.media.imprint import Imprint
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route

ISSUER = "OpenAI (sandbox)"


def check_content(ask: Ask) -> Answer:
    upload = ask.file("file")
    fields(ask.body, optional={"file": anything})
    content = upload.blob.read()
    is_picture = pictures.look(content) is not None
    if not is_picture and not _is_sound(content):
        raise invalid("The file must be an image or a sound.", "file", "unsupported_file_type")
    found = imprint.find(content)
    results = [_manifest(found), _watermark(found)] if is_picture else [_watermark(found)]
    return {"object": "content_provenance_check", "created_at": ask.now, "results": results}


def _is_sound(content: bytes) -> bool:
    try:
        listen.listen(content)
    except listen.Unreadable:
        return False
    return True


def _manifest(found: Imprint | None) -> Json:
    """What stands for a C2PA manifest: the imprint, which is worth something only while its seal holds."""
    state = "not_present" if found is None else "trusted" if found.is_intact else "invalid"
    is_good = found is not None and found.is_intact
    result: Json = {"type": "c2pa", "outcome": "detected" if is_good else "not_detected", "validation_state": state}
    return {**result, "issuer": ISSUER if is_good else None, **_origin(found if is_good else None)}


def _watermark(found: Imprint | None) -> Json:
    """What stands for a watermark: the imprint too, but it survives changes."""
    return {"type": "synthid", "outcome": "not_detected" if found is None else "detected", **_origin(found)}


def _origin(found: Imprint | None) -> Json:
    if found is None:
        return {"model": None, "generated_at": None}
    at = found.facts.get("at")
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(at, int) else None
    return {"model": found.facts.get("model"), "generated_at": moment}


ROUTES = (Route("POST", "/content_provenance_checks", check_content),)
