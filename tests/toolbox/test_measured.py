"""What the docs say that the comforts save is so, for some requests; for all of them in `outside`."""

from pathlib import Path

from bench.tasks import measure, models, money, people
from bench.tasks.house import open_house

SOME = (people.NewServiceAccount, people.HigherLimit, models.NewestJobs, models.NewStore, money.CachedShare)


async def test_requests_are_done_rightly_both_ways_at_the_cost_that_the_docs_tell(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        found = await measure.measure(house, SOME)
    assert measure.differs(measure.written(), found) == []
    assert all(each.eased.calls <= each.plain.calls and each.eased.tokens < each.plain.tokens for each in found)
    other = measure.table(found).replace(f" {found[1].eased.tokens} ", f" {found[1].eased.tokens + 40} ")
    assert measure.differs(other, found) == [found[1].asked]
    assert measure.differs("", found) == [each.asked for each in found]


def test_docs_tell_every_request() -> None:
    assert [*measure.rows_of(measure.written())] == [*(each.asked for each in measure.REQUESTS), "**all**"]
