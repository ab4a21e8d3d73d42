"""The OpenAI Agents SDK, with a model that makes the calls of the script; streamed, as its users see it."""

import json

from agents import Agent, Runner, set_tracing_disabled
from agents.items import ModelResponse
from agents.models.interface import Model
from agents.usage import Usage
from openai.types.responses import (
    Response,
    ResponseCompletedEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)
from script import LAST_WORDS, STEPS, call_id, run

from portico_client.adapters.openai_agents import agents_sdk_tools

set_tracing_disabled(True)


class Scripted(Model):
    def __init__(self):
        self.schemas, self.results = {}, []

    def _answer(self, input, tools):
        self.schemas = {each.name: each.params_json_schema for each in tools}
        outputs = [each for each in input if isinstance(each, dict) and each.get("type") == "function_call_output"]
        self.results = [shown(each["output"]) for each in outputs]
        if len(outputs) == len(STEPS):
            text = ResponseOutputText(type="output_text", text=LAST_WORDS, annotations=[])
            return ResponseOutputMessage(id="m", type="message", role="assistant", status="completed", content=[text])
        name, arguments = STEPS[len(outputs)]
        return ResponseFunctionToolCall(
            type="function_call", name=name, arguments=json.dumps(arguments), call_id=call_id(len(outputs))
        )

    async def get_response(self, system_instructions, input, model_settings, tools, *_, **__):
        return ModelResponse(output=[self._answer(input, tools)], usage=Usage(), response_id=None)

    async def stream_response(self, system_instructions, input, model_settings, tools, *_, **__):
        response = Response(
            id="r", created_at=0, model="scripted", object="response", output=[self._answer(input, tools)],
            tool_choice="auto", tools=[], parallel_tool_calls=False,
        )  # fmt: skip
        yield ResponseCompletedEvent(type="response.completed", response=response, sequence_number=0)


def shown(output):
    if isinstance(output, str):
        return [None, output, 0]
    text = "".join(each.get("text", "") for each in output)
    return [None, text, sum(each["type"] == "input_image" for each in output)]


async def work(tools):
    model = Scripted()
    agent = Agent(name="Assistant", model=model, tools=agents_sdk_tools(tools))
    if tools[0].is_async:
        result = await Runner.run(agent, "Do all steps.", max_turns=20)
    else:
        result = Runner.run_streamed(agent, "Do all steps.", max_turns=20)
        assert [event async for event in result.stream_events()]
    assert result.final_output == LAST_WORDS
    return {"schemas": model.schemas, "results": model.results}


run(work)
