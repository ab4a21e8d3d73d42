"""What the emulator paints: eight by eight fields of colour, mirrored, in colours that the prompt names or suggests."""

import colorsys
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from portico.sandbox.mind import tokens

Colour = tuple[int, int, int, int]

SIDE = 8
CLEAR: Colour = (0, 0, 0, 0)
UNPAINTED: Colour = (200, 200, 200, 255)
NAMED: dict[str, Colour] = {
    "black": (16, 16, 16, 255),
    "blue": (31, 84, 214, 255),
    "brown": (121, 75, 38, 255),
    "green": (34, 139, 58, 255),
    "grey": (128, 128, 128, 255),
    "gray": (128, 128, 128, 255),
    "orange": (242, 133, 27, 255),
    "pink": (244, 143, 177, 255),
    "purple": (123, 44, 191, 255),
    "red": (211, 36, 36, 255),
    "white": (245, 245, 245, 255),
    "yellow": (250, 204, 33, 255),
}


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Sixty-four fields, row by row from the top left."""

    fields: tuple[Colour, ...]

    @property
    def colours(self) -> list[Colour]:
        return list(dict.fromkeys(self.fields))

    @property
    def has_alpha(self) -> bool:
        return any(colour[3] < 255 for colour in self.fields)

    def row(self, place: int) -> tuple[Colour, ...]:
        return self.fields[place * SIDE : (place + 1) * SIDE]


def edges(length: int) -> list[int]:
    """Where the fields of a picture begin along one side, and its end."""
    return [place * length // SIDE for place in range(SIDE + 1)]


def paint(prompt: str, variant: int = 0, *, is_clear: bool = False) -> Mosaic:
    """The picture of a prompt. Variants share its colours; a `clear` one has a background to look through."""
    ground, *colours = _palette(prompt)
    digest = hashlib.sha256(f"{variant}\n{prompt}".encode()).digest()
    fields: list[Colour] = []
    for row in range(SIDE):
        half = [digest[row * SIDE // 2 + column] for column in range(SIDE // 2)]
        painted = [colours[value % len(colours)] if value & 0x80 else ground for value in half]
        fields.extend([*painted, *reversed(painted)])
    return Mosaic(tuple(CLEAR if is_clear and field == ground else field for field in fields))


def repaint(under: Mosaic, over: Mosaic, places: Sequence[bool]) -> Mosaic:
    """Take the fields at these places from another picture."""
    chosen = zip(under.fields, over.fields, places, strict=True)
    return Mosaic(tuple(new if is_open else old for old, new, is_open in chosen))


def touched(prompt: str) -> list[bool]:
    """Where an edit without a mask paints: a half of the fields that depends on the prompt."""
    digest = hashlib.sha256(prompt.encode()).digest()
    return [bool(digest[place % 32] >> (place // 32) & 1) for place in range(SIDE * SIDE)]


def vary(mosaic: Mosaic, variant: int) -> Mosaic:
    """The same colours in other places: turned by quarters, then shifted."""
    fields = mosaic.fields
    for _ in range(variant % 3 + 1):
        fields = tuple(fields[(SIDE - 1 - column) * SIDE + row] for row in range(SIDE) for column in range(SIDE))
    shift = variant // 3 * SIDE
    return Mosaic((*fields[shift:], *fields[:shift]))


def begun(mosaic: Mosaic, share: float) -> Mosaic:
    """The picture while it is painted: so much of it from the top, the rest still grey."""
    done = round(SIDE * share) * SIDE
    return Mosaic((*mosaic.fields[:done], *[UNPAINTED] * (SIDE * SIDE - done)))


def from_digest(content: bytes) -> Mosaic:
    """Colours for a picture whose pixels can't be read: always the same for the same bytes."""
    return paint(hashlib.sha256(content).hexdigest())


def _palette(prompt: str) -> list[Colour]:
    """A background and two to four other colours: those named in the prompt, filled up with what it suggests."""
    named = [NAMED[word] for word in tokens.words(prompt) if word in NAMED]
    digest = hashlib.sha256(b"colours\n" + prompt.encode()).digest()
    found = list(dict.fromkeys(named))[:4]
    for hue, light in ((digest[0], 0.85), (digest[1], 0.45), (digest[2], 0.6)):
        red, green, blue = colorsys.hls_to_rgb(hue / 256, light, 0.65)
        found.append((round(red * 255), round(green * 255), round(blue * 255), 255))
    return list(dict.fromkeys(found))[:5]
