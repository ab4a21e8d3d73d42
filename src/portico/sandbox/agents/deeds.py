"""What an agent does besides speaking, where its settings allow it and the words of the message ask for it.

The words are told in the reference of the sandbox; whoever changes them here changes them there.
"""

import re
from urllib.parse import urlsplit

from portico.sandbox.agents import outputs, shell
from portico.sandbox.agents.functions import required_answer
from portico.sandbox.agents.picture import screenshot
from portico.sandbox.agents.session import Asking, Item, Script
from portico.sandbox.agents.stage import Stage
from portico.sandbox.blobs import Blob
from portico.sandbox.mind.hints import ADDRESS, Hints, stem, telling
from portico.sandbox.shapes import Json

SEARCH = re.compile(
    r"\b(?:search(?: the web| online)?(?: for)?|look up|latest on|news about)\b\s*[:\"“]?([^.?!\n\"”]*)", re.I
)
COMMAND = re.compile(r"\b(?:run|execute|command)\b", re.I)
QUOTED_COMMAND = re.compile(r"`([^`\n]+)`")
MAKE = r"\b(?:write|create|save|make|produce|generate|export|draft|put)\b"
NAMED_FILE = re.compile(MAKE + r"[^\n]*?(?<![\w/.-])([\w-]+\.(?:txt|md|csv|json|html?|zip|png|pdf))\b", re.I)
SOME_FILE = re.compile(MAKE + r"[^.\n]*\b(?:file|artifact)\b", re.I)
SOME_NAME = "report.md"
SIGN_IN = re.compile(r"\b(?:log|sign) ?in\b", re.I)
CHANGES = frozenset({"create", "delete", "remove", "send", "update", "write", "pay", "cancel", "publish"})
OUTPUTS = "/workspace/outputs"
SEARCH_SECONDS = 0.8
CALL_SECONDS = 0.6
WRITE_SECONDS = 0.4


def search(stage: Stage, asked: str) -> Script:
    tool = _tool(stage, "web_search")
    found = SEARCH.search(asked)
    if tool is None or tool["mode"] == "disabled" or found is None:
        return
    query = " ".join(found[1].split()) or " ".join(telling(asked)[:6])
    action: Json = {"type": "search", "query": query, "queries": None}
    yield from stage.use(SEARCH_SECONDS, "ws_", "web_search_call", {"action": action}, action=None)


def command(stage: Stage, asked: str) -> Script:
    environment = stage.session.environment
    if environment is None or not COMMAND.search(asked):
        return
    for line in QUOTED_COMMAND.findall(asked):
        item = _begin_command(stage, line)
        ran = shell.run(environment, line)
        yield ran.seconds
        stage.turn.written |= ran.written
        _end_command(stage, item, ran.output, ran.code, ran.seconds)


def write(stage: Stage, asked: str) -> Script:
    """Write the file that is asked for where the session publishes its outputs."""
    environment = stage.session.environment
    named = NAMED_FILE.search(asked)
    if environment is None or not (named or SOME_FILE.search(asked)):
        return
    path = f"{OUTPUTS}/{named[1] if named else SOME_NAME}"
    item = _begin_command(stage, f"tee {path}")
    yield WRITE_SECONDS
    environment.files[path] = Blob(outputs.make(path, asked))
    stage.turn.written.add(path)
    _end_command(stage, item, f"wrote {environment.files[path].size} bytes to {path}\n", 0, WRITE_SECONDS)


def remote_tool(stage: Stage, asked: str) -> Script:
    """Call a tool of an MCP server that the message names; changing something needs an approval."""
    for tool in _tools(stage, "mcp"):
        name = _remote_name(tool, asked)
        if name is None:
            continue
        arguments: Json = {"query": " ".join(asked.split())}
        item = stage.add(
            "mcp_",
            "mcp_call",
            status="in_progress",
            server_label=tool["server_label"],
            name=name,
            arguments=arguments,
            output=None,
            error=None,
        )
        if {stem(word) for word in telling(name.replace("_", " "))} & {stem(word) for word in CHANGES}:
            decision = yield from _approval(stage, tool["server_label"], name, arguments)
            if decision != "approve":
                stage.finish(item, status="failed", error=f"The call was not approved: {decision}.")
                continue
        yield CALL_SECONDS
        results = [f"{name} of {tool['server_label']} found: {word}" for word in telling(asked)[:3]]
        stage.finish(item, status="completed", output={"content": [{"type": "text", "text": "; ".join(results)}]})


def browse(stage: Stage, asked: str) -> Script:
    """Look at the pages that the message names; a new origin, and signing in, need the user."""
    tool, addresses = _tool(stage, "computer_use"), [found[0].rstrip(".,;") for found in ADDRESS.finditer(asked)]
    if tool is None or stage.session.environment is None or not addresses:
        return
    for address in addresses:
        origin = _origin(address)
        if origin not in stage.session.origins:
            reason = "The message names a page there."
            request: Json = {"type": "browser_origin_access", "origin": origin, "reason": reason}
            answer = yield from required_answer(stage, "computer_use_approval_request", request)
            if answer["decision"] != "approve":
                continue
            stage.session.origins.add(origin)
        if SIGN_IN.search(asked):
            yield from _sign_in(stage, origin)
        picture = {"type": "computer_screenshot", "image_url": screenshot(origin)}
        shown = picture if tool["include_screenshots"] else None
        title = f"Look at {address}"
        yield from stage.use(CALL_SECONDS, "cu_", "computer_use_call", {"output": shown}, title=title, output=None)


def _sign_in(stage: Stage, origin: str) -> Script:
    request: Json = {
        "type": "browser_authentication",
        "credential_origin": origin,
        "reason": f"{origin} wants to know who you are.",
        "fields": [
            {"id": "email", "label": "Email", "type": "email", "required": True},
            {"id": "password", "label": "Password", "type": "password", "required": True},
        ],
        "options": [],
    }
    request_id = stage.session.owner.new_id("cuar_")
    item = stage.add("item_", "computer_use_approval_request", request=request, request_id=request_id)
    stage.finish(item)
    answer = yield from required_answer(stage, "computer_use_approval_request", request, request_id)
    response: Json = {"type": "browser_authentication", "action": answer["action"]}
    if answer["action"] == "submit":
        # What was entered is passed to the page and kept nowhere.
        response["selected_option"] = answer.get("selected_option")
    kind = "computer_use_approval_request_result"
    stage.add("item_", kind, is_output=False, request_id=request_id, response=response)


def _approval(stage: Stage, label: str, name: str, arguments: Json) -> Asking[str]:
    """The user's decision; where actions are reviewed automatically, nobody is asked and nothing is approved."""
    if stage.turn.is_reviewed:
        return "deny"
    message = f"May {name} of {label} be called?"
    request: Json = {
        "type": "mcp_tool_call",
        "server_label": label,
        "name": name,
        "arguments": arguments,
        "message": message,
    }
    answer = yield from required_answer(stage, "mcp_approval_request", request)
    return str(answer["decision"])


def _begin_command(stage: Stage, line: str) -> Item:
    nothing: Json = {"cwd": shell.HOME, "output": None, "exit_code": None, "duration_ms": None}
    return stage.add("cmd_", "command_execution", status="in_progress", command=line, **nothing)


def _end_command(stage: Stage, item: Item, output: str, code: int, seconds: float) -> None:
    if output and stage.thread.subagent_id is None:
        ids = {"session_id": stage.session.id, "turn_id": stage.turn.id, "item_id": item.data["id"]}
        stage.session.tell("agent.output.command_execution_output.delta", delta=output, output_index=item.place, **ids)
    status = "failed" if code else "completed"
    stage.finish(item, status=status, output=output, exit_code=code, duration_ms=int(seconds * 1000))


def _remote_name(tool: Json, asked: str) -> str | None:
    """The tool of a server that a message means: one that it names, or else the server's first."""
    hints = Hints.of(asked)
    allowed: list[str] = ["search"] if tool["allowed_tools"] is None else tool["allowed_tools"]
    named = next((name for name in allowed if hints.mentions(name) or name in asked), None)
    if named is not None or not allowed:
        return named
    return allowed[0] if hints.mentions(tool["server_label"]) or tool["server_label"] in asked else None


def _origin(address: str) -> str:
    split = urlsplit(address)
    return f"{split.scheme}://{split.netloc}"


def _tools(stage: Stage, kind: str) -> list[Json]:
    return [tool for tool in stage.session.agent["tools"] if tool["type"] == kind]


def _tool(stage: Stage, kind: str) -> Json | None:
    return next(iter(_tools(stage, kind)), None)
