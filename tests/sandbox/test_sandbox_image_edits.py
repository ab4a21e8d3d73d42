"""Images made from other images: edits with masks, markup and references, and variations."""

# The SDK marks variations as deprecated; the emulator makes them all the same.
# pyright: reportDeprecated=false

import base64
from typing import Any

import pytest
from bare_http import Caller, form
from openai import OpenAI
from openai.types import ImagesResponse
from openai.types.image_edit_completed_event import ImageEditCompletedEvent
from picture_kit import PROMPT, half_mask, picture, pictures, plain, png, seen

from portico.sandbox.media.mosaic import NAMED, paint

HALF_OPEN = [place % 8 < 4 for place in range(64)]


def test_edit_changes_only_what_the_mask_leaves_open(client: OpenAI) -> None:
    answer = client.images.edit(
        model="gpt-image-1.5",
        image=("red.png", plain(200, 0, 0)),
        mask=("mask.png", half_mask()),
        prompt="A green hill",
        size="1024x1024",
    )
    fields = seen(picture(answer)).mosaic().fields
    new = paint("A green hill").fields
    for field, painted, is_open in zip(fields, new, HALF_OPEN, strict=True):
        assert field == (painted if is_open else (200, 0, 0, 255))
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.image_tokens == 4


def test_markup_changes_what_is_drawn_on(client: OpenAI) -> None:
    answer = client.images.edit(
        model="gpt-image-2.5-flare",
        image=("red.png", plain(200, 0, 0)),
        prompt="A green hill",
        markup=("markup.png", half_mask()),
    )
    fields = seen(picture(answer)).mosaic().fields
    new = paint("A green hill").fields
    for field, painted, is_open in zip(fields, new, HALF_OPEN, strict=True):
        assert field == ((200, 0, 0, 255) if is_open else painted)


def test_edit_without_a_mask_keeps_some_of_the_picture(client: OpenAI) -> None:
    answer = client.images.edit(model="gpt-image-1.5", image=("red.png", plain(200, 0, 0)), prompt="A green hill")
    kept = seen(picture(answer)).mosaic().fields.count((200, 0, 0, 255))
    assert 16 < kept < 48


def test_edit_takes_several_pictures(client: OpenAI) -> None:
    images = [("red.png", plain(200, 0, 0)), ("lime.png", plain(0, 250, 0))]
    answer = client.images.edit(model="gpt-image-2", image=images, prompt="Both of them", size="1024x1024")
    assert {(200, 0, 0, 255), (0, 250, 0, 255)} <= set(seen(picture(answer)).mosaic().fields)


def test_edit_streams(client: OpenAI) -> None:
    with client.images.edit(
        model="gpt-image-1.5", image=("red.png", plain(200, 0, 0)), prompt=PROMPT, stream=True, partial_images=1
    ) as stream:
        events = list(stream)
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
    assert isinstance(events[-1], ImageEditCompletedEvent)


def test_edit_names_its_pictures_in_json(client: OpenAI, call: Caller) -> None:
    file = client.files.create(file=("red.png", plain(200, 0, 0)), purpose="vision")
    data_url = "data:image/png;base64," + base64.b64encode(plain(0, 250, 0)).decode()
    mask = "data:image/png;base64," + base64.b64encode(half_mask()).decode()
    body = {
        "model": "gpt-image-1.5",
        "prompt": "A green hill",
        "images": [{"file_id": file.id}, {"image_url": data_url}, {"image_url": "https://example.com/cat.png"}],
        "mask": {"image_url": mask},
    }
    answer = ImagesResponse.model_validate(call("POST", "/v1/images/edits", body).json)
    assert (200, 0, 0, 255) in seen(picture(answer)).mosaic().fields


def test_published_picture_can_be_edited_by_its_address(client: OpenAI, call: Caller) -> None:
    made = client.images.generate(model="dall-e-2", prompt=PROMPT, size="256x256")
    body = {"prompt": "More", "images": [{"image_url": (made.data or [])[0].url}]}
    answer = ImagesResponse.model_validate(call("POST", "/v1/images/edits", body).json)
    assert NAMED["red"] in seen(picture(answer)).mosaic().fields


def test_variations_keep_the_colours(client: OpenAI) -> None:
    original = client.images.generate(model="dall-e-2", prompt=PROMPT, size="256x256", response_format="b64_json")
    with pytest.warns(DeprecationWarning, match="^deprecated$"):
        answer = client.images.create_variation(
            image=("fox.png", picture(original)), n=2, size="512x512", response_format="b64_json"
        )
    first, second = (seen(content) for content in pictures(answer))
    assert first.width == second.width == 512
    fox = seen(picture(original)).mosaic()
    for found in (first, second):
        assert sorted(found.mosaic().fields) == sorted(fox.fields)
        assert found.mosaic() != fox


@pytest.mark.parametrize(
    ("fields", "files", "param"),
    [
        ({"prompt": "x"}, {}, "image"),
        ({}, {"image": ("a.png", plain(1, 2, 3))}, "prompt"),
        ({"prompt": "x"}, {"image": ("a.png", b"no picture")}, "image"),
        ({"prompt": "x"}, {"image": ("a.png", plain(1, 2, 3)), "mask": ("m.png", plain(1, 2, 3))}, "mask"),
        ({"prompt": "x"}, {"image": ("a.png", plain(1, 2, 3)), "mask": ("m.png", half_mask(32))}, "mask"),
        ({"prompt": "x"}, {"image": ("a.png", plain(1, 2, 3)), "markup": ("m.png", half_mask())}, "markup"),
        ({"prompt": "x", "model": "dall-e-3"}, {"image": ("a.png", plain(1, 2, 3))}, "model"),
        ({"prompt": "x", "model": "dall-e-2"}, {"image": ("a.png", png([bytes(9)] * 2, 2))}, "image"),
        (
            {"prompt": "x", "model": "gpt-image-2", "input_fidelity": "high"},
            {"image": ("a.png", plain(1, 2, 3))},
            "input_fidelity",
        ),
    ],
)
def test_bad_edits_are_refused(
    call: Caller, fields: dict[str, str], files: dict[str, tuple[str, bytes]], param: str
) -> None:
    body, kind = form(fields, files)
    got = call("POST", "/v1/images/edits", body, {"content-type": kind})
    assert (got.status, got.error["param"]) == (400, param)


@pytest.mark.parametrize(
    ("images", "param", "status"),
    [
        (None, "images", 400),
        (list[str](), "images", 400),
        ([dict[str, str]()], "images[0]", 400),
        ([{"file_id": "file-none"}], "id", 404),
        ([{"image_url": "data:image/png,raw"}], "images[0].image_url", 400),
        ([{"image_url": "ftp://example.com/a.png"}], "images[0].image_url", 400),
        ([{"image_url": "https://example.com/a.png", "file_id": "file-x"}], "images[0]", 400),
    ],
)
def test_bad_references_are_refused(call: Caller, images: Any, param: str, status: int) -> None:
    got = call("POST", "/v1/images/edits", {"prompt": "x", "images": images})
    assert (got.status, got.error["param"]) == (status, param)


def test_variations_want_a_square_png(call: Caller) -> None:
    for content in (png([bytes(9)] * 2, 2), b"GIF89a" + bytes(20)):
        body, kind = form({}, {"image": ("a.png", content)})
        got = call("POST", "/v1/images/variations", body, {"content-type": kind})
        assert (got.status, got.error["param"]) == (400, "image")
