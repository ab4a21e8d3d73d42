"""LangChain: the tools as its agents have them."""

from job import run
from langchain_core.tools import ToolException
from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(url, calls):
    client = MultiServerMCPClient({"portico": {"transport": "streamable_http", "url": url}})
    tools = {tool.name: tool for tool in await client.get_tools()}
    found = []
    for name, arguments in calls:
        call = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
        try:
            message = await tools[name].ainvoke(call)
            text = (
                message.content
                if isinstance(message.content, str)
                else "".join(block.get("text", "") for block in message.content)
            )
            found.append([message.status == "error", text])
        except ToolException as problem:
            found.append([True, str(problem)])
    return {"tools": list(tools), "results": found}


run(main)
