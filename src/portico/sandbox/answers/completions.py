"""The older text completions: a prompt goes in, its continuation comes out."""

from collections.abc import Iterator

from portico.sandbox import roster
from portico.sandbox.chat_reply import Said, cut, logprob
from portico.sandbox.checks import array, boolean, either, fields, integer, number, record, text
from portico.sandbox.mind import tokens
from portico.sandbox.mind.prose import Turn, compose
from portico.sandbox.refusals import invalid
from portico.sandbox.shapes import Json, is_list, records
from portico.sandbox.shapes import record as record_of
from portico.sandbox.wire import Answer, Ask, Events, Route

DEFAULT_TOKENS = 16
OPTIONS = {
    "best_of": integer(0, 20),
    "echo": boolean,
    "frequency_penalty": number(-2, 2),
    "logit_bias": dict,
    "logprobs": integer(0, 5),
    "max_tokens": integer(0),
    "n": integer(1, 128),
    "presence_penalty": number(-2, 2),
    "seed": int,
    "stop": either(str, array(str, longest=4)),
    "stream": boolean,
    "stream_options": record(optional={"include_usage": bool, "include_obfuscation": bool}),
    "suffix": str,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "user": str,
}


def create_completion(ask: Ask) -> Answer:
    body = fields(ask.body, {"model": text(), "prompt": either(str, list)}, OPTIONS)
    model = roster.require(ask, body["model"], "completion")
    if body.get("best_of", body.get("n", 1)) < body.get("n", 1):
        raise invalid("'best_of' must not be smaller than 'n'.", "best_of")
    asked = prompts(body["prompt"])
    choices: list[Json] = []
    answered = 0
    for prompt in asked:
        for variant in range(body.get("n", 1)):
            said = cut(
                compose([Turn("user", prompt)], variant), body.get("stop"), body.get("max_tokens", DEFAULT_TOKENS)
            )
            answered += tokens.count(said.text)
            choices.append(_choice(len(choices), prompt, said, body))
    used = sum(tokens.count(prompt) for prompt in asked)
    usage = {"prompt_tokens": used, "completion_tokens": answered, "total_tokens": used + answered}
    ask.meter("completions", model.id, input_tokens=used, output_tokens=answered, num_model_requests=1)
    completion: Json = {
        "id": ask.new_id("cmpl-"),
        "object": "text_completion",
        "created": ask.now,
        "model": model.id,
        "choices": choices,
        "usage": usage,
    }
    if body.get("stream"):
        return Events(_chunks(completion, bool(record_of(body.get("stream_options")).get("include_usage"))))
    return completion


def prompts(given: object) -> list[str]:
    """A text, several texts, one list of token numbers or several: as texts. Numbers can't be read back as words."""
    if isinstance(given, str):
        return [given]
    if not is_list(given) or not given:
        raise invalid("'prompt' must not be empty.", "prompt", "invalid_type")
    if all(isinstance(item, int) for item in given):
        return [" ".join(str(item) for item in given)]
    return [item if isinstance(item, str) else prompts(item)[0] for item in given]


def _choice(place: int, prompt: str, said: Said, body: Json) -> Json:
    whole = f"{prompt if body.get('echo') else ''}{said.text}"
    logprobs = _logprobs(whole, body["logprobs"]) if "logprobs" in body else None
    return {"index": place, "text": whole, "logprobs": logprobs, "finish_reason": said.finish}


def _logprobs(whole: str, alternatives: int) -> Json:
    pieces, offsets, offset = tokens.pieces(whole), list[int](), 0
    for piece in pieces:
        offsets.append(offset)
        offset += len(piece)
    likely = [logprob(piece) for piece in pieces]
    tops = [{piece: value} for piece, value in zip(pieces, likely, strict=True)] if alternatives else None
    return {"tokens": pieces, "token_logprobs": likely, "top_logprobs": tops, "text_offset": offsets}


def _chunks(completion: Json, with_usage: bool) -> Iterator[Json]:
    usage = completion.pop("usage")
    head = {**completion, "usage": None} if with_usage else completion
    for choice in records(completion["choices"]):
        for piece in tokens.pieces(str(choice["text"])):
            yield {**head, "choices": [{**choice, "text": piece, "logprobs": None, "finish_reason": None}]}
        yield {**head, "choices": [{**choice, "text": "", "logprobs": None}]}
    if with_usage:
        yield {**head, "choices": [], "usage": usage}


ROUTES = (Route("POST", "/completions", create_completion, metered=True),)
