"""The request log's searches: every filter, in strides that end, along the right index on both engines."""

import random
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString, cast

import pytest
from msgspec import structs

from portico.model.account import EnvironmentId
from portico.model.request import RequestRow
from portico.store import operators, requests
from portico.store.database import Database
from portico.store.engines import open_database
from portico.store.ids import new_id
from portico.store.metered import Metered, MeteredDay
from portico.store.migrate import known_migrations, migrate
from portico.store.operators import Operators
from portico.store.requests import LAST, PATHS, RequestFilter, Requests
from portico.store.statement import Statement
from tests.store.rows import LATER, MOMENT, Home, make_home, request_of

ANY = RequestFilter()


@pytest.fixture
async def home(database: Database) -> Home:
    return await make_home(database)


def plain(home: Home, **changes: Any) -> RequestRow:
    return structs.replace(request_of(home), **changes)


FILTERS: list[dict[str, Any]] = [
    {"account_id": "other"}, {"tenant_id": "other"}, {"face": "mcp"}, {"tool": "other"}, {"server_id": "other"},
    {"resource": "other"}, {"method": "other"}, {"code": "other"}, {"token_id": "other"}, {"model": "other"},
    {"request_id": "other"}, {"vendor_request_id": "other"}, {"integration": "other"},
]  # fmt: skip


@pytest.mark.parametrize("wanted", FILTERS, ids=[next(iter(each)) for each in FILTERS])
async def test_each_filter_finds_its_rows_alone_and_with_another(
    database: Database, home: Home, wanted: dict[str, Any]
) -> None:
    store = Requests(database)
    rows = [plain(home), plain(home, **wanted), plain(home, **wanted, verb="PUT"), plain(home)]
    foreign = plain(await make_home(database, "theirs"), **wanted)
    await store.add([*rows, foreign])
    where: dict[str, Any] = {name: (value,) for name, value in wanted.items()}
    assert await store.page(home.id, LAST, 10, RequestFilter(**where)) == [rows[2], rows[1]]
    assert await store.page(home.id, LAST, 10, RequestFilter(**where, status=(2,))) == [rows[2], rows[1]]
    assert await store.page(home.id, LAST, 10, RequestFilter(**where, status=(4,))) == []
    (name,) = wanted
    both: dict[str, Any] = {name: (getattr(rows[0], name), wanted[name])}
    assert await store.page(home.id, LAST, 10, RequestFilter(**both)) == rows[::-1]
    neither: dict[str, Any] = {name: ("oth", "er", wanted[name] * 2)}
    assert await store.page(home.id, LAST, 10, RequestFilter(**neither)) == []


async def test_a_client_is_found_by_its_name_with_or_without_its_version(database: Database, home: Home) -> None:
    store = Requests(database)
    rows = [plain(home, client=each) for each in ("agent", "agent/7", "agents/7", "an agent/7", "agent_/7", "")]
    await store.add(rows)
    for name, places in (("agent", [1, 0]), ("agent/7", [1]), ("agent_", [4]), ("age", []), ("%", [])):
        assert await store.page(home.id, LAST, 10, RequestFilter(client_name=name)) == [rows[each] for each in places]


async def test_whoever_asks_for_what_is_empty_finds_that_and_not_everything(database: Database, home: Home) -> None:
    store = Requests(database)
    rows = [plain(home, tool=each) for each in ("", "list_files", "")]
    await store.add(rows)
    assert await store.page(home.id, LAST, 10, RequestFilter(tool=("",))) == [rows[2], rows[0]]
    assert await store.page(home.id, LAST, 10, RequestFilter(tool=("", "list_files"))) == rows[::-1]


async def test_statuses_are_found_by_number_and_by_class(database: Database, home: Home) -> None:
    store = Requests(database)
    rows = {status: request_of(home, status=status) for status in (200, 404, 429, 499, 500)}
    await store.add(list(rows.values()))

    async def found(**wanted: Any) -> list[int]:
        return [row.status for row in await store.page(home.id, LAST, 10, RequestFilter(**wanted))]

    assert await found(status=(404,)) == [404]
    assert await found(status=(4,)) == [499, 429, 404]
    assert await found(status=(404, 5)) == [500, 404]
    assert await found(status=(404, 429)) == [429, 404]
    assert await found(status=(3,)) == []
    assert await found(least_status=429) == [500, 499, 429]
    assert await found(least_status=400, most_status=499) == [499, 429, 404]
    assert await found(least_status=404, most_status=404, status=(4,)) == [404]
    assert await found(most_status=403) == [200]
    assert await found(least_status=500, most_status=400) == []
    assert await found(other_than="proxy") == []


WORDS = ["FILES.LIST", "it failed", "acme", "gpt-4o", "files", "list t", "100%", "a_b"]


@pytest.mark.parametrize("words", WORDS)
async def test_words_are_looked_for_in_all_texts_as_they_are(database: Database, home: Home, words: str) -> None:
    store = Requests(database)
    wanted = plain(home, problem="It failed.", path="/a_b/100%", tool="list t")
    decoy = plain(
        home, path="/a-b/100x", resource="x", method="y", tenant_id="x", tool="x", model="x", problem="", client="c"
    )
    await store.add([wanted, decoy])
    assert await store.page(home.id, LAST, 10, RequestFilter(words=words)) == [wanted]


async def test_a_search_walks_so_far_and_says_where_to_go_on(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven strides in a row with nothing in them: nobody waits for all of it, and nothing is missed."""
    monkeypatch.setattr(requests, "STRIDES", (2, 3))
    store = Requests(database)
    rows = [plain(home, code="rare" if number in {1, 35} else "", path=str(number)) for number in range(40)]
    await store.add(rows)
    found: list[str] = []
    before, looks = LAST, 0
    while before:
        sighting = await store.search(home.id, before, 10, RequestFilter(code=("rare",)))
        assert sighting.before < before
        found += [row.path for row in sighting.rows]
        before, looks = sighting.before, looks + 1
    assert found == ["35", "1"]
    assert looks == 9


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
async def test_pages_together_are_the_whole_log(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(requests, "STRIDES", (2, 3))
    store = Requests(database)
    rows = [request_of(home, account_id=f"account-{number % 3}") for number in range(20)]
    await store.add(rows)
    for where, wanted in ((ANY, rows), (RequestFilter(account_id=("account-1",)), rows[1::3])):
        got: list[RequestRow] = []
        before = LAST
        while before:
            sighting = await store.search(home.id, before, count, where)
            got += sighting.rows
            before = sighting.before
        assert got == wanted[::-1]


async def test_a_span_of_time_is_gone_to_and_not_walked_to(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "STRIDES", (1, 2))
    store = Requests(database)
    rows = [request_of(home, MOMENT + timedelta(minutes=number)) for number in range(30)]
    await store.add(rows)
    where = RequestFilter(after=rows[9].moment, until=rows[12].moment)
    assert (await store.search(home.id, LAST, 10, where)).rows == [rows[11], rows[10]]
    assert (await store.search(home.id, LAST, 10, RequestFilter(until=rows[0].moment))).before == ""


async def test_a_row_is_found_by_its_id_and_by_its_requests(database: Database, home: Home) -> None:
    store = Requests(database)
    part, whole = plain(home, request_id="r-1"), plain(home, request_id="r-1")
    await store.add([part, whole])
    assert await store.get(home.id, part.id) == part
    assert await store.get(home.id, "r-1") == whole
    assert await store.get(home.id, "r-2") is None
    theirs = await make_home(database, "theirs")
    assert await store.get(theirs.id, part.id) is None
    assert await store.get(theirs.id, "r-1") is None


async def plan(database: Database, statement: Statement, values: dict[str, Any]) -> str:
    sqlite = f"EXPLAIN QUERY PLAN {statement.sqlite}"
    spelled = Statement(cast("LiteralString", sqlite), postgres=cast("LiteralString", _explained(statement)))
    return "\n".join(str(row[-1]) for row in await database.all(spelled, **values))


def _explained(statement: Statement) -> str:
    """As it was before it was spelled for the driver."""
    return "EXPLAIN " + re.sub(r"%\((\w+)\)s", r":\1", statement.postgres).replace("%%", "%")


INDEXES = {
    "request_id": "requests_by_request", "server_id": "requests_by_server", "account_id": "requests_by_account",
    "tool": "requests_by_tool", "tenant_id": "requests_by_tenant", "class": "requests_by_class",
    "with_bodies": "requests_by_bodies",
    "": "",
}  # fmt: skip


async def filled(database: Database, home: Home, count: int) -> None:
    """Rows that look like a busy day's, so that the planner has something to weigh."""
    theirs, dice = await make_home(database, "theirs"), random.Random(1)
    rows = [
        structs.replace(
            request_of(home if dice.random() < 0.1 else theirs),
            account_id=f"account-{dice.randrange(10)}", tenant_id=f"tenant-{dice.randrange(10)}", request_id=new_id(),
            status_class=dice.choice((2, 2, 2, 4, 5)), tool=f"tool-{dice.randrange(10)}" if number % 2 else "",
            server_id=f"server-{dice.randrange(9)}" if number % 2 else "", has_bodies=number % 20 == 0,
        )
        for number in range(count)
    ]  # fmt: skip
    await Requests(database).add(rows)
    if database.dialect == "postgres":
        await database.script("ANALYZE requests")


async def test_every_search_walks_down_one_index_in_its_order(database: Database, home: Home) -> None:
    """Neither a sort nor a walk through the table: what a look costs does not grow with the log."""
    await filled(database, home, 6_000)
    looked_for = {
        "account_id": "account-7", "tenant_id": "tenant-3", "class": 5, "tool": "tool-8", "server_id": "server-3",
        "request_id": new_id(), "with_bodies": 1, "": "",
    }  # fmt: skip
    texts = (
        "face", "other_than", "resource", "method", "code", "token_id", "model", "vendor_request_id", "status",
        "integration", "client_name", *(name for name in looked_for if name),
    )  # fmt: skip
    nothing = dict.fromkeys(texts, "") | {"least_status": 0, "most_status": 999, "words": "%x%", "has_bodies": -1}
    bounds = {"environment_id": home.id, "before": LAST, "lowest": "", "after": -1, "until": 1 << 47}
    for name, statements in PATHS.items():
        wanted = {**nothing, **bounds, f"only_{name}": looked_for[name], "stride": 5, "count": 5}
        for statement in statements:
            told = await plan(database, statement, wanted)
            assert INDEXES[name] in told, (name, told)
            assert re.search(r"environment_id=\?|Index Cond: \(\(environment_id", told), (name, told)
            assert "SORT" not in told.upper().replace("REQUESTS_BY", ""), (name, told)
            assert "TEMP B-TREE" not in told, (name, told)
            assert "Seq Scan" not in told, (name, told)
            assert "SCAN requests" not in told, (name, told)


async def test_old_rows_are_found_by_their_ids_when_they_are_dropped(database: Database, home: Home) -> None:
    await filled(database, home, 6_000)
    statement = operators._OLD_REQUESTS  # pyright: ignore[reportPrivateUsage] -- the statement itself is what is tested
    told = await plan(
        database, statement, {"environment_id": home.id, "oldest": request_of(home, LATER).id, "count": 1_000}
    )
    assert "Seq Scan on requests\n" not in told
    assert "SCAN requests" not in told, told


async def test_what_is_older_than_the_log_goes_back_is_dropped_batch_by_batch(
    database: Database, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators, "DELETED_AT_ONCE", 4)
    old = [request_of(home, MOMENT) for _ in range(10)]
    new = [request_of(home, LATER) for _ in range(3)]
    await Requests(database).add([*old, *new])
    await Operators(database).clean(LATER, LATER, LATER)
    assert await Requests(database).page(home.id, LAST, 100, ANY) == new[::-1]


DAY = "2026-11-02"


def day(**changes: Any) -> MeteredDay:
    usual: dict[str, Any] = {"day": DAY, "model": "gpt-4o"}
    return MeteredDay(**usual | changes)


async def days(database: Database, home: Home, first: str = DAY, last: str = DAY) -> Sequence[MeteredDay]:
    return await Metered(database).days(home.id, "account-1", first, last)


async def test_days_are_added_up_as_rows_are_written(database: Database, home: Home) -> None:
    used = {"model": "gpt-4o", "input_tokens": 100, "cached_tokens": 40, "output_tokens": 7, "is_estimated": False}
    one = plain(home, **used, cost_nanos=5)
    guessed = plain(home, **used | {"is_estimated": True}, cost_nanos=None)
    unsent = plain(home, **used, vendor_status=0)
    free = plain(home, model="", input_tokens=0, cached_tokens=0, output_tokens=0, cost_nanos=None, is_estimated=False)
    next_day = structs.replace(one, id=new_id(), at=one.at + 86_400_000)
    await Requests(database).add([one, guessed, unsent, free, next_day])
    await Requests(database).add([structs.replace(one, id=new_id())])
    assert await days(database, home) == [
        day(model="", requests=1),
        day(requests=3, input_tokens=300, cached_tokens=120, output_tokens=21, estimated=1, unpriced=1,
            cost_nanos=10,
        ),
    ]  # fmt: skip
    assert [each.day for each in await days(database, home, "2026-11-01", "2026-11-09")] == [DAY, DAY, "2026-11-03"]
    assert await days(database, await make_home(database, "theirs")) == []


async def test_rows_that_are_not_written_add_nothing(database: Database, home: Home) -> None:
    row = plain(home)
    await Requests(database).add([row])
    with pytest.raises(Exception, match="exists already"):
        await Requests(database).add([plain(home), row])
    assert [each.requests for each in await days(database, home)] == [1]
    assert await Requests(database).page(home.id, LAST, 10, ANY) == [row]


_BEFORE = Statement(
    "INSERT INTO requests (id, environment_id, at, account_id, tenant_id, integration, face, resource, method, verb, "
    "path, tool, server_id, client, token_id, request_id, trace_id, status, code, vendor_status, vendor_request_id, "
    "bytes_in, bytes_out, duration_us, vendor_us) VALUES ('r-1', 'e', 5, 'a', 't', 'i', 'proxy', 'files', 'list', "
    "'GET', '/files', '', '', 'c', 'tok', 'r-1', '', 404, 'x', 404, 'v', 1, 2, 3, 4)"
)


async def test_a_log_from_before_is_carried_over(empty_database_url: str, tmp_path: Path) -> None:
    database = await open_database(empty_database_url, tmp_path)
    try:
        known = known_migrations()
        first = next(each.number for each in known if each.name == "request_log")
        await migrate(database, [each for each in known if each.number < first])
        await database.run(_BEFORE)
        await migrate(database)
        (row,) = await Requests(database).page(EnvironmentId("e"), LAST, 10, RequestFilter(status=(4,)))
        assert (row.id, row.at, row.account_id, row.status, row.code, row.vendor_us) == ("r-1", 5, "a", 404, "x", 4)
        assert (row.problem, row.is_replay, row.cost_nanos, row.result_count) == ("", False, None, None)
    finally:
        await database.close()
