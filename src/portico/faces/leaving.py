"""The end of patience of a gateway that was told to stop: what is still under way is ended, and hears why."""

import asyncio
from collections.abc import Iterable
from typing import Any

_WORD = "the gateway is stopping"


def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel(_WORD)


def is_leaving(problem: BaseException) -> bool:
    """Whether it was we who ended it so, and not the client or somebody else."""
    return isinstance(problem, asyncio.CancelledError) and _WORD in problem.args
