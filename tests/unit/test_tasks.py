"""Tasks are ended, whatever they do about it."""

import asyncio

import pytest

from portico import tasks


async def test_task_that_lost_its_cancellation_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.01)
    told = 0

    async def hard_of_hearing() -> None:
        nonlocal told
        while told < 3:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                told += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(hard_of_hearing())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await tasks.end([task])
    assert (told, task.cancelled()) == (3, True)


async def test_task_that_failed_harms_nobody() -> None:
    async def fail() -> None:
        raise ValueError

    async def wait() -> None:
        await asyncio.sleep(60)

    failing, waiting = asyncio.create_task(fail()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    await tasks.end([failing, waiting])
    await tasks.end([])
    assert isinstance(failing.exception(), ValueError)
    assert waiting.cancelled()
