"""Files that an agent makes when it is asked to: really of the kind that their name says."""

import csv
import html
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable

from portico.sandbox.mind import tokens
from portico.sandbox.mind.hints import telling

# A ZIP archive knows no earlier time than this; a fixed one makes equal contents equal bytes.
ZIP_TIME = (2026, 1, 1, 0, 0, 0)
PICTURE_SIDE = 64


def make(name: str, asked: str) -> bytes:
    """The content of a file about what was asked."""
    kind = name.rpartition(".")[2].lower()
    return KINDS.get(kind, _plain)(asked)


def title(asked: str) -> str:
    return " ".join(telling(asked)[:6]).capitalize() or "Nothing in particular"


def _plain(asked: str) -> bytes:
    return f"{title(asked)}\n\n{' '.join(asked.split())}\n".encode()


def _markdown(asked: str) -> bytes:
    points = "\n".join(f"- {word}" for word in telling(asked)[:8])
    return f"# {title(asked)}\n\n{' '.join(asked.split())}\n\n{points}\n".encode()


def _table(asked: str) -> bytes:
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(("word", "times"))
    said = tokens.words(asked)
    rows.writerows((word, said.count(word)) for word in telling(asked))
    return written.getvalue().encode()


def _json(asked: str) -> bytes:
    return json.dumps({"title": title(asked), "asked": asked, "words": telling(asked)}, indent=2).encode()


def _page(asked: str) -> bytes:
    return f"<!doctype html><title>{html.escape(title(asked))}</title><p>{html.escape(asked)}</p>\n".encode()


def _archive(asked: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("README.md", _markdown(asked)), ("words.csv", _table(asked))):
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content)
    return written.getvalue()


def _picture(asked: str) -> bytes:
    """A square in a colour that the words decide."""
    colour = struct.pack(">I", zlib.crc32(asked.encode()))[:3]
    rows = (b"\0" + colour * PICTURE_SIDE) * PICTURE_SIDE
    head = struct.pack(">IIBBBBB", PICTURE_SIDE, PICTURE_SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _document(asked: str) -> bytes:
    """A PDF of one page with one line."""
    line = title(asked).encode("latin-1", "replace").replace(b"\\", b"").replace(b"(", b"[").replace(b")", b"]")
    drawing = b"BT /F1 18 Tf 72 720 Td (" + line + b") Tj ET"
    parts = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    written, places = b"%PDF-1.4\n", list[int]()
    for number, part in enumerate(parts, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(written))
    return written + b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + table + tail


KINDS: dict[str, Callable[[str], bytes]] = {
    "csv": _table,
    "htm": _page,
    "html": _page,
    "json": _json,
    "md": _markdown,
    "pdf": _document,
    "png": _picture,
    "zip": _archive,
}
