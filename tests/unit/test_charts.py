"""Charts as numbers, and tables as CSV."""

from typing import Any

import pytest

from portico.faces.web.admin import chart
from portico.faces.web.admin.usage import download_of


def test_columns_stand_on_the_floor_and_add_up() -> None:
    rows = [("d1", "a", 30.0), ("d1", "b", 10.0), ("d2", "a", 5.0)]
    drawn = chart.columns(["d1", "d2", "d3"], chart.split(["d1", "d2", "d3"], rows, {"a": "Ada"}))
    assert [each.name for each in drawn.series] == ["Ada", "b"]
    assert (drawn.highest.text, drawn.highest.value) == ("d1", 40)
    first = [each for each in drawn.pieces if each.label == "d1"]
    assert first[0].y + first[0].height == pytest.approx(drawn.floor, abs=0.02)
    assert first[1].y + first[1].height == pytest.approx(first[0].y, abs=0.02)
    assert [tick.value for tick in drawn.ticks] == [0, 12.5, 25, 37.5, 50]


def test_more_series_than_colours_are_joined() -> None:
    drawn = chart.columns(["d"], [chart.Series(name=str(each), values=(float(each),)) for each in range(1, 10)])
    assert [each.name for each in drawn.series] == ["9", "8", "7", "6", "5", "others (4)"]
    assert drawn.series[-1].total == 10


def test_a_chart_of_nothing_has_an_axis_and_no_columns() -> None:
    drawn = chart.columns([], [])
    assert (drawn.pieces, drawn.highest.value, chart.shares([0, 0])) == ((), 0, [0, 0])


def test_a_formula_becomes_text_in_csv() -> None:
    value: Any = download_of("a/b.csv", ["name", "sum"], [["=HYPERLINK(1)", -3]])
    assert (value.filename, value.content) == ("a-b.csv", b"name,sum\r\n'=HYPERLINK(1),-3\r\n")


def test_an_axis_goes_up_to_what_it_should_show_at_least() -> None:
    drawn = chart.columns(["d"], [chart.Series(name="a", values=(0.00002,))], 0.001)
    assert [round(each.value, 5) for each in drawn.ticks] == [0, 0.00025, 0.0005, 0.00075, 0.001]
    assert chart.columns(["d"], [chart.Series(name="a", values=(0.5,))], 0.001).ticks[-1].value == 0.5
