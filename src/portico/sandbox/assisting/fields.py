"""What a request may say about assistants, threads, messages and runs: the checks that their endpoints share."""

import re
from typing import Any

from portico.sandbox.checks import (
    Check,
    array,
    boolean,
    by_type,
    integer,
    metadata,
    number,
    one_of,
    record,
    text,
)
from portico.sandbox.file_store import require_file
from portico.sandbox.refusals import Refusal, invalid
from portico.sandbox.shapes import Json, is_record, records
from portico.sandbox.shapes import record as record_of
from portico.sandbox.wire import Ask

BETA = "assistants=v2"
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
RESULTS_CONTENT = "step_details.tool_calls[*].file_search.results[*].content"


def function_name(value: Any, path: str) -> str:
    if not isinstance(value, str) or not FUNCTION_NAME.fullmatch(value):
        raise invalid(f"'{path}' must be 1 to 64 letters, digits, underscores or dashes.", path)
    return value


def text_or(of_text: Check, otherwise: Check) -> Check:
    """One check for a text and another for everything else, so that the refusal names the right place."""
    return lambda value, path: (of_text if isinstance(value, str) else otherwise)(value, path)


RANKING = record({"score_threshold": number(0, 1)}, {"ranker": one_of("auto", "default_2024_08_21")})
FUNCTION = record({"name": function_name}, {"description": str, "parameters": dict, "strict": boolean})
TOOL = by_type(
    {
        "code_interpreter": record({"type": str}),
        "file_search": record(
            {"type": str},
            {"file_search": record(optional={"max_num_results": integer(1, 50), "ranking_options": RANKING})},
        ),
        "function": record({"type": str, "function": FUNCTION}),
    }
)
CODE_FILES = record(optional={"file_ids": array(str, longest=20)})
STORE_IDS = array(str, longest=1)
# The inside of a new store is checked by the vector stores themselves.
NEW_STORES = array(record(optional={"file_ids": list, "chunking_strategy": dict, "metadata": metadata}), longest=1)
RESOURCES = record(
    optional={"code_interpreter": CODE_FILES, "file_search": record(optional={"vector_store_ids": STORE_IDS})}
)
NEW_RESOURCES = record(
    optional={
        "code_interpreter": CODE_FILES,
        "file_search": record(optional={"vector_store_ids": STORE_IDS, "vector_stores": NEW_STORES}),
    }
)
RESPONSE_FORMAT = text_or(
    one_of("auto"),
    by_type(
        {
            "text": record({"type": str}),
            "json_object": record({"type": str}),
            "json_schema": record({"type": str, "json_schema": dict}),
        }
    ),
)
TOOL_CHOICE = text_or(
    one_of("none", "auto", "required"),
    by_type(
        {
            "function": record({"type": str, "function": record({"name": function_name})}),
            "code_interpreter": record({"type": str}),
            "file_search": record({"type": str}),
        }
    ),
)
TRUNCATION = record({"type": one_of("auto", "last_messages")}, {"last_messages": integer(1)})
DETAIL = one_of("auto", "low", "high")
PART = by_type(
    {
        "text": record({"type": str, "text": str}),
        "image_url": record({"type": str, "image_url": record({"url": str}, {"detail": DETAIL})}),
        "image_file": record({"type": str, "image_file": record({"file_id": str}, {"detail": DETAIL})}),
    }
)
ATTACHMENT = record(
    {"file_id": str, "tools": array(record({"type": one_of("code_interpreter", "file_search")}), shortest=1)}
)
MESSAGE_NEEDS: dict[str, Check] = {
    "role": one_of("user", "assistant"),
    "content": text_or(text(shortest=1), array(PART, shortest=1)),
}
MESSAGE_MAY: dict[str, Check] = {"attachments": array(ATTACHMENT), "metadata": metadata}
MESSAGE = record(MESSAGE_NEEDS, MESSAGE_MAY)
THREAD_MAY: dict[str, Check] = {"messages": array(MESSAGE), "metadata": metadata, "tool_resources": NEW_RESOURCES}

# What assistants and runs have in common.
MODEL_MAY: dict[str, Check] = {
    "instructions": text(longest=256_000),
    "metadata": metadata,
    "reasoning_effort": one_of(*EFFORTS),
    "response_format": RESPONSE_FORMAT,
    "temperature": number(0, 2),
    "top_p": number(0, 1),
}
ASSISTANT_MAY: dict[str, Check] = {
    **MODEL_MAY,
    "description": text(longest=512),
    "name": text(longest=256),
    "tools": array(TOOL, longest=128),
}
RUN_NEEDS: dict[str, Check] = {"assistant_id": text()}
RUN_MAY: dict[str, Check] = {
    **MODEL_MAY,
    "max_completion_tokens": integer(256),
    "max_prompt_tokens": integer(256),
    "model": text(),
    "parallel_tool_calls": boolean,
    "stream": boolean,
    "tool_choice": TOOL_CHOICE,
    "tools": array(TOOL, longest=20),
    "truncation_strategy": TRUNCATION,
}


def read_include(ask: Ask) -> bool:
    """Does `include[]` ask for the texts that a file search found?"""
    wanted = ask.query.many("include")
    for name in wanted:
        one_of(RESULTS_CONTENT)(name, "include")
    return bool(wanted)


async def settle_resources(ask: Ask, wanted: Json) -> Json:
    """Tool resources as they are kept: files and stores that exist, with the store made that was asked for."""
    kept: Json = {}
    if is_record(files := wanted.get("code_interpreter")):
        for file_id in files.get("file_ids", []):
            require_file(ask, file_id)
        kept["code_interpreter"] = {"file_ids": files.get("file_ids", [])}
    if is_record(search := wanted.get("file_search")):
        ids: list[str] = search.get("vector_store_ids", [])
        if ids and search.get("vector_stores"):
            message = "A file search takes either 'vector_store_ids' or 'vector_stores'."
            raise invalid(message, "tool_resources.file_search")
        for store_id in ids:
            await call(ask, "GET", f"/vector_stores/{store_id}", {})
        made = [await call(ask, "POST", "/vector_stores", store) for store in records(search.get("vector_stores"))]
        kept["file_search"] = {"vector_store_ids": [*ids, *(store["id"] for store in made)]}
    return kept


async def call(ask: Ask, verb: str, path: str, body: Json) -> Json:
    """Call another endpoint with the same key; its refusal becomes ours."""
    reply = await ask.inside(verb, path, body)
    answer = record_of(reply.body)
    if reply.status >= 400:
        error = record_of(answer.get("error"))
        raise Refusal(reply.status, str(error.get("message")), param=error.get("param"), code=error.get("code"))
    return answer


def cleared(ask: Ask, checked: Json, names: tuple[str, ...]) -> Json:
    """The changes of an update, in which an explicit null empties a field."""
    empty: dict[str, Json] = {"metadata": {}, "tool_resources": {}}
    return {**checked, **{name: empty.get(name) for name in names if name in ask.body and ask.body[name] is None}}
