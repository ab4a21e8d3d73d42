"""Images: made from a prompt, edited, and varied."""

import asyncio
from dataclasses import dataclass

from portico.sandbox import picture_order
from portico.sandbox.checks import anything, array, fields, integer, one_of, text
from portico.sandbox.media import png
from portico.sandbox.media.mosaic import Mosaic, paint, repaint, touched, vary
from portico.sandbox.media.pictures import Seen
from portico.sandbox.picture_intake import REFERENCE, referenced, see, uploaded
from portico.sandbox.picture_order import DEFAULT_MODEL, OLD, OLD_STYLED, Order
from portico.sandbox.picture_reply import answer
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Answer, Ask, Route

MOST_IMAGES = 16
LARGEST_OLD_BYTES = 4 * 1024 * 1024
EDIT_OPTIONS = {"image": anything, "mask": anything, "markup": anything, "input_fidelity": one_of("high", "low")}
JSON_EDIT_OPTIONS = {
    "images": array(REFERENCE, shortest=1, longest=MOST_IMAGES),
    "mask": REFERENCE,
    "input_fidelity": one_of("high", "low"),
}
VARIATION_OPTIONS = {
    "image": anything,
    "model": text(),
    "n": integer(1, 10),
    "response_format": one_of("url", "b64_json"),
    "size": text(),
    "user": text(),
}


@dataclass(frozen=True, slots=True)
class _Edit:
    """An order with the pictures that came along. A mask shows where to paint; markup is drawn where to paint."""

    order: Order
    given: list[Seen]
    mask: Seen | None
    markup: Seen | None = None


async def create_image(ask: Ask) -> Answer:
    order, _ = picture_order.read(ask, ask.body, {"style": one_of("vivid", "natural")})
    is_clear = order.background == "transparent"
    mosaics = [paint(order.prompt, variant, is_clear=is_clear) for variant in range(order.count)]
    return await answer(ask, order, mosaics, [], "generation")


async def edit_image(ask: Ask) -> Answer:
    edit = _form_edit(ask) if ask.form is not None else _json_edit(ask)
    order, given = edit.order, edit.given
    if order.model == OLD_STYLED:
        raise invalid(f"The model '{order.model}' can't edit images.", "model", "model_not_supported")
    if order.model == OLD:
        _check_old(given)
    # Reading pixels takes a while; other requests need not wait for it.
    places = await asyncio.to_thread(_places, edit)
    under = await asyncio.to_thread(_blend, order.prompt, given)
    is_clear = order.background == "transparent"
    over = [paint(order.prompt, variant, is_clear=is_clear) for variant in range(order.count)]
    return await answer(ask, order, [repaint(under, new, places) for new in over], given, "edit")


async def vary_image(ask: Ask) -> Answer:
    if not ask.uploads("image"):
        raise missing("image")
    body = fields(ask.body, optional=VARIATION_OPTIONS)
    if body.get("model", OLD) != OLD:
        raise invalid(f"Variations are made by {OLD} only.", "model", "model_not_supported")
    given = uploaded(ask, "image")
    _check_old(given)
    # A variation has no prompt, but everything else of an order.
    names = ("n", "response_format", "size", "user")
    wanted: Json = {"prompt": "variation", "model": OLD, **{name: body[name] for name in names if name in body}}
    order, _ = picture_order.read(ask, wanted, {})
    mosaic = await asyncio.to_thread(given[0].mosaic)
    mosaics = [vary(mosaic, variant) for variant in range(order.count)]
    return await answer(ask, order, mosaics, given, "variation")


def _form_edit(ask: Ask) -> _Edit:
    if not ask.uploads("image"):
        raise missing("image")
    order, body = picture_order.read(ask, ask.body, EDIT_OPTIONS)
    given = uploaded(ask, "image")
    if len(given) > MOST_IMAGES:
        raise invalid(f"'image' may hold {MOST_IMAGES} images at most.", "image", "array_above_max_length")
    mask, markup = next(iter(uploaded(ask, "mask")), None), next(iter(uploaded(ask, "markup")), None)
    edit = _Edit(order, given, mask, markup)
    _check_edit(edit, body)
    return edit


def _json_edit(ask: Ask) -> _Edit:
    if ask.body.get("images") is None:
        raise missing("images")
    order, body = picture_order.read(ask, ask.body, JSON_EDIT_OPTIONS)
    given = [referenced(ask, item, f"images[{place}]") for place, item in enumerate(body["images"])]
    edit = _Edit(order, given, referenced(ask, body["mask"], "mask") if "mask" in body else None)
    _check_edit(edit, body)
    return edit


def _check_edit(edit: _Edit, body: Json) -> None:
    model, fidelity = edit.order.model, body.get("input_fidelity")
    if fidelity is not None and model.startswith("gpt-image-2"):
        raise invalid(f"The model '{model}' has no input fidelity.", "input_fidelity", "unsupported_value")
    if fidelity == "high" and model == "gpt-image-1-mini":
        raise invalid(f"The model '{model}' has low input fidelity only.", "input_fidelity", "unsupported_value")
    if edit.markup is not None and not model.startswith("gpt-image-2.5"):
        raise invalid(f"The model '{model}' takes no markup.", "markup", "unsupported_value")
    if edit.markup is not None and edit.mask is not None:
        raise invalid("An edit takes either a mask or markup.", "markup", "unsupported_value")
    if edit.mask is not None and edit.order.form == "gif":
        raise invalid("A gif can't be made with a mask.", "mask", "unsupported_value")
    for overlay, name in ((edit.mask, "mask"), (edit.markup, "markup")):
        if overlay is not None:
            _check_overlay(edit.given[0], overlay, name)


def _check_overlay(image: Seen, overlay: Seen, name: str) -> None:
    if overlay.format != "png" or not png.has_alpha(overlay.content):
        raise invalid(f"'{name}' must be a PNG with transparency.", name, "invalid_image_file")
    if (overlay.width, overlay.height) != (image.width, image.height):
        raise invalid(f"'{name}' must have the size of the first image.", name, "invalid_image_size")


def _check_old(given: list[Seen]) -> None:
    picture = see(given[0].content, "image", formats=("png",), largest_bytes=LARGEST_OLD_BYTES)
    if len(given) > 1 or picture.width != picture.height:
        raise invalid(f"{OLD} takes one square image.", "image", "invalid_image_size")


def _places(edit: _Edit) -> list[bool]:
    """The fields to paint anew: where the mask can be seen through, where the markup can't, else as the prompt says."""
    overlay, name = (edit.mask, "mask") if edit.mask is not None else (edit.markup, "markup")
    if overlay is None:
        return touched(edit.order.prompt)
    try:
        fields_of = png.read(overlay.content).fields
    except png.Unreadable:
        message = f"The emulator can't read '{name}': it knows PNGs of eight bits, not interlaced, up to 2 megapixels."
        raise invalid(message, name, "invalid_image_file") from None
    return [(colour[3] == 0) == (name == "mask") for colour in fields_of]


def _blend(prompt: str, given: list[Seen]) -> Mosaic:
    """All pictures of an edit laid over one another, each leaving holes for those before it."""
    under = given[0].mosaic()
    for place, other in enumerate(given[1:]):
        under = repaint(under, other.mosaic(), touched(f"{place}\n{prompt}"))
    return under


ROUTES = (
    Route("POST", "/images/generations", create_image, metered=True, usual_model=DEFAULT_MODEL),
    Route("POST", "/images/edits", edit_image, metered=True, usual_model=DEFAULT_MODEL),
    Route("POST", "/images/variations", vary_image, metered=True, usual_model=OLD),
)
