"""Responses: made at once, as a stream or in the background; kept unless told otherwise; read, cancelled, deleted."""

from portico.sandbox import roster
from portico.sandbox.checks import anything, array, boolean, either, fields, integer, metadata, number, one_of, record
from portico.sandbox.conversation_store import Conversation, named_in
from portico.sandbox.items import check_results, fold, turns_of, whole_items
from portico.sandbox.mind import tokens
from portico.sandbox.mind.prose import Turn
from portico.sandbox.pages import Cursor
from portico.sandbox.refusals import invalid, missing, not_found
from portico.sandbox.response_reply import Given, reply, usage_of
from portico.sandbox.response_store import QUEUED_SECONDS, RESPONSES, WORKING_SECONDS, Response
from portico.sandbox.response_stream import events
from portico.sandbox.settings import keeps_nothing, require_tools, tier_of
from portico.sandbox.shapes import Json, is_record, records
from portico.sandbox.shelves import rows_of
from portico.sandbox.webhooks import follow
from portico.sandbox.wire import Answer, Ask, Events, Route

LIST = Cursor()
MODEL = "gpt-4.1"
INPUT = either(str, array(dict))
CONTEXT = {
    "conversation": either(str, record({"id": str})),
    "input": INPUT,
    "instructions": either(str, array(dict)),
    "parallel_tool_calls": boolean,
    "previous_response_id": str,
    "reasoning": dict,
    "text": record(
        optional={"format": record({"type": str}, is_open=True), "verbosity": one_of("low", "medium", "high")}
    ),
    "tool_choice": either(str, dict),
    "tools": array(record({"type": str}, is_open=True)),
    "truncation": one_of("auto", "disabled"),
}
OPTIONS = CONTEXT | {
    "access_programs": anything,
    "background": boolean,
    "context_management": anything,
    "image": anything,
    "include": array(str),
    "max_output_tokens": integer(1),
    "max_tool_calls": integer(1),
    "metadata": metadata,
    "model": str,
    "moderation": anything,
    "prompt": record({"id": str}, is_open=True),
    "prompt_cache_key": str,
    "prompt_cache_options": dict,
    "prompt_cache_retention": str,
    "safety_identifier": str,
    "service_tier": str,
    "store": boolean,
    "stream": boolean,
    "stream_options": dict,
    "temperature": number(0, 2),
    "top_logprobs": integer(0, 20),
    "top_p": number(0, 1),
    "user": str,
}
COMPACTED = (
    "image",
    "instructions",
    "previous_response_id",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
)
COUNTED = {**CONTEXT, "model": str, "personality": str}
# What a response repeats of its request, with the value that stands there if nothing was said.
REPEATED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def create_response(ask: Ask) -> Answer:
    body = fields(ask.body, optional=OPTIONS)
    if "model" not in body and "prompt" not in body:
        raise missing("model")
    model = roster.require(ask, body.get("model", MODEL), "chat")
    require_tools(ask.project, records(body.get("tools")))
    if keeps_nothing(ask.organization, ask.project):
        body["store"] = False
    if body.get("background") and body.get("store") is False:
        raise invalid("A background response must be stored.", "store")
    earlier, conversation = _earlier(ask, body)
    own = whole_items(ask, body.get("input"))
    given = Given(body, _turns(ask, body, [*earlier, *own]))
    response = _make(ask, model.id, given, earlier, own)
    if conversation is not None:
        response.shown["conversation"] = {"id": conversation.id}
        response.conversation_id = conversation.id
        conversation.add([*own, *response.output], response.ends_at if response.is_background else 0.0)
    if body.get("store") is not False:
        ask.held(RESPONSES).add(response.id, response)
    if response.is_background:
        follow(ask, f"/responses/{response.id}")
    if body.get("stream"):
        return Events(events(ask.world, response), named=True)
    return response.show(ask.world.time())


def get_response(ask: Ask) -> Answer:
    response = ask.held(RESPONSES).get(ask["response_id"])
    if ask.query.flag("stream"):
        return Events(events(ask.world, response, ask.query.integer("starting_after", -1)), named=True)
    return response.show(ask.world.time())


def delete_response(ask: Ask) -> Answer:
    ask.held(RESPONSES).remove(ask["response_id"])
    return {"id": ask["response_id"], "object": "response", "deleted": True}


def cancel_response(ask: Ask) -> Answer:
    response = ask.held(RESPONSES).get(ask["response_id"])
    now = ask.world.time()
    if not response.is_background:
        raise invalid("Only a background response can be cancelled.", None)
    if response.status(now) in ("completed", "incomplete"):
        raise invalid("This response is already done.", None)
    if response.cancelled_at is None:
        response.cancelled_at = now
        if conversation := named_in(ask, response.conversation_id):
            for item in [*response.input, *response.output]:
                conversation.lines.remove(item["id"])
    return response.show(now)


def list_input_items(ask: Ask) -> Answer:
    items = ask.held(RESPONSES).get(ask["response_id"]).input
    return LIST.answer(ask, rows_of({item["id"]: item for item in items}), lambda item: item)


def count_input_tokens(ask: Ask) -> Answer:
    body = fields(ask.body, optional=COUNTED)
    earlier, _ = _earlier(ask, body)
    turns = _turns(ask, body, [*earlier, *whole_items(ask, body.get("input"))])
    return {"object": "response.input_tokens", "input_tokens": usage_of(Given(body, turns), 0)["input_tokens"]}


def compact_response(ask: Ask) -> Answer:
    """Fold everything said so far into one opaque item that a later input can begin with."""
    body = fields(ask.body, {"model": str}, dict.fromkeys(COMPACTED, anything) | {"input": INPUT, "service_tier": str})
    roster.require(ask, body["model"], "chat")
    earlier, _ = _earlier(ask, body)
    turns = turns_of(ask, [*earlier, *whole_items(ask, body.get("input"))])
    if not turns:
        raise missing("input")
    item: Json = {"id": ask.new_id("cmp_"), "type": "compaction", "encrypted_content": fold(turns)}
    usage = usage_of(Given(body, turns), tokens.count(item["encrypted_content"]))
    identity, now = ask.new_id(RESPONSES), ask.now
    return {"id": identity, "object": "response.compaction", "created_at": now, "output": [item], "usage": usage}


def _earlier(ask: Ask, body: Json) -> tuple[list[Json], Conversation | None]:
    """The items before the input: of a conversation, or of the response that went before."""
    conversation = named_in(ask, body.get("conversation"))
    previous_id = body.get("previous_response_id")
    if conversation is not None and previous_id is not None:
        message = "'previous_response_id' and 'conversation' exclude each other."
        raise invalid(message, "previous_response_id", "mutually_exclusive_parameters")
    if conversation is not None:
        return [line.item for line in conversation.visible(ask.world.time()).held.values()], conversation
    if previous_id is None:
        return [], None
    previous = ask.held(RESPONSES).look(previous_id)
    if previous is None:
        message = f"There is no response '{previous_id}' to go on from."
        raise not_found(message, "previous_response_id", "previous_response_not_found")
    return [*previous.earlier, *previous.input, *previous.output], None


def _turns(ask: Ask, body: Json, items: list[Json]) -> list[Turn]:
    check_results(items)
    told = body.get("instructions")
    first = [Turn("system", told)] if isinstance(told, str) else turns_of(ask, whole_items(ask, told, "instructions"))
    return [*first, *turns_of(ask, items)]


def _make(ask: Ask, model: str, given: Given, earlier: list[Json], own: list[Json]) -> Response:
    body, now = given.body, ask.world.time()
    replied = reply(ask, given)
    usage = usage_of(given, replied.tokens)
    waits = ask.world.pace if body.get("background") else 0.0
    identity = ask.new_id(RESPONSES)
    shown: Json = {"id": identity, "object": "response", "created_at": ask.now, "model": model, "error": None}
    shown |= {name: body.get(name, usual) for name, usual in REPEATED.items()}
    shown["tools"] = [_tool(tool) for tool in records(body.get("tools"))]
    shown["text"] = {"format": {"type": "text"}, "verbosity": "medium", **body.get("text", {})}
    shown["reasoning"] = {"effort": None, "summary": None, **body.get("reasoning", {})}
    shown["service_tier"] = tier_of(ask.project, body.get("service_tier"))
    used = {name: int(usage[name]) for name in ("input_tokens", "output_tokens")}
    ask.meter(
        "completions", model, **used, input_cached_tokens=0, num_model_requests=1, service_tier=shown["service_tier"]
    )
    starts_at = now + QUEUED_SECONDS * waits
    return Response(
        id=identity,
        shown=shown,
        input=own,
        earlier=earlier,
        output=replied.output,
        usage=usage,
        is_cut=replied.is_cut,
        created_at=now,
        starts_at=starts_at,
        ends_at=starts_at + WORKING_SECONDS * waits,
    )


def _tool(tool: Json) -> Json:
    if tool.get("type") != "function":
        return tool
    usual: Json = {"description": None, "parameters": None, "strict": True}
    return usual | (tool if is_record(tool) else {})


ROUTES = (
    Route("POST", "/responses", create_response, metered=True, usual_model=MODEL),
    Route("POST", "/responses/input_tokens", count_input_tokens),
    Route("POST", "/responses/compact", compact_response, metered=True),
    Route("GET", "/responses/{response_id}", get_response),
    Route("DELETE", "/responses/{response_id}", delete_response),
    Route("POST", "/responses/{response_id}/cancel", cancel_response),
    Route("GET", "/responses/{response_id}/input_items", list_input_items),
)
