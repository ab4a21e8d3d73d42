"""Pydantic AI: the toolset as its agents have it."""

from job import run
from pydantic_ai.exceptions import ModelRetry
from pydantic_ai.mcp import MCPToolset


async def main(url, calls):
    toolset = MCPToolset(url)
    async with toolset:
        tools = [tool.name for tool in await toolset.list_tools()]
        found = []
        for name, arguments in calls:
            try:
                found.append([False, str(await toolset.direct_call_tool(name, arguments))])
            except ModelRetry as problem:
                found.append([True, str(problem)])
        return {"tools": tools, "results": found}


run(main)
