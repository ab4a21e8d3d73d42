"""Google's ADK: an agent run by its runner, with a model that makes the calls of the script."""

import json

from google.adk.agents import Agent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.genai import types
from script import LAST_WORDS, STEPS, call_id, run

from portico_client.adapters.google_adk import adk_tools


class Scripted(BaseLlm):
    schemas: dict
    results: list

    async def generate_content_async(self, llm_request, stream=False):
        declared = [each for tool in llm_request.config.tools or () for each in tool.function_declarations or ()]
        self.schemas.update({each.name: each.parameters_json_schema for each in declared})
        parts = [part for content in llm_request.contents for part in content.parts or ()]
        self.results[:] = [part.function_response.response for part in parts if part.function_response]
        part = types.Part(text=LAST_WORDS)
        if len(self.results) < len(STEPS):
            name, arguments = STEPS[len(self.results)]
            part = types.Part(
                function_call=types.FunctionCall(id=call_id(len(self.results)), name=name, args=arguments)
            )
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def work(tools):
    model = Scripted(model="scripted", schemas={}, results=[])
    runner = InMemoryRunner(agent=Agent(name="assistant", model=model, tools=adk_tools(tools)), app_name="tests")
    session = await runner.session_service.create_session(app_name="tests", user_id="u")
    asked = types.Content(role="user", parts=[types.Part(text="Do all steps.")])
    events = [event async for event in runner.run_async(user_id="u", session_id=session.id, new_message=asked)]
    assert events[-1].content.parts[0].text == LAST_WORDS
    return {
        "schemas": model.schemas,
        "results": [["error" in each, json.dumps(each, ensure_ascii=False), 0] for each in model.results],
    }


run(work)
