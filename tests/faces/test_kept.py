"""Readings of texts are made once, are the same as ever, and cost a bounded memory."""

import pytest

from portico.faces.kept import LONGEST_KEPT, MOST_KEPT, kept


def test_a_text_is_read_once_and_one_that_cannot_be_read_each_time() -> None:
    seen: list[str] = []

    @kept
    def number(text: str) -> int:
        seen.append(text)
        return int(text)

    assert [number("7"), number("7"), number("8")] == [7, 7, 8]
    assert seen == ["7", "8"]
    for _ in range(2):
        with pytest.raises(ValueError, match="seven"):
            number("seven")
    assert seen[2:] == ["seven", "seven"]


def test_neither_long_texts_nor_many_fill_the_memory() -> None:
    seen: list[str] = []
    long = "x" * (LONGEST_KEPT + 1)
    read = kept(lambda text: seen.append(text) or len(text))
    assert [read(long), read(long)] == [len(long), len(long)]
    assert seen == [long, long]
    for number in range(MOST_KEPT + 1):
        read(str(number))
    read("0")
    assert seen.count("0") == 2
