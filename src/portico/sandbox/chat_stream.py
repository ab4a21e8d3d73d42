"""A chat completion as the chunks in which OpenAI streams it: role, pieces of text or of a call, the end, the usage."""

from collections.abc import Iterator

from portico.sandbox.mind import tokens
from portico.sandbox.shapes import Json, record, records


def chunks(completion: Json, *, with_usage: bool) -> Iterator[Json]:
    head: Json = {
        "id": completion["id"],
        "object": "chat.completion.chunk",
        "created": completion["created"],
        "model": completion["model"],
        "service_tier": completion["service_tier"],
        "system_fingerprint": completion["system_fingerprint"],
    }
    if with_usage:
        head["usage"] = None
    for choice in records(completion["choices"]):
        likelihoods = records(record(choice["logprobs"]).get("content"))
        for place, delta in enumerate(_deltas(record(choice["message"]))):
            # The first delta only opens the message, so the second carries the first piece.
            content = likelihoods[place - 1 : place] if likelihoods and place else None
            logprobs = {"content": content, "refusal": None} if content else None
            yield {**head, "choices": [_choice(choice, delta, None, logprobs)]}
        yield {**head, "choices": [_choice(choice, {}, choice["finish_reason"], None)]}
    if with_usage:
        yield {**head, "choices": [], "usage": completion["usage"]}


def _choice(choice: Json, delta: Json, finish: str | None, logprobs: Json | None) -> Json:
    return {"index": choice["index"], "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _deltas(message: Json) -> Iterator[Json]:
    calls = records(message.get("tool_calls"))
    if "function_call" in message:
        old = record(message["function_call"])
        yield {"role": "assistant", "content": None, "function_call": {"name": old["name"], "arguments": ""}}
        for piece in tokens.pieces(str(old["arguments"])):
            yield {"function_call": {"arguments": piece}}
    elif calls:
        yield {"role": "assistant", "content": None}
        for place, call in enumerate(calls):
            yield from _call_deltas(place, call)
    else:
        yield {"role": "assistant", "content": "", "refusal": None}
        for piece in tokens.pieces(str(message["content"])):
            yield {"content": piece}


def _call_deltas(place: int, call: Json) -> Iterator[Json]:
    kind = str(call["type"])
    inside, body = record(call[kind]), "input" if kind == "custom" else "arguments"
    opening = {"index": place, "id": call["id"], "type": kind, kind: {"name": inside["name"], body: ""}}
    yield {"tool_calls": [opening]}
    for piece in tokens.pieces(str(inside[body])):
        yield {"tool_calls": [{"index": place, kind: {body: piece}}]}
