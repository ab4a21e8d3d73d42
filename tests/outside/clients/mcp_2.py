"""The official Python SDK, second generation: speaks the newer era."""

from job import run, told
from mcp import Client


async def main(url, calls):
    async with Client(url) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        found = [told(await client.call_tool(name, arguments)) for name, arguments in calls]
        return {"tools": tools, "results": found, "version": client.protocol_version, "says": client.instructions}


run(main)
