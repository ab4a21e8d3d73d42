"""Videos: made from a prompt, edited, extended and remixed, listed, downloaded; and the characters that may appear."""

import asyncio
from dataclasses import replace

from portico.sandbox import roster
from portico.sandbox.checks import Check, anything, fields, one_of, record, text
from portico.sandbox.media import film, imprint
from portico.sandbox.media.pictures import Seen
from portico.sandbox.pages import Cursor
from portico.sandbox.picture_intake import REFERENCE, referenced, uploaded
from portico.sandbox.refusals import invalid, missing, not_found
from portico.sandbox.shapes import Json
from portico.sandbox.video_store import (
    CHARACTERS,
    DOWNLOAD_SECONDS,
    VIDEOS,
    Character,
    Video,
    edited,
    finished,
    shoot,
)
from portico.sandbox.webhooks import follow
from portico.sandbox.wire import Answer, Ask, Reply, Route

LIST = Cursor()
MODEL, PRO = "sora-2", "sora-2-pro"
SIZES = {"720x1280": (720, 1280), "1280x720": (1280, 720), "1024x1792": (1024, 1792), "1792x1024": (1792, 1024)}
SMALL_SIZES = ("720x1280", "1280x720")
MOST_SECONDS = 120
PROMPT = text(shortest=1, longest=32_000)
SOURCE: Check = record({"id": text(shortest=1)})
OPTIONS = {
    "model": text(shortest=1),
    "seconds": one_of("4", "8", "12"),
    "size": one_of(*SIZES),
    "input_reference": REFERENCE,
}


async def create_video(ask: Ask) -> Answer:
    body = fields(ask.body, {"prompt": PROMPT}, OPTIONS)
    model = roster.require(ask, body.get("model", MODEL), "video").id
    size = body.get("size", "720x1280")
    if size not in SMALL_SIZES and not model.startswith(PRO):
        raise invalid(f"The model '{model}' renders {' and '.join(SMALL_SIZES)} only.", "size")
    seen = _reference(ask, body)
    # Reading pixels takes a while; other requests need not wait for it.
    reference = await asyncio.to_thread(seen.mosaic) if seen is not None else None
    reel = shoot(body["prompt"], int(body.get("seconds", "4")), reference)
    return _queue(ask, Video("", model, body["prompt"], SIZES[size], reel, ask.now, ask.world.pace))


def list_videos(ask: Ask) -> Answer:
    return LIST.answer(ask, ask.held(VIDEOS).rows(), lambda video: video.show(ask.now))


def get_video(ask: Ask) -> Answer:
    return ask.held(VIDEOS).get(ask["video_id"]).show(ask.now)


def delete_video(ask: Ask) -> Answer:
    ask.held(VIDEOS).remove(ask["video_id"])
    return {"id": ask["video_id"], "object": "video.deleted", "deleted": True}


async def get_content(ask: Ask) -> Answer:
    variant = ask.query.choice("variant", ("video", "thumbnail", "spritesheet"), "video")
    ask.held(VIDEOS).get(ask["video_id"])
    video = finished(ask, ask["video_id"], "video_id")
    if ask.now >= video.ends_at + DOWNLOAD_SECONDS:
        raise not_found(f"The files of video '{video.id}' have expired.", "video_id", "video_expired")
    if variant == "thumbnail":
        return Reply(video.picture(video.reel[0], "webp"), content_type="image/webp")
    if variant == "spritesheet":
        return Reply(video.picture(video.sheet(), "jpeg"), content_type="image/jpeg")
    return Reply(await asyncio.to_thread(video.file), content_type="video/mp4")


def remix_video(ask: Ask) -> Answer:
    ask.held(VIDEOS).get(ask["video_id"])
    source = finished(ask, ask["video_id"], "video_id")
    prompt = fields(ask.body, {"prompt": PROMPT})["prompt"]
    return _queue(ask, _derived(ask, source, prompt, remixed_from=source.id))


def edit_video(ask: Ask) -> Answer:
    body = fields(ask.body, {"prompt": PROMPT}, {"video": SOURCE})
    return _queue(ask, _derived(ask, _source(ask, body), body["prompt"]))


def extend_video(ask: Ask) -> Answer:
    required = {"prompt": PROMPT, "seconds": one_of("4", "8", "12", "16", "20")}
    body = fields(ask.body, required, {"video": SOURCE})
    source = _source(ask, body)
    if len(source.reel) + int(body["seconds"]) > MOST_SECONDS:
        raise invalid(f"A video may last {MOST_SECONDS} seconds at most.", "seconds")
    added = shoot(body["prompt"], int(body["seconds"]), source.reel[-1])
    return _queue(ask, replace(_derived(ask, source, body["prompt"]), reel=(*source.reel, *added)))


def create_character(ask: Ask) -> Answer:
    body = fields(ask.body, {"name": text(shortest=1, longest=80)}, {"video": anything})
    if film.watch(ask.file("video").blob.read()) is None:
        raise invalid("'video' must be an MP4 film.", "video", "invalid_video_file")
    character = Character(ask.new_id(CHARACTERS), body["name"], ask.now)
    return ask.held(CHARACTERS).add(character.id, character).show()


def get_character(ask: Ask) -> Answer:
    return ask.held(CHARACTERS).get(ask["character_id"]).show()


def _queue(ask: Ask, video: Video) -> Answer:
    queued = replace(video, id=ask.new_id(VIDEOS))
    ask.held(VIDEOS).add(queued.id, queued)
    follow(ask, f"/videos/{queued.id}")
    return queued.show(ask.now)


def _derived(ask: Ask, source: Video, prompt: str, *, remixed_from: str | None = None) -> Video:
    reel = edited(source.reel, prompt)
    return Video("", source.model, prompt, source.size, reel, ask.now, ask.world.pace, remixed_from)


def _reference(ask: Ask, body: Json) -> Seen | None:
    """The picture that guides a film: uploaded, or named in JSON."""
    if pictures := uploaded(ask, "input_reference"):
        return pictures[0]
    return referenced(ask, body["input_reference"], "input_reference") if "input_reference" in body else None


def _source(ask: Ask, body: Json) -> Video:
    """The film to work on: one of the project, or an uploaded one, which need not have been made here."""
    if not ask.uploads("video"):
        if "video" not in body:
            raise missing("video")
        return finished(ask, body["video"]["id"], "video")
    content = ask.file("video").blob.read()
    seen = film.watch(content)
    if seen is None:
        raise invalid("'video' must be an MP4 film.", "video", "invalid_video_file")
    found = imprint.find(content)
    prompt = str(found.facts.get("prompt", "")) if found else content[:1024].hex()
    size = next((size for size in SIZES.values() if size == (seen.width, seen.height)), None)
    size = size or ((1280, 720) if seen.width > seen.height else (720, 1280))
    model = PRO if size not in (SIZES[small] for small in SMALL_SIZES) else MODEL
    return Video("", model, prompt, size, shoot(prompt, max(1, round(seen.seconds))), ask.now, ask.world.pace)


ROUTES = (
    Route("GET", "/videos", list_videos),
    Route("POST", "/videos", create_video, metered=True, usual_model=MODEL),
    Route("POST", "/videos/characters", create_character),
    Route("GET", "/videos/characters/{character_id}", get_character),
    Route("POST", "/videos/edits", edit_video),
    Route("POST", "/videos/extensions", extend_video),
    Route("GET", "/videos/{video_id}", get_video),
    Route("DELETE", "/videos/{video_id}", delete_video),
    Route("GET", "/videos/{video_id}/content", get_content),
    Route("POST", "/videos/{video_id}/remix", remix_video),
)
