"""Pydantic AI's agent, with a model that makes the calls of the script."""

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel
from script import LAST_WORDS, STEPS, call_id, run

from portico_client.adapters.pydantic_ai import pydantic_ai_tools


async def work(tools):
    schemas = {}

    def answer(messages, info):
        schemas.update({each.name: each.parameters_json_schema for each in info.function_tools})
        done = len(returns(messages))
        if done == len(STEPS):
            return ModelResponse(parts=[TextPart(LAST_WORDS)])
        name, arguments = STEPS[done]
        return ModelResponse(parts=[ToolCallPart(name, arguments, call_id(done))])

    agent = Agent(FunctionModel(answer), tools=pydantic_ai_tools(tools))
    result = await agent.run("Do all steps.")
    assert result.output == LAST_WORDS
    found = returns(result.all_messages())
    results = [
        [each.outcome != "success", str(each.content), sum(file.is_image for file in each.files)] for each in found
    ]
    return {"schemas": schemas, "results": results}


def returns(messages):
    return [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]


run(work)
