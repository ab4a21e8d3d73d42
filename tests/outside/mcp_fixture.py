"""A server for the conformance suite: Portico's own MCP endpoint over a toolbox of the suite's diagnostic tools.

Everything between the socket and the toolbox is what users run. `python -m tests.outside.mcp_fixture` serves on a free
port until it is told to stop, and prints the address first.
"""

import asyncio
import base64
import json
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from portico.app import Portico, build
from portico.catalog.find import View
from portico.errors import NotFound
from portico.faces.front import Front
from portico.faces.mcp.endpoint import McpFace
from portico.faces.mcp.wire import MISSING_CAPABILITY, ProtocolFault
from portico.faces.server import Server, configure
from portico.gateway.lookup import Connected
from portico.model.caller import Caller
from portico.model.server import ServerConfig
from portico.sandbox.serve import running
from portico.sandbox.state import World
from portico.settings import Settings
from portico.toolbox import results
from portico.toolbox.offer import Offer
from portico.toolbox.results import ToolResult
from portico.toolbox.run import ToolCall
from portico.toolbox.search import Index
from portico.toolbox.tools import Tool
from tests.conftest import MASTER_KEY
from tests.gateways import connect_account, open_client

Json = dict[str, Any]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WAV_HEAD = "52494646 24000000 57415645 666d7420 10000000 01000100 401f0000 401f0000 01000800 64617461 00000000"
SILENCE = base64.b64encode(bytes.fromhex(WAV_HEAD)).decode()
DIALECT: Json = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
Run = Callable[[ToolCall], Awaitable[ToolResult]]


def _blocks(*content: Json) -> Run:
    async def run(_asked: ToolCall) -> ToolResult:
        return ToolResult(content=list(content))

    return run


def _text(words: str) -> Json:
    return {"type": "text", "text": words}


def _resource(uri: str, kind: str, words: str) -> Json:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": words}}


async def _fail(_asked: ToolCall) -> ToolResult:
    return results.of_refusal("This tool fails, as it is meant to.", {"code": "diagnostic"})


async def _progress(asked: ToolCall) -> ToolResult:
    for done in (0, 50, 100):
        if asked.report is not None:
            asked.report(done, 100)
        await asyncio.sleep(0.05)
    return results.of_text("done")


async def _need_sampling(_asked: ToolCall) -> ToolResult:
    """Portico never asks a client for anything, so a tool that would have to can only be refused."""
    raise ProtocolFault(MISSING_CAPABILITY, "This tool needs sampling.", {"requiredCapabilities": {"sampling": {}}})


DIAGNOSTIC: Mapping[str, Run] = {
    "test_simple_text": _blocks(_text("This is a simple text response for testing.")),
    "test_image_content": _blocks(results.image(PIXEL, "image/png")),
    "test_audio_content": _blocks(results.audio(SILENCE, "audio/wav")),
    "test_embedded_resource": _blocks(_resource("test://embedded-resource", "text/plain", "An embedded resource.")),
    "test_multiple_content_types": _blocks(
        _text("Several kinds of content:"),
        results.image(PIXEL, "image/png"),
        _resource("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ),
    "test_error_handling": _fail,
    "test_tool_with_progress": _progress,
    "test_missing_capability": _need_sampling,
    "test_streaming_elicitation": _progress,
    "test_logging_tool": _blocks(_text("Nothing was logged to the client.")),
    "json_schema_2020_12_tool": _blocks(_text("The schema is what matters.")),
}


class DiagnosticTools:
    """The suite's tools, behind the seam that the real toolbox stands behind."""

    def offer(self, connected: Connected, config: ServerConfig) -> Offer:
        return Offer(operations=(), tools=tuple(_tool(name) for name in DIAGNOSTIC))

    def find(self, connected: Connected, name: str) -> Any:
        raise NotFound(name)

    def index(self, view: View) -> Index:
        return Index(())

    async def run(self, caller: Caller, asked: ToolCall) -> ToolResult:
        if asked.name not in DIAGNOSTIC:
            raise NotFound(asked.name)
        return await DIAGNOSTIC[asked.name](asked)


def _tool(name: str) -> Tool:
    schema: Json = DIALECT if name.startswith("json_schema") else {"type": "object", "properties": {}}
    words = "A tool of the conformance suite."
    return Tool(name=name, title=name, description=words, input_schema=schema, annotations={"readOnlyHint": True})


async def serve() -> None:
    with tempfile.TemporaryDirectory() as folder, running(World()) as sandbox_url, _listener() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = Settings(
            data_dir=Path(folder), master_key=MASTER_KEY, public_url=url, vendor_base_urls=(f"openai={sandbox_url}/v1",)
        )
        portico = await build(settings)
        face = McpFace(portico.parts, DiagnosticTools())
        front = Front(portico.parts, {"mcp": face.face}, [], portico)
        server = Server(configure(front, "127.0.0.1", 0))
        announcing = asyncio.create_task(_announce(server, portico))
        await server.serve(sockets=[listener])
        announcing.cancel()


async def _announce(server: Server, portico: Portico) -> None:
    while not server.started:  # noqa: ASYNC110 -- the server offers nothing to wait on
        await asyncio.sleep(0.01)
    async with open_client(portico) as client:
        account = await connect_account(client)
        body = {"name": "conformance", "config": {"tool_exposure": "all"}}
        made = await client.post(f"/integrated-account/{account['id']}/mcp", body)
        sys.stdout.write(json.dumps({"url": made.json["url"]}) + "\n")
        sys.stdout.flush()


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


if __name__ == "__main__":
    asyncio.run(serve())
