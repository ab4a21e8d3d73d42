"""Tables as CSV: what a spreadsheet would run is text, numbers stay numbers."""

import pytest

from portico.sheets import as_csv


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r"])
def test_a_formula_becomes_text(begins: str) -> None:
    assert f"'{begins}HYPERLINK(1)" in as_csv(["name"], [[f"{begins}HYPERLINK(1)"]])


def test_numbers_and_odd_texts_stay_what_they_are() -> None:
    assert as_csv(["a", "b", "c"], [[-3, 'say "hi", please', None]]) == 'a,b,c\r\n-3,"say ""hi"", please",\r\n'
