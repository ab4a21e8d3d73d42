"""What is going on, told on a terminal from the first second on: to people, never to programs that read our output."""

import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

_PATIENCE_SECONDS = 1.0
_TICK_SECONDS = 0.25
_WIPE = "\r\x1b[K"
_BAR_WIDTH = 24


class Progress:
    """One piece of work. Who moves bytes adds them up here; `all_bytes` 0: nobody knows how many there will be."""

    def __init__(self, what: str) -> None:
        self.what, self.done_bytes, self.all_bytes = what, 0, 0
        self._done, self._all, self._note = 0, 0, ""
        self._started = time.monotonic()
        self._ended = threading.Event()

    def count(self, done: int, every: int, note: str = "") -> None:
        """For work that is not bytes: so many things of so many; 0: nobody knows how many there will be."""
        self._done, self._all, self._note = done, every, note

    def line(self) -> str:
        seconds = int(time.monotonic() - self._started)
        if self._all:
            filled = min(_BAR_WIDTH, _BAR_WIDTH * self._done // self._all)
            bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
            note = f" ({self._note})" if self._note else ""
            return f"{self.what} {bar} {self._done:,} of {self._all:,}, {seconds} s{note}"
        if not self.done_bytes:
            return f"{self.what} … {seconds} s"
        of = f" of {self.all_bytes / 1e6:.1f}" if self.all_bytes else ""
        return f"{self.what} … {self.done_bytes / 1e6:.1f}{of} MB, {seconds} s"

    def tell(self) -> None:
        """Until the work ends."""
        if self._ended.wait(_PATIENCE_SECONDS):
            return
        while True:
            sys.stderr.write(_WIPE + self.line())
            sys.stderr.flush()
            if self._ended.wait(_TICK_SECONDS):
                break
        sys.stderr.write(_WIPE)
        sys.stderr.flush()

    def end(self) -> None:
        self._ended.set()


@contextmanager
def told(what: str) -> Generator[Progress]:
    """Work that may take long. Nothing is written where standard error is no terminal."""
    progress = Progress(what)
    teller = threading.Thread(target=progress.tell, daemon=True) if sys.stderr.isatty() else None
    if teller is not None:
        teller.start()
    try:
        yield progress
    finally:
        progress.end()
        if teller is not None:
            teller.join()


def copy(read: Callable[[int], bytes], write: Callable[[bytes], Any], progress: Progress) -> None:
    """Piece by piece, counted."""
    for piece in pieces(read, progress):
        write(piece)


def pieces(read: Callable[[int], bytes], progress: Progress) -> Iterator[bytes]:
    while piece := read(65_536):
        progress.done_bytes += len(piece)
        yield piece
