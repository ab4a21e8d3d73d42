"""Embeddings: the same text always gets the same vector, and like texts get like ones."""

from dataclasses import dataclass

from portico.sandbox import roster
from portico.sandbox.checks import either, fields, integer, one_of, text
from portico.sandbox.mind import tokens
from portico.sandbox.mind.vectors import embed, packed
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_list
from portico.sandbox.wire import Answer, Ask, Route

MOST_INPUTS = 2048
MOST_TOKENS = 8192
OPTIONS = {"dimensions": integer(1), "encoding_format": one_of("float", "base64"), "user": str}


@dataclass(frozen=True, slots=True)
class Size:
    dimensions: int
    can_shorten: bool = True


SIZES = {
    "text-embedding-3-small": Size(1536),
    "text-embedding-3-large": Size(3072),
    "text-embedding-ada-002": Size(1536, can_shorten=False),
}


def create_embeddings(ask: Ask) -> Answer:
    body = fields(ask.body, {"model": text(), "input": either(str, list)}, OPTIONS)
    model = roster.require(ask, body["model"], "embedding")
    inputs = _inputs(body["input"])
    dimensions = _dimensions(SIZES[model.id], body.get("dimensions"))
    used = sum(count for _, count in inputs)
    data: list[Json] = []
    for place, (content, _) in enumerate(inputs):
        vector = embed(content, dimensions)
        shown = packed(vector) if body.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": place, "embedding": shown})
    ask.meter("embeddings", model.id, input_tokens=used, num_model_requests=1)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return {"object": "list", "data": data, "model": model.id, "usage": usage}


def _inputs(given: object) -> list[tuple[str, int]]:
    """Each input as text, with the number of its tokens: a text, several, or the same as token numbers."""
    many = given if is_list(given) and not all(isinstance(item, int) for item in given) else [given]
    if not many or given in ("", []) or len(many) > MOST_INPUTS:
        raise invalid(f"'input' must hold from 1 to {MOST_INPUTS} texts, none of them empty.", "input")
    read: list[tuple[str, int]] = []
    for item in many:
        if is_list(item) and item and all(isinstance(number, int) for number in item):
            read.append((" ".join(str(number) for number in item), len(item)))
        elif isinstance(item, str) and item:
            read.append((item, tokens.count(item)))
        else:
            raise invalid("'input' must hold texts or lists of token numbers, none of them empty.", "input")
        if read[-1][1] > MOST_TOKENS:
            raise invalid(f"An input may have {MOST_TOKENS} tokens at most, not {read[-1][1]}.", "input")
    return read


def _dimensions(size: Size, wanted: int | None) -> int:
    if wanted is None:
        return size.dimensions
    if not size.can_shorten:
        raise invalid("This model does not support other dimensions.", "dimensions")
    if wanted > size.dimensions:
        raise invalid(f"This model has {size.dimensions} dimensions at most.", "dimensions")
    return wanted


ROUTES = (Route("POST", "/embeddings", create_embeddings, metered=True),)
