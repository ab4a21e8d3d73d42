"""Videos through the official SDK: jobs that move with the clock, real films at the end, and films made from films."""

# The SDK marks videos as deprecated; the emulator makes them all the same.
# pyright: reportDeprecated=false

import base64
from typing import Any

import openai
import pytest
from bare_http import Caller, form
from openai import OpenAI
from openai.types import Video
from picture_kit import plain, seen

from portico.sandbox.media import film
from portico.sandbox.state import World

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")

PROMPT = "A red fox runs over a blue hill"
QUEUED, RENDERING = 2, 4 + 2 * 4


@pytest.fixture
def video(client: OpenAI, world: World) -> Video:
    """A video of four seconds that is complete."""
    made = client.videos.create(prompt=PROMPT)
    world.advance(QUEUED + RENDERING + 1)
    return client.videos.retrieve(made.id)


def thumbnail(client: OpenAI, video: Video) -> bytes:
    return client.videos.download_content(video.id, variant="thumbnail").read()


def worked_on(call: Caller, deed: str, video: Video, **body: str) -> Video:
    """A film made from another one, named by its id: the SDK can send only files in that place."""
    got = call("POST", f"/v1/videos/{deed}", {"video": {"id": video.id}, **body})
    return Video.model_validate(got.json, strict=True)


def test_video_moves_from_queued_to_completed(client: OpenAI, world: World) -> None:
    made = client.videos.create(prompt=PROMPT)
    assert (made.status, made.progress, made.seconds, made.size, made.model) == ("queued", 0, "4", "720x1280", "sora-2")
    assert (made.prompt, made.completed_at, made.expires_at, made.error) == (PROMPT, None, None, None)
    world.advance(QUEUED + RENDERING / 2)
    half = client.videos.retrieve(made.id)
    assert half.status == "in_progress"
    assert 40 <= half.progress <= 60
    world.advance(RENDERING / 2 + 1)
    done = client.videos.retrieve(made.id)
    assert (done.status, done.progress) == ("completed", 100)
    assert done.completed_at == made.created_at + QUEUED + RENDERING
    assert done.expires_at == made.created_at + QUEUED + RENDERING + 3600


def test_video_is_complete_at_once_in_a_hurried_world(client: OpenAI, world: World) -> None:
    world.pace = 0
    assert client.videos.create(prompt=PROMPT).status == "completed"


def test_content_is_a_real_film(client: OpenAI, world: World) -> None:
    world.pace = 0
    made = client.videos.create(prompt=PROMPT, model="sora-2-pro", seconds="8", size="1792x1024")
    answer = client.videos.download_content(made.id)
    assert answer.response.headers["content-type"] == "video/mp4"
    shown = film.watch(answer.read())
    assert shown is not None
    assert (shown.seconds, shown.width, shown.height) == (8.0, 1792, 1024)


def test_previews_are_pictures_of_the_film(client: OpenAI, video: Video) -> None:
    for variant, kind in (("thumbnail", "webp"), ("spritesheet", "jpeg")):
        answer = client.videos.download_content(video.id, variant=variant)  # pyright: ignore[reportArgumentType] -- the client narrows what the wire takes
        assert answer.response.headers["content-type"] == f"image/{kind}"
        picture = seen(answer.read())
        assert (picture.format, picture.width, picture.height) == (kind, 720, 1280)


def test_content_waits_for_the_film_and_expires(client: OpenAI, world: World) -> None:
    made = client.videos.create(prompt=PROMPT)
    with pytest.raises(openai.BadRequestError) as early:
        client.videos.download_content(made.id)
    assert early.value.code == "video_not_completed"
    world.advance(QUEUED + RENDERING + 3601)
    with pytest.raises(openai.NotFoundError) as late:
        client.videos.download_content(made.id)
    assert late.value.code == "video_expired"


def test_harmful_prompt_fails_when_it_is_rendered(client: OpenAI, world: World) -> None:
    made = client.videos.create(prompt="A murder in the harbour")
    assert made.status == "queued"
    world.advance(QUEUED + RENDERING + 1)
    failed = client.videos.retrieve(made.id)
    assert (failed.status, failed.completed_at) == ("failed", None)
    assert failed.error is not None
    assert failed.error.code == "moderation_blocked"


def test_reference_picture_shows_through(client: OpenAI, world: World, call: Caller) -> None:
    world.pace = 0
    red = plain(200, 0, 0)
    uploaded = client.videos.create(prompt=PROMPT, input_reference=("red.png", red))
    url = "data:image/png;base64," + base64.b64encode(red).decode()
    named = call("POST", "/v1/videos", {"prompt": PROMPT, "input_reference": {"image_url": url}})
    bare = client.videos.create(prompt=PROMPT)
    with_red = thumbnail(client, uploaded)
    # Colours of a WebP aren't read back, so the bytes are compared: all but the imprint.
    assert with_red[-200:] == client.videos.download_content(named.json["id"], variant="thumbnail").read()[-200:]
    assert with_red[-200:] != thumbnail(client, bare)[-200:]


def test_videos_are_listed_and_deleted(client: OpenAI, call: Caller) -> None:
    made = [client.videos.create(prompt=f"number {n}").id for n in range(5)]
    assert [held.id for held in client.videos.list(limit=2).data] == [made[4], made[3]]
    assert [held.id for held in client.videos.list(limit=2, order="asc")] == made
    page = call("GET", "/v1/videos?limit=2").json
    assert (page["first_id"], page["last_id"], page["has_more"]) == (made[4], made[3], True)
    gone = client.videos.delete(made[0])
    assert (gone.id, gone.deleted, gone.object) == (made[0], True, "video.deleted")
    for look in (client.videos.retrieve, client.videos.delete, client.videos.download_content):
        with pytest.raises(openai.NotFoundError):
            look(made[0])


def test_remix_and_edit_repaint_a_film(client: OpenAI, call: Caller, world: World, video: Video) -> None:
    world.pace = 0
    remix = client.videos.remix(video.id, prompt="At night")
    assert (remix.remixed_from_video_id, remix.seconds, remix.size) == (video.id, "4", "720x1280")
    edit = worked_on(call, "edits", video, prompt="In the rain")
    assert (edit.remixed_from_video_id, edit.prompt, edit.seconds) == (None, "In the rain", "4")
    assert len({thumbnail(client, made)[-200:] for made in (video, remix, edit)}) == 3


def test_extension_is_joined_to_the_film(client: OpenAI, call: Caller, world: World, video: Video) -> None:
    world.pace = 0
    longer = worked_on(call, "extensions", video, prompt="It stops", seconds="8")
    assert longer.seconds == "12"
    shown = film.watch(client.videos.download_content(longer.id).read())
    assert shown is not None
    assert shown.seconds == 12.0
    assert thumbnail(client, longer)[-200:] == thumbnail(client, video)[-200:]


def test_film_can_be_uploaded_and_worked_on(client: OpenAI, call: Caller, world: World, video: Video) -> None:
    world.pace = 0
    content = client.videos.download_content(video.id).read()
    edit = client.videos.edit(prompt="In the rain", video=("fox.mp4", content))
    by_id = worked_on(call, "edits", video, prompt="In the rain")
    assert (edit.seconds, edit.size) == ("4", "720x1280")
    assert thumbnail(client, edit)[-200:] == thumbnail(client, by_id)[-200:]
    assert client.videos.extend(prompt="On", seconds="4", video=("fox.mp4", content)).seconds == "8"


def test_characters_are_made_from_films(client: OpenAI, video: Video) -> None:
    content = client.videos.download_content(video.id).read()
    made = client.videos.create_character(name="Fox", video=("fox.mp4", content))
    assert made.name == "Fox"
    assert client.videos.get_character(made.id or "").model_dump() == made.model_dump()
    with pytest.raises(openai.NotFoundError):
        client.videos.get_character("char_none")
    with pytest.raises(openai.BadRequestError) as refused:
        client.videos.create_character(name="Fox", video=("fox.mp4", b"no film"))
    assert refused.value.param == "video"


@pytest.mark.parametrize(
    ("path", "body", "param", "status"),
    [
        ("/v1/videos", {}, "prompt", 400),
        ("/v1/videos", {"prompt": ""}, "prompt", 400),
        ("/v1/videos", {"prompt": "x", "seconds": "5"}, "seconds", 400),
        ("/v1/videos", {"prompt": "x", "seconds": 4}, "seconds", 400),
        ("/v1/videos", {"prompt": "x", "size": "640x480"}, "size", 400),
        ("/v1/videos", {"prompt": "x", "size": "1024x1792"}, "size", 400),
        ("/v1/videos", {"prompt": "x", "model": "sora-9"}, "model", 404),
        ("/v1/videos", {"prompt": "x", "model": "gpt-image-2"}, "model", 400),
        ("/v1/videos", {"prompt": "x", "input_reference": {"url": "x"}}, "input_reference.url", 400),
        ("/v1/videos", {"prompt": "x", "input_reference": {}}, "input_reference", 400),
        ("/v1/videos/edits", {"prompt": "x"}, "video", 400),
        ("/v1/videos/edits", {"prompt": "x", "video": {"id": "video_none"}}, "video", 404),
        ("/v1/videos/extensions", {"prompt": "x", "video": {"id": "video_none"}}, "seconds", 400),
        ("/v1/videos/extensions", {"prompt": "x", "video": {}, "seconds": "4"}, "video.id", 400),
        ("/v1/videos/video_none/remix", {"prompt": "x"}, "id", 404),
    ],
)
def test_bad_videos_are_refused(call: Caller, path: str, body: dict[str, Any], param: str, status: int) -> None:
    got = call("POST", path, body)
    assert (got.status, got.error["param"]) == (status, param)


@pytest.mark.parametrize("deed", ["edits", "extensions", "remix"])
def test_unfinished_videos_can_not_be_used(client: OpenAI, call: Caller, deed: str) -> None:
    made = client.videos.create(prompt=PROMPT)
    if deed == "remix":
        got = call("POST", f"/v1/videos/{made.id}/remix", {"prompt": "x"})
    else:
        more = {"seconds": "4"} if deed == "extensions" else {}
        got = call("POST", f"/v1/videos/{deed}", {"prompt": "x", "video": {"id": made.id}, **more})
    assert (got.status, got.error["code"]) == (400, "video_not_completed")


def test_films_do_not_grow_for_ever(client: OpenAI, call: Caller, world: World) -> None:
    world.pace = 0
    made = client.videos.create(prompt=PROMPT, seconds="12")
    for _ in range(5):
        made = worked_on(call, "extensions", made, prompt="on", seconds="20")
    assert made.seconds == "112"
    got = call("POST", "/v1/videos/extensions", {"prompt": "on", "seconds": "20", "video": {"id": made.id}})
    assert (got.status, got.error["param"]) == (400, "seconds")


def test_form_takes_the_id_of_a_film_too(call: Caller, video: Video) -> None:
    body, kind = form({"prompt": "x", "video[id]": video.id}, {})
    got = call("POST", "/v1/videos/edits", body, {"content-type": kind})
    assert (got.status, got.json["status"]) == (200, "queued")


def test_end_of_a_video_is_told_to_webhooks(client: OpenAI, world: World, call: Caller) -> None:
    client.webhooks.create(event_types=["video.completed", "video.failed"], name="x", url="http://127.0.0.1:9/none")
    good = client.videos.create(prompt=PROMPT)
    bad = client.videos.create(prompt="A murder in the harbour")
    world.advance(QUEUED + RENDERING + 1)
    call("POST", "/_sandbox/webhooks/pump")
    events = [delivery["event"] for delivery in call("GET", "/_sandbox/webhooks").json["data"]]
    assert {(event["type"], event["data"]["id"]) for event in events} == {
        ("video.completed", good.id),
        ("video.failed", bad.id),
    }
