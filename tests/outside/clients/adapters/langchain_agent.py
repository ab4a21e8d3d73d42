"""LangChain's agent (a LangGraph graph), streamed, with a model that makes the calls of the script."""

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool
from script import LAST_WORDS, STEPS, call_id, run

from portico_client.adapters.langchain import langchain_tools


class Scripted(BaseChatModel):
    shown: list

    @property
    def _llm_type(self):
        return "scripted"

    def bind_tools(self, tools, **_):
        self.shown.extend(convert_to_openai_tool(tool)["function"] for tool in tools)
        return self

    def _generate(self, messages, stop=None, run_manager=None, **_):
        done = sum(isinstance(each, ToolMessage) for each in messages)
        message = AIMessage(LAST_WORDS)
        if done < len(STEPS):
            name, arguments = STEPS[done]
            call = {"name": name, "args": arguments, "id": call_id(done), "type": "tool_call"}
            message = AIMessage("", tool_calls=[call])
        return ChatResult(generations=[ChatGeneration(message=message)])


async def work(tools):
    model = Scripted(shown=[])
    agent = create_agent(model, langchain_tools(tools))
    asked = {"messages": [("user", "Do all steps.")]}
    messages = []
    async for update in agent.astream(asked, {"recursion_limit": 50}, stream_mode="updates"):
        for part in update.values():
            messages += part["messages"]
    blocking = langchain_tools(tools)[0] if not tools[0].is_async else None
    if blocking:
        said = blocking.invoke({"type": "tool_call", "id": "1", "name": blocking.name, "args": {}})
        assert said.artifact is not None or said.status == "error"
    assert messages[-1].text == LAST_WORDS
    return {
        "schemas": {each["name"]: each["parameters"] for each in model.shown},
        "results": [
            [each.status == "error", each.text, sum(block["type"] == "image" for block in each.content_blocks)]
            for each in messages
            if isinstance(each, ToolMessage)
        ],
    }


run(work)
