"""Does every request both ways, checks the answers, and tells what each cost; writes it into the docs, or looks there.

python -m bench.tasks.measure [--write | --check]
"""

import argparse
import asyncio
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from bench.tasks import media, models, money, people
from bench.tasks.house import House, open_house
from bench.tasks.player import Cost
from bench.tasks.request import Request

PAGE = Path(__file__).parents[2] / "docs/why/what-comforts-save.md"
BEGIN, END = "<!-- generated: scripts/measure -->", "<!-- end of the generated part -->"
# Ids have lengths that differ by a character now and then, and waits are never twice the same.
TOLERANCE = 0.02
REQUESTS: tuple[type[Request], ...] = (
    people.ActiveProjects,
    people.NewServiceAccount,
    people.HigherLimit,
    people.WhoDeleted,
    money.CostsOfTheMonth,
    models.FailedFiles,
    money.DearestProjects,
    people.NewSquad,
    models.NewestJobs,
    models.OneJob,
    money.OutputOfTheMonth,
    models.NewStore,
    people.OldKeys,
    models.ValidationFile,
    money.BusiestKeys,
    money.DearestSinceOctober,
    media.Transcript,
    media.HeaderImage,
    media.ReadOut,
    people.TokenLimit,
    money.CachedShare,
    money.AuditOfTheWeek,
    media.Podcast,
)


class Measured(Struct, frozen=True):
    asked: str
    plain: Cost
    eased: Cost


async def measure(house: House, requests: Sequence[type[Request]] = REQUESTS) -> list[Measured]:
    """Each request both ways. AssertionError where an answer is not right."""
    found: list[Measured] = []
    players = await house.players()
    is_new = False
    for kind in requests:
        costs: list[Cost] = []
        for player, way in zip(players, ("plainly", "with_comforts"), strict=True):
            if kind.changes or not is_new:
                house.begin_again()
            is_new = not kind.changes
            request = kind(house)
            await request.prepare()
            player.begin()
            answer = await getattr(request, way)(player)
            await request.check(answer, player)
            costs.append(player.cost)
        found.append(Measured(kind.asked, *costs))
    return found


async def _measured() -> list[Measured]:
    with TemporaryDirectory(prefix="portico-measure-") as folder:
        async with open_house(Path(folder)) as house:
            return await measure(house)


def table(found: Sequence[Measured]) -> str:
    lines = [
        "| request | calls, plain | calls | tokens, plain | tokens | of that: definitions | saved |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [_row(each.asked, each.plain, each.eased) for each in found]
    lines.append(_row("**all**", _sum([each.plain for each in found]), _sum([each.eased for each in found])))
    half = sorted(_saved(each.plain, each.eased) for each in found)[len(found) // 2]
    return "\n".join(lines) + f"\n\nHalf of the requests save {half} % of their tokens or more."


def _row(title: str, plain: Cost, eased: Cost) -> str:
    numbers = f"{plain.calls} | {eased.calls} | {plain.tokens:,} | {eased.tokens:,} | {eased.definitions:,}"
    return f"| {title} | {numbers} | {_saved(plain, eased)} % |"


def _saved(plain: Cost, eased: Cost) -> int:
    return math.floor(100 * (1 - eased.tokens / plain.tokens))


def _sum(costs: Sequence[Cost]) -> Cost:
    return Cost(*(sum(getattr(each, name) for each in costs) for name in Cost.__struct_fields__))


def differs(text: str, found: Sequence[Measured]) -> list[str]:
    """The requests of which the text says something else than was measured: other calls, or other tokens by more than
    a hair."""
    told = rows_of(text)
    return [each.asked for each in found if not _is_near(told.get(each.asked, []), rows_of(table([each]))[each.asked])]


def rows_of(text: str) -> dict[str, list[int]]:
    """What a table says of each request, without what follows from the rest."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.endswith("% |")]
    return {name: [int(each.replace(",", "")) for each in numbers[:-1]] for name, *numbers in cells}


def _is_near(told: Sequence[int], true: Sequence[int]) -> bool:
    is_near = all(abs(a - b) <= max(3, TOLERANCE * b) for a, b in zip(told[2:], true[2:], strict=False))
    return len(told) == len(true) and is_near and told[:2] == true[:2]


def written() -> str:
    """The table as it stands in the docs."""
    return PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="put the table into the docs")
    parser.add_argument("--check", action="store_true", help="fail where the docs say something else")
    chosen = parser.parse_args(arguments)
    found = asyncio.run(_measured())
    if chosen.write:
        head, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{head}{BEGIN}\n\n{table(found)}\n\n{END}{rest.partition(END)[2]}", "utf-8")
    stale = differs(written(), found) or [*(rows_of(written()).keys() ^ rows_of(table(found)).keys())]
    if chosen.check and stale:
        sys.stderr.write(f"Stale in {PAGE.name}: {'; '.join(stale)}. Run scripts/measure --write and commit.\n")
        return 1
    sys.stdout.write(table(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
