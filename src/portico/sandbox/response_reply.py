"""What a model answers to a response's input: reasoning, searches in files, calls of tools, or a message."""

from dataclasses import dataclass

from portico.sandbox.attribute_filter import read_filter
from portico.sandbox.chat_reply import choice_of, cut, logprobs_of, schema_of
from portico.sandbox.mind import tokens
from portico.sandbox.mind.prose import Turn
from portico.sandbox.mind.think import Talk, Thought, Tool, think
from portico.sandbox.refusals import invalid, not_found
from portico.sandbox.shapes import Json, is_list, record, records
from portico.sandbox.vector_store import STORES, Hit, search
from portico.sandbox.wire import Ask

MOST_RESULTS = 10
QUOTED_SENTENCES = 2


@dataclass(frozen=True, slots=True)
class Given:
    """A response's body, and everything said so far as turns."""

    body: Json
    turns: list[Turn]

    @property
    def included(self) -> list[str]:
        include = self.body.get("include")
        return [str(name) for name in include] if is_list(include) else []

    @property
    def asked(self) -> str:
        return next((turn.text for turn in reversed(self.turns) if turn.role == "user"), "")


@dataclass(frozen=True, slots=True)
class Replied:
    output: list[Json]
    is_cut: bool
    tokens: int


def reply(ask: Ask, given: Given) -> Replied:
    output = _reasoning(ask, given)
    tools = tools_of(given.body)
    form = record(record(given.body.get("text")).get("format"))
    talk = Talk(given.turns, tools, choice_of(given.body.get("tool_choice"), tools), schema_of(form))
    thought = think(talk)
    if thought.calls:
        calls = _calls(ask, thought)
        return Replied([*output, *calls], False, sum(tokens.count(call.arguments) for call in thought.calls))
    hits: list[Hit] = []
    for tool in records(given.body.get("tools")):
        if tool.get("type") == "file_search":
            hits = _search(ask, tool, given)
            output.append(_search_item(ask, given, hits))
    words = _cite(hits) if hits and talk.schema is None else thought.text
    said = cut(words, None, given.body.get("max_output_tokens"))
    is_cut = said.finish == "length"
    return Replied([*output, _message(ask, given, said.text, hits, is_cut)], is_cut, tokens.count(said.text))


def tools_of(body: Json) -> list[Tool]:
    """The functions and custom tools among the tools; hosted tools are no business of the model's here."""
    found: list[Tool] = []
    for place, tool in enumerate(records(body.get("tools"))):
        if tool.get("type") in ("function", "custom"):
            if not isinstance(tool.get("name"), str):
                raise invalid("A tool of this type needs a name.", f"tools[{place}].name", "missing_required_parameter")
            description, schema = str(tool.get("description") or ""), record(tool.get("parameters"))
            found.append(Tool(tool["name"], description, schema, tool["type"] == "custom"))
    return found


def usage_of(given: Given, output_tokens: int) -> Json:
    read = sum(tokens.count(turn.text) + tokens.MESSAGE_OVERHEAD for turn in given.turns)
    read += tokens.count(str(given.body["tools"])) if given.body.get("tools") else 0
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + output_tokens,
    }


def _reasoning(ask: Ask, given: Given) -> list[Json]:
    """A reasoning item, for those who asked for some effort."""
    wish = record(given.body.get("reasoning"))
    if wish.get("effort") in (None, "none"):
        return []
    summary: list[Json] = []
    if wish.get("summary") is not None:
        summary.append({"type": "summary_text", "text": "Looked at what was asked and chose a plain answer."})
    item: Json = {"id": ask.new_id("rs_"), "type": "reasoning", "summary": summary}
    if "reasoning.encrypted_content" in given.included:
        item["encrypted_content"] = ask.new_id("sealed_")
    return [item]


def _calls(ask: Ask, thought: Thought) -> list[Json]:
    made: list[Json] = []
    for call in thought.calls:
        head: Json = {"call_id": ask.new_id("call_"), "name": call.name, "status": "completed"}
        if call.is_custom:
            made.append({"id": ask.new_id("ctc_"), "type": "custom_tool_call", "input": call.arguments, **head})
        else:
            made.append({"id": ask.new_id("fc_"), "type": "function_call", "arguments": call.arguments, **head})
    return made


def _search(ask: Ask, tool: Json, given: Given) -> list[Hit]:
    names: object = tool.get("vector_store_ids")
    if not is_list(names) or not names:
        raise invalid("'file_search' needs 'vector_store_ids'.", "tools", "missing_required_parameter")
    passes = read_filter(tool.get("filters"), "tools.filters")
    hits: list[Hit] = []
    for name in names:
        store = ask.held(STORES).look(str(name))
        if store is None:
            raise not_found(f"There is no vector store '{name}'.", "tools")
        hits += search(ask, store, [given.asked], passes)
    hits.sort(key=lambda hit: -hit.score)
    return hits[: int(tool.get("max_num_results") or MOST_RESULTS)]


def _search_item(ask: Ask, given: Given, hits: list[Hit]) -> Json:
    shown: list[Json] = [
        {
            "file_id": hit.file.id,
            "filename": hit.filename,
            "score": hit.score,
            "text": hit.texts[0],
            "attributes": hit.file.attributes,
        }
        for hit in hits
    ]
    with_results = "file_search_call.results" in given.included
    return {
        "id": ask.new_id("fs_"),
        "type": "file_search_call",
        "status": "completed",
        "queries": [given.asked],
        "results": shown if with_results else None,
    }


def _cite(hits: list[Hit]) -> str:
    best = " ".join(tokens.sentences(hits[0].texts[0])[:QUOTED_SENTENCES])
    return f"According to {hits[0].filename}: {best}"


def _message(ask: Ask, given: Given, text: str, hits: list[Hit], is_cut: bool) -> Json:
    annotations: list[Json] = []
    if hits and record(record(given.body.get("text")).get("format")).get("type") != "json_schema":
        best = hits[0]
        place = max(0, len(text) - 1)
        annotations.append(
            {"type": "file_citation", "index": place, "file_id": best.file.id, "filename": best.filename}
        )
    with_logprobs = "message.output_text.logprobs" in given.included
    logprobs = logprobs_of(text, int(given.body.get("top_logprobs") or 0)) if with_logprobs else []
    part: Json = {"type": "output_text", "text": text, "annotations": annotations, "logprobs": logprobs}
    status = "incomplete" if is_cut else "completed"
    return {"id": ask.new_id("msg_"), "type": "message", "status": status, "role": "assistant", "content": [part]}
