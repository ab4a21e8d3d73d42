"""Moderations: how a text scores in each category of harm."""

from portico.sandbox import roster
from portico.sandbox.checks import either, fields
from portico.sandbox.mind import tokens
from portico.sandbox.mind.judge import FLAGGED_FROM, QUIET, SIGNS, scores
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_list, is_record
from portico.sandbox.wire import Answer, Ask, Route

MODEL = "omni-moderation-latest"
SEES_IMAGES = (
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "violence",
    "violence/graphic",
)


def create_moderation(ask: Ask) -> Answer:
    body = fields(ask.body, {"input": either(str, list)}, {"model": str})
    model = roster.require(ask, body.get("model", MODEL), "moderation")
    given = _inputs(body["input"])
    ask.meter("moderations", model.id, input_tokens=sum(tokens.count(text) for text, _ in given), num_model_requests=1)
    return {
        "id": ask.new_id("modr-"),
        "model": model.id,
        "results": [_result(text, with_image=with_image) for text, with_image in given],
    }


def _inputs(given: object) -> list[tuple[str, bool]]:
    """Each thing to judge: its text, and whether a picture came with it. Parts together are one thing."""
    if isinstance(given, str):
        return [(given, False)]
    if not is_list(given) or not given:
        raise invalid("'input' must not be empty.", "input")
    if all(isinstance(item, str) for item in given):
        return [(str(item), False) for item in given]
    texts: list[str] = []
    with_image = False
    for item in given:
        if not is_record(item) or item.get("type") not in ("text", "image_url"):
            raise invalid("'input' must hold texts, or parts of type text and image_url.", "input")
        with_image = with_image or item["type"] == "image_url"
        texts.append(str(item.get("text", "")))
    return [("\n".join(texts), with_image)]


def _result(text: str, *, with_image: bool) -> Json:
    found = scores(text) if text else dict.fromkeys(SIGNS, QUIET)
    kinds = {
        category: (["text"] if text else []) + (["image"] if with_image and category in SEES_IMAGES else [])
        for category in SIGNS
    }
    categories = {category: score >= FLAGGED_FROM for category, score in found.items()}
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": found,
        "category_applied_input_types": kinds,
    }


ROUTES = (Route("POST", "/moderations", create_moderation, metered=True, usual_model=MODEL),)
