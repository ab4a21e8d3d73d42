"""A response as the events in which OpenAI streams it, numbered from zero, also replayed from any number on."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from portico.sandbox.mind import tokens
from portico.sandbox.response_store import Response
from portico.sandbox.shapes import Json, is_list, records
from portico.sandbox.state import World

LOOK_AGAIN_SECONDS = 0.02


async def events(world: World, response: Response, after: int = -1) -> AsyncIterator[Json]:
    """All events whose number is greater than `after`; a background response's come as its work goes on."""
    for number, (begins_at, event) in enumerate(_timed(response)):
        # The clock may be turned at any time, so there is no event to wait for.
        while world.time() < begins_at and response.cancelled_at is None:  # noqa: ASYNC110 -- a clock that tests turn
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        if response.cancelled_at is not None and begins_at > response.cancelled_at:
            return
        if number > after:
            yield {**event, "sequence_number": number}


def _timed(response: Response) -> Iterator[tuple[float, Json]]:
    """Every event, with the moment from which it may be sent."""
    first = "queued" if response.is_background else "in_progress"
    yield response.created_at, {"type": "response.created", "response": response.as_if(first)}
    if response.is_background:
        yield response.created_at, {"type": "response.queued", "response": response.as_if("queued")}
    yield response.starts_at, {"type": "response.in_progress", "response": response.as_if("in_progress")}
    for place, item in enumerate(response.output):
        for event in _item(item):
            yield response.ends_at, {**event, "output_index": place}
    final = "incomplete" if response.is_cut else "completed"
    yield response.ends_at, {"type": f"response.{final}", "response": response.as_if(final)}


def _item(item: Json) -> Iterator[Json]:
    inner = {
        "message": _message,
        "function_call": _function_call,
        "custom_tool_call": _custom_call,
        "file_search_call": _file_search,
    }.get(str(item["type"]), _nothing)
    begun: Json = {**item, **({"status": "in_progress"} if "status" in item else {})}
    nothing: Json = {"content": [], "arguments": "", "input": ""}
    begun |= {name: empty for name, empty in nothing.items() if name in item}
    yield {"type": "response.output_item.added", "item": begun}
    for event in inner(item):
        yield {**event, "item_id": item["id"]}
    yield {"type": "response.output_item.done", "item": item}


def _message(item: Json) -> Iterator[Json]:
    for place, part in enumerate(records(item["content"])):
        likelihoods: object = part.get("logprobs")
        likely = likelihoods if is_list(likelihoods) else []
        empty: Json = {**part, "text": "", "annotations": [], "logprobs": []}
        where = {"content_index": place}
        yield {"type": "response.content_part.added", "part": empty, **where}
        for number, piece in enumerate(tokens.pieces(str(part["text"]))):
            told = likely[number : number + 1]
            yield {"type": "response.output_text.delta", "delta": piece, "logprobs": told, **where}
        for number, annotation in enumerate(records(part["annotations"])):
            shown = {"annotation": annotation, "annotation_index": number}
            yield {"type": "response.output_text.annotation.added", **shown, **where}
        yield {"type": "response.output_text.done", "text": part["text"], "logprobs": likely, **where}
        yield {"type": "response.content_part.done", "part": part, **where}


def _function_call(item: Json) -> Iterator[Json]:
    for piece in tokens.pieces(str(item["arguments"])):
        yield {"type": "response.function_call_arguments.delta", "delta": piece}
    done = {"arguments": item["arguments"], "name": item["name"]}
    yield {"type": "response.function_call_arguments.done", **done}


def _custom_call(item: Json) -> Iterator[Json]:
    for piece in tokens.pieces(str(item["input"])):
        yield {"type": "response.custom_tool_call_input.delta", "delta": piece}
    yield {"type": "response.custom_tool_call_input.done", "input": item["input"]}


def _file_search(item: Json) -> Iterator[Json]:
    for step in ("in_progress", "searching", "completed"):
        yield {"type": f"response.file_search_call.{step}"}


def _nothing(item: Json) -> Iterator[Json]:
    return iter(())
