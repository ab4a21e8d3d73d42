"""The look of pages that customers see: colours that can be read, logos that are only pictures."""

import struct
from base64 import b64encode

import pytest

from portico.errors import InvalidArguments
from portico.gateway import looks
from tests.toolbox.pictures import png


def data(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{b64encode(content).decode()}"


def jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">HBHHB", 8, 8, height, width, 1)
    return b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"ab" + b"\xff\xc0" + frame


def webp(kind: bytes, rest: bytes) -> bytes:
    return b"RIFF\x00\x00\x00\x00WEBP" + kind + rest


@pytest.mark.parametrize(
    ("one", "other", "ratio"), [("#000000", "#ffffff", 21.0), ("#777777", "#ffffff", 4.48), ("#0b5a62", "#0b5a62", 1.0)]
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert looks.contrast(one, other) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("color", ["#ffee00", "#777777", "#ffffff"])
def test_colour_that_cannot_be_read_is_refused_with_one_that_can(color: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        looks.checked_main(color)
    better = refused.value.failures[0].allowed.split()[0]
    assert looks.checked_main(better) == better


@pytest.mark.parametrize("color", ["red", "#abc", "#12345g", "#0b5a62;}", "0b5a62"])
def test_what_is_no_colour_is_refused(color: str) -> None:
    for check in (looks.checked_main, looks.checked_paper):
        with pytest.raises(InvalidArguments):
            check(color)


def test_dark_paper_is_refused() -> None:
    with pytest.raises(InvalidArguments):
        looks.checked_paper("#333333")
    assert looks.checked_paper(" #F5F6F4 ") == "#f5f6f4"


@pytest.mark.parametrize("main", ["#000000", "#0b5a62", "#8a0f3c", "#1a3fd0"])
def test_colours_can_be_read_in_the_light_and_in_the_dark(main: str) -> None:
    sheet = looks.stylesheet(main, "")
    light, dark, on_light, on_dark = (
        part.strip(" ();") for part in sheet.replace("light-dark", "").replace("--on-main:", ",").split("--main:")[1]
        .rstrip("\n }").split(",")
    )  # fmt: skip
    assert looks.contrast(light, looks.CARD) >= looks.READABLE
    assert looks.contrast(dark, looks.DARK_CARD) >= looks.READABLE
    assert looks.contrast(on_light, light) >= looks.READABLE
    assert looks.contrast(on_dark, dark) >= looks.READABLE


def test_pictures_are_known_by_their_bytes() -> None:
    assert looks.checked_logo(data(png(40, 20), "image/svg+xml")).content_type == "image/png"
    assert looks.checked_logo(data(jpeg(40, 20))).content_type == "image/jpeg"
    extended = webp(b"VP8X", bytes(8) + (39).to_bytes(3, "little") + (19).to_bytes(3, "little"))
    assert looks.checked_logo(data(extended)).content_type == "image/webp"
    lossless = webp(b"VP8L", bytes(5) + struct.pack("<I", 39 | 19 << 14))
    assert looks.checked_logo(data(lossless)).content_type == "image/webp"
    lossy = webp(b"VP8 ", bytes(10) + struct.pack("<HH", 40, 20))
    assert looks.checked_logo(data(lossy)).content_type == "image/webp"
    assert looks.checked_logo("").digest == ""


@pytest.mark.parametrize(
    "text",
    [
        data(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "image/svg+xml"),
        data(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        data(b"GIF89a"),
        data(png(2001, 1)),
        data(png(0, 20)),
        data(png(40, 20) + bytes(98_304)),
        data(b"\xff\xd8\xff\xe0"),
        data(b"\x89PNG\r\n\x1a\n"),
        data(webp(b"VP8L", b"")),
        "data:image/png;base64,%%%",
        "data:image/png;base64,A",
        "https://app.example/logo.png",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_picture_or_too_large_is_no_logo(text: str) -> None:
    with pytest.raises(InvalidArguments):
        looks.checked_logo(text)


def test_name_is_short_and_on_one_line() -> None:
    assert looks.checked_name("  Lark\n field ") == "Lark field"
    for name in ("x" * 61, "a\x00b"):
        with pytest.raises(InvalidArguments):
            looks.checked_name(name)
