"""How the pages look that customers see: colours that can be read, a logo that is only a picture. Pure."""

import binascii
import re
import struct
from base64 import b64decode

from portico.errors import Failure, InvalidArguments
from portico.store.link_pages import Logo

LONGEST_NAME = 60
MOST_LOGO_BYTES, LONGEST_SIDE = 98_304, 2_000
# What texts need to stand out from their ground (WCAG AA), and what of ours they stand on or are.
READABLE = 4.5
CARD, DARK_CARD, INK = "#ffffff", "#1d2326", "#1b2326"
_COLOR = re.compile(r"#[0-9a-f]{6}")
_DATA = re.compile(r"data:(?P<type>[a-z/+.-]+);base64,(?P<content>[A-Za-z0-9+/=\s]+)")
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_FORMATS = "a PNG, JPEG or WebP"


def checked_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidArguments([Failure("name", "is too long or unreadable", f"up to {LONGEST_NAME} characters")])
    return name


def checked_main(color: str) -> str:
    """The colour of buttons and links, which stand on white."""
    color = _read(color, "main_color")
    if color and contrast(color, CARD) < READABLE:
        better = _moved(color, 0, CARD)
        raise InvalidArguments([_faint("main_color", color, CARD, f"{better} and darker would do")])
    return color


def checked_paper(color: str) -> str:
    """The colour around the page, on which nearly black texts may stand."""
    color = _read(color, "paper_color")
    if color and contrast(color, INK) < READABLE:
        raise InvalidArguments([_faint("paper_color", color, INK, f"{_moved(color, 255, INK)} and lighter would do")])
    return color


def checked_logo(text: str) -> Logo:
    """From a data: address; empty for none. Whatever could hold a script, such as SVG, is refused."""
    if not text:
        return Logo(b"", "")
    match = _DATA.fullmatch(text.strip())
    if match is None:
        raise _unfit("is not a picture", f"{_FORMATS} as data:image/png;base64,…")
    try:
        content = b64decode(re.sub(r"\s", "", match["content"]), validate=True)
    except (binascii.Error, ValueError):
        raise _unfit("is not base64", f"{_FORMATS} as data:image/png;base64,…") from None
    if len(content) > MOST_LOGO_BYTES:
        raise _unfit(f"has {len(content)} bytes", f"at most {MOST_LOGO_BYTES}")
    kind, width, height = _measured(content)
    if not kind:
        raise _unfit(f"is no picture that is taken here, whatever it says ({match['type']})", _FORMATS)
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE):
        raise _unfit(f"is {width} × {height} pixels", f"up to {LONGEST_SIDE} × {LONGEST_SIDE}")
    return Logo(content, kind)


def stylesheet(main: str, paper: str) -> str:
    """Our stylesheet with these colours; in the dark, the main one as light as it takes, and our own paper."""
    lines: list[str] = []
    if main:
        dark = _moved(main, 255, DARK_CARD)
        lines.append(f"--main: light-dark({main}, {dark}); --on-main: light-dark({_text_on(main)}, {_text_on(dark)});")
    if paper:
        lines.append(f"--paper: light-dark({paper}, #14181a);")
    return f":root {{ {' '.join(lines)} }}\n"


def is_color(text: str) -> bool:
    return _COLOR.fullmatch(text) is not None


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_light(one), _light(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _read(color: str, field: str) -> str:
    color = color.strip().lower()
    if color and not is_color(color):
        raise InvalidArguments([Failure(field, f"{color!r} is no colour", "six hex digits after a #, such as #0b5a62")])
    return color


def _faint(field: str, color: str, ground: str, better: str) -> Failure:
    ratio = contrast(color, ground)
    return Failure(field, f"{color} stands out too little from {ground} ({ratio:.1f}, {READABLE} is needed)", better)


def _unfit(problem: str, allowed: str) -> InvalidArguments:
    return InvalidArguments([Failure("logo", problem, allowed)])


def _text_on(color: str) -> str:
    return max(("#ffffff", "#000000"), key=lambda text: contrast(text, color))


def _moved(color: str, target: int, ground: str) -> str:
    """The colour, moved towards black or white just as far as it takes to be read on that ground."""
    for step in range(101):
        moved = "#" + "".join(f"{round(part + (target - part) * step / 100):02x}" for part in _parts(color))
        if contrast(moved, ground) >= READABLE:
            return moved
    return "#000000" if target == 0 else "#ffffff"


def _parts(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


def _light(color: str) -> float:
    parts = [each / 255 for each in _parts(color)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _measured(content: bytes) -> tuple[str, int, int]:
    """(type, width, height) by what the bytes are; the type is empty for anything that is not taken."""
    try:
        if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
            return ("image/png", *struct.unpack_from(">II", content, 16))
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return ("image/webp", *_webp(content))
        if content.startswith(b"\xff\xd8\xff"):
            return ("image/jpeg", *_jpeg(content))
    except (struct.error, IndexError):
        pass
    return "", 0, 0


def _webp(content: bytes) -> tuple[int, int]:
    kind = content[12:16]
    if kind == b"VP8X":
        return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", content, 21)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", content, 26)
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(content: bytes) -> tuple[int, int]:
    place = 2
    while True:
        marker = content[place + 1]
        (length,) = struct.unpack_from(">H", content, place + 2)
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, place + 5)
            return width, height
        place += 2 + length
