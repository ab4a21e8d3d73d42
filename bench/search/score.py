"""How well the search finds the right tool: recall over the tasks beside this file, in users' words and in API words.

python bench/search/score.py [--misses]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from portico.app import COMPOSED, INTEGRATIONS
from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.toolbox.search import Index

HERE = Path(__file__).parent
CUTS = (1, 3, 5, 8)


class Task(NamedTuple):
    """`right` names every tool that would do."""

    in_users_words: str
    in_api_words: str
    right: frozenset[str]


def tasks() -> list[Task]:
    rows = [line.split("\t") for line in (HERE / "tasks.tsv").read_text("utf-8").splitlines() if line]
    return [Task(user, api, frozenset(names.split(","))) for user, api, names in rows]


def catalog() -> View:
    return load_folder(INTEGRATIONS / "openai" / "catalog", COMPOSED["openai"])


def index_of(view: View) -> Index:
    """As a server has it: what the vendor has switched off is not offered."""
    return Index([each for each in view.offered if each.lifecycle.state != "removed"], view.integration.synonyms)


def ranks(index: Index, queries: Sequence[tuple[str, frozenset[str]]]) -> list[int]:
    """The place of the first right tool for each query, from 1; a large number where it is not among the first."""
    found: list[int] = []
    for query, right in queries:
        names = index.search(query, count=max(CUTS))
        found.append(next((place for place, name in enumerate(names, 1) if name in right), sys.maxsize))
    return found


def recall(places: Sequence[int], cut: int) -> float:
    return sum(place <= cut for place in places) / len(places)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--misses", action="store_true", help="show what was not among the first five")
    chosen = parser.parse_args(arguments)
    view = catalog()
    index = index_of(view)
    asked = {
        "users' words": [(each.in_users_words, each.right) for each in tasks()],
        "API words": [(each.in_api_words, each.right) for each in tasks()],
    }
    for title, queries in asked.items():
        places = ranks(index, queries)
        shown = "  ".join(f"@{cut} {recall(places, cut):.3f}" for cut in CUTS)
        sys.stdout.write(f"{title:13} {len(queries)} tasks  recall {shown}\n")
        for (query, right), rank in zip(queries, places, strict=True):
            if chosen.misses and rank > 5:
                sys.stdout.write(f"   {query!r}: {', '.join(sorted(right))}, not {index.search(query, count=5)}\n")
    times: list[float] = []
    for query, _ in (pair for queries in asked.values() for pair in queries):
        started = time.perf_counter()
        index.search(query)
        times.append(time.perf_counter() - started)
    sys.stdout.write(f"a search takes {statistics.median(times) * 1000:.2f} ms in the median\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
