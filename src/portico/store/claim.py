"""One gateway for one SQLite file: whoever serves from it, or puts a backup into it, holds a lock beside it.

The system gives the lock back however a process ends, so one that was killed blocks nobody. Workers hold none:
the process above them does. PostgreSQL is there to be shared and has no lock.
"""

import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from portico.errors import Refusal, Unavailable
from portico.store.engines import is_postgres, make_folder, path_of

Purpose = Literal["serve", "restore"]
# A process that was killed a moment ago may not be quite gone.
PATIENCE_SECONDS = 1.0
_LOOK_SECONDS = 0.05
_BY = {
    "serve": "Another gateway ({who}) is already serving from {folder}",
    "restore": "A backup is being put back into {folder} ({who})",
}
_MEND = {
    "serve": "stop that one, name another folder (PORTICO_DATA_DIR; of a demo, --data), or use PostgreSQL "
    "(PORTICO_DATABASE_URL), which several gateways can share.",
    "restore": "stop that first.",
}


class Taken(Refusal):
    """Another process uses this data folder for itself."""

    status = 409
    code = "taken"


@contextmanager
def claimed(url: str, data_dir: Path, purpose: Purpose) -> Generator[None]:
    """Hold the file that the address means. Raises Taken, which names the process that holds it."""
    if is_postgres(url):
        yield
        return
    path = path_of(url, data_dir).resolve()
    if not url:
        make_folder(data_dir)
    try:
        handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise Unavailable(f"The database {path} cannot be used: {problem.strerror or problem}.") from problem
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not _locked(handle):
            if time.monotonic() > deadline:
                raise Taken(_sentence(os.pread(handle, 1000, 0).decode("utf-8", "replace"), path.parent, purpose))
            time.sleep(_LOOK_SECONDS)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{purpose} {os.getpid()} {socket.gethostname()}\n".encode(), 0)
        yield
    finally:
        os.close(handle)


def holder(url: str, data_dir: Path) -> str:
    """Which process serves from the file that the address means, or puts a backup into it; empty where none does."""
    path = path_of(url, data_dir).resolve()
    try:
        handle = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR)
    except OSError:
        return ""
    try:
        return "" if _locked(handle) else _who(os.pread(handle, 1000, 0).decode("utf-8", "replace"))[1]
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has none
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: then it is as if nobody asked
        return True
    return True


def _sentence(note: str, folder: Path, wanted: Purpose) -> str:
    held, who = _who(note)
    said = _BY.get(held, _BY["serve"]).format(who=who, folder=folder)
    return f"{said}: {_MEND[wanted] if held != 'restore' else 'wait until that is done.'}"


def _who(note: str) -> tuple[str, str]:
    """What a process holds the file for, and which one."""
    held, number, host = (*note.split(), "", "", "")[:3]
    return held, f"process {number or 'unknown'}" + (f" on {host}" if host not in ("", socket.gethostname()) else "")
