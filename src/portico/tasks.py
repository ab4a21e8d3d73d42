"""Tasks that go on beside others, and how they are ended."""

import asyncio
from collections.abc import Iterable

PATIENCE_SECONDS = 1.0


async def end(tasks: Iterable["asyncio.Task[None]"]) -> None:
    """Cancel them, and return once none is left; what they failed with meanwhile is of no interest.

    A cancellation can be lost: a wait that had just come to its end gives its result instead, and the task goes on. So
    whoever is still there after a while is told again.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=PATIENCE_SECONDS)
        await asyncio.gather(*ended, return_exceptions=True)
