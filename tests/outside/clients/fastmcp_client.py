"""The client of FastMCP."""

from fastmcp import Client
from job import run, told


async def main(url, calls):
    async with Client(url) as client:
        tools = [tool.name for tool in await client.list_tools()]
        found = [told(await client.call_tool(name, arguments, raise_on_error=False)) for name, arguments in calls]
        return {"tools": tools, "results": found}


run(main)
