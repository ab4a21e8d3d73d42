"""Charts as numbers for a template to draw: columns over time, stacked, and bars that are compared. Pure.

Nothing but sizes and places comes from here: colours stand in the stylesheet, and behind each chart stands its table.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

# An axis of money that ended below a tenth of a cent would have more noughts than there is room for.
LEAST_COST = 0.001
WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 10, 26
# As many series as people tell apart by their colours; the rest is one.
MOST_SERIES = 6
OTHERS = "others"
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_LABELS = 8
_TICKS = 4


class Series(Struct, frozen=True, kw_only=True):
    """One colour: what it is called, its value at each place, and all of them together."""

    name: str
    values: tuple[float, ...]

    @property
    def total(self) -> float:
        return sum(self.values)


class Piece(Struct, frozen=True, kw_only=True):
    """A rectangle of a column: which colour, where, and what is told of it."""

    colour: int
    x: float
    y: float
    width: float
    height: float
    label: str
    name: str
    value: float


class Label(Struct, frozen=True, kw_only=True):
    """A word beside an axis."""

    at: float
    text: str
    value: float = 0


class Columns(Struct, frozen=True, kw_only=True):
    """A chart of columns. `series` is its legend, in the order of the colours."""

    series: tuple[Series, ...]
    pieces: tuple[Piece, ...]
    ticks: tuple[Label, ...]
    labels: tuple[Label, ...]
    highest: Label
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def columns(places: Sequence[str], found: Sequence[Series], least: float = 0) -> Columns:
    """`places` are along the time; every series has as many values. `least`: what the axis goes up to at any rate."""
    series = _few(found, len(places))
    sums = [sum(each.values[place] for each in series) for place in range(len(places))]
    top = _round_up(max(*sums, least, 0))
    room, floor = HEIGHT - TOP - BOTTOM, HEIGHT - BOTTOM
    step = (WIDTH - LEFT - RIGHT) / max(len(places), 1)
    width = max(min(step * 0.78, 48), 1)
    pieces: list[Piece] = []
    for place, label in enumerate(places):
        y = float(floor)
        x = LEFT + step * place + (step - width) / 2
        for colour, each in enumerate(series):
            height = each.values[place] / top * room
            if height > 0:
                y -= height
                pieces.append(
                    Piece(
                        colour=colour, x=round(x, 2), y=round(y, 2), width=round(width, 2), height=round(height, 2),
                        label=label, name=each.name, value=each.values[place],
                    )
                )  # fmt: skip
    ticks = [Label(at=round(floor - room * n / _TICKS, 2), text="", value=top * n / _TICKS) for n in range(_TICKS + 1)]
    every = max(1, -(-len(places) // _MOST_LABELS))
    labels = [
        Label(at=round(LEFT + step * (place + 0.5), 2), text=label)
        for place, label in enumerate(places)
        if place % every == 0
    ]
    most = max(range(len(places)), key=sums.__getitem__, default=0)
    highest = Label(at=0, text=places[most] if places else "", value=sums[most] if sums else 0)
    return Columns(
        series=tuple(series), pieces=tuple(pieces), ticks=tuple(ticks), labels=tuple(labels), highest=highest
    )


def split(
    places: Sequence[str], rows: Sequence[tuple[str, str, float]], names: Mapping[str, str] | None = None
) -> list[Series]:
    """Series from rows of (place, what, value); `names` says what people call these."""
    found: dict[str, list[float]] = {}
    index = {place: number for number, place in enumerate(places)}
    for place, what, value in rows:
        if place in index:
            found.setdefault(what, [0.0] * len(places))[index[place]] += value
    called = names or {}
    return [Series(name=called.get(what, what), values=tuple(values)) for what, values in found.items()]


def shares(values: Sequence[float]) -> list[float]:
    """How long each bar is, in percent of the longest."""
    longest = max(values, default=0)
    return [round(100 * max(each, 0) / longest, 2) if longest > 0 else 0 for each in values]


def _few(found: Sequence[Series], count: int) -> list[Series]:
    """The largest first; what is beyond the colours is added up."""
    ranked = sorted((each for each in found if each.total > 0), key=lambda each: (-each.total, each.name))
    if len(ranked) <= MOST_SERIES:
        return ranked
    kept, rest = ranked[: MOST_SERIES - 1], ranked[MOST_SERIES - 1 :]
    values = tuple(sum(each.values[place] for each in rest) for place in range(count))
    return [*kept, Series(name=f"{OTHERS} ({len(rest)})", values=values)]


def _round_up(value: float) -> float:
    """The next number that reads well on an axis."""
    if value <= 0:
        return 1.0
    unit = 10.0 ** _exponent(value)
    return next(step * unit for step in _STEPS if step * unit >= value * (1 - 1e-9))


def _exponent(value: float) -> int:
    exponent = 0
    while value >= 10:
        value, exponent = value / 10, exponent + 1
    while value < 1:
        value, exponent = value * 10, exponent - 1
    return exponent
