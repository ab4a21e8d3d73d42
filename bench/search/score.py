"""How well the search finds the right tool: recall over the tasks beside this file, in users' words and in API words.

python bench/search/score.py [--misses | --write | --check]
"""

import argparse
import statistics
import sys
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from portico.app import COMPOSED, INTEGRATIONS
from portico.catalog.find import View
from portico.catalog.load import load_folder
from portico.toolbox.search import Index
from portico.toolbox.words import words

HERE = Path(__file__).parent
CUTS = (1, 3, 5, 8)
PAGE = HERE.parents[1] / "docs" / "reference" / "mcp.md"
BEGIN, END = "<!-- generated: bench/search/score.py -->", "<!-- end of the generated part -->"


class Task(NamedTuple):
    """`right` names every tool that would do."""

    in_users_words: str
    in_api_words: str
    right: frozenset[str]


class Figures(NamedTuple):
    """Of one set of tasks: what it is, and recall by cut in users' words and in API words."""

    title: str
    asked: int
    in_users_words: Mapping[int, float]
    in_api_words: Mapping[int, float]


def tasks(name: str = "tasks.tsv") -> list[Task]:
    rows = [line.split("\t") for line in (HERE / name).read_text("utf-8").splitlines() if line]
    return [Task(user, api, frozenset(names.split(","))) for user, api, names in rows]


def held_out() -> list[Task]:
    """Tasks written from the vendor's use cases alone, of which nobody looked at a miss; never tune to these.

    Two people may say the same: what stands in tasks.tsv too, in the same words, is no proof and left out.
    """
    known = {_said(words_of) for each in tasks() for words_of in (each.in_users_words, each.in_api_words)}
    return [
        each
        for each in tasks("held_out.tsv")
        if not _is_lent(each) and not known & {_said(each.in_users_words), _said(each.in_api_words)}
    ]


def lent() -> list[Task]:
    """The half of the same file, by lot, that the search was tuned on."""
    return [each for each in tasks("held_out.tsv") if _is_lent(each)]


def _said(text: str) -> frozenset[str]:
    return frozenset(words(text))


def _is_lent(task: Task) -> bool:
    return zlib.crc32(task.in_users_words.encode()) % 2 == 0


def catalog() -> View:
    return load_folder(INTEGRATIONS / "openai" / "catalog", COMPOSED["openai"])


class Bench:
    """The search as a server has it: what the vendor has switched off is offered only where a task asks for that."""

    def __init__(self, view: View) -> None:
        self.removed = frozenset(each.tool.name for each in view.offered if each.lifecycle.state == "removed")
        self._offered = index_of(view)
        self._all = Index(view.offered, view.integration.synonyms)

    def search(self, query: str, right: frozenset[str], count: int = max(CUTS)) -> list[str]:
        return (self._all if right <= self.removed else self._offered).search(query, count=count)

    def ranks(self, queries: Sequence[tuple[str, frozenset[str]]]) -> list[int]:
        """The place of the first right tool for each query, from 1; a large number where it is not among the first."""
        found: list[int] = []
        for query, right in queries:
            names = self.search(query, right)
            found.append(next((place for place, name in enumerate(names, 1) if name in right), sys.maxsize))
        return found

    def figures(self) -> list[Figures]:
        return [self._figures(title, of) for title, of in SETS.items()]

    def _figures(self, title: str, asked: Sequence[Task]) -> Figures:
        users = self.ranks([(each.in_users_words, each.right) for each in asked])
        api = self.ranks([(each.in_api_words, each.right) for each in asked])
        by_cut = [{cut: recall(places, cut) for cut in CUTS} for places in (users, api)]
        return Figures(title, len(asked), *by_cut)


def index_of(view: View) -> Index:
    return Index([each for each in view.offered if each.lifecycle.state != "removed"], view.integration.synonyms)


def recall(places: Sequence[int], cut: int) -> float:
    return sum(place <= cut for place in places) / len(places)


def table(figures: Sequence[Figures]) -> str:
    """As it stands in docs/reference/mcp.md."""
    lines = [
        "| tasks | how many | users' words: first | first five | API words: first | first five |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in figures:
        shares = [of[cut] for of in (each.in_users_words, each.in_api_words) for cut in (1, 5)]
        lines.append(f"| {each.title} | {each.asked} | {' | '.join(f'{share:.1%}' for share in shares)} |")
    return "\n".join(lines)


SETS = {
    "held out: written without knowledge of the tools' sentences, never tuned on": held_out(),
    "of the same hand, lent for tuning": lent(),
    "tuned on from the start": tasks(),
}


def seconds(bench: Bench, asked: Sequence[Task]) -> list[float]:
    """What each search took of the processor, in order."""
    times: list[float] = []
    for each in asked:
        for query in (each.in_users_words, each.in_api_words):
            started = time.thread_time()
            bench.search(query, each.right)
            times.append(time.thread_time() - started)
    return sorted(times)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--misses", action="store_true", help="show what was not found, never of held-out tasks")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/reference/mcp.md")
    parser.add_argument("--check", action="store_true", help="only look whether the figures there are these")
    chosen = parser.parse_args(arguments)
    bench = Bench(catalog())
    figures = bench.figures()
    if chosen.write or chosen.check:
        return _put(table(figures), is_check=chosen.check)
    for each in figures:
        sys.stdout.write(f"{each.title} ({each.asked} tasks)\n")
        for spoken, by_cut in (("users' words", each.in_users_words), ("API words", each.in_api_words)):
            shown = "  ".join(f"@{cut} {share:.3f}" for cut, share in by_cut.items())
            sys.stdout.write(f"  {spoken:13} recall {shown}\n")
    if chosen.misses:
        _show_misses(bench)
    times = seconds(bench, [task for of in SETS.values() for task in of])
    sys.stdout.write(f"a search takes {statistics.median(times) * 1000:.2f} ms in the median")
    sys.stdout.write(f", {times[len(times) * 99 // 100] * 1000:.2f} ms in 99 of 100\n")
    return 0


def _put(made: str, *, is_check: bool) -> int:
    before = PAGE.read_text("utf-8")
    head, begin, rest = before.partition(BEGIN)
    _, end, tail = rest.partition(END)
    after = f"{head}{begin}\n\n{made}\n\n{end}{tail}"
    if is_check:
        if after != before:
            sys.stderr.write("The search's figures in docs/reference/mcp.md are stale; run scripts/docs and commit.\n")
        return int(after != before)
    PAGE.write_text(after, "utf-8")
    return 0


def _show_misses(bench: Bench) -> None:
    for task in (*lent(), *tasks()):
        for query in (task.in_users_words, task.in_api_words):
            found = bench.search(query, task.right, 5)
            if not task.right & set(found):
                sys.stdout.write(f"   {query!r}: {', '.join(sorted(task.right))}, not {found}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
