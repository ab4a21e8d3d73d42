"""What one MCP server says about itself, made once for each state of its account and kept as bytes."""

import msgspec
from msgspec import Struct

from portico.faces.mcp.eras import MODERN_VERSIONS, SERVER_KEY
from portico.gateway.lookup import Connected
from portico.model.server import McpServer
from portico.shapes import Json
from portico.toolbox import discovery
from portico.toolbox.offer import Offer
from portico.toolbox.results import ToolResult
from portico.toolbox.tools import Tool
from portico.version import VERSION

LIST_SECONDS = 60
SEARCH_HINT_KEY = "anthropic/searchHint"
_encoder = msgspec.json.Encoder()
_CACHE: Json = {"ttlMs": LIST_SECONDS * 1000, "cacheScope": "private"}


class Served(Struct, frozen=True, kw_only=True):
    """A server, its account, what it offers, and its lists ready to be sent."""

    server: McpServer
    connected: Connected
    offered: Offer
    is_discovery: bool
    tokens: int
    instructions: str
    legacy_list: bytes
    modern_list: bytes
    discover: bytes

    @property
    def server_info(self) -> Json:
        return server_info(self.server)


def serve(server: McpServer, connected: Connected, offered: Offer) -> Served:
    tokens = discovery.count_tokens(offered.tools)
    is_discovery = discovery.is_discovery(server.config.tool_exposure, tokens)
    listed = discovery.tools(connected.view, offered) if is_discovery else offered.tools
    hints = {each.tool.name: each.alias for each in offered.operations}
    tools = b"[" + b",".join(_encoder.encode(shown(tool, hints.get(tool.name, ""))) for tool in listed) + b"]"
    instructions = discovery.instructions(server, connected, offered, is_discovery=is_discovery)
    modern = {"resultType": "complete", "_meta": {SERVER_KEY: server_info(server)}, **_CACHE}
    discover: Json = {
        **modern,
        "supportedVersions": [*MODERN_VERSIONS],
        "capabilities": {"tools": {}},
        "instructions": instructions,
    }
    return Served(
        server=server,
        connected=connected,
        offered=offered,
        is_discovery=is_discovery,
        tokens=tokens,
        instructions=instructions,
        legacy_list=b'{"tools":' + tools + b"}",
        modern_list=_encoder.encode(modern)[:-1] + b',"tools":' + tools + b"}",
        discover=_encoder.encode(discover),
    )


def shown(tool: Tool, hint: str = "") -> Json:
    """A tool as MCP lists it, with a line for those clients that search the list themselves."""
    listed: Json = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    if tool.title:
        listed["title"] = tool.title
    listed["annotations"] = tool.annotations
    if hint:
        listed["_meta"] = {SEARCH_HINT_KEY: hint}
    return listed


def server_info(server: McpServer) -> Json:
    return {"name": "portico", "title": server.name, "version": VERSION}


def initialize_result(served: Served, version: str) -> bytes:
    result: Json = {
        "protocolVersion": version,
        "capabilities": {"tools": {}},
        "serverInfo": served.server_info,
        "instructions": served.instructions,
    }
    return _encoder.encode(result)


def call_result(served: Served, result: ToolResult, version: str) -> bytes:
    """A tool's result in the words of the client's version."""
    told: Json = {"content": result.content, "isError": result.is_error}
    meta: Json = dict(result.meta)
    if version < "2025-06-18":
        told["content"] = [_plain(block, version) for block in result.content]
    elif result.encoded:
        told["structuredContent"] = msgspec.Raw(result.encoded)
    if version in MODERN_VERSIONS:
        told["resultType"] = "complete"
        meta[SERVER_KEY] = served.server_info
    if meta:
        told["_meta"] = meta
    return _encoder.encode(told)


def _plain(block: Json, version: str) -> Json:
    """Links and sounds as text, for clients from before they had blocks of their own."""
    if block["type"] == "resource_link":
        return {"type": "text", "text": f"{block['name']}: {block['uri']}"}
    if block["type"] == "audio" and version < "2025-03-26":
        return {"type": "text", "text": f"(audio, {block['mimeType']})"}
    return block
