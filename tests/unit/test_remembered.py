"""What is looked up is kept for a while, and never longer than it is true."""

import asyncio

import pytest

from portico.gateway.remembered import Remembered


class Source:
    """Something that is looked up, and how often."""

    def __init__(self) -> None:
        self.value, self.count = "old", 0
        self.is_free = asyncio.Event()
        self.is_free.set()

    async def __call__(self) -> str:
        self.count += 1
        value = self.value
        await self.is_free.wait()
        return value


async def test_entry_is_looked_up_once_and_again_after_its_time() -> None:
    source, kept, fleeting = Source(), Remembered[int, str](10, 60), Remembered[int, str](10, 0)
    assert [await kept.get(1, source) for _ in range(3)] == ["old"] * 3
    assert source.count == 1
    assert [await fleeting.get(1, source) for _ in range(3)] == ["old"] * 3
    assert source.count == 4


async def test_look_up_that_began_before_a_change_does_not_outlive_it() -> None:
    source, remembered = Source(), Remembered[int, str](10, 60)
    source.is_free.clear()
    early = asyncio.create_task(remembered.get(1, source))
    await asyncio.sleep(0)
    source.value = "new"
    remembered.forget()
    source.is_free.set()
    assert await early == "old"
    assert await remembered.get(1, source) == "new"


async def test_what_a_look_up_raises_is_not_kept() -> None:
    remembered = Remembered[int, str](10, 60)

    async def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await remembered.get(1, fail)
    assert await remembered.get(1, Source()) == "old"


async def test_there_are_never_more_entries_than_allowed() -> None:
    source, remembered = Source(), Remembered[int, str](3, 60)
    for key in range(10):
        await remembered.get(key, source)
    assert source.count == 10
    await remembered.get(9, source)
    await remembered.get(0, source)
    assert source.count == 11
