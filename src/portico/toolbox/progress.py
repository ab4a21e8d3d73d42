"""How a tool that takes long says how far it has come."""

from typing import Protocol


class Report(Protocol):
    """`done` must rise from call to call; `of` is what it ends at, where that is known. Returns at once."""

    def __call__(self, done: float, of: float | None = None, words: str = "") -> None: ...
