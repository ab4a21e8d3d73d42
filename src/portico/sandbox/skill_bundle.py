"""Skill bundles: a zip, or the files of a folder made into one, with a manifest that names and describes the skill."""

import base64
import binascii
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from portico.sandbox.blobs import Blob
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.wire import Upload

MOST_FILES = 500
LARGEST_ZIP_BYTES = 50 * 1024 * 1024
LARGEST_FILE_BYTES = 25 * 1024 * 1024
LARGEST_TOTAL_BYTES = 250 * 1024 * 1024
MANIFEST = "skill.md"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
LONGEST_DESCRIPTION = 1024
FIELD = re.compile(r"([A-Za-z_-]+):\s*(.*)")


@dataclass(frozen=True, slots=True)
class Bundle:
    name: str
    description: str
    blob: Blob

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Content of every file, by its path below the skill's top."""
        with zipfile.ZipFile(io.BytesIO(self.blob.read())) as archive:
            entries = _entries(archive)
            for entry in entries:
                yield "/".join(PurePosixPath(entry.filename).parts[_depth(entries) - 1 :]), archive.read(entry)


def from_uploads(uploads: Sequence[Upload], param: str = "files") -> Bundle:
    """One zip, or the files of a folder, each with its path as its filename."""
    if len(uploads) == 1 and _is_zip(uploads[0].blob):
        return from_zip(uploads[0].blob, param)
    if len(uploads) > MOST_FILES:
        raise _broken(f"A skill may have {MOST_FILES} files at most", param)
    if len({upload.filename for upload in uploads}) < len(uploads):
        raise _broken("Two files of the skill have the same path", param)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for upload in uploads:
            # A fixed date makes the same files the same zip.
            archive.writestr(zipfile.ZipInfo(upload.filename.removeprefix("./")), upload.blob.read())
    return from_zip(Blob(packed.getvalue()), param)


def from_text(encoded: str, param: str = "files") -> Bundle:
    """A zip in base64."""
    try:
        return from_zip(Blob(base64.b64decode(encoded, validate=True)), param)
    except (binascii.Error, ValueError):
        raise _broken("A skill that is sent as text must be a zip in base64", param) from None


def from_zip(blob: Blob, param: str) -> Bundle:
    if blob.size > LARGEST_ZIP_BYTES:
        raise Refusal(413, "A skill's zip may have 50 MB at most.", param=param, code="file_too_large")
    try:
        with zipfile.ZipFile(io.BytesIO(blob.read())) as archive:
            entries = _entries(archive)
            _check(entries, param)
            if (damaged := archive.testzip()) is not None:
                raise _broken(f"'{damaged}' is damaged", param)
            manifest = archive.read(_manifest(entries, param)).decode("utf-8")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as failure:
        raise _broken(f"The skill can't be read: {failure}", param) from None
    head = _front_matter(manifest)
    name, description = head.get("name", ""), head.get("description", "")
    if not NAME.fullmatch(name):
        raise _broken("SKILL.md must begin with a 'name' of lowercase letters, digits and dashes", param)
    if not 0 < len(description) <= LONGEST_DESCRIPTION:
        raise _broken(f"SKILL.md must have a 'description' of at most {LONGEST_DESCRIPTION} characters", param)
    return Bundle(name, description, blob)


def _check(entries: list[zipfile.ZipInfo], param: str) -> None:
    if not 0 < len(entries) <= MOST_FILES:
        raise _broken(f"A skill must have 1 to {MOST_FILES} files", param)
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
            raise _broken(f"'{entry.filename}' is not a path inside the skill", param)
        if entry.flag_bits & 1:
            raise _broken("The skill's zip is encrypted", param)
        if entry.file_size > LARGEST_FILE_BYTES:
            raise _broken(f"'{entry.filename}' is larger than 25 MB", param)
    if sum(entry.file_size for entry in entries) > LARGEST_TOTAL_BYTES:
        raise _broken("The skill's files are larger than 250 MB", param)


def _manifest(entries: list[zipfile.ZipInfo], param: str) -> zipfile.ZipInfo:
    """The one SKILL.md, which lies at the top or in the only folder there."""
    depth = _depth(entries)
    found = [entry for entry in entries if _is_manifest(PurePosixPath(entry.filename), depth)]
    if len(found) != 1:
        raise _broken("A skill must have exactly one SKILL.md at its top", param)
    return found[0]


def _is_manifest(path: PurePosixPath, depth: int) -> bool:
    return path.name.lower() == MANIFEST and len(path.parts) == depth


def _depth(entries: list[zipfile.ZipInfo]) -> int:
    """Where the top of the skill is: 2 if everything lies in one folder, else 1."""
    paths = [PurePosixPath(entry.filename).parts for entry in entries]
    return 2 if len({path[0] for path in paths}) == 1 and all(len(path) > 1 for path in paths) else 1


def _front_matter(manifest: str) -> dict[str, str]:
    """The fields between the first two lines of dashes; a field may go on in indented lines."""
    lines = manifest.lstrip("\ufeff").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    fields: dict[str, str] = {}
    name = ""
    for line in lines[1:]:
        if line.strip() == "---":
            return {name: text.strip().strip("\"'").strip() for name, text in fields.items()}
        if line.startswith((" ", "\t")) and name:
            fields[name] = f"{fields[name]} {line.strip()}"
        elif found := FIELD.match(line):
            name = found[1].lower()
            fields[name] = "" if found[2].strip() in ("|", ">", "|-", ">-") else found[2]
    return {}


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [entry for entry in archive.infolist() if not entry.is_dir()]


def _is_zip(blob: Blob) -> bool:
    return blob.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def _broken(why: str, param: str) -> Refusal:
    return invalid(f"{why}.", param, "invalid_skill")
