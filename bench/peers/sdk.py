"""An MCP server on the official SDK's low-level server: the same tools as Portico's, the same vendor behind them.

Runs in an environment of its own: `python sdk.py FACTS PORT CLIENT`. It is written for speed as far as the SDK allows:
no sessions, JSON answers, one pool of connections, and schemas at hand so that the list is not made for every call.
CLIENT asks the vendor: httpx2, which comes with the SDK, or aiohttp, which is faster.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import mcp_types as types
import uvicorn
import uvloop
from mcp.server.lowlevel import Server

FACTS = json.loads(Path(sys.argv[1]).read_text())
TOOLS = [types.Tool.model_validate(each) for each in FACTS["tools"]]
SCHEMAS = {each.name: each.input_schema for each in TOOLS}
HEADERS = {"Authorization": f"Bearer {FACTS['key']}"}
ask: Callable[[str, str, dict[str, str]], Awaitable[str]]


def with_aiohttp() -> None:
    global ask
    session = aiohttp.ClientSession(headers=HEADERS)

    async def asked(verb: str, url: str, query: dict[str, str]) -> str:
        async with session.request(verb, url, params=query) as answer:
            return await answer.text()

    ask = asked


def with_httpx2() -> None:
    global ask
    client = httpx2.AsyncClient(headers=HEADERS)

    async def asked(verb: str, url: str, query: dict[str, str]) -> str:
        return (await client.request(verb, url, params=query)).text

    ask = asked


async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
    return types.ListToolsResult(tools=TOOLS)


async def call_tool(_context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
    operation = FACTS["operations"][params.name]
    query = {name: str(value) for name, value in (params.arguments or {}).items()}
    url = FACTS["vendor"] + operation["path"]
    text = await ask(operation["verb"], url, query)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=json.loads(text)
    )


async def main() -> None:
    {"aiohttp": with_aiohttp, "httpx2": with_httpx2}[sys.argv[3]]()
    server: Any = Server("bench", on_list_tools=list_tools, on_call_tool=call_tool, get_tool_input_schema=SCHEMAS.get)
    application = server.streamable_http_app(json_response=True, stateless_http=True)
    await uvicorn.Server(uvicorn.Config(application, port=int(sys.argv[2]), log_level="warning")).serve()


uvloop.run(main())
