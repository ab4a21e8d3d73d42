"""Pictures in the five formats of the image endpoints: made from a mosaic, and looked at when they come back."""

from dataclasses import dataclass

from portico.sandbox.media import gif, imprint, jpeg, png, webp
from portico.sandbox.media.mosaic import SIDE, Mosaic, begun, edges, from_digest
from portico.sandbox.shapes import Json

CONTENT_TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Motion:
    """What makes a GIF move."""

    frames: int = 1
    frame_ms: int = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that came in. Only a PNG's pixels are read; others have colours made up from their bytes."""

    format: str
    width: int
    height: int
    content: bytes

    def mosaic(self) -> Mosaic:
        if self.format != "png":
            return from_digest(self.content)
        try:
            return png.read(self.content)
        except png.Unreadable:
            return from_digest(self.content)


def make(mosaic: Mosaic, size: tuple[int, int], form: str, facts: Json, motion: Motion | None = None) -> bytes:
    width, height = size
    if form == "jpeg":
        return jpeg.write(mosaic, width, height, facts)
    if form == "webp":
        return webp.write(mosaic, width, height, facts)
    if form == "gif":
        moving = motion or Motion()
        frames = [begun(mosaic, (number + 1) / moving.frames) for number in range(moving.frames)]
        return gif.write(frames, width, height, moving.frame_ms, facts)
    return _svg(mosaic, width, height, facts) if form == "svg" else png.write(mosaic, width, height, facts)


def look(content: bytes) -> Seen | None:
    """What kind of picture the bytes are, or None."""
    size: tuple[int, int] | None = None
    form = ""
    if content.startswith(png.SIGNATURE) and len(content) >= 33:
        form, size = "png", (int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))
    elif content.startswith(b"\xff\xd8\xff"):
        form, size = "jpeg", jpeg.size(content)
    elif content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 13:
        form, size = "gif", gif.size(content)
    elif content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        form, size = "webp", webp.size(content)
    return Seen(form, *size, content) if size is not None and min(size) > 0 else None


def _svg(mosaic: Mosaic, width: int, height: int, facts: Json) -> bytes:
    across, down = edges(width), edges(height)
    shapes: list[str] = []
    for place, (red, green, blue, alpha) in enumerate(mosaic.fields):
        row, column = divmod(place, SIDE)
        box = (across[column], down[row], across[column + 1] - across[column], down[row + 1] - down[row])
        where = '<rect x="{}" y="{}" width="{}" height="{}"'.format(*box)
        if alpha:
            shapes.append(f'{where} fill="#{red:02x}{green:02x}{blue:02x}"/>')
    rest = " --></metadata>" + "".join(shapes) + "</svg>\n"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><metadata><!-- '
    return (head + imprint.seal(facts, rest.encode()) + imprint.GAP + rest).encode()
