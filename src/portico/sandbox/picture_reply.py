"""Pictures as the image endpoints answer them: encoded or as addresses, with their usage, whole or as a stream."""

import asyncio
import base64
import math
from collections.abc import AsyncIterator, Sequence

from portico.sandbox.media import pictures
from portico.sandbox.media.mosaic import Mosaic, begun
from portico.sandbox.media.pictures import Seen
from portico.sandbox.mind import tokens
from portico.sandbox.picture_order import DEFAULT_SIZE, OLD_STYLED, STANDARD_SIZES, Order
from portico.sandbox.published import publish
from portico.sandbox.shapes import Json, without_nothing
from portico.sandbox.wire import Answer, Ask, Events

# Output tokens of a square picture of 1024 pixels; others cost by their area.
TOKENS = {"low": 272, "medium": 1056, "high": 4160, "xhigh": 6240, "max": 8320}
AREA = 1024 * 1024
# Input pictures are counted in squares of this edge.
SQUARE = 32
MOST_INPUT_TOKENS = 1536
WIDE, TALL = ("landscape", "wide", "panorama"), ("portrait", "tall", "poster")


async def answer(ask: Ask, order: Order, mosaics: Sequence[Mosaic], given: Sequence[Seen], task: str) -> Answer:
    """Make all pictures of an order. The task is `generation`, `edit` or `variation`."""
    sized = order if order.size is not None else order.sized(_fitting(order, given))
    size = sized.size or DEFAULT_SIZE
    ask.meter(
        "images",
        sized.model,
        images=len(mosaics),
        num_model_requests=1,
        size=f"{size[0]}x{size[1]}",
        source=f"image.{task}",
    )
    if sized.is_stream:
        kind = "image_edit" if task == "edit" else "image_generation"
        return Events(_events(ask, sized, mosaics, _usage(sized, given, 1), kind), named=True)
    images = [await _encode(ask, sized, mosaic) for mosaic in mosaics]
    data = [_show(ask, sized, image) for image in images]
    if sized.is_old:
        return {"created": ask.now, "data": data}
    return {
        "created": ask.now,
        **_about(sized),
        "data": data,
        "usage": _usage(sized, given, len(images)),
        **_extras(sized, images),
    }


def _fitting(order: Order, given: Sequence[Seen]) -> tuple[int, int]:
    """A standard size: the shape of the picture that came in, or what the prompt asks for in words."""
    if given:
        shape = given[0].width / given[0].height
        return min(STANDARD_SIZES, key=lambda size: abs(math.log(size[0] / size[1] / shape)))
    said = tokens.words(order.prompt)
    return STANDARD_SIZES[1 if any(word in said for word in WIDE) else 2 if any(word in said for word in TALL) else 0]


async def _encode(ask: Ask, order: Order, mosaic: Mosaic) -> bytes:
    facts: Json = {"model": order.model, "at": ask.now}
    # A very large picture takes a while; other requests need not wait for it.
    return await asyncio.to_thread(pictures.make, mosaic, order.size or DEFAULT_SIZE, order.form, facts, order.motion)


def _show(ask: Ask, order: Order, image: bytes) -> Json:
    if order.as_url:
        shown: Json = {"url": publish(ask, image, pictures.CONTENT_TYPES[order.form], order.form)}
    else:
        shown = {"b64_json": base64.b64encode(image).decode()}
    if order.model == OLD_STYLED:
        shown["revised_prompt"] = f"A picture in eight by eight fields of colour: {order.prompt}"
    return shown


def _about(order: Order) -> Json:
    width, height = order.size or DEFAULT_SIZE
    return {
        "background": order.background,
        "output_format": order.form,
        "quality": order.quality,
        "size": f"{width}x{height}",
    }


def _usage(order: Order, given: Sequence[Seen], count: int) -> Json:
    width, height = order.size or DEFAULT_SIZE
    said, seen = tokens.count(order.prompt), sum(_input_tokens(picture) for picture in given)
    made = count * math.ceil(TOKENS.get(order.quality, 0) * width * height / AREA)
    return {
        "input_tokens": said + seen,
        "input_tokens_details": {"text_tokens": said, "image_tokens": seen},
        "output_tokens": made,
        "output_tokens_details": {"image_tokens": made, "text_tokens": 0},
        "total_tokens": said + seen + made,
    }


def _input_tokens(picture: Seen) -> int:
    return min(MOST_INPUT_TOKENS, math.ceil(picture.width / SQUARE) * math.ceil(picture.height / SQUARE))


def _extras(order: Order, images: Sequence[bytes]) -> Json:
    extras: Json = {"safety_identifier": order.user}
    if order.svg_model is not None:
        read, written = tokens.count(order.prompt), tokens.count(images[0].decode())
        extras["svg_usage"] = {
            "model": order.svg_model,
            "input_tokens": read,
            "output_tokens": written,
            "reasoning_tokens": 0,
            "total_tokens": read + written,
        }
    return without_nothing(extras)


async def _events(ask: Ask, order: Order, mosaics: Sequence[Mosaic], usage: Json, kind: str) -> AsyncIterator[Json]:
    """Each picture from the top down, as often as partial images were asked for, then complete."""
    about = {**_about(order), "created_at": ask.now}
    for mosaic in mosaics:
        for place in range(order.partials):
            part = await _encode(ask, order, begun(mosaic, (place + 1) / (order.partials + 1)))
            encoded = base64.b64encode(part).decode()
            yield {"type": f"{kind}.partial_image", "partial_image_index": place, "b64_json": encoded, **about}
        encoded = base64.b64encode(await _encode(ask, order, mosaic)).decode()
        extras = without_nothing({"safety_identifier": order.user})
        yield {"type": f"{kind}.completed", "b64_json": encoded, **about, "usage": usage, **extras}
