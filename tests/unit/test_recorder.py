"""Rows of the request log on their way to the database: when it stalls, when it is away, when it dislikes one."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from portico.errors import AlreadyExists, Unavailable
from portico.gateway import record
from portico.gateway.bodies import Keeper
from portico.gateway.limits import Limits
from portico.gateway.metrics import Metrics
from portico.gateway.record import Recorder
from portico.model.account import AccountId, EnvironmentId
from portico.model.call import Call
from portico.model.caller import FULL_SCOPES, Caller
from portico.model.request import RequestRow
from portico.store.requests import Requests
from tests.conftest import HeldClock

CALLER = Caller(environment_id=EnvironmentId("e"), token_id="t", name="n", scopes=FULL_SCOPES)


class Shelf:
    """Takes rows as a database does, or not."""

    def __init__(self) -> None:
        self.rows: list[RequestRow] = []
        self.problems: list[Exception] = []
        self.is_open = asyncio.Event()
        self.is_open.set()
        self.disliked = ""

    async def add(self, rows: list[RequestRow], owed: dict[Any, int], kept: list[Any]) -> dict[Any, Any]:
        await self.is_open.wait()
        if self.problems:
            raise self.problems.pop(0)
        if any(self.disliked and self.disliked in row.client for row in rows):
            raise ValueError("a text that no database takes")
        if any(row in self.rows for row in rows):
            raise AlreadyExists
        self.rows += rows
        return {}


class Nothing:
    """Keeps no bodies."""

    async def sealed(self, rows: list[RequestRow]) -> tuple[list[RequestRow], list[Any]]:
        return rows, []

    def forget(self, rows: list[RequestRow]) -> None:
        pass

    def give_up(self) -> None:
        pass


class Unlimited:
    """No quotas."""

    def note(self, row: RequestRow) -> None:
        pass

    async def owed(self, rows: list[RequestRow]) -> dict[Any, int]:
        return {}

    async def written(self, owed: dict[Any, int], uses: dict[Any, Any]) -> None:
        pass


def recorder(shelf: Shelf, clock: HeldClock) -> Recorder:
    return Recorder(cast("Requests", shelf), Metrics(), clock, cast("Limits", Unlimited()), cast("Keeper", Nothing()))


def record_calls(recorder: Recorder, count: int, client: str = "") -> None:
    for number in range(count):
        call = Call(account_id=AccountId("a"), face="proxy", request_id=str(number), client=client)
        with recorder.open(CALLER, call, is_held=True):
            pass


def dropped(recorder: Recorder) -> float:
    text = recorder.metrics.text().decode()
    return float(text.partition("\nportico_request_rows_dropped_total ")[2].split()[0])


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_rows_are_written_in_the_order_of_their_calls(shelf: Shelf, clock: HeldClock) -> None:
    kept = recorder(shelf, clock)
    record_calls(kept, 1203)
    await kept.flush()
    assert [row.request_id for row in shelf.rows] == [str(number) for number in range(1203)]
    ids = [row.id for row in shelf.rows]
    assert ids == sorted(ids)


async def test_calls_succeed_while_the_database_stalls_and_are_written_once_it_goes_on(
    shelf: Shelf, clock: HeldClock
) -> None:
    kept = recorder(shelf, clock)
    shelf.is_open.clear()
    record_calls(kept, 10)
    writing = asyncio.create_task(kept.flush())
    await asyncio.sleep(0)
    record_calls(kept, 700)
    assert not writing.done()
    shelf.is_open.set()
    await writing
    assert len(shelf.rows) == 10
    await kept.flush()
    assert len(shelf.rows) == 710
    assert dropped(kept) == 0


async def test_whoever_looks_waits_for_what_was_recorded_before_and_not_for_what_comes(
    clock: HeldClock,
) -> None:
    class Busy(Shelf):
        """While it writes one row, the next call ends."""

        async def add(self, rows: list[RequestRow], owed: dict[Any, int], kept: list[Any]) -> dict[Any, Any]:
            await asyncio.sleep(0)
            if len(self.rows) < 2_000:
                record_calls(busy, 1)
            return await super().add(rows, owed, kept)

    shelf = Busy()
    busy = recorder(shelf, clock)
    record_calls(busy, 3)
    await busy.catch_up()
    assert len(shelf.rows) == 3


async def test_whoever_looks_does_not_wait_long_for_a_database_that_stalls(
    shelf: Shelf, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "LOOK_SECONDS", 0.05)
    kept = recorder(shelf, clock)
    shelf.is_open.clear()
    record_calls(kept, 3)
    await kept.catch_up()
    assert shelf.rows == []
    shelf.is_open.set()
    await kept.flush()
    assert len(shelf.rows) == 3


async def test_bodies_are_given_up_rather_than_rows_when_there_is_no_time_left(
    shelf: Shelf, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(Nothing):
        has_time = True

        async def sealed(self, rows: list[RequestRow]) -> tuple[list[RequestRow], list[Any]]:
            await asyncio.sleep(0.3 if self.has_time else 0)
            return rows, []

        def give_up(self) -> None:
            self.has_time = False

    monkeypatch.setattr(record, "BODIES_SECONDS", 0.05)
    monkeypatch.setattr(record, "STOP_SECONDS", 0.8)
    slow = Recorder(cast("Requests", shelf), Metrics(), clock, cast("Limits", Unlimited()), cast("Keeper", Slow()))
    record_calls(slow, 2_500)
    await slow.stop()
    assert (len(shelf.rows), dropped(slow)) == (2_500, 0)


async def test_what_cannot_wait_any_longer_is_dropped_and_counted(
    shelf: Shelf, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "MOST_WAITING", 100)
    kept = recorder(shelf, clock)
    shelf.is_open.clear()
    record_calls(kept, 130)
    assert dropped(kept) == 30
    shelf.is_open.set()
    await kept.flush()
    assert [row.request_id for row in shelf.rows] == [str(number) for number in range(100)]


async def test_rows_wait_for_a_database_that_is_away(shelf: Shelf, clock: HeldClock) -> None:
    kept = recorder(shelf, clock)
    record_calls(kept, 600)
    shelf.problems = [Unavailable(), Unavailable()]
    await kept.flush()
    await kept.flush()
    assert shelf.rows == []
    await kept.flush()
    assert len(shelf.rows) == 600
    assert dropped(kept) == 0


async def test_a_database_that_is_away_is_said_once_a_minute_and_so_is_that_it_is_back(
    shelf: Shelf, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def warning(event: str, **_facts: Any) -> None:
        said.append(event)

    monkeypatch.setattr(record, "_log", SimpleNamespace(warning=warning))
    kept = recorder(shelf, clock)
    record_calls(kept, 2)
    shelf.problems = [Unavailable() for _ in range(20)]
    for _ in range(20):
        await kept.flush()
    assert said == ["request log not written"]
    await kept.flush()
    assert said == ["request log not written", "request log written again"]
    shelf.problems = [Unavailable(), Unavailable()]
    monkeypatch.setattr(record, "COMPLAIN_SECONDS", 0)
    record_calls(kept, 2)
    for _ in range(2):
        await kept.flush()
    assert said[2:] == ["request log not written"] * 2


async def test_nothing_is_lost_on_a_clean_stop(shelf: Shelf, clock: HeldClock) -> None:
    kept = recorder(shelf, clock)
    await kept.start()
    record_calls(kept, 1100)
    await kept.stop()
    assert len(shelf.rows) == 1100
    assert dropped(kept) == 0


async def test_stop_does_not_wait_for_ever_and_counts_what_it_leaves(
    shelf: Shelf, clock: HeldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "STOP_SECONDS", 0.05)
    kept = recorder(shelf, clock)
    await kept.start()
    shelf.is_open.clear()
    record_calls(kept, 7)
    await kept.stop()
    assert dropped(kept) == 7


async def test_stop_counts_what_a_database_that_is_away_cannot_take(shelf: Shelf, clock: HeldClock) -> None:
    kept = recorder(shelf, clock)
    record_calls(kept, 7)
    shelf.problems = [Unavailable()]
    await kept.stop()
    assert dropped(kept) == 7


async def test_one_row_that_cannot_be_written_costs_none_of_the_others(shelf: Shelf, clock: HeldClock) -> None:
    kept = recorder(shelf, clock)
    shelf.disliked = "odd"
    record_calls(kept, 2)
    record_calls(kept, 1, client="odd")
    record_calls(kept, 2)
    await kept.flush()
    assert len(shelf.rows) == 4
    assert dropped(kept) == 1


async def test_a_row_with_signs_that_no_text_may_hold_is_written_without_them(shelf: Shelf, clock: HeldClock) -> None:
    kept = recorder(shelf, clock)
    shelf.disliked = "\0"
    record_calls(kept, 1, client="a\0b\ud800c")
    record_calls(kept, 1)
    await kept.flush()
    assert [row.client for row in shelf.rows] == ["a�b?c", ""]
    assert dropped(kept) == 0


async def test_rows_whose_writing_was_only_not_heard_of_are_not_written_twice(shelf: Shelf, clock: HeldClock) -> None:
    kept = recorder(shelf, clock)
    record_calls(kept, 3)
    await kept.flush()
    for row in list(shelf.rows):  # as if the answer to their writing had been lost
        kept.put(row)
    record_calls(kept, 1)
    await kept.flush()
    assert len(shelf.rows) == 4
    assert dropped(kept) == 0
