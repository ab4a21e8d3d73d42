"""Chat completions: made as JSON or as a stream, and kept when `store` asks for it."""

from portico.sandbox import roster
from portico.sandbox.chat_reply import choices, usage
from portico.sandbox.chat_stream import chunks
from portico.sandbox.checks import (
    anything,
    array,
    boolean,
    either,
    fields,
    integer,
    metadata,
    number,
    one_of,
    record,
    text,
)
from portico.sandbox.completion_store import KEPT, Stored
from portico.sandbox.messages import text_of
from portico.sandbox.pages import Cursor, with_metadata
from portico.sandbox.refusals import invalid
from portico.sandbox.settings import keeps_nothing, require_tools, tier_of
from portico.sandbox.shapes import Json, records
from portico.sandbox.shapes import record as record_of
from portico.sandbox.shelves import rows_of
from portico.sandbox.wire import Answer, Ask, Events, Route

LIST = Cursor(order="asc")

MESSAGES = array(record(), shortest=1)
STOP = either(str, array(str, longest=4))
OPTIONS = {
    "audio": anything,
    "frequency_penalty": number(-2, 2),
    "function_call": either(str, dict),
    "functions": array(record(), longest=128, shortest=1),
    "logit_bias": dict,
    "logprobs": bool,
    "max_completion_tokens": integer(1),
    "max_tokens": integer(1),
    "metadata": metadata,
    "modalities": array(str),
    "moderation": anything,
    "n": integer(1, 128),
    "parallel_tool_calls": bool,
    "prediction": dict,
    "presence_penalty": number(-2, 2),
    "prompt_cache_key": str,
    "prompt_cache_options": dict,
    "prompt_cache_retention": str,
    "reasoning_effort": str,
    "response_format": dict,
    "safety_identifier": str,
    "seed": int,
    "service_tier": one_of("auto", "default", "flex", "scale", "priority", "fast"),
    "stop": STOP,
    "store": boolean,
    "stream": boolean,
    "stream_options": record(optional={"include_usage": bool, "include_obfuscation": bool}),
    "temperature": number(0, 2),
    "tool_choice": either(str, dict),
    "tools": array(record({"type": str}, is_open=True), longest=128),
    "top_logprobs": integer(0, 20),
    "top_p": number(0, 1),
    "user": str,
    "verbosity": str,
    "web_search_options": dict,
}


def create_completion(ask: Ask) -> Answer:
    body = fields(ask.body, {"model": text(), "messages": MESSAGES}, OPTIONS)
    model = roster.require(ask, body["model"], "chat")
    if body.get("stream_options") is not None and not body.get("stream"):
        raise invalid("'stream_options' means something only with 'stream'.", "stream_options")
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise invalid("'top_logprobs' means something only with 'logprobs'.", "top_logprobs")
    searched = [{"type": "web_search"}] if "web_search_options" in body else []
    require_tools(ask.project, [*records(body.get("tools")), *searched])
    tier = tier_of(ask.project, body.get("service_tier"))
    messages = records(body["messages"])
    answers = choices(ask, body)
    completion: Json = {
        "id": ask.new_id(KEPT),
        "object": "chat.completion",
        "created": ask.now,
        "model": model.id,
        "choices": answers,
        "usage": usage(body, [text_of(ask, message.get("content")) for message in messages], answers),
        "service_tier": tier,
        "system_fingerprint": "fp_sandbox",
    }
    _meter(ask, completion)
    if body.get("store") and not keeps_nothing(ask.organization, ask.project):
        kept = {**completion, "metadata": body.get("metadata", {})}
        ask.held(KEPT).add(completion["id"], Stored(kept, messages))
    if body.get("stream"):
        with_usage = bool(record_of(body.get("stream_options")).get("include_usage"))
        return Events(chunks(completion, with_usage=with_usage))
    return completion


def list_completions(ask: Ask) -> Answer:
    model = ask.query.text("model")
    rows = ask.held(KEPT).rows(
        lambda kept: (
            model in (None, kept.completion["model"]) and with_metadata(ask, record_of(kept.completion["metadata"]))
        )
    )
    return LIST.answer(ask, rows, lambda kept: kept.completion)


def get_completion(ask: Ask) -> Answer:
    return ask.held(KEPT).get(ask["completion_id"]).completion


def update_completion(ask: Ask) -> Answer:
    kept = ask.held(KEPT).get(ask["completion_id"])
    body = fields(ask.body, optional={"metadata": metadata})
    kept.completion["metadata"] = body.get("metadata", {})
    return kept.completion


def delete_completion(ask: Ask) -> Answer:
    ask.held(KEPT).remove(ask["completion_id"])
    return {"object": "chat.completion.deleted", "id": ask["completion_id"], "deleted": True}


def list_messages(ask: Ask) -> Answer:
    """The messages that were sent, not the answer."""
    kept = ask.held(KEPT).get(ask["completion_id"])
    shown = [_stored_message(ask["completion_id"], place, message) for place, message in enumerate(kept.messages)]
    return LIST.answer(ask, rows_of({message["id"]: message for message in shown}), lambda message: message)


def _stored_message(completion_id: str, place: int, message: Json) -> Json:
    content = message.get("content")
    parts = None if isinstance(content, str) else records(content)
    whole = content if parts is None else "\n".join(str(part.get("text", "")) for part in parts)
    return {"refusal": None, **message, "id": f"{completion_id}-{place}", "content": whole, "content_parts": parts}


def _meter(ask: Ask, completion: Json) -> None:
    used = record_of(completion["usage"])
    ask.meter(
        "completions",
        str(completion["model"]),
        input_tokens=used["prompt_tokens"],
        output_tokens=used["completion_tokens"],
        input_cached_tokens=0,
        num_model_requests=1,
        service_tier=str(completion["service_tier"]),
    )


ROUTES = (
    Route("GET", "/chat/completions", list_completions),
    Route("POST", "/chat/completions", create_completion, metered=True),
    Route("GET", "/chat/completions/{completion_id}", get_completion),
    Route("POST", "/chat/completions/{completion_id}", update_completion),
    Route("DELETE", "/chat/completions/{completion_id}", delete_completion),
    Route("GET", "/chat/completions/{completion_id}/messages", list_messages),
)
