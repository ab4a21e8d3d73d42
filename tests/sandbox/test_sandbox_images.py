"""Images made from a prompt: real pictures of the asked size, in five formats, whole and as a stream."""

import base64
import http.client
import json
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from bare_http import Caller, Got
from openai import OpenAI
from openai.types import ImageGenCompletedEvent, ImageGenPartialImageEvent, ImagesResponse
from picture_kit import PROMPT, picture, pictures, seen

from portico.sandbox.media.mosaic import NAMED, Mosaic, paint
from portico.sandbox.state import World


def fetch(url: str) -> Got:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", parts.path)
        answer = connection.getresponse()
        return Got(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def test_picture_opens_and_has_the_asked_size(client: OpenAI) -> None:
    answer = client.images.generate(model="gpt-image-1.5", prompt=PROMPT, size="1536x1024")
    assert (answer.size, answer.output_format, answer.quality, answer.background) == (
        "1536x1024",
        "png",
        "medium",
        "opaque",
    )
    content = picture(answer)
    position, raw = 8, b""
    while position < len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        data = content[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, position + 8 + length)
        assert checksum == zlib.crc32(kind + data)
        raw += data if kind == b"IDAT" else b""
        position += 12 + length
    assert struct.unpack_from(">II", content, 16) == (1536, 1024)
    # A line is a byte for its filter and one for each pixel.
    assert len(zlib.decompress(raw)) == 1024 * 1537


def test_prompt_decides_the_picture(client: OpenAI) -> None:
    def draw(prompt: str) -> Mosaic:
        return seen(picture(client.images.generate(model="gpt-image-2", prompt=prompt))).mosaic()

    fox = draw(PROMPT)
    assert fox == draw(PROMPT)
    assert fox != draw("A red fox on a green hill")
    assert {NAMED["red"], NAMED["blue"]} <= set(fox.fields)


def test_several_pictures_differ(client: OpenAI, world: World) -> None:
    answer = client.images.generate(model="gpt-image-1-mini", prompt=PROMPT, n=3, quality="low")
    assert len(set(pictures(answer))) == 3
    usage = answer.usage
    assert usage is not None
    assert usage.output_tokens == 3 * 272
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert usage.input_tokens_details.text_tokens == usage.input_tokens == 7
    used = world.organization("test").usage[-1]
    assert (used.kind, used.amounts["images"]) == ("images", 3)
    assert used.labels == {"size": "1024x1024", "source": "image.generation"}


@pytest.mark.parametrize(
    ("prompt", "size"),
    [("a wide valley", "1536x1024"), ("a tall tower", "1024x1536"), ("an apple", "1024x1024")],
)
def test_automatic_size_fits_the_prompt(client: OpenAI, prompt: str, size: str) -> None:
    assert client.images.generate(model="gpt-image-2", prompt=prompt, size="auto").size == size


def test_newest_models_take_any_size(client: OpenAI) -> None:
    answer = client.images.generate(model="gpt-image-2.5-flare", prompt=PROMPT, size="848x1264", quality="max")
    found = seen(picture(answer))
    assert (found.width, found.height, answer.quality) == (848, 1264, "max")


@pytest.mark.parametrize("made", ["png", "jpeg", "webp", "gif"])
def test_formats_are_what_they_claim(client: OpenAI, made: Any) -> None:
    answer = client.images.generate(model="gpt-image-2.5-sunburst", prompt=PROMPT, output_format=made)
    found = seen(picture(answer))
    assert (found.format, found.width, found.height, answer.output_format) == (made, 1024, 1024, made)


def test_gif_moves_as_asked(client: OpenAI) -> None:
    content = picture(
        client.images.generate(
            model="gpt-image-2.5-flare", prompt=PROMPT, output_format="gif", frame_count=4, frame_duration_ms=120
        )
    )
    assert content.count(b"\x21\xf9\x04") == 4
    assert content.count(b"\x21\xf9\x04\x04\x0c\x00") == 4


def test_svg_is_drawn_in_shapes(client: OpenAI) -> None:
    answer = client.images.generate(
        model="gpt-image-2.5-flare", prompt=PROMPT, output_format="svg", svg={"model": "gpt-5.5"}
    )
    drawing = ElementTree.fromstring(picture(answer))
    fills = {shape.get("fill") for shape in drawing if shape.tag.endswith("rect")}
    assert "#d32424" in fills
    assert answer.svg_usage is not None
    assert answer.svg_usage.model == "gpt-5.5"
    assert answer.svg_usage.output_tokens > 0


def test_background_can_be_seen_through(client: OpenAI) -> None:
    answer = client.images.generate(model="gpt-image-1.5", prompt=PROMPT, background="transparent")
    assert answer.background == "transparent"
    fields = seen(picture(answer)).mosaic().fields
    assert 0 < sum(field[3] == 0 for field in fields) < 64


def test_old_models_answer_with_an_address(client: OpenAI, world: World) -> None:
    answer = client.images.generate(model="dall-e-3", prompt=PROMPT, size="1792x1024", style="vivid")
    image = (answer.data or [])[0]
    assert PROMPT in (image.revised_prompt or "")
    assert image.b64_json is None
    got = fetch(image.url or "")
    assert (got.status, got.header("content-type")) == (200, "image/png")
    found = seen(got.body)
    assert (found.width, found.height) == (1792, 1024)
    world.advance(3600)
    assert fetch(image.url or "").status == 403
    assert fetch((image.url or "") + "x").status == 404


def test_old_models_encode_on_demand(client: OpenAI) -> None:
    answer = client.images.generate(prompt=PROMPT, size="256x256", response_format="b64_json", n=2)
    assert answer.usage is None
    assert [seen(content).width for content in pictures(answer)] == [256, 256]


def test_partial_images_come_before_the_picture(client: OpenAI) -> None:
    with client.images.generate(model="gpt-image-1.5", prompt=PROMPT, stream=True, partial_images=3) as stream:
        events = list(stream)
    parts = [event for event in events if isinstance(event, ImageGenPartialImageEvent)]
    assert [part.partial_image_index for part in parts] == [0, 1, 2]
    done = events[-1]
    assert isinstance(done, ImageGenCompletedEvent)
    assert (done.size, done.usage.output_tokens) == ("1024x1024", 1056)
    whole = paint(PROMPT).fields
    for event, rows in zip(events, (2, 4, 6, 8), strict=True):
        fields = seen(base64.b64decode(event.b64_json)).mosaic().fields
        assert fields[: rows * 8] == whole[: rows * 8]
        assert len(set(fields[rows * 8 :])) <= 1


def test_events_carry_their_names(call: Caller) -> None:
    got = call("POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": PROMPT, "stream": True})
    assert got.body.startswith(b"event: image_generation.completed\ndata: {")
    assert b"[DONE]" not in got.body


def test_end_user_is_echoed(call: Caller) -> None:
    def draw(**who: str) -> str | None:
        got = call("POST", "/v1/images/generations", {"model": "gpt-image-2", "prompt": PROMPT, **who})
        return got.json.get("safety_identifier")

    assert draw(user="ada") == "ada"
    assert draw(user="ada", safety_identifier="hash") == "hash"
    assert draw() is None


def test_batches_make_images(client: OpenAI, world: World) -> None:
    order = {"model": "gpt-image-2", "prompt": PROMPT, "size": "512x512"}
    line = {"custom_id": "fox", "method": "POST", "url": "/v1/images/generations", "body": order}
    file = client.files.create(file=("orders.jsonl", json.dumps(line).encode()), purpose="batch")
    world.pace = 0
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/images/generations", completion_window="24h")
    output = client.files.content(client.batches.retrieve(made.id).output_file_id or "").read()
    answer = ImagesResponse.model_validate(json.loads(output)["response"]["body"])
    assert (seen(picture(answer)).width, answer.size) == (512, "512x512")


def test_harmful_prompts_are_blocked(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(model="gpt-image-2", prompt="Murder in the harbour")
    assert (refused.value.code, refused.value.type) == ("moderation_blocked", "image_generation_user_error")
    client.images.generate(model="gpt-image-2", prompt="Murder in the harbour", moderation="low")


@pytest.mark.parametrize(
    ("body", "param", "status"),
    [
        ({"prompt": None}, "prompt", 400),
        ({"prompt": "x" * 1001, "model": "dall-e-2"}, "prompt", 400),
        ({"model": "gpt-image-9"}, "model", 404),
        ({"model": "gpt-4o"}, "model", 400),
        ({"n": 11}, "n", 400),
        ({"n": 2, "model": "dall-e-3"}, "n", 400),
        ({"size": "512x512"}, "size", 400),
        ({"size": "1000x1000", "model": "gpt-image-2"}, "size", 400),
        ({"size": "3840x1024", "model": "gpt-image-2"}, "size", 400),
        ({"size": "big"}, "size", 400),
        ({"quality": "max"}, "quality", 400),
        ({"quality": "hd"}, "quality", 400),
        ({"response_format": "url", "model": "gpt-image-2"}, "response_format", 400),
        ({"style": "vivid", "model": "dall-e-2"}, "style", 400),
        ({"background": "transparent", "output_format": "jpeg"}, "background", 400),
        ({"background": "transparent", "model": "dall-e-2"}, "background", 400),
        ({"output_compression": 50}, "output_compression", 400),
        ({"output_compression": 101, "output_format": "webp"}, "output_compression", 400),
        ({"partial_images": 2}, "partial_images", 400),
        ({"partial_images": 4, "stream": True}, "partial_images", 400),
        ({"stream": True, "output_format": "gif"}, "stream", 400),
        ({"frame_count": 4}, "frame_count", 400),
        ({"frame_count": 1, "output_format": "gif"}, "frame_count", 400),
        ({"svg": {"model": "gpt-5.5"}}, "svg", 400),
        ({"n": 2, "output_format": "svg"}, "n", 400),
        ({"colour": "red"}, "colour", 400),
    ],
)
def test_bad_orders_are_refused(call: Caller, body: dict[str, Any], param: str, status: int) -> None:
    got = call("POST", "/v1/images/generations", {"prompt": PROMPT, "model": "gpt-image-1.5", **body})
    assert (got.status, got.error["param"]) == (status, param)
