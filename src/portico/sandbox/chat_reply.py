"""Builds the choices of a chat completion: what the model says, cut at stops and limits, with log-probabilities."""

from dataclasses import dataclass
from typing import Any

from portico.sandbox.messages import chat_turns
from portico.sandbox.mind import tokens
from portico.sandbox.mind.think import Talk, Thought, Tool, think
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_list, is_record, record, records
from portico.sandbox.wire import Ask


@dataclass(frozen=True, slots=True)
class Said:
    """A model's text after stop sequences and the token limit, and how it ended."""

    text: str
    finish: str


def talk_of(ask: Ask, body: Json, variant: int) -> Talk:
    tools = [_tool(record(tool.get(str(tool.get("type"))))) for tool in records(body.get("tools"))]
    custom = {str(record(tool["custom"]).get("name")) for tool in records(body.get("tools")) if "custom" in tool}
    tools = [Tool(tool.name, tool.description, tool.parameters, tool.name in custom) for tool in tools]
    tools += [_tool(function) for function in records(body.get("functions"))]
    wish = body.get("tool_choice", body.get("function_call"))
    turns = chat_turns(ask, records(body["messages"]))
    return Talk(turns, tools, choice_of(wish, tools), schema_of(body.get("response_format")), variant)


def choice_of(wish: object, tools: list[Tool]) -> str:
    """The tool choice in one word: none, auto, required, or a name that is among the tools."""
    if not is_record(wish):
        return str(wish) if wish is not None else "auto"
    if wish.get("type") == "allowed_tools":
        return str(record(wish.get("allowed_tools", wish)).get("mode", "auto"))
    inside = record(wish.get(str(wish.get("type"))))
    name = str(inside.get("name", wish.get("name")))
    if name not in {tool.name for tool in tools}:
        raise invalid(f"'tool_choice' names '{name}', which is not among the tools.", "tool_choice")
    return name


def schema_of(form: object) -> Json | None:
    """The schema that the answer must satisfy; any object will do for the older `json_object`."""
    wanted = record(form)
    if wanted.get("type") == "json_object":
        answer: Json = {"type": "string"}
        return {"type": "object", "properties": {"answer": answer}, "required": ["answer"]}
    if wanted.get("type") != "json_schema":
        return None
    inside = record(wanted.get("json_schema", wanted))
    if not is_record(inside.get("schema")):
        raise invalid("A 'json_schema' format needs a 'schema'.", "response_format.json_schema.schema")
    return inside["schema"]


def cut(text: str, stop: object, most: int | None) -> Said:
    stops = [stop] if isinstance(stop, str) else [str(item) for item in stop] if is_list(stop) else []
    ends = [text.index(mark) for mark in stops if mark and mark in text]
    whole = text[: min(ends)] if ends else text
    if most is None:
        return Said(whole, "stop")
    short, is_cut = tokens.shorten(whole, most)
    return Said(short, "length" if is_cut else "stop")


def choices(ask: Ask, body: Json) -> list[Json]:
    """All choices of the answer, in OpenAI's shape."""
    made: list[Json] = []
    for place in range(body.get("n", 1)):
        thought = think(talk_of(ask, body, place))
        said = cut(thought.text, body.get("stop"), body.get("max_completion_tokens", body.get("max_tokens")))
        message: Json = {"role": "assistant", "content": said.text, "refusal": None, "annotations": []}
        finish = said.finish
        if thought.calls:
            finish = _add_calls(ask, message, thought, is_old_style="functions" in body and "tools" not in body)
        logprobs: Json | None = None
        if body.get("logprobs") and message["content"] is not None:
            logprobs = {"content": logprobs_of(said.text, body.get("top_logprobs", 0)), "refusal": None}
        made.append({"index": place, "message": message, "logprobs": logprobs, "finish_reason": finish})
    return made


def usage(body: Json, prompt_text: list[str], answers: list[Json]) -> Json:
    asked = sum(tokens.count(text) + tokens.MESSAGE_OVERHEAD for text in prompt_text)
    asked += tokens.count(str(body["tools"])) if body.get("tools") else 0
    answered = sum(_size(record(answer["message"])) for answer in answers)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprob(piece: str) -> float:
    """A likelihood for a piece: the same for the same piece, and never quite certain."""
    return -(tokens.identity(piece) % 1000 + 1) / 10_000


def logprobs_of(text: str, alternatives: int) -> list[Json]:
    return [_likelihood(piece, alternatives) for piece in tokens.pieces(text)]


def _likelihood(piece: str, alternatives: int) -> Json:
    others = [piece, piece.upper(), piece.capitalize(), f"{piece}s", piece.strip(), *(f"{piece}{n}" for n in range(20))]
    ranked = list(dict.fromkeys(others))[:alternatives]
    tops = [_token(other, logprob(piece) - place) for place, other in enumerate(ranked)]
    return {**_token(piece, logprob(piece)), "top_logprobs": tops}


def _token(piece: str, likelihood: float) -> Json:
    return {"token": piece, "logprob": likelihood, "bytes": list(piece.encode())}


def _tool(described: Json) -> Tool:
    name = described.get("name")
    if not isinstance(name, str):
        raise invalid("Every tool needs a name.", "tools", "missing_required_parameter")
    return Tool(name, str(described.get("description", "")), record(described.get("parameters")))


def _add_calls(ask: Ask, message: Json, thought: Thought, *, is_old_style: bool) -> str:
    message["content"] = None
    if is_old_style:
        message["function_call"] = {"name": thought.calls[0].name, "arguments": thought.calls[0].arguments}
        return "function_call"
    calls: list[Any] = []
    for call in thought.calls:
        kind = "custom" if call.is_custom else "function"
        inside = {"name": call.name, "input" if call.is_custom else "arguments": call.arguments}
        calls.append({"id": ask.new_id("call_"), "type": kind, kind: inside})
    message["tool_calls"] = calls
    return "tool_calls"


def _size(message: Json) -> int:
    """What a message of the model counts, its calls included."""
    said = [str(message.get("content") or "")]
    said += [str(call[call["type"]]) for call in records(message.get("tool_calls"))]
    said += [str(message["function_call"])] if "function_call" in message else []
    return sum(tokens.count(text) for text in said)
