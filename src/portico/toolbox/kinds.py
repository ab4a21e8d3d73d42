"""What some bytes are: told by how they begin, not by what somebody called them. Pure."""

import mimetypes

UNKNOWN = "application/octet-stream"
_HEAD = 4096
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_SHOWN_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
# Not left to the machine's own list, which differs from one to the next.
_ENDINGS = {
    "audio/mpeg": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav", "audio/flac": ".flac", "audio/ogg": ".ogg",
    "audio/aac": ".aac", "audio/opus": ".opus", "audio/mp4": ".m4a", "image/jpeg": ".jpg", "image/webp": ".webp",
    "text/plain": ".txt", "application/jsonl": ".jsonl", "application/x-ndjson": ".jsonl", UNKNOWN: ".bin",
}  # fmt: skip


def sniff(head: bytes) -> str:
    """The content type; application/octet-stream where the beginning says nothing."""
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:12].startswith(b"M4A") else "video/mp4"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        layer = head[1] >> 1 & 3
        return "audio/aac" if layer == 0 and head[1] & 0xF0 == 0xF0 else "audio/mpeg" if layer == 1 else UNKNOWN
    return next((kind for start, kind in _MAGIC if head.startswith(start)), UNKNOWN)


def settle(told: str, head: bytes) -> str:
    """What it was called, unless that says nothing or the bytes say otherwise."""
    told = told.partition(";")[0].strip().lower()
    seen = sniff(head)
    if seen == UNKNOWN:
        return told or UNKNOWN
    says_nothing = told in {"", UNKNOWN, "binary/octet-stream"} or told.startswith("text/")
    return seen if says_nothing or told.partition("/")[0] != seen.partition("/")[0] else told


def is_shown_picture(kind: str) -> bool:
    """Whether models are shown pictures of this kind."""
    return kind in _SHOWN_PICTURES


def is_text(head: bytes) -> bool:
    """Whether the beginning is text; a letter cut in two at its end does not count."""
    head = head[:_HEAD]
    try:
        text = head.decode()
    except UnicodeDecodeError as problem:
        if problem.start < len(head) - 4:
            return False
        text = head[: problem.start].decode()
    return "\x00" not in text


def ending(kind: str) -> str:
    return _ENDINGS.get(kind) or mimetypes.guess_extension(kind) or ""
