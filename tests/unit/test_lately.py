"""What takes long is asked for once, kept for a while, and asked for again where it failed."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from portico.faces.web.admin import lately
from portico.faces.web.admin.lately import Lately


class Vendor:
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.value: dict[str, Any] = {"total": 1}

    def clock(self) -> datetime:
        return self.moment

    async def work(self) -> dict[str, Any]:
        self.asked += 1
        await self.may_answer.wait()
        return self.value


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "AT_ONCE_SECONDS", 0.0)


async def test_it_is_asked_once_and_told_with_its_age() -> None:
    vendor = Vendor()
    known = Lately(vendor.clock)
    for _ in range(3):
        known.ask("a", vendor.work)
        assert await known.look(["a"]) == [None]
    vendor.may_answer.set()
    first = vendor.moment
    assert [(each.value, each.at) for each in await known.look(["a"], patiently=True) if each] == [
        ({"total": 1}, first)
    ]
    vendor.moment += lately.KEPT
    known.ask("a", vendor.work)
    assert [each.at for each in await known.look(["a"]) if each] == [first]
    assert vendor.asked == 1
    vendor.moment += timedelta(seconds=1)
    known.ask("a", vendor.work)
    assert [each.at for each in await known.look(["a"], patiently=True) if each] == [vendor.moment]
    known.ask("a", vendor.work, again=True)
    await known.look(["a"], patiently=True)
    assert vendor.asked == 3


@pytest.mark.parametrize("is_raised", [True, False])
async def test_a_failure_is_told_and_soon_asked_again(is_raised: bool) -> None:
    vendor = Vendor()
    vendor.may_answer.set()
    vendor.value = {"error": "No."}

    async def broken() -> dict[str, Any]:
        raise RuntimeError

    known = Lately(vendor.clock)
    known.ask("a", broken if is_raised else vendor.work)
    (told,) = await known.look(["a"], patiently=True)
    assert told is not None
    assert told.is_failure
    vendor.moment += lately.KEPT_FAILED + timedelta(seconds=1)
    vendor.value = {"total": 2}
    known.ask("a", vendor.work)
    assert [each.value for each in await known.look(["a"], patiently=True) if each] == [{"total": 2}]


async def test_who_leaves_ends_nothing_and_closing_ends_all() -> None:
    vendor = Vendor()
    known = Lately(vendor.clock)
    known.ask("a", vendor.work)
    waiting = asyncio.create_task(known.look(["a"], patiently=True))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    vendor.may_answer.set()
    assert [each.value for each in await known.look(["a"], patiently=True) if each] == [{"total": 1}]
    vendor.may_answer.clear()
    known.ask("b", vendor.work)
    await asyncio.sleep(0)
    await known.close()
    await Lately(vendor.clock).close()


async def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lately, "MOST_KEPT", 2)
    vendor = Vendor()
    vendor.may_answer.set()
    known = Lately(vendor.clock)
    for key in "abc":
        known.ask(key, vendor.work)
        await known.look([key], patiently=True)
    assert [bool(each) for each in await known.look(["a", "b", "c"])] == [False, True, True]
