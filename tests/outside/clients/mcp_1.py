"""The official Python SDK, first generation: with a handshake."""

from job import run, told
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


async def main(url, calls):
    async with streamablehttp_client(url) as (read, write, _), ClientSession(read, write) as session:
        hello = await session.initialize()
        tools = [tool.name for tool in (await session.list_tools()).tools]
        found = [told(await session.call_tool(name, arguments)) for name, arguments in calls]
        return {"tools": tools, "results": found, "version": hello.protocolVersion, "says": hello.instructions}


run(main)
