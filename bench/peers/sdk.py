"""An MCP server on the official SDK's low-level server: the same tools as Portico's, the same vendor behind them.

Runs in an environment of its own: `python sdk.py FACTS PORT`. It is written for speed as far as the SDK allows: no
sessions, JSON answers, one pool of connections, and schemas at hand so that the list is not made for every call.
"""

import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import mcp_types as types
import uvicorn
import uvloop
from mcp.server.lowlevel import Server

FACTS = json.loads(Path(sys.argv[1]).read_text())
TOOLS = [types.Tool.model_validate(each) for each in FACTS["tools"]]
SCHEMAS = {each.name: each.input_schema for each in TOOLS}
HEADERS = {"Authorization": f"Bearer {FACTS['key']}"}
session: aiohttp.ClientSession


async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=TOOLS)


async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    operation = FACTS["operations"][params.name]
    query = {name: str(value) for name, value in (params.arguments or {}).items()}
    url = FACTS["vendor"] + operation["path"]
    async with session.request(operation["verb"], url, params=query, headers=HEADERS) as answer:
        text = await answer.text()
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=json.loads(text)
    )


async def main() -> None:
    global session
    session = aiohttp.ClientSession()
    server: Any = Server("bench", on_list_tools=list_tools, on_call_tool=call_tool, get_tool_input_schema=SCHEMAS.get)
    application = server.streamable_http_app(json_response=True, stateless_http=True)
    await uvicorn.Server(uvicorn.Config(application, port=int(sys.argv[2]), log_level="warning")).serve()


uvloop.run(main())
