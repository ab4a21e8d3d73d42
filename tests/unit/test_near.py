"""What may have been meant by a name that is not there."""

import pytest

from portico.catalog.near import nearest
from portico.toolbox.search import Index


def test_names_that_resemble_it_come_best_first() -> None:
    assert nearest("lamp", ["bulb", "lamps", "lamp_post"]) == ["lamps", "lamp_post"]
    assert nearest("xyz", ["bulb", "lamps"]) == []


@pytest.mark.parametrize(("length", "found"), [(200, 1), (201, 0)])
def test_what_is_longer_than_any_name_is_not_compared(length: int, found: int) -> None:
    assert len(nearest("a" * length, ["a" * length])) == found


def test_search_reads_the_beginning_of_a_query_alone() -> None:
    looked: list[str] = []

    class Watching(Index):
        def _asked(self, query: str) -> dict[str, float]:
            looked.append(query)
            return super()._asked(query)

    Watching(()).search("word " * 100_000)
    assert 900 < len(looked[0]) <= 1000
