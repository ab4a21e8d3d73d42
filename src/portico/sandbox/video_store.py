"""Videos of a project: jobs that wait, render and end by the clock, with one picture for every second of film."""

from dataclasses import dataclass

from portico.sandbox.media import film, pictures
from portico.sandbox.media.mosaic import SIDE, Mosaic, paint, repaint, touched, vary
from portico.sandbox.mind.judge import FLAGGED_FROM, scores
from portico.sandbox.refusals import invalid, not_found
from portico.sandbox.shapes import Json
from portico.sandbox.shelves import Kind
from portico.sandbox.wire import Ask

QUEUED_SECONDS = 2
RENDERING_SECONDS = 4
RENDERING_SECONDS_EACH = 2
DOWNLOAD_SECONDS = 3600
SHEET_SCENES = 4

Reel = tuple[Mosaic, ...]


@dataclass(frozen=True, slots=True)
class Video:
    id: str
    model: str
    prompt: str
    size: tuple[int, int]
    reel: Reel
    created_at: int
    # How long the world lets it wait and render.
    pace: float
    remixed_from: str | None = None

    @property
    def starts_at(self) -> float:
        return self.created_at + QUEUED_SECONDS * self.pace

    @property
    def ends_at(self) -> int:
        return round(self.starts_at + (RENDERING_SECONDS + RENDERING_SECONDS_EACH * len(self.reel)) * self.pace)

    @property
    def is_refused(self) -> bool:
        """Whether its prompt is found out to be harmful; that shows only when rendering ends."""
        return max(scores(self.prompt).values()) >= FLAGGED_FROM

    def status(self, now: int) -> str:
        if now < self.starts_at:
            return "queued"
        if now < self.ends_at:
            return "in_progress"
        return "failed" if self.is_refused else "completed"

    def show(self, now: int) -> Json:
        status = self.status(now)
        width, height = self.size
        refused = {"code": "moderation_blocked", "message": "The safety system has rejected this prompt."}
        return {
            "id": self.id,
            "object": "video",
            "model": self.model,
            "status": status,
            "progress": self._progress(now),
            "created_at": self.created_at,
            "completed_at": self.ends_at if status == "completed" else None,
            "expires_at": self.ends_at + DOWNLOAD_SECONDS if status == "completed" else None,
            "prompt": self.prompt,
            "size": f"{width}x{height}",
            "seconds": str(len(self.reel)),
            "remixed_from_video_id": self.remixed_from,
            "error": refused if status == "failed" else None,
        }

    def file(self) -> bytes:
        facts: Json = {"model": self.model, "at": self.created_at, "prompt": self.prompt[:500]}
        return film.write(lambda second: self.reel[second], self.size, len(self.reel), facts)

    def picture(self, mosaic: Mosaic, form: str) -> bytes:
        return pictures.make(mosaic, self.size, form, {"model": self.model, "at": self.created_at})

    def sheet(self) -> Mosaic:
        """Four scenes, evenly chosen, at half their size: left to right, then down."""
        half = SIDE // 2
        chosen = [self.reel[place * len(self.reel) // SHEET_SCENES] for place in range(SHEET_SCENES)]
        return Mosaic(
            tuple(
                chosen[row // half * 2 + column // half].row(row % half * 2)[column % half * 2]
                for row in range(SIDE)
                for column in range(SIDE)
            )
        )

    def _progress(self, now: int) -> int:
        if now >= self.ends_at:
            return 100
        return max(0, int(100 * (now - self.starts_at) / (self.ends_at - self.starts_at)))


@dataclass(frozen=True, slots=True)
class Character:
    id: str
    name: str
    created_at: int

    def show(self) -> Json:
        return {"id": self.id, "name": self.name, "created_at": self.created_at}


VIDEOS = Kind[Video]("video", "video_")
CHARACTERS = Kind[Character]("video character", "char_")


def shoot(prompt: str, seconds: int, reference: Mosaic | None = None) -> Reel:
    """A scene for every second. A reference shows through in all of them."""
    first = paint(prompt)
    if reference is not None:
        first = repaint(reference, first, touched(prompt))
    return tuple(vary(first, second) if second else first for second in range(seconds))


def edited(reel: Reel, prompt: str) -> Reel:
    """The same film, painted over where the prompt says."""
    over = shoot(prompt, len(reel))
    return tuple(repaint(old, new, touched(prompt)) for old, new in zip(reel, over, strict=True))


def finished(ask: Ask, video_id: str, param: str) -> Video:
    """A video that others can be made from, or OpenAI's 404 or 400."""
    video = ask.held(VIDEOS).look(video_id)
    if video is None:
        raise not_found(f"There is no video '{video_id}'.", param, "video_not_found")
    if video.status(ask.now) != "completed":
        message = f"The video '{video_id}' is {video.status(ask.now)}; only completed videos can be used."
        raise invalid(message, param, "video_not_completed")
    return video
