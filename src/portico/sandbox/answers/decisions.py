"""Decisions: typed questions about one input, each answered with probabilities."""

from collections.abc import Callable
from typing import Any

import msgspec

from portico.sandbox import roster
from portico.sandbox.checks import Check, Checks, anything, array, by_type, either, fields, one_of, record, text
from portico.sandbox.mind import judge, tokens, verdict
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_list, is_record, records
from portico.sandbox.wire import Answer, Ask, Route

# The only model so far that decides.
MODEL = "gpt-6-luna"
MOST_IMAGES = 128
MOST_JSON_BYTES = 256 * 1024
REFUSED_FROM = 0.75
STATUS = one_of("in_progress", "completed", "incomplete")


def address(value: Any, path: str) -> str:
    """An image: a data URL or an address on the web."""
    found = text(shortest=1)(value, path)
    if not found.startswith(("data:image/", "http://", "https://")):
        raise invalid(f"'{path}' must be a data URL or a web address of an image.", path)
    return str(found)


def small_json(value: Any, path: str) -> Any:
    if not is_record(value) and not (is_list(value) and len(records(value)) == len(value)):
        raise invalid(f"'{path}' must be an object or an array of objects.", path, "invalid_type")
    if len(msgspec.json.encode(value)) > MOST_JSON_BYTES:
        raise invalid(f"'{path}' may have {MOST_JSON_BYTES} bytes at most.", path, "string_above_max_length")
    return value


BREAKPOINT: Checks = {"prompt_cache_breakpoint": record({"mode": one_of("explicit")})}
TEXT = record({"type": str, "text": str}, BREAKPOINT)
IMAGE = record({"type": str, "image_url": address}, {**BREAKPOINT, "detail": one_of("low", "high", "auto", "original")})
JSON = record({"type": str, "data": small_json})
TEXTS = either(text(), array(by_type({"input_text": TEXT})))
SEEN = by_type({"input_text": TEXT, "input_image": IMAGE})
ALL = by_type({"input_text": TEXT, "input_image": IMAGE, "input_json": JSON})
SAID = by_type({"output_text": record({"type": str, "text": str}), "refusal": record({"type": str, "refusal": str})})
CALL: Checks = {"id": str, "namespace": str, "status": STATUS}
ITEMS: dict[str, Check] = {
    "function_call": record({"type": str, "call_id": str, "name": str, "arguments": str}, CALL),
    "function_call_output": record({"type": str, "call_id": str, "output": either(text(), array(SEEN))}, CALL),
    "custom_tool_call": record({"type": str, "call_id": str, "name": str, "input": str}, CALL),
    "custom_tool_call_output": record({"type": str, "call_id": str, "output": either(text(), array(SEEN))}, CALL),
}
MESSAGES: dict[str, Check] = {
    "user": record({"role": str, "content": either(text(), array(ALL))}, {"type": one_of("message")}),
    "developer": record({"role": str, "content": TEXTS}, {"type": one_of("message")}),
    "system": record({"role": str, "content": TEXTS}, {"type": one_of("message")}),
    "assistant": record(
        {"role": str, "content": either(text(), array(SAID))},
        {"type": one_of("message"), "phase": one_of("commentary", "final_answer")},
    ),
}


def item(value: Any, path: str) -> Json:
    """A message, or a call of a tool or what that gave."""
    kind = value.get("type") if is_record(value) else None
    if isinstance(kind, str) and kind in ITEMS:
        return ITEMS[kind](value, path)
    role = fields(value, {"role": one_of(*MESSAGES)}, path=path, is_open=True)["role"]
    return MESSAGES[role](value, path)


def plain(value: Any, path: str) -> Any:
    """The value of a choice: a text or a boolean, which are never the same."""
    if not isinstance(value, str | bool):
        raise invalid(f"'{path}' must be a string or a boolean.", path, "invalid_type")
    return value


ASKED: Checks = {"type": str, "instructions": either(text(), array(ALL))}
CHOICES = array(record({"value": plain}, {"description": str}), shortest=2, longest=255)
LEVELS = array(record({"label": str}, {"description": str}), shortest=2, longest=10)
QUESTION = by_type(
    {
        "predicate": record(ASKED, {"name": str}),
        "choice": record({**ASKED, "choices": CHOICES}, {"name": str}),
        "score": record({**ASKED, "levels": LEVELS}, {"name": str}),
    }
)
OPTIONS: Checks = {
    "prompt_cache_key": anything,
    "prompt_cache_options": record(optional={"mode": one_of("implicit", "explicit"), "ttl": one_of("30m")}),
    "safety_identifier": text(longest=128),
}


def create_decision(ask: Ask) -> Answer:
    needed = {
        "model": text(),
        "input": either(text(), array(item)),
        "questions": array(QUESTION, shortest=1, longest=400),
    }
    body = fields(ask.body, needed, OPTIONS)
    model = roster.require(ask, body["model"], "chat")
    if model.id != MODEL:
        raise invalid(f"Only '{MODEL}' makes decisions.", "model", "model_not_supported")
    _check_calls(body["input"])
    if _images([body["input"], body["questions"]]) > MOST_IMAGES:
        raise invalid(f"A request may show {MOST_IMAGES} images at most.", "input", "array_above_max_length")
    evidence, questions = _text(body["input"]), records(body["questions"])
    distinct = [_tagged(choice["value"]) for question in questions for choice in records(question.get("choices"))]
    read = tokens.count(evidence) + sum(tokens.count(_text(question)) for question in questions) + len(distinct)
    ask.meter("decisions", model.id, input_tokens=read, output_tokens=0, input_cached_tokens=0, num_model_requests=1)
    return {
        "model": model.id,
        "answers": [_answer(question, evidence, place) for place, question in enumerate(questions)],
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 0,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": read,
        },
    }


def _answer(question: Json, evidence: str, place: int) -> Json:
    head: Json = {"type": question["type"], "name": question.get("name")}
    asked = _text(question["instructions"])
    if max(judge.scores(asked).values()) >= REFUSED_FROM:
        return {**head, "type": "refusal"}
    return {**head, **ANSWERS[str(question["type"])](question, asked, evidence, f"questions[{place}]")}


def _predicate(question: Json, asked: str, evidence: str, path: str) -> Json:
    return {"probability": verdict.likelihood(evidence, asked)}


def _choice(question: Json, asked: str, evidence: str, path: str) -> Json:
    values: list[str | bool] = [choice["value"] for choice in question["choices"]]
    if len({_tagged(value) for value in values}) < len(values):
        raise invalid("Every choice must be there only once.", f"{path}.choices")
    if all(isinstance(value, bool) for value in values):
        likely = verdict.likelihood(evidence, asked)
        chances = [likely if value else round(1 - likely, 4) for value in values]
    else:
        described = [f"{choice['value']} {choice.get('description', '')}" for choice in question["choices"]]
        chances = verdict.distribution(evidence, described)
    best = max(chances)
    return {
        "choice": values[chances.index(best)],
        "confidence": best,
        "probabilities": [
            {"value": value, "probability": chance} for value, chance in zip(values, chances, strict=True)
        ],
    }


def _score(question: Json, asked: str, evidence: str, path: str) -> Json:
    levels = records(question["levels"])
    chances = verdict.distribution(evidence, [f"{level['label']} {level.get('description', '')}" for level in levels])
    return {
        "score": round(sum(place * chance for place, chance in enumerate(chances)), 4),
        "confidence": max(chances),
        "probabilities": [
            {"value": place, "label": level["label"], "probability": chance}
            for place, (level, chance) in enumerate(zip(levels, chances, strict=True))
        ],
    }


ANSWERS: dict[str, Callable[[Json, str, str, str], Json]] = {
    "predicate": _predicate,
    "choice": _choice,
    "score": _score,
}


def _check_calls(given: Any) -> None:
    """What a tool gave must belong to a call that stands before it."""
    called: set[str] = set()
    for place, held in enumerate(records(given)):
        kind = str(held.get("type", ""))
        if kind.endswith("_call"):
            called.add(held["call_id"])
        elif kind.endswith("_output") and held["call_id"] not in called:
            path = f"input[{place}].call_id"
            raise invalid(f"No call before it has the id '{held['call_id']}'.", path)


def _images(value: Any) -> int:
    if is_record(value):
        return 1 if "image_url" in value else _images([value[name] for name in value if name != "data"])
    return sum(_images(held) for held in value) if is_list(value) else 0


def _tagged(value: str | bool) -> str:
    return f"{type(value).__name__} {value}"


def _text(value: Any) -> str:
    """All that can be read in an input or a question; of images, nothing."""
    if isinstance(value, str):
        return value
    if is_list(value):
        return "\n".join(part for held in value if (part := _text(held)))
    if not is_record(value):
        return ""
    if "data" in value:
        return msgspec.json.encode(value["data"]).decode()
    parts = ("text", "content", "output", "arguments", "instructions", "choices", "levels", "label", "description")
    return "\n".join(part for name in parts if (part := _text(value.get(name))))


ROUTES = (Route("POST", "/decisions", create_decision, metered=True),)
