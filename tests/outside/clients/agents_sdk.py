"""The OpenAI Agents SDK: the tools as its agents have them, schemas made strict where that is possible."""

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStreamableHttp, MCPUtil
from job import run, told


async def main(url, calls):
    async with MCPServerStreamableHttp(params={"url": url}, cache_tools_list=True) as server:
        agent = Agent(name="Assistant", mcp_servers=[server])
        functions = await MCPUtil.get_all_function_tools([server], True, RunContextWrapper(None), agent)
        tools = [function.name for function in functions]
        return {"tools": tools, "results": [told(await server.call_tool(name, arguments)) for name, arguments in calls]}


run(main)
