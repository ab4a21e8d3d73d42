"""What is asked of an image model: read from the body and checked against what each model can do."""

import re
from dataclasses import dataclass, replace

from portico.sandbox import roster
from portico.sandbox.checks import Check, Checks, boolean, fields, integer, one_of, record, text
from portico.sandbox.media.pictures import Motion
from portico.sandbox.mind.judge import FLAGGED_FROM, scores
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.shapes import Json
from portico.sandbox.wire import Ask

DEFAULT_MODEL, OLD, OLD_STYLED = "gpt-image-1.5", "dall-e-2", "dall-e-3"
SVG_MODEL = "gpt-5.5"
DEFAULT_SIZE = (1024, 1024)
STANDARD_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))
OLD_SIZES = {
    OLD: ((256, 256), (512, 512), (1024, 1024)),
    OLD_STYLED: ((1024, 1024), (1792, 1024), (1024, 1792)),
}
OLD_QUALITIES = {OLD: ("standard",), OLD_STYLED: ("standard", "hd")}
LONGEST_PROMPTS = {OLD: 1000, OLD_STYLED: 4000}
LONGEST_PROMPT = 32_000
# The newest models take any size within these bounds.
FREE_SIZES = "gpt-image-2"
SIZE = re.compile(r"(\d{2,4})x(\d{2,4})")
STEP, LONGEST_EDGE, MOST_PIXELS, STEEPEST = 16, 3840, 3840 * 2160, 3
LONGEST_GIF_EDGE = 1024
STRICT_FROM, LENIENT_FROM = FLAGGED_FROM, 0.85

OLD_OPTIONS = ("response_format", "style")
NEW_OPTIONS = (
    *("background", "complexity", "frame_count", "frame_duration_ms", "input_fidelity", "moderation"),
    *("output_compression", "output_format", "partial_images", "stream", "svg"),
)
EFFORT = one_of("none", "minimal", "low", "medium", "high", "xhigh", "max")
OPTIONS: dict[str, Check] = {
    "background": one_of("transparent", "opaque", "auto"),
    "complexity": one_of("low", "medium", "high"),
    "frame_count": integer(2, 16),
    "frame_duration_ms": integer(1),
    "model": text(shortest=1),
    "moderation": one_of("low", "auto"),
    "n": integer(1, 10),
    "output_compression": integer(0, 100),
    "output_format": one_of("png", "webp", "jpeg", "gif", "svg"),
    "partial_images": integer(0, 3),
    "quality": one_of("low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"),
    "response_format": one_of("url", "b64_json"),
    "safety_identifier": text(),
    "size": text(),
    "stream": boolean,
    "svg": record({"model": text(shortest=1)}, {"reasoning": record(optional={"effort": EFFORT})}),
    "user": text(),
}


@dataclass(frozen=True, slots=True)
class Order:
    model: str
    prompt: str
    count: int
    # None means: as fits.
    size: tuple[int, int] | None
    quality: str
    form: str
    background: str
    as_url: bool
    is_stream: bool
    partials: int
    motion: Motion | None
    svg_model: str | None
    user: str | None

    @property
    def is_old(self) -> bool:
        return self.model in OLD_SIZES

    def sized(self, size: tuple[int, int]) -> "Order":
        return replace(self, size=size)


def read(ask: Ask, body: Json, more: Checks) -> tuple[Order, Json]:
    """The order and the checked body; `more` are options that only one of the endpoints has."""
    checked = fields(body, {"prompt": text(shortest=1)}, {**OPTIONS, **more})
    model = roster.require(ask, checked.get("model") or _usual_model(checked), "image").id
    _check_for_model(model, checked)
    form = checked.get("output_format", "png")
    size = _size(model, checked.get("size", "auto"))
    quality = checked.get("quality", "auto")
    order = Order(
        model=model,
        prompt=checked["prompt"],
        count=checked.get("n", 1),
        size=size,
        quality=("standard" if model in OLD_SIZES else "medium") if quality == "auto" else quality,
        form=form,
        background="transparent" if checked.get("background") == "transparent" else "opaque",
        as_url=model in OLD_SIZES and checked.get("response_format", "url") == "url",
        is_stream=checked.get("stream", False),
        partials=checked.get("partial_images", 0),
        motion=Motion(checked.get("frame_count", 9), checked.get("frame_duration_ms", 200)) if form == "gif" else None,
        svg_model=_svg_model(ask, checked) if form == "svg" else None,
        user=checked.get("safety_identifier") or checked.get("user"),
    )
    _check_format(order, checked)
    _check_safety(order.prompt, is_lenient=checked.get("moderation") == "low")
    return order, checked


def _usual_model(body: Json) -> str:
    """Old callers, who name no model, are known by options that only the old models have."""
    if "style" in body:
        return OLD_STYLED
    return OLD if "response_format" in body else DEFAULT_MODEL


def _check_for_model(model: str, body: Json) -> None:
    is_old = model in OLD_SIZES
    foreign = NEW_OPTIONS if is_old else OLD_OPTIONS
    for name in foreign:
        if name in body:
            raise invalid(f"Unknown parameter for '{model}': '{name}'.", name, "unknown_parameter")
    if "style" in body and model != OLD_STYLED:
        raise invalid(f"Unknown parameter for '{model}': 'style'.", "style", "unknown_parameter")
    if model == OLD_STYLED and body.get("n", 1) > 1:
        raise invalid(f"The model '{model}' makes one image at a time.", "n", "integer_above_max_value")
    if len(body["prompt"]) > (longest := LONGEST_PROMPTS.get(model, LONGEST_PROMPT)):
        message = f"'prompt' may be {longest} characters long at most."
        raise invalid(message, "prompt", "string_above_max_length")
    best = ("xhigh", "max") if model.startswith("gpt-image-2.5") else ()
    allowed = (*OLD_QUALITIES.get(model, ("low", "medium", "high", *best)), "auto")
    if body.get("quality", "auto") not in allowed:
        raise invalid(f"'quality' must be one of {', '.join(allowed)} for '{model}'.", "quality")


def _size(model: str, given: str) -> tuple[int, int] | None:
    if given == "auto":
        return DEFAULT_SIZE if model in OLD_SIZES else None
    found = SIZE.fullmatch(given)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    allowed = OLD_SIZES.get(model, STANDARD_SIZES)
    if size in allowed or (model.startswith(FREE_SIZES) and _fits(size)):
        return size
    listed = ", ".join(f"{width}x{height}" for width, height in allowed)
    raise invalid(f"'size' must be one of {listed} for '{model}', not '{given}'.", "size")


def _fits(size: tuple[int, int]) -> bool:
    short, long = min(size), max(size)
    is_stepped = short > 0 and short % STEP == 0 and long % STEP == 0
    return is_stepped and long <= LONGEST_EDGE and short * long <= MOST_PIXELS and long <= STEEPEST * short


def _check_format(order: Order, body: Json) -> None:
    form = order.form
    if order.background == "transparent" and form not in ("png", "webp"):
        raise invalid(f"A transparent background needs png or webp, not {form}.", "background", "unsupported_value")
    if "output_compression" in body and form not in ("jpeg", "webp"):
        raise invalid(f"'output_compression' means nothing for {form}.", "output_compression", "unsupported_value")
    if order.partials and not order.is_stream:
        raise invalid("Partial images come only with 'stream'.", "partial_images", "unsupported_value")
    if form in ("gif", "svg") and order.is_stream:
        raise invalid(f"A {form} can't be streamed.", "stream", "unsupported_value")
    if form == "svg" and order.count > 1:
        raise invalid("SVG images are made one at a time.", "n", "integer_above_max_value")
    if form == "gif" and max(order.size or DEFAULT_SIZE) > LONGEST_GIF_EDGE:
        raise invalid(f"A gif may have edges of {LONGEST_GIF_EDGE} pixels at most.", "size")
    for name, needed in (("frame_count", "gif"), ("frame_duration_ms", "gif"), ("svg", "svg")):
        if name in body and form != needed:
            raise invalid(f"'{name}' means something only for {needed}.", name, "unsupported_value")


def _svg_model(ask: Ask, body: Json) -> str:
    return roster.require(ask, body["svg"]["model"] if "svg" in body else SVG_MODEL, "chat").id


def _check_safety(prompt: str, *, is_lenient: bool) -> None:
    if max(scores(prompt).values()) >= (LENIENT_FROM if is_lenient else STRICT_FROM):
        message = "The safety system has rejected this prompt."
        raise Refusal(400, message, kind="image_generation_user_error", code="moderation_blocked")
