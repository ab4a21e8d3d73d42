"""LlamaIndex's FunctionAgent, with a model that makes the calls of the script."""

from llama_index.core.agent.workflow import FunctionAgent, ToolCallResult
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, LLMMetadata
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from script import LAST_WORDS, STEPS, call_id, run

from portico_client.adapters.llama_index import llama_index_tools


class Scripted(FunctionCallingLLM):
    schemas: dict

    @property
    def metadata(self):
        return LLMMetadata(is_function_calling_model=True, model_name="scripted")

    def _prepare_chat_with_tools(self, tools, user_msg=None, chat_history=None, **_):
        own = [each.metadata.to_openai_tool()["function"] for each in tools]
        self.schemas.update({each["name"]: each["parameters"] for each in own})
        return {"messages": chat_history or []}

    def get_tool_calls_from_response(self, response, error_on_no_tool_call=True, **_):
        return response.raw

    def _answer(self, messages):
        done = sum(str(each.role.value) == "tool" for each in messages)
        if done == len(STEPS):
            return ChatResponse(message=ChatMessage(role="assistant", content=LAST_WORDS), raw=[])
        name, arguments = STEPS[done]
        call = ToolSelection(tool_id=call_id(done), tool_name=name, tool_kwargs=arguments)
        return ChatResponse(message=ChatMessage(role="assistant", content=""), raw=[call])

    def chat(self, messages, **_):
        return self._answer(messages)

    async def achat(self, messages, **_):
        return self._answer(messages)

    async def astream_chat(self, messages, **_):
        async def one():
            yield self._answer(messages)

        return one()

    def stream_chat(self, messages, **_):
        yield self._answer(messages)

    def complete(self, *_, **__):
        raise NotImplementedError

    stream_complete = acomplete = astream_complete = complete


async def work(tools):
    model = Scripted(schemas={})
    agent = FunctionAgent(tools=llama_index_tools(tools), llm=model)
    going = agent.run("Do all steps.", max_iterations=30)
    results = []
    async for event in going.stream_events():
        if isinstance(event, ToolCallResult):
            output = event.tool_output
            pictures = sum(block.block_type == "image" for block in output.blocks)
            results.append([output.is_error, output.content, pictures])
    assert str(await going) == LAST_WORDS
    if not tools[0].is_async:
        assert llama_index_tools(tools)[0](limit=1).raw_output is not None
    return {"schemas": model.schemas, "results": results}


run(work)
