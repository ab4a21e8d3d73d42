"""What one package brings with it that another has not already: names and sizes, from what is installed here."""

import re
from importlib import metadata
from pathlib import Path


def closure(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    found: set[str] = set()
    waiting = [(_plain(name), extras)]
    while waiting:
        each, wanted = waiting.pop()
        if each in found:
            continue
        found.add(each)
        try:
            requirements = metadata.requires(each) or []
        except metadata.PackageNotFoundError:
            continue
        for text in requirements:
            needed, _, marker = text.partition(";")
            conditions = re.findall(r"extra\s*==\s*[\"']([^\"']+)", marker)
            if (conditions and not set(conditions) & wanted) or "win32" in marker or "python_version <" in marker:
                continue
            match = re.match(r"([\w.-]+)(?:\[([^\]]*)\])?", needed)
            if match:
                inner = frozenset(part.strip() for part in (match[2] or "").split(",") if part.strip())
                waiting.append((_plain(match[1]), inner))
    return found


def added(name: str, to: str) -> dict[str, object]:
    before = closure(to, frozenset({"postgres"}))
    new = sorted(closure(name) - before)
    return {"packages": new, "count": len(new), "MB": round(sum(_size(each) for each in new) / 1e6, 1)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _size(name: str) -> int:
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return 0
    paths = [Path(str(each.locate())) for each in files]
    return sum(path.stat().st_size for path in paths if path.exists())
