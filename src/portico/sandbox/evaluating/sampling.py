"""Samples of an eval run: what a model says to a row's prompt, or what the row itself brings along."""

from dataclasses import dataclass

import msgspec

from portico.sandbox.chat_reply import choices, usage
from portico.sandbox.evaluating.rows import Row
from portico.sandbox.evaluating.store import NOTHING_WRONG
from portico.sandbox.grading.judging import Spent, messages, meter
from portico.sandbox.grading.template import Space, VariableUnknown
from portico.sandbox.messages import text_of
from portico.sandbox.refusals import Refusal
from portico.sandbox.shapes import Json, is_record, record, records
from portico.sandbox.wire import Ask

NO_USAGE: Json = {"total_tokens": 0, "completion_tokens": 0, "prompt_tokens": 0, "cached_tokens": 0}
PLAIN: Json = {"temperature": 1.0, "max_completion_tokens": 2048, "top_p": 1.0, "seed": 42}


@dataclass(frozen=True, slots=True)
class Sampled:
    """What graders know as `sample`, how it is shown, and what it used of which model."""

    known: Json
    shown: Json
    spent: list[Spent]

    @property
    def is_broken(self) -> bool:
        return self.shown["error"] != NOTHING_WRONG


def brought(row: Row) -> Sampled:
    """The sample that came with the row, if any."""
    known = row.sample or {}
    text = known.get("output_text")
    if isinstance(text, str):
        known = {**known_sample(text), **known}
    said = [{"role": "assistant", "content": text}] if isinstance(text, str) else []
    shown: Json = {
        "input": records(known.get("input")),
        "output": said,
        "finish_reason": str(known.get("finish_reason", "stop")),
        "model": str(known.get("model", "")),
        "usage": {**NO_USAGE, **record(known.get("usage"))},
        "error": NOTHING_WRONG,
        **PLAIN,
    }
    return Sampled(known, shown, [])


def made(ask: Ask, row: Row, data_source: Json) -> Sampled:
    """Let the run's model answer the row's prompt, on the account of who made the run."""
    model, settings = str(data_source["model"]), record(data_source.get("sampling_params"))
    prompt: list[Json] = []
    try:
        prompt = _prompt(row, data_source.get("input_messages"))
        body: Json = {**_chat_settings(settings), "model": model, "messages": prompt}
        choice = choices(ask, body)[0]
    except VariableUnknown as unknown:
        return _broken("invalid_variable", f"The item has no '{unknown}'.", model, prompt, settings)
    except Refusal as refusal:
        return _broken(refusal.code or refusal.kind, refusal.message, model, prompt, settings)
    read = [{**said, "content": text_of(ask, said.get("content"))} for said in prompt]
    message, used = record(choice["message"]), usage(body, [said["content"] for said in read], [choice])
    text = str(message.get("content") or "")
    spent: Json = {**NO_USAGE, **{name: used[name] for name in NO_USAGE if name in used}}
    meter(ask, [(model, spent)])
    shown: Json = {
        "input": read,
        "output": [{"role": "assistant", "content": text, "tool_calls": message.get("tool_calls")}],
        "finish_reason": choice["finish_reason"],
        "model": model,
        "usage": spent,
        "error": NOTHING_WRONG,
        **_shown_settings(settings),
    }
    known = known_sample(text, records(message.get("tool_calls")))
    return Sampled({**known, "model": model, "finish_reason": choice["finish_reason"]}, shown, [(model, spent)])


def known_sample(text: str, calls: list[Json] | None = None) -> Json:
    """The `sample` namespace for a model's text; `output_json` is there if the text is JSON."""
    message: Json = {"role": "assistant", "content": text}
    known: Json = {"output_text": text, "output_tools": calls or [], "choices": [{"message": message}]}
    try:
        return {**known, "output_json": msgspec.json.decode(text)}
    except (msgspec.DecodeError, UnicodeError):
        return known


def _prompt(row: Row, written: object) -> list[Json]:
    how = record(written)
    space = Space(row.item, {})
    if how.get("type") == "template":
        return messages(how["template"], space)
    given = space.value(str(how.get("item_reference", "item.input")))
    return [{"role": "user", "content": given}] if isinstance(given, str) else records(given)


def _chat_settings(settings: Json) -> Json:
    """Sampling settings as chat completions call them; those of responses differ in form only."""
    body = {name: value for name, value in settings.items() if name not in ("text", "tools", "max_completions_tokens")}
    if "max_completions_tokens" in settings:
        body["max_completion_tokens"] = settings["max_completions_tokens"]
    if is_record(form := record(settings.get("text")).get("format")):
        body["response_format"] = form
    tools = [tool for tool in records(settings.get("tools")) if tool.get("type") == "function"]
    if tools:
        body["tools"] = [tool if "function" in tool else {"type": "function", "function": tool} for tool in tools]
    return body


def _shown_settings(settings: Json) -> Json:
    return {name: settings.get(name, value) for name, value in PLAIN.items()}


def _broken(code: str, message: str, model: str, prompt: list[Json], settings: Json) -> Sampled:
    shown: Json = {
        "input": [said for said in prompt if isinstance(said.get("content"), str) and "role" in said],
        "output": [],
        "finish_reason": "error",
        "model": model,
        "usage": NO_USAGE,
        "error": {"code": code, "message": message},
        **_shown_settings(settings),
    }
    return Sampled({}, shown, [])
