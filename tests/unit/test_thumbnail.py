"""Thumbnails: each pixel is the mean of those that it stands for, whatever filter and colours."""

import struct

import pytest

from portico.toolbox import thumbnail
from tests.toolbox.pictures import filtered, packed, png, unpacked

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.mark.parametrize(
    ("colour", "left", "right"),
    [(0, (10,), (200,)), (2, RED, BLUE), (4, (10, 255), (200, 0)), (6, (*RED, 255), (*BLUE, 128))],
)
def test_halves_of_a_picture_stay_halves(colour: int, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    plain = (bytes(left) * 20 + bytes(right) * 20) * 20
    small = thumbnail.shrink(packed(40, 20, colour, filtered(40, 20, len(left), plain)), side=10)
    assert struct.unpack_from(">IIBB", small, 16) == (10, 5, 8, colour)
    assert unpacked(small)[1 : 10 * len(left) + 1] == bytes(left) * 5 + bytes(right) * 5


def test_palette_becomes_its_colours() -> None:
    plain = (b"\0" * 20 + b"\1" * 20) * 20
    palette = bytes((*RED, *BLUE))
    small = thumbnail.shrink(packed(40, 20, 3, filtered(40, 20, 1, plain), palette=palette), side=10)
    assert struct.unpack_from(">IIBB", small, 16) == (10, 5, 8, 2)
    assert unpacked(small)[1:31] == bytes(RED) * 5 + bytes(BLUE) * 5


def test_means_are_taken_of_all_pixels() -> None:
    chequered = (b"\x00\x64" * 10 + b"\x64\x00" * 10) * 10
    small = thumbnail.shrink(packed(20, 20, 0, filtered(20, 20, 1, chequered)), side=10)
    assert unpacked(small)[1:11] == b"\x32" * 10


def test_what_does_not_divide_evenly_loses_its_edge() -> None:
    small = thumbnail.shrink(png(101, 67), side=50)
    assert struct.unpack_from(">II", small, 16) == (33, 22)


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        png(40, 20)[:-100],
        packed(40, 20, 2, b"\x09" + bytes(120) + bytes(121) * 19),
        packed(40, 20, 2, bytes(121 * 20), depth=16),
        packed(40, 20, 2, bytes(121 * 20), interlace=1),
        packed(40, 20, 3, bytes(41 * 20)),
        packed(100_000, 100_000, 2, b"bomb"),
        packed(40, 20, 5, bytes(121 * 20)),
        packed(4000, 1, 0, bytes(4001)),
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(odd: bytes) -> None:
    with pytest.raises((thumbnail.Unreadable, thumbnail.zlib.error)):
        thumbnail.shrink(odd, side=10)
