"""Items of responses and conversations: made whole when they come in, and read as turns when a model needs them."""

import base64
import binascii
import zlib

import msgspec

from portico.sandbox.messages import text_of
from portico.sandbox.mind.prose import Turn
from portico.sandbox.refusals import invalid, missing
from portico.sandbox.shapes import Json, is_list, is_record, records
from portico.sandbox.wire import Ask

# The beginning of the id that an item gets if it comes without one.
PREFIXES = {
    "message": "msg_",
    "function_call": "fc_",
    "function_call_output": "fc_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "ctc_",
    "reasoning": "rs_",
    "file_search_call": "fs_",
    "web_search_call": "ws_",
    "computer_call": "cu_",
    "computer_call_output": "cu_",
    "code_interpreter_call": "ci_",
    "image_generation_call": "ig_",
    "local_shell_call": "lsh_",
    "local_shell_call_output": "lsh_",
    "shell_call": "sh_",
    "shell_call_output": "sh_",
    "apply_patch_call": "apc_",
    "apply_patch_call_output": "apc_",
    "mcp_list_tools": "mcpl_",
    "mcp_approval_request": "mcpr_",
    "mcp_approval_response": "mcpr_",
    "mcp_call": "mcp_",
    "compaction": "cmp_",
}
CALLS = ("function_call", "custom_tool_call")
RESULTS = ("function_call_output", "custom_tool_call_output")
SPEAKERS = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
WITHOUT_STATUS = ("compaction", "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "custom_tool_call")


def whole_items(ask: Ask, given: object, path: str = "input") -> list[Json]:
    """What was given, a text or a list, as items with ids."""
    if given is None:
        return []
    if isinstance(given, str):
        return [_message(ask, {"role": "user", "content": given}, path)]
    if not is_list(given):
        raise invalid(f"'{path}' must be a string or an array.", path, "invalid_type")
    return [_whole(ask, item, f"{path}[{place}]") for place, item in enumerate(given)]


def turns_of(ask: Ask, items: list[Json]) -> list[Turn]:
    turns: list[Turn] = []
    for item in items:
        if item["type"] == "message":
            turns.append(Turn(SPEAKERS[item["role"]], text_of(ask, item["content"])))
        elif item["type"] in RESULTS:
            turns.append(Turn("tool", text_of(ask, item.get("output"))))
        elif item["type"] == "compaction":
            turns += unfold(str(item.get("encrypted_content", "")))
    return turns


def check_results(items: list[Json]) -> None:
    """Every result must belong to a call that came before it."""
    called: set[str] = set()
    for item in items:
        if item["type"] in CALLS:
            called.add(str(item.get("call_id")))
        elif item["type"] in RESULTS and item.get("call_id") not in called:
            message = f"No tool call has the call_id '{item.get('call_id')}' that this output answers."
            raise invalid(message, "input")


def fold(turns: list[Turn]) -> str:
    """Turns as an opaque text, from which `unfold` gets them back."""
    plain = msgspec.json.encode([(turn.role, turn.text) for turn in turns])
    return base64.b64encode(zlib.compress(plain)).decode()


def unfold(folded: str) -> list[Turn]:
    try:
        plain = zlib.decompress(base64.b64decode(folded, validate=True))
        pairs = msgspec.json.decode(plain, type=list[tuple[str, str]])
    except (binascii.Error, zlib.error, msgspec.DecodeError):
        raise invalid("The 'encrypted_content' of a compaction can't be read.", "input") from None
    return [Turn(role, text) for role, text in pairs]


def _whole(ask: Ask, item: object, path: str) -> Json:
    if not is_record(item):
        raise invalid(f"'{path}' must be an object.", path, "invalid_type")
    kind = item.get("type", "message" if "role" in item else None)
    if kind is None:
        raise missing(f"{path}.type")
    if kind == "message":
        return _message(ask, item, path)
    if kind not in PREFIXES:
        raise invalid(f"'{path}.type' is not a kind of item: '{kind}'.", f"{path}.type")
    if kind in (*CALLS, *RESULTS) and not isinstance(item.get("call_id"), str):
        raise missing(f"{path}.call_id")
    made: Json = {
        "id": ask.new_id(PREFIXES[kind]),
        **{name: value for name, value in item.items() if value is not None},
    }
    if kind not in WITHOUT_STATUS:
        made.setdefault("status", "completed")
    return made


def _message(ask: Ask, item: Json, path: str) -> Json:
    role, content = item.get("role"), item.get("content")
    if role not in SPEAKERS:
        raise invalid(f"'{path}.role' must be one of {', '.join(SPEAKERS)}.", f"{path}.role")
    if not isinstance(content, str) and not is_list(content):
        raise missing(f"{path}.content")
    said: Json = {"type": "input_text", "text": content}
    parts = [said] if isinstance(content, str) else records(content)
    if role == "assistant":
        usual: Json = {"annotations": [], "logprobs": []}
        parts = [{**usual, **part, "type": "output_text"} for part in parts if "text" in part]
    identity = item.get("id") or ask.new_id("msg_")
    return {"id": identity, "type": "message", "status": "completed", "role": role, "content": parts}
